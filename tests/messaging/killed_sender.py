"""Run in a process of its own: sends what is due, and is killed while the vendor holds its answer back."""

from __future__ import annotations

import django


def main() -> None:
    django.setup()
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.messaging import operations

    operations.send_due(actor=system_viewer("postman"), now=clock.now())


if __name__ == "__main__":
    main()
