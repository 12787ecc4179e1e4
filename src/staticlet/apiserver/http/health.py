"""`/healthz`, `/livez` and `/readyz`: checks by name, in the words of kube-apiserver. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Check: TypeAlias = Callable[[], str]
"""Empty when all is well, else what is wrong."""

ENDPOINTS = ("healthz", "livez", "readyz")


@dataclass(frozen=True, slots=True)
class Health:
    """What a question after the server's health is answered.

    Attributes:
        code: 200, 404 or 500.
        text: The answer, as text/plain.
    """

    code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The checks of each endpoint.

    Attributes:
        live: Those that tell whether the server should be started anew.
        ready: Those that tell, beside these, whether requests should be sent to it.
    """

    live: Mapping[str, Check]
    ready: Mapping[str, Check]

    def of(self, endpoint: str) -> Mapping[str, Check]:
        """The checks of an endpoint."""
        return {**self.live, **self.ready} if endpoint == "readyz" else self.live


def answer(checks: Checks, path: str, query: Mapping[str, str]) -> Health:
    """Answer `/readyz`, `/readyz?verbose&exclude=NAME` or `/readyz/NAME`."""
    endpoint, _, name = path.strip("/").partition("/")
    known = checks.of(endpoint)
    if name:
        if name not in known:
            return Health(404, "404 page not found\n")
        wrong = known[name]()
        return Health(500, f"internal server error: {wrong}\n") if wrong else Health(200, "ok")
    excluded = query.get("exclude", "").split(",")
    results = [(name, check()) for name, check in known.items() if name not in excluded]
    failed = any(wrong for _, wrong in results)
    if failed:
        return Health(500, _listed(results) + f"{endpoint} check failed\n")
    if "verbose" in query:
        return Health(200, _listed(results) + f"{endpoint} check passed\n")
    return Health(200, "ok")


def _listed(results: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"[-]{name} failed: {wrong}\n" if wrong else f"[+]{name} ok\n" for name, wrong in results
    )
