"""`zhike web`, `zhike worker` and `zhike live`: the processes of an installation."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import click

from zhike.config import environment
from zhike.config.startup import start_database, with_django

LIVE_CONNECTIONS_MAX = 16_384


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=32, show_default=True, help="Threads per process.")
@click.option("--migrate", "with_migrate", is_flag=True, help="Bring the tables up to date first.")
def web(host: str, port: int, workers: int, threads: int, with_migrate: bool) -> None:
    """Serve pages and API with granian."""
    start_database()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    os.environ.setdefault("ZHIKE_POOL", str(threads + 4))
    if with_migrate:
        from zhike.config.commands.database import migrate_now

        migrate_now()
    _share_figures(port)
    os.environ["ZHIKE_THREADS"] = str(threads)
    serve_web(host=host, port=port, workers=workers)


def _share_figures(port: int) -> None:
    """An empty folder where the processes of this server count requests together; see `ui.api.metrics`."""
    folder = environment.home() / "metrics" / str(port)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def serve_web(*, host: str, port: int, workers: int) -> None:
    """Run granian in this process until it is told to stop."""
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "zhike.config.web:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        backlog=512,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=10,
    ).serve()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
def live(host: str, port: int) -> None:
    """Hold the open connections of chats and tell them what is new; see ZHIKE_LIVE_URL."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    start_database()
    os.environ.setdefault("ZHIKE_POOL", "2")
    Server(
        "zhike.config.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        backlog=LIVE_CONNECTIONS_MAX,
        backpressure=LIVE_CONNECTIONS_MAX,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=2,
    ).serve()


@click.command()
@click.option("--concurrency", default=2, show_default=True, help="Jobs at the same time.")
@with_django
def worker(concurrency: int) -> None:
    """Run jobs and the readers of the event log until SIGTERM or Ctrl-C."""
    from zhike.config.worker import run_worker

    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    sys.exit(run_worker(concurrency=concurrency))
