"""What verbs know of the kubelets of nodes: one request, and its answer as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


class Unreached(Exception):
    """There is no answer, or it broke off; the text says why, as Go's clients say it.

    Attributes:
        why: The cause alone: `dial tcp 10.0.0.5:10250: connect: connection refused`.
    """

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f'Get "{url}": {why}')
        self.why = why


class Pieces(Protocol):
    """A body, piece by piece as it comes; raises `Unreached` where it breaks off."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces."""
        ...

    async def aclose(self) -> None:
        """End the request, whether anything was read or not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a kubelet answers.

    Attributes:
        code: The HTTP status.
        media: The body's media type.
        pieces: The body; to be closed in the end.
    """

    code: int
    media: str
    pieces: Pieces


class Kubelets(Protocol):
    """The kubelets of all nodes."""

    async def get(self, url: str, *, verify: bool = True) -> Reply:
        """Begin a GET request.

        Args:
            url: All of it, `https://10.0.0.5:10250/healthz`.
            verify: Whether to look at the kubelet's certificate, where a CA for it is known.

        Raises:
            Unreached: No answer began in time.
        """
        ...
