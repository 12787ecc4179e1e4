"""Values of query parameters, read as kube-apiserver reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from staticlet.kube import refusal

_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_VERSION = re.compile(r"[0-9]+", re.ASCII)
_INT64 = 1 << 63
_UINT64 = 1 << 64
_LONGEST = 20
_SHOWN = 60


def flag(query: Mapping[str, str], name: str) -> bool | None:
    """A boolean; None when it is not given. Everything but `0` and `false` is true."""
    value = query.get(name)
    return None if value is None else value.lower() not in ("0", "false")


def whole(query: Mapping[str, str], name: str) -> int | None:
    """A whole number of 64 bits; None when it is not given.

    Raises:
        refusal.Refusal: 400, it is none.
    """
    value = query.get(name)
    if not value:
        return None
    if len(value) <= _LONGEST and _WHOLE.fullmatch(value) and -_INT64 <= int(value) < _INT64:
        return int(value)
    raise refusal.bad_request(f"{name}: must be a whole number, found {shown(value)}")


def version(query: Mapping[str, str]) -> int | None:
    """`resourceVersion`; None when it is not given.

    Raises:
        refusal.Refusal: 400, it is none.
    """
    value = query.get("resourceVersion")
    return revision(value, "resourceVersion") if value else None


def revision(value: str, field: str) -> int:
    """The revision that a resourceVersion stands for.

    Raises:
        refusal.Refusal: 400, it stands for none.
    """
    if len(value) <= _LONGEST and _VERSION.fullmatch(value) and int(value) < _UINT64:
        return int(value)
    raise refusal.bad_request(
        f"{field}: Invalid value: {shown(value)}: must be a number as the server gave it"
    )


def shown(value: str) -> str:
    """A client's value for a message: quoted, and not too long."""
    short = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return f'"{short}"'
