"""The options that `run`, `up` and `config` share: the kubelet's flags, and what they come to.

Flags without an effect here are accepted, so that a kubelet's command line can be reused, and
hidden from the help. A flag that the kubelet does not have is a usage error.
"""

from __future__ import annotations

import functools
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from staticlet.config import flags, flagtable, load
from staticlet.kube import finding

P = ParamSpec("P")
R = TypeVar("R")
_PREFIX = "kubelet_flag_"


def kubelet_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the flags to a click command and hand it those given as `given`.

    The command takes a keyword `given`: flag names without dashes, each with its texts in the
    order given. A flag that was not given is not in it.
    """

    def gathered(*args: P.args, **kwargs: P.kwargs) -> R:
        given = {
            name: kwargs.pop(_parameter(name))
            for name in flagtable.FLAGS
            if _parameter(name) in kwargs
        }
        kwargs["given"] = {name: texts for name, texts in given.items() if texts}
        return command(*args, **kwargs)

    wrapped: Callable[P, R] = functools.wraps(command)(gathered)
    for flag in reversed(tuple(flagtable.FLAGS.values())):
        wrapped = _option(flag)(wrapped)
    return wrapped


def _option(flag: flagtable.Flag) -> Callable[[Callable[P, R]], Callable[P, R]]:
    names = [f"--{flag.name}", *(["-v"] if flag.name == "v" else [])]
    switch: Mapping[str, Any] = {}
    if flag.kind is flagtable.Kind.BOOL:
        switch = {"is_flag": False, "flag_value": "true"}
    return click.option(
        *names,
        _parameter(flag.name),
        callback=functools.partial(_tried, flag),
        metavar=flag.kind.value,
        multiple=True,
        help=flag.text or None,
        hidden=not flag.text,
        **switch,
    )


def _tried(
    flag: flagtable.Flag,
    context: click.Context,
    parameter: click.Parameter,
    texts: tuple[str, ...],
) -> tuple[str, ...]:
    """Try whether a flag's texts can be read; one that cannot is a usage error."""
    short = flag.name == "v"  # of the kubelet's `-v=2` click leaves the sign
    plain = tuple(text.removeprefix("=") if short else text for text in texts)
    try:
        if plain:
            flags.read(flag, plain)
    except flags.FlagError as error:
        raise click.BadParameter(str(error), context, parameter) from error
    return plain


def _parameter(name: str) -> str:
    return _PREFIX + name.replace("-", "_")


def settle(given: flags.Given) -> load.Loaded:
    """Load the configuration that the flags ask for.

    One that does not hold ends the program with status 1, each finding on a line of standard
    error. Warnings are in the result.
    """
    try:
        return load_flags(given)
    except load.ConfigError as error:
        tell(error.findings)
        sys.exit(1)


def load_flags(given: flags.Given) -> load.Loaded:
    """Load the configuration that the flags ask for, on this machine.

    Raises:
        load.ConfigError: It does not hold.
    """
    return load.load(given, host_name=socket.gethostname(), directory=Path.cwd())


def tell(findings: Iterable[finding.Finding]) -> None:
    """Print findings to standard error, one a line."""
    for one in findings:
        click.echo(f"{one.severity.value}: {one}", err=True)
