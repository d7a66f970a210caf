"""`zhike dev`: everything that reloads as you type."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from zhike.config.startup import start_database, stop_database
from zhike.config.supervisor import Child, Supervisor


@click.command()
@click.option("--port", default=8000, show_default=True)
@click.option(
    "--frontend/--no-frontend", default=True, show_default=True, help="Rebuild CSS and JavaScript on change."
)
def dev(port: int, frontend: bool) -> None:
    """Web, worker and front end that reload as you type; templates are read afresh on every request."""
    from zhike.config.commands.database import migrate_now

    os.environ["ZHIKE_DEBUG"] = "1"
    os.environ.setdefault("ZHIKE_DEMO", "1")
    os.environ.setdefault("ZHIKE_LIVE_URL", f":{port + 1}")
    started = start_database()
    migrate_now()
    root = Path(__file__).resolve().parents[3]
    zhike = [sys.executable, "-m", "zhike.config.cli"]
    children = [
        Child("web", [*zhike, "web", "--port", str(port), "--workers", "1"], reload=True, critical=False),
        Child("worker", [*zhike, "worker"], reload=True, critical=False),
        Child("live", [*zhike, "live", "--port", str(port + 1)], reload=True, critical=False),
    ]
    if frontend and (root / "hatch_build.py").exists():
        children.append(
            Child("front end", [sys.executable, str(root / "hatch_build.py"), "--watch"], critical=False)
        )
    click.echo(f"http://127.0.0.1:{port}/console/   Ctrl-C ends it")
    code = Supervisor(children, watch=[root / "zhike"]).run()
    if started:
        stop_database()
    sys.exit(code)
