"""The entry point: a group of commands, each imported only when it is called."""

from __future__ import annotations

import importlib

import click

COMMANDS = (
    "api",
    "completion",
    "config",
    "describe",
    "doctor",
    "get",
    "logs",
    "restart",
    "run",
    "up",
    "validate",
    "why",
)


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own name below `staticlet.cli`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order in which help shows them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and take its `command`."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"staticlet.cli.{cmd_name}")
        command: click.Command = module.command
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="staticlet", prog_name="staticlet")
def main() -> None:
    """Run static pods: put a Pod manifest in a directory and it runs, on real containers."""
