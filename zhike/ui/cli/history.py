"""`zhike history`: the columnar history brought up to date, checked, made anew."""

from __future__ import annotations

import click

from zhike.ui.cli.output import console, print_table


@click.group()
def history() -> None:
    """The columnar history: a folder of Parquet files beside the database."""


@history.command()
def export() -> None:
    """Take in what was written or changed since the last run, and work out the figures."""
    _run("export_history")


@history.command()
def verify() -> None:
    """Hold the files against their checksums and the database; exit code 1 where they differ."""
    _run("verify_history")


@history.command()
def rebuild() -> None:
    """Throw the files away and read everything anew."""
    _run("rebuild_history")


def _run(name: str) -> None:
    from zhike.history import operations, queries
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer

    actor = system_viewer("command line")
    run = queries.lake_run(actor, getattr(operations, name)(actor=actor, now=clock.now()))
    rows = [
        (
            one["name"],
            f"{one['changed']:,}",
            f"{one['rows']:,}",
            f"{one['rows_source']:,}",
            f"{one['size_bytes'] / 1_000_000:,.1f}",
            "agrees" if one["agrees"] else f"differs on {', '.join(one['differing_days'])}",
        )
        for one in run.tables
    ]
    if rows:
        print_table(("table", "taken in", "rows", "in the database", "MB", "verdict"), rows)
    differing = [one for one in run.checks if one["lake"] != one["database"]]
    for one in differing:
        console().print(
            f"{one['code']} {one['part']}: {one['lake']:,} here, {one['database']:,} there", style="red"
        )
    is_well = run.state == "done"
    verdict = f"{len(run.checks)} figures agree." if is_well else f"The history differs: {run.fault}"
    console().print(verdict, style="green" if is_well else "red")
    if not is_well:
        raise click.exceptions.Exit(1)
