"""`zhike keys`: the encryption keys of personal data."""

from __future__ import annotations

import click

from zhike.ui.cli.output import console, print_table


@click.group()
def keys() -> None:
    """Encryption keys of personal data; they live in a file or the environment, never in the database."""


@keys.command()
def status() -> None:
    """How many values lie under each key; exit code 1 where ours are not the keys that wrote them."""
    from zhike.kernel.access import system_viewer
    from zhike.kernel.queries import fields_under_other_keys, keys_status

    found = keys_status(system_viewer("command line"))
    rows = [
        (name, field, count) for name, fields in found.items() for field, count in (fields or {"": 0}).items()
    ]
    print_table(("key", "field", "values"), rows)
    if closed := fields_under_other_keys(system_viewer("command line")):
        console().print(
            f"These keys do not open: {', '.join(closed)}. Bring back those that wrote it.", style="red"
        )
        raise click.exceptions.Exit(1)


@keys.command()
@click.option("--index", is_flag=True, help="A new key for the blind indexes too.")
@click.option(
    "--reencrypt/--later", default=True, show_default=True, help="Bring old values under the new key now."
)
def rotate(index: bool, reencrypt: bool) -> None:
    """Add a key that writes from now on, and re-encrypt what lies under the old ones. Then restart web and worker."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.operations import rotate_keys

    actor = system_viewer("command line")
    names = [rotate_keys(actor=actor, now=clock.now())]
    if index:
        names.append(rotate_keys(actor=actor, now=clock.now(), index=True))
    console().print(f"New: {', '.join(names)}")
    if reencrypt:
        _reencrypt()


@keys.command("reencrypt")
def reencrypt_values() -> None:
    """Bring what still lies under old keys under the newest one, such as what was written before a restart."""
    _reencrypt()


def _reencrypt() -> None:
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.operations import reencrypt_everything
    from zhike.kernel.progress import Progress

    with Progress("Re-encrypting") as progress:
        unreadable = reencrypt_everything(
            actor=system_viewer("command line"), now=clock.now(), report=progress.advance
        )
    console().print(f"{progress.done:,} values re-encrypted, {unreadable:,} unreadable")
    if unreadable:
        raise click.exceptions.Exit(1)


@keys.command()
@click.argument("name")
def retire(name: str) -> None:
    """Remove an old key ("k1", "index 1") under which nothing lies any more."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.kernel.operations import retire_key

    retire_key(actor=system_viewer("command line"), name=name, now=clock.now())
    console().print(f"Retired: {name}")
