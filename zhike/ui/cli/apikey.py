"""`zhike apikey`: keys for programs that call the API."""

from __future__ import annotations

import click

from zhike.ui.cli.output import console, print_table

LEVELS = ("all", "mall", "floor", "merchant")


@click.group()
def apikey() -> None:
    """Keys for programs that call the API."""


@apikey.command()
@click.option("--name", required=True, help="What the key is for, such as “tills of 星河城”.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="A permission, such as receipts.record; repeatable.",
)
@click.option(
    "--level", type=click.Choice(LEVELS), default="all", show_default=True, help="Where it is valid."
)
@click.option("--target", default=0, help="Id of that mall, floor or merchant.")
@click.option("--rate", default=6000, show_default=True, help="Calls a minute.")
@click.option("--quiet", is_flag=True, help="Print the key alone, for a script.")
def create(name: str, scopes: tuple[str, ...], level: str, target: int, rate: int, quiet: bool) -> None:
    """Make a key and print it. It is shown this once; only a digest of it is kept."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.organization.operations.api_keys import create_api_key

    given = [scope for text in scopes for scope in text.replace(",", " ").split()]
    _key, raw = create_api_key(
        actor=system_viewer("command line"),
        name=name,
        scopes=given,
        level=level,
        target_id=target,
        rate_per_minute=rate,
        now=clock.now(),
    )
    if quiet:
        click.echo(raw)
        return
    console().print(
        f"[bold green]{raw}[/]\n{', '.join(sorted(given))} · {level}{f' {target}' if target else ''}"
    )
    console().print("Keep it now: it is not shown again.", style="yellow")


@apikey.command("list")
def list_keys() -> None:
    """The keys, newest first, without their secrets."""
    from zhike.kernel.access import system_viewer
    from zhike.organization.queries import api_keys

    rows = [
        (
            key.id,
            key.prefix,
            key.name,
            " ".join(key.scopes),
            f"{key.level} {key.target_id or ''}".strip(),
            key.rate_per_minute,
            f"{key.created_at:%Y-%m-%d}",
            f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "",
            f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "active",
        )
        for key in api_keys(system_viewer("command line"))
    ]
    print_table(
        ("id", "prefix", "name", "scopes", "valid", "rate/min", "created", "last used", "state"), rows
    )


@apikey.command()
@click.argument("prefix")
@click.option("--reason", default="", help="For the audit trail.")
def revoke(prefix: str, reason: str) -> None:
    """Stop a key, named by its id or the part after “zk_”; it is refused everywhere within half a minute."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.organization.operations.api_keys import revoke_api_key
    from zhike.organization.queries import api_keys

    actor = system_viewer("command line")
    wanted = prefix.removeprefix("zk_").partition("_")[0]
    found = next((key for key in api_keys(actor) if wanted in (key.prefix, str(key.id))), None)
    if found is None:
        raise click.ClickException(f"No key begins with zk_{wanted}.")
    revoke_api_key(actor=actor, key_id=found.id, reason=reason, now=clock.now())
    click.echo(f"Revoked: {found.name}")
