"""`zhike rights`: what is due, certificates checked, old data let go."""

from __future__ import annotations

import json
from pathlib import Path

import click

from zhike.ui.cli.output import console, print_table


@click.group()
def rights() -> None:
    """Requests about personal data."""


@rights.command()
@click.option(
    "--queue", type=click.Choice(["open", "late", "done", "all"]), default="open", show_default=True
)
def requests(queue: str) -> None:
    """Requests with the day they must be answered by."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.rights import queries

    now = clock.now()
    page = queries.requests_page(system_viewer("command line"), queue=queue, now=now, limit=200)
    rows = [(row.number, row.kind, row.state, row.due_on, row.standing) for row in page.items]
    print_table(("number", "kind", "state", "due on", "standing"), rows, title=f"{len(rows)} requests")


@rights.command()
def purge() -> None:
    """Let go now what is older than its policy says; what tonight's run would do."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.rights import operations

    rows = operations.purge(actor=system_viewer("command line"), now=clock.now())
    print_table(("class", "rows"), [(code, f"{count:,}") for code, count in rows.items()])


@rights.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path) -> None:
    """Check the signature of a certificate of erasure, and that this installation signed it; exit code 1 if not."""
    from zhike.rights import queries

    try:
        verdict = queries.verdict_on(json.loads(file.read_text("utf-8")))
    except (ValueError, KeyError, TypeError):
        verdict = "not a certificate"
    console().print(verdict or "The certificate is genuine.", style="red" if verdict else "green")
    if verdict:
        raise click.exceptions.Exit(1)
