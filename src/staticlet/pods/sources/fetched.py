"""The URL source's decisions: from replies to its pods.

Follows the kubelet (pkg/kubelet/config/http.go), but nothing that goes wrong ever removes a pod: a
URL that is unreachable, refuses, or brings nothing usable keeps its last good pods, over a restart
of the agent too, and failures are retried ever more slowly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib import parse

from staticlet.kube import finding
from staticlet.pods.sources import judge, known
from staticlet.pods.wanted import ManifestState, PodKey, Snapshot

LONGEST_WAIT_S = 300.0
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of the server; the body is at most one byte longer than the limit."""

    status: int
    reason: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer, and why."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that the URL source knows.

    Attributes:
        origin: The URL, fit to be shown.
        judged: What its last usable reply stands for.
        ready: A reply was usable, or the last good pods of an earlier life are known.
        digest: Of the last body.
        failures: How many replies in a row failed.
        problem: What the last failure was.
        incarnations: How often each pod was removed.
    """

    origin: str
    judged: judge.Judged
    ready: bool = False
    digest: bytes = b""
    failures: int = 0
    problem: str = ""
    incarnations: Mapping[PodKey, int] = field(default_factory=dict)


def shown(url: str) -> str:
    """The URL without its password."""
    parts = parse.urlsplit(url)
    user, colon, _ = parts.netloc.rpartition("@")[0].partition(":")
    if not colon:
        return url
    return parse.urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))


def initial(origin: str, last_good: Sequence[judge.Good] = ()) -> State:
    """The state at start, with the last good pods of an earlier life of the agent."""
    known_pods = judge.judged(origin, findings=(), fresh=(), kept=last_good)
    return State(origin=origin, judged=known_pods, ready=bool(last_good))


def respond(
    state: State, reply: Reply | Failure, *, time: datetime, judging: judge.Judge
) -> State:
    """Take a reply, or the lack of one.

    Args:
        state: What was known.
        reply: What the server said.
        time: The date, for content that is new.
        judging: Turns bytes into pods.
    """
    problem = _problem(reply)
    if problem or isinstance(reply, Failure):
        return replace(state, failures=state.failures + 1, problem=problem)
    state = replace(state, failures=0, problem="")
    digest = hashlib.sha256(reply.body).digest()
    if digest == state.digest:
        return state
    verdict = judging.content(
        reply.body,
        origin=state.origin,
        previous=state.judged.goods,
        seen=time,
        incarnations=state.incarnations,
    )
    left = {good.pod.key for good in state.judged.goods}
    left -= {good.pod.key for good in verdict.goods}
    return replace(
        state,
        judged=verdict,
        digest=digest,
        ready=state.ready or verdict.manifest.state is not ManifestState.REFUSED,
        incarnations=known.raised(state.incarnations, left),
    )


def wait_s(state: State, *, base_s: float) -> float:
    """How long to wait before the next request: doubling with every further failure."""
    longest = max(base_s, LONGEST_WAIT_S)
    doublings = min(max(state.failures - 1, 0), 30)
    return float(min(longest, base_s * 2**doublings))


def snapshot(state: State) -> Snapshot:
    """What the source wants and has to say now."""
    manifests = (state.judged.manifest,) if state.digest or state.judged.goods else ()
    findings: tuple[finding.Finding, ...] = ()
    if state.problem:
        tail = ": what it last brought goes on running" if state.judged.goods else ""
        findings = (
            finding.Finding(
                severity=finding.Severity.ERROR,
                source=state.origin,
                message=state.problem + tail,
            ),
        )
    return Snapshot(source="http", ready=state.ready, manifests=manifests, findings=findings)


def _problem(reply: Reply | Failure) -> str:
    if isinstance(reply, Failure):
        return reply.message
    if reply.status != _OK:
        return f"answered {reply.status} {reply.reason}".rstrip()
    if not reply.body:
        return "answered with an empty body"
    if len(reply.body) > judge.LARGEST_BYTES:
        return "answered with more than 10 MiB"
    return ""
