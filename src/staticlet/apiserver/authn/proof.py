"""What credentials prove, and that they prove nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from staticlet.apiserver import calls

ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"

NOBODY = calls.User(name=ANONYMOUS, groups=(UNAUTHENTICATED,))
"""Who shows no credentials."""


class NotProved(Exception):
    """Credentials that prove nothing; the text says why, for the log and for token reviews."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What a token proves.

    Attributes:
        user: Whose it is.
        audiences: For whom it is, of those who were asked for; empty when it is for anyone.
    """

    user: calls.User
    audiences: tuple[str, ...] = ()


def authenticated(user: calls.User) -> calls.User:
    """The user, a member of the group of all who are authenticated."""
    return replace(user, groups=with_group(user.groups, AUTHENTICATED))


def with_group(groups: Iterable[str], group: str) -> tuple[str, ...]:
    """The groups, each once, with this one."""
    return tuple(dict.fromkeys((*groups, group)))
