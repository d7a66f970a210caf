"""`zhike simulate`: make the mall, let it live on, name what a seed makes."""

from __future__ import annotations

import datetime as dt
import signal
import threading
from typing import Any

import click

from zhike.config.startup import with_django


@click.group()
def simulate() -> None:
    """A mall that lives: its history, its days to come."""


@simulate.command()
@click.option("--size", default="demo", show_default=True, help="tiny, small, demo …")
@click.option("--seed", default=None, type=int, help="Another seed, another mall.")
@click.option("--processes", default=2, show_default=True, help="Processes that load at the same time.")
@with_django
def load(size: str, seed: int | None, processes: int) -> None:
    """Load the history of a mall into the database; what is there already is left alone."""
    from zhike.kernel import clock
    from zhike.kernel.progress import Progress
    from zhike.simulator import operations

    chosen = operations.SEED if seed is None else seed
    with Progress("receipts") as bar:

        def show(stage: str, done: int, total: int) -> None:
            if stage == "history":
                bar.total = total
                bar.advance(done - bar.done)

        loaded = operations.load_mall(
            size=size, seed=chosen, now=clock.now(), progress=show, processes=processes
        )
    click.echo(
        f"{loaded.members:,} members, {loaded.receipts:,} receipts, {loaded.returns:,} returns, "
        f"{loaded.redemptions:,} redemptions in {loaded.seconds:.1f} s"
    )
    click.echo(loaded.content_hash)


@simulate.command()
@click.option("--port", required=True, type=int)
@click.option("--web", required=True, help="Where the callbacks go, such as http://127.0.0.1:8000.")
@click.option("--push-port", required=True, type=int, help="Where the emulated push service listens.")
@click.option("--wechat-port", required=True, type=int, help="Where the emulated WeChat listens.")
@click.option("--wecom-port", required=True, type=int, help="Where the emulated WeCom listens.")
@click.option("--mini-port", required=True, type=int, help="Where the emulated mini-program listens.")
@with_django
def vendors(port: int, web: str, push_port: int, wechat_port: int, wecom_port: int, mini_port: int) -> None:
    """Play the vendors of messages, with their real protocols, on this machine."""
    from zhike.config.vendors import play_vendors

    play_vendors(port, web, push_port, wechat_port, wecom_port, mini_port)


@simulate.command()
@click.option("--imap-port", required=True, type=int)
@click.option("--smtp-port", required=True, type=int)
@with_django
def mailbox(imap_port: int, smtp_port: int) -> None:
    """Play the mail server that customers write to, with its real protocols, on this machine."""
    from zhike.config.vendors import play_mailbox

    play_mailbox(imap_port, smtp_port)


@simulate.command("hash")
@click.option("--size", default="demo", show_default=True)
@click.option("--seed", default=None, type=int)
@click.option("--date", "day", default=None, type=click.DateTime(["%Y-%m-%d"]), help="By default today.")
@with_django
def show_hash(size: str, seed: int | None, day: dt.datetime | None) -> None:
    """Print the hash of what a size, a seed and a date make; nothing is written."""
    from zhike.kernel import clock
    from zhike.simulator import operations
    from zhike.simulator.rhythm import ZONE

    today = day.date() if day else clock.business_date(clock.now(), ZONE)
    chosen = operations.SEED if seed is None else seed
    click.echo(operations.content_hash(size=size, seed=chosen, today=today))


@simulate.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--rate", default=2.0, show_default=True, help="Receipts a second.")
@click.option("--count", default=None, type=int, help="Stop after so many.")
@with_django
def live(port: int, rate: float, count: int | None) -> None:
    """Post receipts, returns, enrolments and redemptions through the API until told to stop."""
    from zhike.collection.operations import revoke_write_key
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.organization.operations.api_keys import create_api_key, revoke_api_key
    from zhike.simulator import operations

    actor = system_viewer("simulator")
    key, raw = create_api_key(actor=actor, name="live tills", scopes=operations.LIVE_SCOPES, now=clock.now())
    write_key_id, write_key = operations.mini_program_key(actor=actor, now=clock.now())
    stop = threading.Event()

    def leave(signal_number: int, frame: Any) -> None:
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, leave)
    try:
        operations.live(
            base_url=f"http://127.0.0.1:{port}",
            key=raw,
            rate=rate,
            stop=stop,
            count=count,
            write_key=write_key,
        )
    finally:
        revoke_write_key(actor=actor, key_id=write_key_id, now=clock.now())
        revoke_api_key(actor=actor, key_id=key.pk, now=clock.now())
