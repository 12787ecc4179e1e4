"""The settings as a KubeletConfiguration: what `/configz` shows. Pure.

Every setting that is a field of the configuration is in it, with the value that holds; so are the
defaults. Feature gates are left out: they have done their work when the settings were made. What
is secret is masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staticlet.config import effective, kubelet, reload
from staticlet.config.settings import Settings
from staticlet.kube import duration

_SECRET = frozenset(field.name for field in effective.FIELDS if field.secret)
_MICROSECONDS = "_us"


def of(settings: Settings) -> dict[str, Any]:
    """The settings as a KubeletConfiguration, with apiVersion and kind."""
    made: dict[str, Any] = {"kind": kubelet.KIND, "apiVersion": kubelet.API_VERSION}
    for attribute, name in {**reload.LIVE, **reload.FIXED}.items():
        path = tuple(name.split("."))
        kind = _type(path)
        if kind is not None:
            value = _plain(getattr(settings, attribute), kind, attribute)
            _put(made, path, effective.masked(value) if name in _SECRET else value)
    return made


def _type(path: tuple[str, ...]) -> kubelet.Type | None:
    """The type of a field; None for what is no field, or a gate."""
    kind: kubelet.Type | None = kubelet.CONFIGURATION
    for step in path:
        kind = kind.fields.get(step) if isinstance(kind, kubelet.Struct) else None
    return kind


def _plain(value: Any, kind: kubelet.Type, attribute: str) -> Any:
    if kind is kubelet.Scalar.DURATION:
        unit = duration.MICROSECOND if attribute.endswith(_MICROSECONDS) else duration.SECOND
        return duration.render(round(value * unit))
    match value:
        case None:
            return ""
        case Path():
            return str(value)
        case tuple():
            return [_plain(each, kind, "") for each in value]
        case Mapping():
            return {name: _plain(each, kind, "") for name, each in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _put(into: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        into = into.setdefault(step, {})
    into[path[-1]] = value
