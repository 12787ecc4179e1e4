"""Bytes to documents: the encoding, then JSON or YAML.

The kubelet reads a manifest as JSON when its first character opens an object, and as YAML
otherwise. So do we; but where no quote follows (`{kind: Pod}`) it is YAML in flow style, and is
read as that.
"""

from __future__ import annotations

import codecs
import re

from staticlet.kube import jsondoc, yamldoc
from staticlet.kube.document import LIMIT_BYTES, Decoded, Problem, UnreadableError
from staticlet.kube.finding import Position

SUFFIXES = (".yaml", ".yml", ".json", ".manifest")
"""The endings of the names of manifests."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_JSON_START = re.compile(r'[\s{\[]*"')
_OPENS = re.compile(r"\s*[{\[]")


def is_manifest(name: str, *, all_names: bool = False) -> bool:
    """Whether a file of this name in a manifest directory is read.

    By its ending; with `all_names` by the kubelet's rule: every name that does not begin with a
    dot.
    """
    if name.startswith("."):
        return False
    return all_names or name.endswith(SUFFIXES)


def decode(data: bytes) -> Decoded:
    """Read every document of a manifest; bad input comes back as problems, never raised."""
    if len(data) >= LIMIT_BYTES:
        return Decoded(problems=(Problem(too_large()),))
    try:
        text = _text(data)
        if _OPENS.match(text):
            return _json_or_flow(text)
        _check_printable(text)
        return yamldoc.decode(text)
    except UnreadableError as error:
        return Decoded(problems=(error.problem,))


def too_large() -> str:
    """The sentence for a manifest that reaches the limit."""
    limit = LIMIT_BYTES // 2**20
    return f"is {limit} MiB or larger: a manifest must be smaller; split it into several"


def _json_or_flow(text: str) -> Decoded:
    try:
        return Decoded(documents=(jsondoc.decode(text),))
    except UnreadableError:
        if _JSON_START.match(text):
            raise
        _check_printable(text)
        return yamldoc.decode(text)


def _text(data: bytes) -> str:
    encoding, start = "utf-8", 0
    for bom, name in _BOMS:
        if data.startswith(bom):
            encoding, start = name, len(bom)
            break
    else:
        if data[1:2] == b"\0" and data[0:1] != b"\0":
            encoding = "utf-16-le"
        elif data[0:1] == b"\0" and data[1:2] != b"\0":
            encoding = "utf-16-be"
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        before = data[start : start + error.start].decode(encoding, errors="replace")
        raise UnreadableError(
            f"not text in {encoding.upper()[:6].rstrip('-')}: save the file as UTF-8",
            _after(before),
        ) from error


def _check_printable(text: str) -> None:
    match = _UNPRINTABLE.search(text)
    if match:
        raise UnreadableError(
            f"the control character U+{ord(match[0]):04X} may not stand in a manifest; remove it",
            _after(text[: match.start()]),
        )


def _after(before: str) -> Position:
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
