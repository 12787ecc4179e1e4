"""Credentials for pulls: the docker configuration files that the kubelet reads.

The first good file of three kinds, in this order and at these places, is the one that counts:

    config.json         in the root directory, the working directory, ~/.docker, /.docker
    .dockercfg          in the root directory, the working directory, ~, /
    .dockerconfigjson   at the same places as .dockercfg

An entry's key is a registry with an optional path, and may have `*`, `?` and `[…]` between the
dots of the host: the longest match comes first, and all that match are tried in turn. Two things
go beyond the kubelet: identity tokens are used, and a broken entry spoils only itself. Files are
read anew for each pull, so that a rotated password works at once. No secret is ever part of a
message or a repr.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staticlet.kube import imageref, quoting
from staticlet.runtime import port

_DEFAULT_KEY = "index.docker.io"
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One entry of a file.

    Attributes:
        key: Registry and path that it is for, without scheme.
        auth: What the runtime is given.
        file: Where it stands.
    """

    key: str
    auth: port.RegistryAuth = field(repr=False)
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the files say: usable entries, and what is wrong with files and entries."""

    credentials: tuple[Credential, ...] = ()
    problems: tuple[str, ...] = ()


class NotDockerConfig(ValueError):
    """The file is no docker configuration; the text says why, without quoting it."""


def search_paths(root_dir: Path, working_dir: Path, home: Path | None) -> tuple[Path, ...]:
    """The files to look for, in order; `home` is None for a process that has none."""
    homes = [home] if home else []
    new = [root_dir, working_dir, *(h / ".docker" for h in homes), Path("/.docker")]
    old = [root_dir, working_dir, *homes, Path("/")]
    paths = [
        *(place / "config.json" for place in new),
        *(place / ".dockercfg" for place in old),
        *(place / ".dockerconfigjson" for place in old),
    ]
    return tuple(dict.fromkeys(paths))


def parse(text: str, *, file: str) -> Found | None:
    """The entries of one file's text; None when it is JSON about something else.

    Args:
        text: The content: `{"auths": {…}}`, or for a `.dockercfg` the entries alone.
        file: Its path, which decides the form and stands in problems.

    Raises:
        NotDockerConfig: It is not JSON, or not of this form.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as fault:
        raise NotDockerConfig(f"not JSON: {fault.msg} at line {fault.lineno}") from None
    if not isinstance(content, dict):
        raise NotDockerConfig("not a JSON object")
    if not file.endswith(".dockercfg"):
        if "auths" not in content:
            return None
        content = content["auths"]
    if not isinstance(content, dict):
        raise NotDockerConfig("auths is not an object")
    credentials: list[Credential] = []
    problems: list[str] = []
    for key, entry in content.items():
        try:
            auth = _auth(entry)
        except NotDockerConfig as fault:
            problems.append(f"{file}: the entry for {quoting.quoted(key)} {fault}")
            continue
        credentials.append(Credential(key=_without_scheme(key), auth=auth, file=file))
    return Found(credentials=tuple(credentials), problems=tuple(problems))


def match(
    credentials: Iterable[Credential], reference: imageref.Reference
) -> tuple[Credential, ...]:
    """The entries to try for an image, the most specific first; empty: pull without any."""
    ordered = sorted(credentials, key=lambda each: each.key, reverse=True)
    fitting = tuple(each for each in ordered if _fits(each.key, reference.name))
    if not fitting and reference.host == imageref.DEFAULT_HOST:
        return tuple(each for each in ordered if each.key == _DEFAULT_KEY)
    return fitting


def read(paths: Sequence[Path]) -> Found:
    """Read the first good file; the broken ones before it are problems, absent ones are not."""
    problems: list[str] = []
    for path in paths:
        try:
            found = parse(_content(path), file=str(path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as fault:
            problems.append(f"{path}: cannot read: {fault.strerror}")
            continue
        except NotDockerConfig as fault:
            problems.append(f"{path}: not a docker configuration file: {fault}")
            continue
        if found is not None:
            return Found(credentials=found.credentials, problems=(*problems, *found.problems))
    return Found(problems=tuple(problems))


class Files:
    """Looks credentials up in files; says each problem once, until the problems change."""

    def __init__(self, paths: Sequence[Path], *, warn: Callable[[str], None]) -> None:
        self._paths = tuple(paths)
        self._warn = warn
        self._said: frozenset[str] = frozenset()

    def __call__(self, reference: imageref.Reference) -> tuple[Credential, ...]:
        """The entries to try for an image, read from the files as they are now."""
        found = read(self._paths)
        for problem in found.problems:
            if problem not in self._said:
                self._warn(problem)
        self._said = frozenset(found.problems)
        return match(found.credentials, reference)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(_LARGEST_FILE + 1)
    if len(raw) > _LARGEST_FILE:
        raise NotDockerConfig(f"larger than {_LARGEST_FILE} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotDockerConfig("not UTF-8") from None


def _auth(entry: Any) -> port.RegistryAuth:
    if not isinstance(entry, dict):
        raise NotDockerConfig("is not an object")
    values = {name: _text(entry, name) for name in ("username", "password", "auth")}
    # With an identity token docker leaves the password empty: the token is all there is to send,
    # and runtimes would prefer a user name to it.
    if token := _text(entry, "identitytoken"):
        return port.RegistryAuth(identity_token=token)
    if token := _text(entry, "registrytoken"):
        return port.RegistryAuth(registry_token=token)
    username, password = values["username"], values["password"]
    if values["auth"]:
        username, password = _decode(values["auth"])
    if not username:
        raise NotDockerConfig(
            "has no username, password or auth (credential helpers and stores are not asked)"
        )
    return port.RegistryAuth(username=username, password=password)


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name) or ""
    if not isinstance(value, str):
        raise NotDockerConfig(f"has a {name} that is not a string")
    return value


def _decode(auth: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    username, colon, password = text.partition(":")
    if not colon:
        # Raised outside the handler: the decoding error would carry the secret along.
        raise NotDockerConfig("has an auth that is not the base64 of user:password")
    return username, password.rstrip("\0")


def _without_scheme(key: str) -> str:
    """The key as host and path: docker writes `https://index.docker.io/v1/` for its own hub."""
    rest = key.removeprefix("https://").removeprefix("http://")
    host, _, path = rest.partition("/")
    for version in ("v1/", "v2/"):
        path = path.removeprefix(version)
    return f"{host}/{path}" if path else host


def _fits(key: str, name: str) -> bool:
    """Whether a key is for a repository: host parts as globs, port equal, path as a prefix."""
    key_host, _, key_path = key.partition("/")
    host, _, path = name.partition("/")
    key_labels, key_port = _labels_and_port(key_host)
    labels, number = _labels_and_port(host)
    return (
        key_port == number
        and len(key_labels) == len(labels)
        and path.startswith(key_path)
        and all(map(_glob, labels, key_labels))
    )


def _labels_and_port(host: str) -> tuple[list[str], str]:
    name, colon, number = host.rpartition(":")
    if not colon or host.endswith("]"):  # without a port, or a bare IPv6 address
        name, number = host, ""
    if name.startswith("[") and name.endswith("]"):
        return [name[1:-1]], number
    return name.split("."), number


def _glob(label: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(label, pattern.replace("[^", "[!"))
