"""`zhike events` and `zhike rebuild`: the log's readers, repaired by hand."""

from __future__ import annotations

import click

from zhike.ui.cli.output import console, print_table


@click.group()
def events() -> None:
    """Events that a reader could not handle."""


@events.command()
@click.option("--all", "everything", is_flag=True, help="Settled ones too.")
def parked(everything: bool) -> None:
    """List what was parked, newest first, with the error."""
    from zhike.kernel.access import system_viewer
    from zhike.kernel.queries import parked_events

    page = parked_events(system_viewer("command line"), status="" if everything else "parked", limit=200)
    rows = [
        (
            row.pk,
            row.consumer,
            row.event_type,
            row.subject,
            row.tries,
            row.status,
            f"{row.parked_at:%m-%d %H:%M}",
            row.error,
        )
        for row in page.items
    ]
    print_table(("id", "reader", "type", "subject", "tries", "state", "parked", "error"), rows)


@events.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All that are parked.")
def replay(ids: tuple[int, ...], everything: bool) -> None:
    """Hand parked events to their reader again, by id or --all; exit code 1 if one fails again."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.errors import Problem
    from zhike.kernel.operations import replay_parked
    from zhike.kernel.queries import parked_events

    actor, failed = system_viewer("command line"), 0
    if everything:
        ids = tuple(row.pk for row in parked_events(actor, limit=10_000).items)
    for parked_id in sorted(ids):
        try:
            replay_parked(actor=actor, parked_id=parked_id, now=clock.now())
            click.echo(f"{parked_id}: handled")
        except Problem as problem:
            failed += 1
            click.echo(f"{parked_id}: {problem.sentence}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


@events.command()
def lag() -> None:
    """How far each reader is behind."""
    from zhike.kernel.queries import consumer_lags

    rows = [
        (lag.consumer, lag.handled, lag.events, f"{lag.seconds:.1f}", lag.parked) for lag in consumer_lags()
    ]
    print_table(("reader", "handled", "waiting", "seconds", "parked"), rows)


@click.command()
@click.argument("projection")
def rebuild(projection: str) -> None:
    """Empty the tables of a reader of the log and derive them again: the same rows as live."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.operations import rebuild_consumer
    from zhike.kernel.progress import Progress

    with Progress(f"Rebuilding {projection}") as progress:
        count = rebuild_consumer(
            actor=system_viewer("command line"), name=projection, now=clock.now(), report=progress.advance
        )
    console().print(f"{projection}: {count:,} events")
