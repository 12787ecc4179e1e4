"""Asking the agent on this machine: its socket, how it is found, and the options that name it.

Every command that talks to the agent takes `--socket` and `--root-dir`, also after its noun,
where people write them.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")

SOCKET_NAME = "staticlet.sock"
WELL_KNOWN_ROOTS = (Path("/var/lib/kubelet"), Path("/var/lib/staticlet/kubelet"))
TIMEOUT_S = 10.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, *, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(os.fspath(self._path))


def ask(path: Path, what: str, *, method: str = "GET", timeout_s: float = TIMEOUT_S) -> Any:
    """The agent's answer to one request, from JSON.

    Args:
        path: The agent's socket.
        what: The path of the request with its query.
        method: The HTTP method.
        timeout_s: Seconds to wait for each part of the answer.

    Raises:
        click.ClickException: Nobody answers there, or the answer is a refusal; the text says
            what to do.
    """
    connection = UnixConnection(path, timeout_s=timeout_s)
    try:
        connection.request(method, what)
        reply = connection.getresponse()
        body = reply.read()
    except (OSError, http.client.HTTPException) as fault:
        raise unreachable(path, fault) from fault
    finally:
        connection.close()
    if reply.status != http.client.OK:
        raise click.ClickException(f"the agent on {path} answered {reply.status}: {body!r}")
    return json.loads(body)


def unreachable(path: Path, fault: OSError | http.client.HTTPException) -> click.ClickException:
    """What to tell when a request came to nothing."""
    if isinstance(fault, PermissionError):
        return click.ClickException(f"cannot open {path}: only root may ask the agent")
    return click.ClickException(
        f"no agent answers on {path} ({fault}); is `staticlet run` or `staticlet up` at work? "
        "give its --root-dir or --socket if it is not at the usual place"
    )


def find_socket(given: Path | None, root_dir: Path | None) -> Path:
    """The agent's socket: as given, below the given root directory, or the first that exists."""
    if given is not None:
        return given
    if root_dir is not None:
        return root_dir / SOCKET_NAME
    candidates = [root / SOCKET_NAME for root in WELL_KNOWN_ROOTS]
    return next((path for path in candidates if path.exists()), candidates[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The agent that a command asks; what was given may be completed by a subcommand's options."""

    given_socket: Path | None = None
    given_root_dir: Path | None = None

    @property
    def path(self) -> Path:
        """Its socket."""
        return find_socket(self.given_socket, self.given_root_dir)

    def ask(self, what: str, *, method: str = "GET", timeout_s: float = TIMEOUT_S) -> Any:
        """The agent's answer to one request; see `ask`."""
        return ask(self.path, what, method=method, timeout_s=timeout_s)


def agent_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--socket` and `--root-dir` to a click command, and hand it an `Agent` as `agent`.

    What is given to a group holds for its subcommands, unless they are given their own.
    """

    def located(*args: P.args, **kwargs: P.kwargs) -> R:
        own_socket = kwargs.pop("agent_socket")
        own_root = kwargs.pop("agent_root_dir")
        context = click.get_current_context()
        outer = context.find_object(Agent) or Agent()
        if own_socket is not None or own_root is not None:
            outer = Agent(given_socket=_path(own_socket), given_root_dir=_path(own_root))
        elif outer == Agent() and os.environ.get("STATICLET_SOCKET"):
            outer = Agent(given_socket=Path(os.environ["STATICLET_SOCKET"]))
        context.obj = outer
        kwargs["agent"] = outer
        return command(*args, **kwargs)

    wrapped: Callable[P, R] = functools.wraps(command)(located)
    wrapped = click.option(
        "--root-dir",
        "agent_root_dir",
        type=click.Path(path_type=Path),
        help="The agent's root directory, where its socket is.",
    )(wrapped)
    return click.option(
        "--socket",
        "agent_socket",
        type=click.Path(path_type=Path),
        help="The agent's socket; else $STATICLET_SOCKET.",
    )(wrapped)


def _path(value: object) -> Path | None:
    return value if isinstance(value, Path) else None
