"""A real image registry for tests: Debian's docker-registry on a free port of loopback.

It keeps its blobs in a directory of its own and is gone with it. With `users` it demands basic
authentication. `push` stores an image by the registry's HTTP API, without any other tool.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staticlet.testing import ports

PROGRAM = "docker-registry"
USER = "puller"
PASSWORD = "right-password"  # noqa: S105  of a registry that lives for a test
HTPASSWD = f"{USER}:$2b$04$abcdefghijklmnopqrstuuS80hwFD6gSIL20SCUGvmL7S939BjOHW\n"
"""The user and password above, with bcrypt, which is all that the registry takes."""

_START_S = 10.0
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class NotInstalled(RuntimeError):
    """The registry's program is not there."""


class NotStarted(RuntimeError):
    """The registry did not come up; the text is what it printed."""


@dataclass(slots=True)
class Registry:
    """A registry and its process.

    Attributes:
        base: Its directory.
        port: Its port on 127.0.0.1, kept over a stop and start.
        secured: Whether it wants `USER` and `PASSWORD`.
    """

    base: Path
    port: int
    secured: bool
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Its name in image references."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it (again); returns when it answers."""
        config = self.base / "config.yml"
        config.write_text(json.dumps(self._config()))  # JSON is YAML
        with (self.base / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise NotStarted((self.base / "log").read_text())
            self._process_pause()

    def stop(self) -> None:
        """End it; what was pushed stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def push(self, name: str, archive: bytes) -> str:
        """Store the one image of an OCI archive as `name` (`x:1`); its full reference."""
        repository, _, tag = name.partition(":")
        blobs = _blobs(archive)
        index = json.loads(blobs["index.json"])
        manifest = blobs[_blob(index["manifests"][0]["digest"])]
        content = json.loads(manifest)
        for part in (content["config"], *content["layers"]):
            self._put_blob(repository, part["digest"], blobs[_blob(part["digest"])])
        self._request("PUT", f"/v2/{repository}/manifests/{tag}", manifest, _MANIFEST)
        return f"{self.host}/{name}"

    def _put_blob(self, repository: str, digest: str, data: bytes) -> None:
        reply = self._request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        where = urllib.parse.urlsplit(reply["location"])
        query = f"{where.query}&digest={urllib.parse.quote(digest)}"
        self._request("PUT", f"{where.path}?{query}", data, "application/octet-stream")

    def _request(
        self, method: str, path: str, body: bytes, media_type: str = ""
    ) -> Mapping[str, str]:
        headers = {"Content-Type": media_type} if media_type else {}
        if self.secured:
            both = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            headers["Authorization"] = f"Basic {both}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.reason}: {text}")
        return {name.lower(): value for name, value in reply.getheaders()}

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _process_pause(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                pass  # it lives, as it should

    def _config(self) -> Mapping[str, Any]:
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.base / "data")}},
            "http": {"addr": self.host},
        }
        if self.secured:
            passwords = self.base / "htpasswd"
            passwords.write_text(HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(passwords)}}
        return config


@contextmanager
def running(base: Path, *, secured: bool = False) -> Iterator[Registry]:
    """A registry from here to the end of the block.

    Args:
        base: An empty directory for it.
        secured: Whether it wants a user and password.

    Raises:
        NotInstalled: There is no docker-registry.
        NotStarted: It does not come up.
    """
    program()  # said at once, before anything is made
    registry = Registry(base=base, port=ports.free(), secured=secured)
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()


def program() -> str:
    """The registry's program: what `make deps` unpacked in the cache, or an installed one.

    The package is unpacked and not installed, because installing it starts a service.

    Raises:
        NotInstalled: There is neither.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    unpacked = cache / "staticlet" / PROGRAM / "usr" / "bin" / PROGRAM
    found = str(unpacked) if os.access(unpacked, os.X_OK) else shutil.which(PROGRAM)
    if found is None:
        raise NotInstalled(f"there is no {PROGRAM}: run `make deps`, which unpacks Debian's")
    return found


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _blobs(archive: bytes) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            if member.isfile() and (file := tar.extractfile(member)):
                found[member.name] = file.read()
    return found
