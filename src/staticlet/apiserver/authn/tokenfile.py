"""A file of fixed bearer tokens, in kube-apiserver's form: `token,user,uid,"group1,group2"`.

A line of comma separated values a token; the groups may be left out. It is read once, at the
start. Only digests of the tokens are kept, so that how long a look-up takes tells nothing of them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
from collections.abc import Mapping
from pathlib import Path

from staticlet.apiserver import calls
from staticlet.host import osfault, secretfile

_LOG = logging.getLogger(__name__)
_MOST_CHARACTERS = 16 * 1024


class TokenFileFault(Exception):
    """The file cannot be used; the text names file and line."""


class TokenFile:
    """Users by their tokens."""

    def __init__(self, users: Mapping[bytes, calls.User]) -> None:
        """Know these users by the digests of their tokens."""
        self._users = users

    def __len__(self) -> int:
        return len(self._users)

    def user(self, token: str) -> calls.User | None:
        """Whose token it is; None when it is not in the file."""
        return self._users.get(_digest(token))


def load(path: Path) -> TokenFile:
    """Read a token file.

    Raises:
        TokenFileFault: It cannot be read, or a line of it is not as it should be.
    """
    try:
        data = secretfile.read(path)
    except OSError as fault:
        raise TokenFileFault(f"cannot read the token file {osfault.words(fault, path)}") from fault
    except ValueError as fault:
        raise TokenFileFault(f"the token file {path} {fault}") from fault
    if data is None:
        raise TokenFileFault(f"the token file {path} does not exist: make it, or drop the flag")
    try:
        return TokenFile(_users(path, data.decode("utf-8-sig")))
    except UnicodeDecodeError as fault:
        line = data[: fault.start].count(b"\n") + 1
        raise TokenFileFault(f"{path}:{line}: is not UTF-8") from fault


def _users(path: Path, text: str) -> dict[bytes, calls.User]:
    users: dict[bytes, calls.User] = {}
    rows = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as fault:
            raise TokenFileFault(f'{path}:{line}: {fault}: quote groups as "one,two"') from fault
        if row is None:
            return users
        if row:
            _add(users, f"{path}:{line}", row)


def _add(users: dict[bytes, calls.User], where: str, row: list[str]) -> None:
    if len(row) < 3:
        raise TokenFileFault(
            f"{where}: has {len(row)} columns and needs three at least: token,user,uid"
        )
    token, name, uid = row[:3]
    if not token or not name:
        raise TokenFileFault(f"{where}: the {'user' if token else 'token'} is empty")
    if len(token) > _MOST_CHARACTERS or not token.isascii() or not token.isprintable():
        raise TokenFileFault(f"{where}: the token cannot be sent in a header")
    groups = row[3].split(",") if len(row) > 3 else []
    digest = _digest(token)
    if digest in users:
        _LOG.warning("%s: the token stands in the file before; the last line counts", where)
    users[digest] = calls.User(
        name=name, uid=uid, groups=tuple(group.strip() for group in groups if group.strip())
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
