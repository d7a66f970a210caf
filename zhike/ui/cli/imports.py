"""`zhike import`: files of receipts."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click

from zhike.ui.cli.output import console, print_table


@click.group()
def imports() -> None:
    """Bring in files of receipts."""


@imports.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML or JSON; without one it is guessed from the headings.",
)
@click.option("--mall", "mall_code", help="Code of the mall; may be left out where there is one only.")
@click.option("--dry-run", is_flag=True, help="The same counts, and nothing written.")
def receipts(file: Path, mapping_file: Path | None, mall_code: str | None, dry_run: bool) -> None:
    """Load receipts from CSV, TSV or XLSX, gzip or not. The same file again adds nothing."""
    from zhike.intake import operations as intake
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.progress import Progress

    actor = system_viewer("command line")
    with Progress("rows") as bar:

        def show(stage: str, done: int, total: int) -> None:
            if done < bar.done:
                bar.done = 0
            bar.label, bar.total = stage, total or None
            bar.advance(done - bar.done)

        outcome = intake.import_file(
            actor=actor,
            mall_id=_mall_id(mall_code),
            path=file,
            mapping=_mapping(mapping_file),
            dry_run=dry_run,
            now=clock.now(),
            progress=show,
        )
    _tell(outcome.reconciliation, dry_run)


def _mall_id(code: str | None) -> int:
    from zhike.kernel.access import system_viewer
    from zhike.organization.queries import malls

    found = [mall for mall in malls(system_viewer("command line")) if code in (None, mall.code)]
    if len(found) != 1:
        names = ", ".join(mall.code for mall in found) or "none"
        raise click.UsageError(f"Name one mall with --mall; found: {names}.")
    return found[0].id


def _mapping(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    text = path.read_text(encoding="utf-8")
    try:
        return dict(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))
    except ValueError as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from error


def _tell(reconciliation: Any, dry_run: bool) -> None:
    """Every line of the file, counted once."""
    rows = [(name, f"{count:,}") for name, count in _counts(reconciliation.as_json())]
    print_table(("what", "rows"), rows, title="Dry run" if dry_run else "Imported")
    console().print("Every line is accounted for." if reconciliation.balanced else "The lines do not add up!")


def _counts(account: dict[str, Any], prefix: str = "") -> list[tuple[str, int]]:
    """The numbers of the account, nested ones named by their path."""
    found: list[tuple[str, int]] = []
    for name, value in account.items():
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            found.append((f"{prefix}{name}", value))
        elif isinstance(value, dict):
            found += _counts(value, f"{prefix}{name}: ")
    return found
