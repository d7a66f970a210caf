"""`zhike ledger`: prove it, seal it, sign it, hand it out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

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


@ledger.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(file: Path) -> None:
    """Write the whole ledger to FILE (a zip) for tools/verify_ledger.py, which needs nothing but Python."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.progress import Progress
    from zhike.loyalty import operations

    with file.open("wb") as target, Progress("rows") as progress:
        counts = operations.hand_out_ledger(
            actor=system_viewer("command line"), target=target, now=clock.now(), progress=progress.advance
        )
    print_table(
        ("table", "rows"), [(table, f"{count:,}") for table, count in counts.items()], title=str(file)
    )


@ledger.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Yesterday unless given.")
def sign(day: dt.datetime | None) -> None:
    """Seal what can be and sign the state of the ledger at the end of a day; the worker does it every night."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.loyalty.operations import sign_day

    signed = sign_day(actor=system_viewer("command line"), now=clock.now(), day=day.date() if day else None)
    console().print(f"signed: {signed}")


@ledger.command()
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), required=False)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the signed day here, to keep it."
)
def digest(day: dt.datetime | None, out: Path | None) -> None:
    """The public keys and the signed days; with DAY that one, as the JSON file an auditor keeps."""
    from zhike.kernel.access import system_viewer
    from zhike.loyalty import queries

    viewer = system_viewer("command line")
    if day is not None:
        file = queries.daily_digest(viewer, day.date()).file
        if out is None:
            click.echo(file, nl=False)
        else:
            out.write_text(file, encoding="utf-8")
        return
    for kid, key in queries.public_keys(viewer).items():
        console().print(f"public key {kid}: {key}", soft_wrap=True)
    rows = [
        (
            one.day,
            one.facts["transfers"],
            one.outstanding,
            one.digest,
            "fits" if one.holds else "DOES NOT FIT",
        )
        for one in queries.daily_digests(viewer)
    ]
    print_table(("day", "transfers", "outstanding", "SHA-256", "signature"), rows)
