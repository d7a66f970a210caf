"""Run in a process of its own: steps people through a journey in small batches, and is killed while a batch is being written."""

from __future__ import annotations

import django


def main() -> None:
    django.setup()
    from tests.loyalty.conftest import NOW, SYSTEM
    from zhike.marketing import operations
    from zhike.marketing.operations.journeys import stepping

    stepping.BATCH = 20
    operations.step_journeys(actor=SYSTEM, now=NOW)


if __name__ == "__main__":
    main()
