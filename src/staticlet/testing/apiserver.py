"""`staticlet api` as a process of its own, which tests start, stop and kill.

It listens on a free port of the loopback, which it keeps over all its lives, keeps everything
below one directory, and knows three users by their tokens: an administrator, the node `node1`, and
somebody without rights. For a server inside a test's own loop see `apiloop`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from staticlet.app import apioptions
from staticlet.host import certs
from staticlet.testing import program
from staticlet.testing.until import until

TOKENS: Mapping[str, str] = {
    "admin": "admin-token",
    "node": "node-token",
    "nobody": "nobody-token",
}
"""The users' tokens."""

USERS = (
    'admin-token,admin,uid-admin,"system:masters"',
    'node-token,system:node:node1,uid-node,"system:nodes"',
    "nobody-token,nobody,uid-nobody",
)
"""The token file's lines."""

NODE = "node1"
_SAYS = "serving the Kubernetes API on https://"


def options_in(place: Path, **given: Any) -> apioptions.Options:
    """Options of a server below a directory: any port, no controllers, three tokens."""
    tokens = place / "tokens.csv"
    tokens.write_text("\n".join(USERS) + "\n")
    wanted: dict[str, Any] = {
        "node_name": NODE,
        "state_dir": place / "api",
        "port": 0,
        "token_file": tokens,
        "controllers": "none",
    }
    return apioptions.Options(**(wanted | given))


class ApiProcess(program.Program):
    """A server as a process of its own, which tests start, stop and kill.

    Args:
        place: A directory of the test's own.
        flags: More flags of `staticlet api`; they count more than those that are given here.
        controllers: The value of `--controllers`.

    Attributes:
        place: That directory.
        options: What it is told.
        url: The server's, once it has been started; the same at every start.
    """

    def __init__(
        self, place: Path, *, flags: Sequence[str] = (), controllers: str = "none"
    ) -> None:
        super().__init__("the API server", place, log="api.log")
        self.place = place
        self.options = options_in(place)
        self.url = ""
        self._flags = (f"--controllers={controllers}", *flags)

    @property
    def ca(self) -> Path:
        """The CA of the server's certificate, and of that which it shows to nodes."""
        return certs.Places(self.options.state_dir).ca

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return certs.Places(self.options.state_dir).admin_conf

    @property
    def node_kubeconfig(self) -> Path:
        """The node's kubeconfig."""
        return certs.Places(self.options.state_dir).node_conf

    def start(self) -> None:
        """Start it and wait until it answers."""
        before = len(self.log)
        port = self.url.rpartition(":")[2] or "0"
        self.launch(
            [
                sys.executable,
                "-m",
                "staticlet",
                "api",
                f"--state-dir={self.options.state_dir}",
                f"--secure-port={port}",
                f"--token-auth-file={self.options.token_file}",
                f"--hostname-override={NODE}",
                *self._flags,
            ]
        )
        until(lambda: self._answers(before), "the API server answers", story=self.story)

    def _answers(self, before: int) -> bool:
        self.check_alive()
        _, said, rest = self.log[before:].partition(_SAYS)
        if said and "\n" in rest:
            self.url = "https://" + rest.split()[0].strip('",')
            return True
        return False
