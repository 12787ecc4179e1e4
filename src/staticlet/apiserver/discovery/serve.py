"""The paths of discovery, each answered with a document that is made once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from staticlet.apiserver import document
from staticlet.apiserver.discovery import aggregated, legacy
from staticlet.apiserver.document import Document
from staticlet.apiserver.resources.kind import Kind
from staticlet.kube import refusal
from staticlet.web import accept

_JSON = "application/json"


class Discovery:
    """What the server can do."""

    def __init__(self, kinds: Iterable[Kind], *, address: str = "") -> None:
        """Tell of kinds.

        Args:
            kinds: All kinds, in the order in which their groups are listed.
            address: Where clients reach the server (host and port), as `/api` tells it.
        """
        self._kinds = tuple(kinds)
        self._address = address
        self._paths = frozenset(_paths(self._kinds))
        self._made: dict[tuple[str, str], Document] = {}

    def answer(self, path: str, accepted: str) -> Document | None:
        """The document of a path; None when discovery has nothing to say of it.

        Args:
            path: The path of the request, with or without a slash at its end.
            accepted: The Accept header; empty when there is none.

        Raises:
            refusal.Refusal: 406: the client takes no form that the document has.
        """
        path = path.rstrip("/")
        if path not in self._paths:
            return None
        form = _form(path, accepted)
        made = self._made.get((path, form))
        if made is None:
            body = self._make(path, form)
            kind = aggregated.content_type(form) if form else _JSON
            made = self._made[path, form] = document.of_json(body, kind)
        return made

    def _make(self, path: str, form: str) -> dict[str, Any] | None:
        match path.split("/")[1:]:
            case ["api"] if form:
                return aggregated.groups(self._kinds, core=True, version=form)
            case ["api"]:
                return legacy.versions(self._address)
            case ["apis"] if form:
                return aggregated.groups(self._kinds, core=False, version=form)
            case ["apis"]:
                return legacy.groups(self._kinds)
            case ["api", version]:
                return legacy.resources("", version, self._kinds)
            case ["apis", group]:
                return legacy.group(group, self._kinds)
            case ["apis", group, version] if group:
                return legacy.resources(group, version, self._kinds)
        return None


def _paths(kinds: Iterable[Kind]) -> Iterator[str]:
    yield from ("/api", "/apis")
    for kind in kinds:
        if kind.group:
            yield f"/apis/{kind.group}"
        yield f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"


def _form(path: str, accepted: str) -> str:
    """The version of aggregated discovery that is answered with; empty for plain discovery."""
    for wanted in accept.parse(accepted):
        version = aggregated.version_of(wanted)
        if version and path in ("/api", "/apis"):
            return version
        if wanted.takes(_JSON) and not wanted.get("as"):
            return ""
    raise refusal.not_acceptable([_JSON])
