"""`zhike`: the command line. A command's module is imported when the command is called, not before."""

from __future__ import annotations

import importlib

import click

from zhike.config.startup import with_django

COMMANDS = {
    "demo": ("zhike.config.commands.demo:demo", "A mall that lives, on http://127.0.0.1:8000."),
    "dev": ("zhike.config.commands.dev:dev", "Web, worker and front end that reload as you type."),
    "web": ("zhike.config.commands.serve:web", "Serve pages and API."),
    "live": ("zhike.config.commands.serve:live", "Hold the open connections of chats."),
    "worker": ("zhike.config.commands.serve:worker", "Run jobs and the readers of the event log."),
    "migrate": ("zhike.config.commands.database:migrate", "Bring the tables up to date."),
    "db": ("zhike.config.commands.database:db", "The embedded PostgreSQL: start, stop, url, psql, dump."),
    "manage": ("zhike.config.commands.database:manage", "Any of Django's management commands."),
    "simulate": (
        "zhike.config.commands.simulate:simulate",
        "Make a mall that lives: history, or live sales.",
    ),
    "apikey": ("zhike.ui.cli.apikey:apikey", "Keys for programs that call the API."),
    "staff": ("zhike.ui.cli.staff:staff", "People who log in to the console."),
    "import": ("zhike.ui.cli.imports:imports", "Bring in files of receipts."),
    "cards": ("zhike.ui.cli.cards:cards", "Secrets of member cards, for tills without a network."),
    "ledger": ("zhike.ui.cli.ledger:ledger", "Prove the points ledger, and seal it."),
    "rights": ("zhike.ui.cli.rights:rights", "Privacy requests: what is due, certificates, old data."),
    "history": ("zhike.ui.cli.history:history", "The columnar history: export, verify, rebuild."),
    "events": ("zhike.ui.cli.events:events", "Events that a reader could not handle."),
    "rebuild": ("zhike.ui.cli.events:rebuild", "Throw a projection away and derive it again."),
    "keys": ("zhike.ui.cli.keys:keys", "Encryption keys: status and rotation."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and finds them when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module_name, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module_name), name)
        if module_name.startswith("zhike.ui."):
            prepare(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


def prepare(command: click.Command) -> None:
    """Commands of the business know nothing of databases to start: they find one, and Django set up, when they run."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            prepare(each)
    elif command.callback is not None:
        command.callback = with_django(command.callback)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zhike")
def main() -> None:
    """Zhike (知客): the customer system of shopping malls and retail groups.

    Without DATABASE_URL every command starts and uses the PostgreSQL that Zhike brings along, in ZHIKE_HOME (.zhike).
    """


if __name__ == "__main__":
    main()
