"""Answers of an API server without what no two runs share, in the form that recordings have.

UIDs become `<uid-N>` by the order in which a scenario saw them, times `<time>`, ages `<age>`,
resource versions and continue tokens `<volatile>`, the run's own suffix `RUN`. Managed fields are
left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_AGE = re.compile(r"(\d+[smhd])+")
_GENERATED = re.compile(r"-gen-[a-z0-9]{5}\b")
_VERSIONS = re.compile(
    r"resourceVersion: \d+|version \(\d+\)|\(current: \d+\)|too old resource version: \d+ \(\d+\)"
)
_NUMBER = re.compile(r"\d+")
_VOLATILE = frozenset({"resourceVersion", "continue", "remainingItemCount"})
_LEFT_OUT = frozenset({"managedFields", "selfLink"})


class Normaliser:
    """Knows the UIDs of one run of one scenario.

    Args:
        suffix: What the names of this run end with.
    """

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self._uids: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        """The value as a recording has it."""
        match value:
            case dict():
                return {
                    key: "<volatile>" if key in _VOLATILE and one not in ("", None) else self(one)
                    for key, one in value.items()
                    if key not in _LEFT_OUT
                }
            case list():
                return [self(one) for one in value]
            case str():
                return self._text(value)
            case _:
                return value

    def _text(self, text: str) -> str:
        text = text.replace(self._suffix, "RUN")
        text = _UID.sub(lambda found: self._uid(found.group()), text)
        text = _TIME.sub("<time>", text)
        text = _GENERATED.sub("-gen-<5>", text)
        text = _VERSIONS.sub(lambda found: _NUMBER.sub("N", found.group()), text)
        return "<age>" if _AGE.fullmatch(text) else text

    def _uid(self, uid: str) -> str:
        return self._uids.setdefault(uid, f"<uid-{len(self._uids)}>")


def dig(value: Any, path: str) -> Any:
    """What is at a dotted path (`items.0.reason`); None where nothing is."""
    for part in path.split("."):
        match value:
            case list() if part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            case dict():
                value = value.get(part)
            case _:
                return None
    return value


def reduced(compare: str, code: int, body: Any) -> dict[str, Any]:
    """What of an answer is compared.

    Args:
        compare: `status` (the code alone), `error` (reason, and the fields of its causes), `keys`
            (which fields there are) or `full`.
        code: The HTTP status.
        body: The answer, decoded; text where it is no JSON.
    """
    match compare, body:
        case "status", _:
            return {"code": code}
        case "error", dict():
            causes = (body.get("details") or {}).get("causes") or []
            fields = sorted([cause.get("reason", ""), cause.get("field", "")] for cause in causes)
            return {"code": code, "reason": body.get("reason"), "causes": fields}
        case "keys", _:
            return {"code": code, "paths": sorted(set(_paths(body, "")))}
        case _:
            return {"code": code, "body": body}


def _paths(value: Any, at: str) -> Iterator[str]:
    match value:
        case dict():
            yield at or "."
            for key, one in value.items():
                if key != "managedFields":
                    yield from _paths(one, f"{at}.{key}")
        case list():
            yield at
            for one in value:
                yield from _paths(one, f"{at}[]")
        case _:
            yield at
