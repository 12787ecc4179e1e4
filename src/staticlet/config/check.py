"""Holds a layer against the kubelet's type: unknown fields, wrong types, relative paths.

The kubelet warns of an unknown field and goes on; here it is an error, because a field that was
spelled wrong is a setting that silently does not hold.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from staticlet.config import kubelet
from staticlet.config.kubelet import ListOf, MapOf, Scalar, Struct, Type
from staticlet.config.layer import Layer
from staticlet.kube import duration, fieldpath, quantity
from staticlet.kube.finding import Finding

_FLAGS_ONLY = {
    "allFileNames": "--all-file-names",
    "hostnameOverride": "--hostname-override",
    "nodeIP": "--node-ip",
    "nodeName": "--hostname-override",
    "rootDir": "--root-dir",
    "socket": "--socket",
    "strictManifests": "--strict-manifests",
}
_INTEGERS = {
    Scalar.INT32: (-(1 << 31), (1 << 31) - 1),
    Scalar.INT64: (-(1 << 63), (1 << 63) - 1),
    Scalar.UINT32: (0, (1 << 32) - 1),
}


def clean(layer: Layer) -> tuple[Layer, tuple[Finding, ...]]:
    """Keep what fits the kubelet's type.

    Returns:
        The layer without the parts that do not fit, with its relative paths made absolute from
        the layer's directory; and a finding for each part left out.
    """
    walk = _Walk(layer=layer)
    data = walk.struct(kubelet.CONFIGURATION, layer.data, ())
    return replace(layer, data=data), tuple(walk.findings)


class _Unfit(Exception):
    """A value does not fit its type; the message says what to write."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """One pass over a layer; findings gather in it."""

    layer: Layer
    findings: list[Finding] = field(default_factory=list)

    def value(self, kind: Type, value: Any, path: fieldpath.Path) -> Any:
        """The value as it is taken; raises _Unfit when it has the wrong type as a whole."""
        match kind:
            case Scalar():
                return self.scalar(kind, value)
            case ListOf(item):
                return self.items(item, value, path)
            case MapOf(item):
                return self.entries(item, value, path)
            case Struct():
                return self.struct(kind, value, path)
            case _:
                assert_never(kind)

    def struct(self, kind: Struct, value: Any, path: fieldpath.Path) -> dict[str, Any]:
        """The known fields of an object."""
        if not isinstance(value, Mapping):
            raise _Unfit(f"must be a map with named fields, not {_named(value)}")
        out: dict[str, Any] = {}
        for name, item in value.items():
            if name not in kind.fields:
                self.findings.append(self.layer.error((*path, name), _unknown(name, kind, path)))
                continue
            self.keep(out, name, kind.fields[name], item, (*path, name))
        return out

    def entries(self, kind: Type, value: Any, path: fieldpath.Path) -> dict[str, Any]:
        """The entries of a map with free keys."""
        if not isinstance(value, Mapping):
            raise _Unfit(f"must be a map, not {_named(value)}")
        out: dict[str, Any] = {}
        for name, item in value.items():
            self.keep(out, name, kind, item, (*path, fieldpath.Key(name)))
        return out

    def keep(
        self, out: dict[str, Any], name: str, kind: Type, item: Any, path: fieldpath.Path
    ) -> None:
        """Put one member into a map when it fits; null stays, since it takes values away."""
        try:
            out[name] = None if item is None else self.value(kind, item, path)
        except _Unfit as unfit:
            self.findings.append(self.layer.error(path, str(unfit)))

    def items(self, kind: Type, value: Any, path: fieldpath.Path) -> list[Any]:
        """The items of a list."""
        if not isinstance(value, list):
            raise _Unfit(f"must be a list, not {_named(value)}")
        out: list[Any] = []
        for index, item in enumerate(value):
            try:
                out.append(self.value(kind, item, (*path, index)))
            except _Unfit as unfit:
                self.findings.append(self.layer.error((*path, index), str(unfit)))
        return out

    def scalar(self, kind: Scalar, value: Any) -> Any:
        """A single value."""
        if kind is Scalar.PATH:
            return self.path(_SCALARS[kind](kind, value))
        return _SCALARS[kind](kind, value)

    def path(self, text: str) -> str:
        """A path from the layer's directory, as the kubelet resolves those of its file."""
        if "\0" in text or not _encodable(text):
            raise _Unfit("holds a character that no path can have: NUL or half of a pair")
        return os.path.normpath(self.layer.directory / text) if text else text


def _encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _string(kind: Scalar, value: Any) -> str:
    if isinstance(value, str):
        return value
    hint = "" if isinstance(value, list | dict) or value is None else "; write it in quotes"
    raise _Unfit(f"must be {kind.value}, not {_named(value)}{hint}")


def _bool(kind: Scalar, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    hint = "; write it without quotes" if value in ("true", "false") else ""
    raise _Unfit(f"must be {kind.value}, not {_named(value)}{hint}")


def _integer(kind: Scalar, value: Any) -> int:
    low, high = _INTEGERS[kind]
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
        return number
    hint = "; write it without quotes" if isinstance(value, str) and value.isdigit() else ""
    raise _Unfit(f"must be {kind.value}, not {_named(value)}{hint}")


def _number(kind: Scalar, value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _Unfit(f"must be {kind.value}, not {_named(value)}")


def _duration(kind: Scalar, value: Any) -> str | int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and kind is Scalar.DURATION_OR_NANOSECONDS:
        return int(value)
    if not isinstance(value, str):
        hint = f'; for {value} seconds write "{value}s"' if whole else ""
        raise _Unfit(f"must be {kind.value}, not {_named(value)}{hint}")
    try:
        duration.parse(value)
    except duration.DurationError as error:
        raise _Unfit(str(error)) from error
    return value


def _quantity(kind: Scalar, value: Any) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Unfit(f"must be {kind.value}, not {_named(value)}")
    try:
        quantity.parse(str(value))
    except quantity.InvalidQuantityError as error:
        raise _Unfit(f"must be {kind.value}, not {_named(value)}: {error}") from error
    return value


_SCALARS: Mapping[Scalar, Callable[[Scalar, Any], Any]] = {
    Scalar.STRING: _string,
    Scalar.PATH: _string,
    Scalar.TIME: _string,
    Scalar.BOOL: _bool,
    Scalar.INT32: _integer,
    Scalar.INT64: _integer,
    Scalar.UINT32: _integer,
    Scalar.FLOAT: _number,
    Scalar.DURATION: _duration,
    Scalar.DURATION_OR_NANOSECONDS: _duration,
    Scalar.QUANTITY: _quantity,
}


def _named(value: Any) -> str:
    """A value as a person would call it."""
    match value:
        case None:
            return "null"
        case bool():
            return "the boolean true" if value else "the boolean false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the string "{value}"' if len(value) <= 64 else "a long string"
        case list():
            return "a list"
        case _:
            return "a map"


def _unknown(name: str, kind: Struct, path: fieldpath.Path) -> str:
    if name in _FLAGS_ONLY and not path:
        return f"is not a field of the configuration: give the flag {_FLAGS_ONLY[name]}"
    guess = _guess(name, kind)
    hint = f'; did you mean "{guess}"?' if guess else ""
    return f"there is no such field{hint}"


def _guess(name: str, kind: Struct) -> str:
    """The field that was probably meant: a near spelling here, or the same name elsewhere."""
    by_lower = {known.lower(): known for known in kind.fields}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.75)
    if near:
        return by_lower[near[0]]
    return next((path for path in _everywhere(kubelet.CONFIGURATION) if _ends(path, name)), "")


def _ends(path: str, name: str) -> bool:
    return path == name or path.endswith(f".{name}")


def _everywhere(kind: Struct, prefix: str = "") -> Iterator[str]:
    for name, inner in kind.fields.items():
        yield prefix + name
        if isinstance(inner, Struct):
            yield from _everywhere(inner, f"{prefix}{name}.")
