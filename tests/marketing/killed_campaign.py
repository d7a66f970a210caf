"""Run in a process of its own: advances campaigns in small chunks, and is killed while a chunk is being written."""

from __future__ import annotations

import django


def main() -> None:
    django.setup()
    from tests.loyalty.conftest import NOW, SYSTEM
    from zhike.marketing import operations
    from zhike.marketing.operations import filling, giving

    filling.CHUNK = giving.CHUNK = 20
    operations.advance_campaigns(actor=SYSTEM, now=NOW)


if __name__ == "__main__":
    main()
