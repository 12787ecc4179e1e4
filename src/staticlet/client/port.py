"""What the agent knows of an API server: requests with a deadline, and how they fail.

An API server may be absent, slow, silent, restarting, refusing or lying. Whoever makes a request
gets an answer or a fault within its deadline, and nothing that keeps pods running waits for one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Object: TypeAlias = dict[str, Any]

DEADLINE_S = 10.0
"""How long a request may take, connecting and all, when nothing else is said."""

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


class ApiFault(Exception):
    """A request that was not answered as it should be; the text says what happened, and where."""


class Unreachable(ApiFault):
    """No answer, or none that is one: refused, cut, timed out, bad TLS, not HTTP, not JSON."""


class TooLarge(Unreachable):
    """An answer that is too large to be taken: less is to be asked for at once."""


class Refused(ApiFault):
    """The server answered, and refused.

    Attributes:
        code: The HTTP status.
        reason: Kubernetes' reason; empty where the answer was no Status.
        message: Why, in the server's words.
        retry_after_s: When to try again, if the server says so.
    """

    def __init__(
        self, code: int, reason: str, message: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s

    @property
    def passing(self) -> bool:
        """Whether the same request may well be granted later: the server is busy or broken."""
        return self.code in (408, 429) or self.code >= 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a watch.

    Attributes:
        type: ADDED, MODIFIED, DELETED or BOOKMARK.
        object: The object; of a bookmark, only its resourceVersion counts.
    """

    type: str
    object: Object


class Api(Protocol):
    """Requests to one API server.

    Paths are those of the REST API (`/api/v1/namespaces/default/pods/web`); queries are not in
    them.
    """

    @property
    def server(self) -> str:
        """The server's URL, for people."""
        ...

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        media: str = "application/json",
        deadline_s: float = DEADLINE_S,
    ) -> Object:
        """Make one request; never retried here.

        Returns:
            The answer.

        Raises:
            Unreachable: There was no answer in time.
            Refused: The answer was a refusal.
        """
        ...

    def watch(
        self, path: str, *, query: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[Event]:
        """Follow a resource from `query["resourceVersion"]` on; ends when the server ends it.

        Args:
            path: The collection.
            query: Selectors and where to begin.
            silence_s: After so long without any event (bookmarks count) the stream is taken for
                dead.

        Raises:
            Unreachable: The connection ended in any other way than an orderly one, or was silent.
            Refused: The server refuses the watch, at once or by an ERROR event (410: list anew).
        """
        ...
