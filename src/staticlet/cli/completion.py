"""`staticlet completion`: the script that lets a shell complete commands, pods and containers."""

from __future__ import annotations

import click
from click import shell_completion

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "staticlet"
VARIABLE = "_STATICLET_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell: `source <(staticlet completion bash)`."""
    found = shell_completion.get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"no completion is known for {shell}")
    made = found(ctx.find_root().command, {}, PROGRAM, VARIABLE)
    click.echo(made.source_template % made.source_vars())
