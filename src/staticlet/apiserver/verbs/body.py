"""The body of a request to the object in it: media types, shapes, strictness. Pure.

JSON is read twice as fast without the places of its keys; only where a key is given twice is it
read again, to say which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.verbs import options
from staticlet.kube import document, fieldpath, jsondoc, manifest, refusal, schema, shape
from staticlet.kube.document import UnreadableError

if TYPE_CHECKING:
    import msgspec

JSON = "application/json"
YAML = "application/yaml"
MEDIA_TYPES = (JSON, YAML)
"""What bodies may be; protobuf of a kind that is served has become JSON before."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LIMIT_TOLD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What kind of object a body must hold.

    Attributes:
        api_version: `v1`, `policy/v1`.
        kind: `Pod`, `Eviction`.
        struct: Its shape.
    """

    api_version: str
    kind: str
    struct: type[msgspec.Struct]


_CONFIDENTIAL = frozenset(("Secret", "TokenReview"))
"""Of these, nothing is quoted back: refusals end in logs."""


def wanted(kind: Kind) -> Wanted:
    """What the bodies of a kind hold."""
    return Wanted(api_version=kind.api_version, kind=kind.kind, struct=kind.struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A text as plain data.

    Attributes:
        data: The data; parts of it may be shared with each other.
        duplicates: The paths of keys that were given twice; the last one counted.
    """

    data: Any
    duplicates: tuple[tuple[str | int, ...], ...] = ()


def media_type(content_type: str) -> str:
    """The media type without its parameters; JSON where none is given."""
    return content_type.partition(";")[0].strip().lower() or JSON


def decoded(
    call: calls.Call, text: bytes, content_type: str, what: Wanted, *, validation: str = "Warn"
) -> Object:
    """The object of a body, fresh, with apiVersion, kind and metadata.

    Args:
        call: The request; it is warned of fields that are not known.
        text: The body.
        content_type: Its media type.
        what: What it must hold.
        validation: Ignore, Warn or Strict.

    Raises:
        refusal.Refusal: 415 or 400, it does not hold that.
    """
    kind = media_type(content_type)
    if kind not in MEDIA_TYPES:
        raise refusal.unsupported_media(MEDIA_TYPES)
    try:
        read = parsed(text, yaml=kind == YAML)
    except UnreadableError as error:
        raise refusal.bad_request(
            f"the object provided is unrecognized (must be of type {what.kind}): {told(error)}"
        ) from error
    return fitted(call, read, what, validation=validation)


def told(error: UnreadableError) -> str:
    """What cannot be read, and where."""
    place = error.problem.position
    where = f"line {place.line}, column {place.column}: " if place else ""
    return where + error.problem.message


def parsed(text: bytes, *, yaml: bool) -> Parsed:
    """Read JSON or YAML, nested no deeper than `document.LIMIT_DEPTH`.

    Raises:
        UnreadableError: It is neither, too deep, or not UTF-8.
    """
    return _yaml(text) if yaml else _json(text)


class _Twice(Exception):
    """A key was given twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def _no_constant(name: str) -> Any:
    raise UnreadableError(f"{name} is no JSON")


def _json(data: bytes) -> Parsed:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8: byte {error.start} begins no character") from error
    if _SURROGATE.search(text):
        return _slow_json(text)
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (_Twice, ValueError, RecursionError):
        return _slow_json(text)
    _check_depth(value)
    return Parsed(data=value)


def _slow_json(text: str) -> Parsed:
    read = jsondoc.decode(text)
    return Parsed(data=read.data, duplicates=tuple(one.path for one in read.duplicates))


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        if depth > document.LIMIT_DEPTH:
            raise UnreadableError(f"nested more than {document.LIMIT_DEPTH} levels deep")
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]


def _yaml(data: bytes) -> Parsed:
    read = manifest.decode(data)
    problems = [*read.problems, *(one for each in read.documents for one in each.problems)]
    if problems:
        raise UnreadableError(problems[0].message, problems[0].position)
    if len(read.documents) != 1:
        raise UnreadableError(f"must hold one document, found {len(read.documents)}")
    found = read.documents[0]
    return Parsed(data=found.data, duplicates=tuple(one.path for one in found.duplicates))


def fitted(
    call: calls.Call,
    read: Parsed,
    what: Wanted,
    *,
    validation: str,
    refuse: Callable[[str], refusal.Refusal] | None = None,
) -> Object:
    """Plain data as an object of the wanted kind.

    Args:
        call: The request; it is warned of fields that are not known.
        read: The data.
        what: What it must be.
        validation: Ignore, Warn or Strict.
        refuse: Makes the refusal for a field of a wrong type or, if Strict, one that is not known;
            a 400 when it is not given.

    Raises:
        refusal.Refusal: It is not that.
    """
    data = read.data
    if not isinstance(data, Mapping):
        raise refusal.bad_request(
            f"the object provided is unrecognized (must be of type {what.kind}): it is no map"
        )
    _check_type(data, what)
    checked = schema.check(data, what.struct, quoting=what.kind not in _CONFIDENTIAL)
    refuse = refuse or _refuser(what)
    wrong = [one for one in checked.differences if one.fault is schema.Fault.WRONG_TYPE]
    if wrong:
        raise refuse(", ".join(map(_about, wrong[:_LIMIT_TOLD])))
    if validation != options.VALIDATIONS[0]:
        unknown = (one.path for one in checked.differences)
        _tell(call, _complaints(read, what, unknown), strict=validation == "Strict", by=refuse)
    obj: Object = {"apiVersion": what.api_version, "kind": what.kind}
    obj |= checked.value
    obj["apiVersion"], obj["kind"] = what.api_version, what.kind
    obj.setdefault("metadata", {})
    return obj


def _check_type(data: Mapping[str, Any], what: Wanted) -> None:
    version, kind = data.get("apiVersion"), data.get("kind")
    if version and version != what.api_version:
        raise refusal.bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({what.api_version})"
        )
    if kind and kind != what.kind:
        raise refusal.bad_request(
            f'{kind} in version "{what.api_version}" cannot be handled as a {what.kind}: '
            "it is another kind"
        )


def _refuser(what: Wanted) -> Callable[[str], refusal.Refusal]:
    version = what.api_version.rpartition("/")[2]

    def refuse(why: str) -> refusal.Refusal:
        return refusal.bad_request(
            f'{what.kind} in version "{version}" cannot be handled as a {what.kind}: {why}'
        )

    return refuse


def _about(one: schema.Difference) -> str:
    return f"{fieldpath.render(one.path)}: {one.message}"


def _complaints(read: Parsed, what: Wanted, unknown: Iterable[fieldpath.Path]) -> tuple[str, ...]:
    record = shape.of(what.struct)
    twice = (shape.typed(record, path) for path in read.duplicates[:_LIMIT_TOLD])
    said = [f'duplicate field "{fieldpath.render(path)}"' for path in twice]
    said += [f'unknown field "{fieldpath.render(path)}"' for path in unknown]
    return tuple(said[:_LIMIT_TOLD])


def _tell(
    call: calls.Call,
    complaints: tuple[str, ...],
    *,
    strict: bool,
    by: Callable[[str], refusal.Refusal],
) -> None:
    if strict and complaints:
        raise by(f"strict decoding error: {', '.join(complaints)}")
    for one in complaints:
        call.warn(one)


def deletion(text: bytes, content_type: str) -> dict[str, Any]:
    """The DeleteOptions of a body; empty where there is no body.

    Raises:
        refusal.Refusal: 415 or 400, it holds something else.
    """
    if not text.strip():
        return {}
    kind = media_type(content_type)
    if kind not in MEDIA_TYPES:
        raise refusal.unsupported_media(MEDIA_TYPES)
    try:
        data = parsed(text, yaml=kind == YAML).data
    except UnreadableError as error:
        raise refusal.bad_request(f"cannot read DeleteOptions: {told(error)}") from error
    if not isinstance(data, Mapping) or data.get("kind", "DeleteOptions") != "DeleteOptions":
        raise refusal.bad_request("the body of a deletion must be DeleteOptions")
    return options.checked_deletion(data)
