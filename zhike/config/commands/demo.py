"""`zhike demo`: one command from nothing to a mall that lives."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from zhike.config import environment
from zhike.config.startup import Stop, keep_database_running, start_database, stop_database
from zhike.config.supervisor import Child, Supervisor
from zhike.config.vendors import (
    EMULATOR,
    MINI_EMULATOR,
    PUSH_EMULATOR,
    WECHAT_EMULATOR,
    WECOM_EMULATOR,
    emulated_browser,
    emulated_mailbox,
    emulated_mini,
    emulated_wechat,
    emulated_wecom,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.panel import Panel

    from zhike.simulator.demo import LogIn

READY_TIMEOUT_S = 60.0


@click.command()
@click.option("--port", default=8000, show_default=True)
@click.option(
    "--live/--no-live", default=True, show_default=True, help="Post sales through the API while it runs."
)
@click.option("--rate", default=2.0, show_default=True, help="Live receipts per second.")
def demo(port: int, live: bool, rate: float) -> None:
    """A mall that lives: database, six months of sales, web, worker and live tills. Ctrl-C ends all of it."""
    from rich.console import Console

    if environment.is_production():
        raise Stop("The demo does not run in production (ZHIKE_ENV).")
    os.environ["ZHIKE_DEMO"] = "1"
    console = Console(stderr=True, highlight=False)
    with console.status("PostgreSQL"):
        started = start_database()
    try:
        code = _run(console, port=port, live=live, rate=rate)
    finally:
        if started:
            stop_database()
            console.print("已停止 · Stopped.")
    sys.exit(code)


def _run(console: Console, *, port: int, live: bool, rate: float) -> int:
    from zhike.config.commands.database import migrate_now

    with console.status("表结构 · tables"):
        migrate_now()
    log_ins = _fill()
    address = f"http://127.0.0.1:{port}"
    os.environ["ZHIKE_PUBLIC_URL"] = address
    os.environ["ZHIKE_LIVE_URL"] = f":{port + 1}"
    children = [_vendors(address), _mailbox(), *_children(port, live=live, rate=rate)]
    supervisor = Supervisor(children, guard=keep_database_running)

    def announce() -> None:
        with console.status("启动 · starting"):
            _wait_until_ready(f"{address}/health/ready", supervisor)
        if not supervisor.is_stopping:
            console.print(_panel(address, log_ins))

    return supervisor.run(announce)


def _fill() -> Sequence[LogIn]:
    """The demo's history, unless it is there already."""
    from zhike.simulator import demo as simulated

    simulated.ensure_history()
    # The log-in page shows them too; see settings.DEMO_LOG_INS.
    os.environ["ZHIKE_DEMO_LOG_INS"] = json.dumps([asdict(log_in) for log_in in simulated.LOG_INS])
    return simulated.LOG_INS


def _vendors(web: str) -> Child:
    """The emulated vendors of messages, and our accounts with them."""
    from zhike.simulator.demo import open_channels

    ports = _free_ports(5)
    sms, push, wechat, wecom, mini = (f"http://127.0.0.1:{port}" for port in ports)
    os.environ |= {EMULATOR: sms, PUSH_EMULATOR: push, WECHAT_EMULATOR: wechat, WECOM_EMULATOR: wecom}
    os.environ[MINI_EMULATOR] = mini
    open_channels(
        sms, push, emulated_browser, emulated_wechat(wechat), emulated_wecom(wecom), emulated_mini(mini)
    )
    command = [sys.executable, "-m", "zhike.config.cli", "simulate", "vendors", "--web", web]
    for name, port in zip(
        ("--port", "--push-port", "--wechat-port", "--wecom-port", "--mini-port"), ports, strict=True
    ):
        command += [name, str(port)]
    return Child("vendors", command, critical=False, first=False)


def _mailbox() -> Child:
    """The emulated mail server, and our line to it."""
    from zhike.kernel import clock
    from zhike.simulator.mail import open_demo_mail

    imap, smtp = _free_ports(2)
    os.environ["ZHIKE_MAIL_NETWORKS"] = "127.0.0.0/8"
    open_demo_mail(emulated_mailbox(imap, smtp), clock.now())
    command = [sys.executable, "-m", "zhike.config.cli", "simulate", "mailbox"]
    command += ["--imap-port", str(imap), "--smtp-port", str(smtp)]
    return Child("mail server", command, critical=False, first=False)


def _free_ports(count: int) -> list[int]:
    """Each is held until all are found, so that none is given twice."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _number in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _children(port: int, *, live: bool, rate: float) -> list[Child]:
    """The web comes first: what the worker has to catch up with would keep whoever wants to look waiting."""
    zhike = [sys.executable, "-m", "zhike.config.cli"]
    children = [
        Child("web", [*zhike, "web", "--port", str(port)]),
        Child("worker", [*zhike, "worker"], first=False),
        Child("live", [*zhike, "live", "--port", str(port + 1)], critical=False, first=False),
    ]
    if live:
        live_tills = [*zhike, "simulate", "live", "--port", str(port), "--rate", str(rate)]
        children.append(Child("live tills", live_tills, critical=False, first=False))
    return children


def _wait_until_ready(url: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not supervisor.is_stopping and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)


def _panel(address: str, log_ins: Sequence[LogIn]) -> Panel:
    from rich.panel import Panel
    from rich.table import Table

    table = Table.grid(padding=(0, 3))
    for name, path in [
        ("管理台 · Console", "/console/"),
        ("收银与服务台 · Counter", "/counter/"),
        ("会员端 · Member app", "/m/"),
        ("接口文档 · API", "/api/docs"),
    ]:
        table.add_row(name, f"[bold cyan]{address}{path}")
    table.add_row()
    for log_in in log_ins:
        table.add_row(log_in.role, f"[bold]{log_in.username}[/] / [bold]{log_in.password}[/]")
    table.add_row()
    table.add_row("停止 · Stop", "Ctrl-C")
    return Panel(table, title="知客 Zhike", border_style="green", expand=False, padding=(1, 2))
