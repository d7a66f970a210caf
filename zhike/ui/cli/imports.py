"""`zhike import`: files of receipts."""

from __future__ import annotations

import click


@click.group()
def imports() -> None:
    """Bring in files of receipts."""
