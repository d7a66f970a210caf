"""`zhike import`: files of receipts."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zhike.ui.cli.output import console, print_table

if TYPE_CHECKING:
    from zhike.intake.operations import Reconciliation
    from zhike.kernel.access import Viewer
    from zhike.kernel.progress import Progress

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def imports() -> None:
    """Bring in files of receipts: CSV, TSV, XLSX, gzip or not; UTF-8 or GBK."""


@imports.command()
@click.argument("file", type=FILE)
@click.option("--mapping", type=FILE, help="TOML or JSON; without one it is guessed from the headings.")
@click.option("--mall", help="Code of the mall; may be left out where there is one only.")
@click.option("--dry-run", is_flag=True, help="The same counts, and nothing written.")
@click.option(
    "--quarantine", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows set aside here."
)
def receipts(
    file: Path, mapping: Path | None, mall: str | None, dry_run: bool, quarantine: Path | None
) -> None:
    """Load receipts from FILE. Bad rows never stop good ones; the same file again adds nothing."""
    from zhike.intake.operations import import_file
    from zhike.intake.queries import mapping_of_text
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.progress import Progress

    actor = system_viewer("command line")
    chosen = mapping_of_text(mapping.read_text(encoding="utf-8"), mapping.name) if mapping else None
    with Progress("rows") as bar:
        outcome = import_file(
            actor=actor,
            mall_id=_mall_id(actor, mall),
            path=file,
            mapping=chosen,
            dry_run=dry_run,
            now=clock.now(),
            progress=_Stages(bar),
        )
    _print(outcome.reconciliation, dry_run=dry_run)
    if quarantine is not None:
        _write_quarantine(actor, outcome.run_id, quarantine)
    console().print(f"run {outcome.run_id}", style="dim")


@imports.command()
@click.argument("file", type=FILE)
@click.option("--batch", default="opening", help="Name of the move; under one name nothing comes in twice.")
@click.option("--dry-run", is_flag=True, help="The same counts, and nothing written.")
def balances(file: Path, batch: str, dry_run: bool) -> None:
    """Bring in balances of another system from FILE: phone or card, points, expires_on; a row per day of expiry."""
    from zhike.intake.operations import import_balances
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer

    outcome = import_balances(
        actor=system_viewer("command line"), path=file, batch=batch, dry_run=dry_run, now=clock.now()
    )
    rows = [
        ("rows", f"{outcome.rows:,}"),
        ("brought in", f"{outcome.brought:,}"),
        ("points", f"{outcome.points:,}"),
        ("in already", f"{outcome.already:,}"),
        ("refused", f"{len(outcome.refused):,}"),
    ]
    print_table(("what", "count"), rows, title="Dry run" if dry_run else "Brought in")
    if outcome.refused:
        print_table(("row", "reason"), [(str(no), reason) for no, reason in outcome.refused[:100]])


@imports.command("list")
def list_runs() -> None:
    """The latest imports."""
    from zhike.intake import queries as intake
    from zhike.kernel.access import system_viewer

    rows = [
        (
            run.id,
            f"{run.created_at:%Y-%m-%d %H:%M}",
            run.file_name,
            run.state,
            f"{run.lines_total:,}",
            f"{run.counts.accepted:,}" if run.counts else "",
            f"{run.open_rows:,}",
        )
        for run in intake.runs(system_viewer("command line")).items
    ]
    print_table(("run", "begun", "file", "state", "lines", "accepted", "in quarantine"), rows)


@imports.command()
@click.argument("run", type=click.UUID)
@click.option("--reason", default="", help="For the audit trail.")
def undo(run: uuid.UUID, reason: str) -> None:
    """Take every receipt of a run out again, with its points; all or nothing."""
    from zhike.intake import operations
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.progress import Progress

    actor = system_viewer("command line")
    with Progress("rows") as bar:
        outcome = operations.undo(
            actor=actor, run_id=run, reason=reason, now=clock.now(), progress=_Stages(bar)
        )
    console().print(f"{outcome.receipts:,} receipts taken out")


class _Stages:
    """One bar for all stages of the work: it begins anew with each."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar

    def __call__(self, stage: str, done: int, total: int) -> None:
        bar = self._bar
        if stage != bar.label:
            bar.done = 0
        bar.label, bar.total = stage, total or None
        bar.advance(done - bar.done)


def _mall_id(actor: Viewer, code: str | None) -> int:
    from zhike.organization.queries import malls

    known = malls(actor)
    found = [mall for mall in known if code in (None, mall.code)]
    if len(found) != 1:
        names = ", ".join(mall.code for mall in known) or "none"
        raise click.UsageError(f"Name one mall with --mall; there are: {names}.")
    return found[0].id


def _print(account: Reconciliation, *, dry_run: bool) -> None:
    """Every line of the file, counted once, and what the accepted ones made."""
    from zhike.intake.queries import reason_sentence
    from zhike.kernel.money import yuan_text

    rows: list[tuple[str, str]] = [
        ("lines", f"{account.lines:,}"),
        ("accepted", f"{account.accepted:,}"),
        ("merged", f"{account.merged:,}"),
        ("already", f"{account.already:,}"),
        *(
            (f"quarantined: {reason_sentence(code)}", f"{count:,}")
            for code, count in account.quarantined.items()
        ),
        ("receipts", f"{account.receipts:,}"),
        ("returns", f"{account.returns:,}"),
        ("returned lines that found their sale", f"{account.returns_matched:,}"),
        ("returned lines without", f"{account.returns_unmatched:,}"),
        ("sales", yuan_text(account.net_fen)),
        ("refunds", yuan_text(account.returned_fen)),
        ("points", f"{account.points:,}"),
        ("new members", f"{account.members_created:,}"),
        ("new articles", f"{account.products_created:,}"),
        ("new merchants", f"{account.merchants_created:,}"),
    ]
    print_table(("what", "count"), rows, title="Dry run" if dry_run else "Imported")
    if not account.balanced:
        raise click.ClickException("The lines do not add up. Please report this.")
    console().print("Every line is accounted for.")


def _write_quarantine(actor: Viewer, run_id: uuid.UUID, path: Path) -> None:
    from zhike.intake.queries import quarantine_csv

    with path.open("w", encoding="utf-8", newline="") as target:
        target.writelines(quarantine_csv(actor, run_id))
    console().print(f"Rows set aside: {path}")
