"""What becomes of a manifest's bytes: which pods it stands for now, and what is said about it.

The kubelet drops the pods of a file that no longer parses at its next re-list. Here a bad file
never stops a pod: what its present content does not say, its last good content says, until the
file is mended or removed. Good documents of a bad file count at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from staticlet.kube import finding
from staticlet.pods import identity
from staticlet.pods.wanted import Manifest, ManifestState, PodKey, WantedPod

LARGEST_BYTES = 10 * 1024 * 1024
"""A manifest must be smaller than this, as with the kubelet."""


class ReadPod(Protocol):
    """A pod as the reader found it: defaulted, valid, not yet of this node."""

    @property
    def raw(self) -> dict[str, Any]:
        """The defaulted object."""
        ...

    @property
    def position(self) -> finding.Position | None:
        """Where its document begins."""
        ...


class Claim(Protocol):
    """Who a refused document says it is, as far as it could be read."""

    @property
    def namespace(self) -> str | None:
        """Its namespace, empty for the default one; None when it could not be read."""
        ...

    @property
    def name(self) -> str | None:
        """Its name; None when it could not be read."""
        ...


class Reading(Protocol):
    """What a reader made of bytes."""

    @property
    def pods(self) -> Sequence[ReadPod]:
        """The good pods."""
        ...

    @property
    def findings(self) -> Sequence[finding.Finding]:
        """All that is to be said, errors and warnings."""
        ...

    @property
    def refused(self) -> Sequence[Claim]:
        """One claim for each document that was refused."""
        ...

    @property
    def wants_nothing(self) -> bool:
        """Whether a list of no pods says on purpose that none is wanted."""
        ...


class Reader(Protocol):
    """Turns bytes into pods; `kube.read.read` is the real one."""

    def __call__(self, data: bytes, *, source: str, strict: bool = False) -> Reading:
        """Read a manifest; never raises for bad input."""
        ...


@dataclass(frozen=True, slots=True)
class Good:
    """A pod of good content, with the canonical manifest from which it can be made again."""

    pod: WantedPod
    content: bytes


@dataclass(frozen=True, slots=True)
class Judged:
    """A manifest as it is shown, and the pods it stands for."""

    manifest: Manifest
    goods: tuple[Good, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """All that judging needs besides the bytes.

    Attributes:
        node_name: This node.
        source: `file` or `http`.
        read: The reader.
        strict: Whether unknown fields and duplicate keys are errors.
    """

    node_name: str
    source: str
    read: Reader
    strict: bool = False

    def content(
        self,
        data: bytes,
        *,
        origin: str,
        previous: Sequence[Good],
        seen: datetime,
        incarnations: Mapping[PodKey, int],
        also: Sequence[finding.Finding] = (),
    ) -> Judged:
        """Judge bytes that were read whole.

        Args:
            data: The bytes.
            origin: The path or URL.
            previous: The pods the origin stood for until now.
            seen: The time, for content that is new.
            incarnations: How often each pod was removed and put back.
            also: Warnings about the file itself.
        """
        if len(data) >= LARGEST_BYTES:
            return self.bad(
                origin,
                "is 10 MiB or larger: a manifest must be smaller; split it into several",
                previous,
            )
        reading = self.read(data, source=origin, strict=self.strict)
        findings = [*reading.findings, *also]
        old = {good.pod.key: good for good in previous}
        new: dict[PodKey, Good] = {}
        for read in reading.pods:
            made = self._good(read, origin=origin, seen=seen, old=old, incarnations=incarnations)
            if isinstance(made, finding.Finding):
                findings.append(made)
            elif made.pod.key in new:
                findings.append(_twice(made.pod.key, origin, read.position))
            else:
                new[made.pod.key] = made
        if not new and not _has_error(findings) and not reading.wants_nothing:
            findings.append(_error(origin, "holds no pod: remove it to remove its pods"))
        kept = self._kept(old, new, reading, findings)
        return judged(origin, findings=findings, fresh=new.values(), kept=kept)

    def bad(self, origin: str, message: str, previous: Sequence[Good]) -> Judged:
        """Judge what could not be read at all: everything of its last good content is kept."""
        return judged(origin, findings=[_error(origin, message)], fresh=(), kept=previous)

    def restored(self, content: Mapping[str, Any], *, origin: str, seen: datetime) -> Good | None:
        """Make a pod again from kept content; None when it is not fit for this node."""
        try:
            if identity.refusal(content, node_name=self.node_name):
                return None
            return self._make(content, origin=origin, seen=seen, incarnations={})
        except (ValueError, KeyError, TypeError, AttributeError):
            return None  # not written by us, or by another version: the file itself will tell

    def _good(
        self,
        read: ReadPod,
        *,
        origin: str,
        seen: datetime,
        old: Mapping[PodKey, Good],
        incarnations: Mapping[PodKey, int],
    ) -> Good | finding.Finding:
        refusal = identity.refusal(read.raw, node_name=self.node_name)
        if refusal:
            return _error(origin, str(refusal), read.position)
        before = old.get(identity.key_of(read.raw, node_name=self.node_name))
        try:
            if before and before.content == identity.canonical(read.raw):
                return before
            made = self._make(read.raw, origin=origin, seen=seen, incarnations=incarnations)
            if before and before.pod.uid == made.pod.uid:  # fixed by the manifest: an update
                seen = before.pod.seen
                return self._make(read.raw, origin=origin, seen=seen, incarnations=incarnations)
        except ValueError as fault:
            return _error(origin, f"does not fit the types of a Pod: {fault}", read.position)
        return made

    def _make(
        self,
        raw: Mapping[str, Any],
        *,
        origin: str,
        seen: datetime,
        incarnations: Mapping[PodKey, int],
    ) -> Good:
        key = identity.key_of(raw, node_name=self.node_name)
        content = identity.canonical(raw)
        pod = identity.wanted(
            raw,
            node_name=self.node_name,
            source=self.source,
            origin=origin,
            seen=seen,
            incarnation=incarnations.get(key, 0),
            content=content,
        )
        return Good(pod, content)

    def _kept(
        self,
        old: Mapping[PodKey, Good],
        new: Mapping[PodKey, Good],
        reading: Reading,
        findings: Sequence[finding.Finding],
    ) -> list[Good]:
        """The last good pods that the refused documents stand for."""
        if not _has_error(findings):
            return []
        named = [each for each in reading.refused if each.name and each.namespace is not None]
        claimed = {
            identity.key(claim.namespace, claim.name or "", node_name=self.node_name)
            for claim in named
        }
        if len(named) < len(reading.refused) or not claimed <= old.keys() or not named:
            claimed = set(old)  # somebody unknown was refused: it may be any of them
        return [good for key, good in old.items() if key in claimed and key not in new]


def judged(
    origin: str,
    *,
    findings: Sequence[finding.Finding],
    fresh: Iterable[Good],
    kept: Iterable[Good],
) -> Judged:
    """Put together what was taken anew and what was kept; errors sort before warnings."""
    kept = tuple(kept)
    goods = (*fresh, *kept)
    if kept:
        state = ManifestState.KEPT
    elif not goods and (_has_error(findings) or not findings):
        state = ManifestState.REFUSED
    else:
        state = ManifestState.ACCEPTED
    manifest = Manifest(
        origin=origin,
        state=state,
        pods=tuple(good.pod for good in goods),
        findings=tuple(findings),
    )
    return Judged(manifest, goods)


def moved(before: Judged, *, origin: str) -> Judged:
    """The same pods under another path."""
    goods = tuple(replace(good, pod=replace(good.pod, origin=origin)) for good in before.goods)
    findings = tuple(replace(each, source=origin) for each in before.manifest.findings)
    pods = tuple(good.pod for good in goods)
    manifest = replace(before.manifest, origin=origin, pods=pods, findings=findings)
    return Judged(manifest, goods)


def _has_error(findings: Iterable[finding.Finding]) -> bool:
    return any(each.severity is finding.Severity.ERROR for each in findings)


def _error(origin: str, message: str, position: finding.Position | None = None) -> finding.Finding:
    return finding.Finding(
        severity=finding.Severity.ERROR, source=origin, message=message, position=position
    )


def _twice(key: PodKey, origin: str, position: finding.Position | None) -> finding.Finding:
    return _error(
        origin, f"holds {key} twice: the first one counts; remove or rename one of them", position
    )
