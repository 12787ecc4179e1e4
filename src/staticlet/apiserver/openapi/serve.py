"""The paths of OpenAPI, each answered with a document that is made when it is first asked for.

Documents are kept compressed: some 350 KB for all of them, of 1.5 MB.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from staticlet.apiserver import document
from staticlet.apiserver.document import Document
from staticlet.apiserver.openapi import gnostic, v2, v3
from staticlet.apiserver.resources.kind import Kind
from staticlet.kube import refusal
from staticlet.web import accept

_JSON = "application/json"
_V2 = "/openapi/v2"
_V3 = "/openapi/v3"

_Wanted: TypeAlias = tuple[str, str]
"""A path, and the media type of its document."""


class OpenApi:
    """The API as OpenAPI describes it."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        """Describe these kinds; nothing is made yet."""
        self._roots = v3.roots(kinds)
        self._made: dict[_Wanted, Document] = {}

    def answer(self, path: str, accepted: str) -> Document | None:
        """The document of a path; None when there is none.

        The first call for the index or `/openapi/v2` takes 50 to 150 ms, and that for a version
        less: make it in a thread while `is_made` is false. It may be called by several threads at
        once; at worst each makes the document.

        Args:
            path: The path of the request, without its query.
            accepted: The Accept header; empty when there is none.

        Raises:
            refusal.Refusal: 406: the client takes no form that the document has.
        """
        wanted = self._wanted(path, accepted)
        if wanted is None:
            return None
        made = self._made.get(wanted)
        if made is None:
            made = self._made[wanted] = self._make(*wanted)
        return made

    def is_made(self, path: str, accepted: str) -> bool:
        """Whether `answer` has only to look it up.

        Raises:
            refusal.Refusal: 406, as `answer`.
        """
        wanted = self._wanted(path, accepted)
        return wanted is None or wanted in self._made

    def _wanted(self, path: str, accepted: str) -> _Wanted | None:
        path = path.rstrip("/")
        if path not in (_V2, _V3) and path.removeprefix(f"{_V3}/") not in self._roots:
            return None
        for media in accept.parse(accepted):
            if path == _V2 and media.type in gnostic.ASKED:
                return path, gnostic.MEDIA
            if media.takes(_JSON):
                return path, _JSON
        raise refusal.not_acceptable([_JSON, gnostic.MEDIA] if path == _V2 else [_JSON])

    def _make(self, path: str, media: str) -> Document:
        if path == _V2:
            whole = v2.of(v3.of_version(kinds) for kinds in self._roots.values())
            if media == gnostic.MEDIA:
                return document.of(gnostic.encode(whole), media)
            return document.of_json(whole)
        if path == _V3:
            return document.of_json(v3.index({root: self._hash(root) for root in self._roots}))
        return document.of_json(v3.of_version(self._roots[path.removeprefix(f"{_V3}/")]))

    def _hash(self, root: str) -> str:
        found = self.answer(f"{_V3}/{root}", _JSON)
        return found.hash if found else ""
