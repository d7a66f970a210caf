"""`zhike staff`: people who log in to the console."""

from __future__ import annotations

import click


@click.group()
def staff() -> None:
    """People who log in to the console."""


@staff.command()
@click.argument("username")
@click.option("--name", required=True, help="As colleagues know them.")
@click.option(
    "--role", required=True, help="admin, group_manager, mall_manager, operations, marketer, cashier …"
)
@click.option("--level", default="all", show_default=True, help="all, mall, floor, merchant or own.")
@click.option("--target", default=0, help="Id of that mall, floor or merchant.")
@click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, envvar="ZHIKE_STAFF_PASSWORD"
)
def create(username: str, name: str, role: str, level: str, target: int, password: str) -> None:
    """Make a log-in with one role. The password is asked for, or read from ZHIKE_STAFF_PASSWORD."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.organization.operations.staff import create_staff, grant_role
    from zhike.organization.queries import founded_group

    actor, now = system_viewer("command line"), clock.now()
    group = founded_group()
    group_id = group.id if group else None
    staff_id = create_staff(
        actor=actor, group_id=group_id, username=username, name=name, password=password, now=now
    )
    grant_role(actor=actor, staff_id=staff_id, role=role, level=level, target_id=target, now=now)
    click.echo(f"{username} ({role}, {level}) can log in at /console/login/.")
