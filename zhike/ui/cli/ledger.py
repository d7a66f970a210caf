"""`zhike ledger`: prove it, seal it."""

from __future__ import annotations

import click

from zhike.ui.cli.output import console, print_table


@click.group()
def ledger() -> None:
    """The points ledger."""


@ledger.command()
def verify() -> None:
    """Derive every balance, lot and seal again from the transfers alone; exit code 1 and a table if anything differs."""
    from zhike.kernel.progress import Progress
    from zhike.loyalty.queries import verify_ledger

    with Progress("Verifying") as progress:
        report = verify_ledger(progress=lambda _check: progress.advance())
    console().print(
        f"{report.accounts:,} accounts, {report.transfers:,} transfers, {report.lots:,} lots, {report.seals:,} seals"
    )
    if not report.findings:
        console().print("The ledger is clean.", style="green")
        return
    rows = [(one.table, one.id, one.field, one.expected, one.found) for one in report.findings[:200]]
    print_table(
        ("table", "id", "field", "expected", "found"), rows, title=f"{len(report.findings):,} findings"
    )
    raise click.exceptions.Exit(1)


@ledger.command()
def seal() -> None:
    """Hash the transfers that are not sealed yet and chain the seal to the one before."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.loyalty.operations import seal_transfers

    seals = seal_transfers(actor=system_viewer("command line"), now=clock.now())
    console().print(f"{seals:,} seals" if seals else "Everything that can be is sealed already.")
