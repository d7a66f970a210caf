"""`zhike cards`: what a till needs to verify member codes without a network."""

from __future__ import annotations

import os
from pathlib import Path

import click

from zhike.ui.cli.output import console


@click.group()
def cards() -> None:
    """Member cards."""


@cards.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="For which till; kept in the audit trail.")
def export(file: Path, reason: str) -> None:
    """Write `card number,secret` of every active card to FILE, readable by its owner only.

    Whoever has this file can make member codes. Carry it to the till over an encrypted connection, and anew each night.
    """
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.loyalty.operations import hand_out_secrets

    handed_out = hand_out_secrets(actor=system_viewer("command line"), reason=reason, now=clock.now())
    written = 0
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="") as out:
        for number, secret in handed_out:
            out.write(f"{number},{secret}\r\n")
            written += 1
    file.chmod(0o600)
    console().print(f"{written:,} cards written to {file}")
