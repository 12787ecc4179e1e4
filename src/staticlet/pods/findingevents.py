"""Findings that refuse a manifest, as events: on its pods while they run on, else on itself.

Each is told once while it lasts; when it comes again later, it is counted again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from staticlet.kube import finding
from staticlet.pods import events, tools, wanted

REASON = "FailedValidation"


_Told: TypeAlias = tuple[events.Subject, str]


class FindingEvents:
    """Records the errors in manifests as they come; a manifest that is as it was costs nothing."""

    def __init__(self, recorder: tools.Events) -> None:
        self._recorder = recorder
        self._told: Mapping[str, tuple[wanted.Manifest, frozenset[_Told]]] = {}

    def tell(self, merged: wanted.Wanted) -> None:
        """Record what was not there before."""
        self._told = {one.origin: self._tell(one) for one in merged.manifests}

    def _tell(self, manifest: wanted.Manifest) -> tuple[wanted.Manifest, frozenset[_Told]]:
        before = self._told.get(manifest.origin)
        if before is not None and before[0] is manifest:
            return before
        now = tuple(_errors(manifest))
        for subject, text in now:
            if before is None or (subject, text) not in before[1]:
                self._recorder.record(subject, events.WARNING, REASON, text)
        return manifest, frozenset(now)


def _errors(manifest: wanted.Manifest) -> Iterator[_Told]:
    """Every error in a manifest with what it is about."""
    for one in manifest.findings:
        if one.severity is finding.Severity.ERROR:
            for subject in _subjects(manifest):
                yield subject, str(one)


def _subjects(manifest: wanted.Manifest) -> Iterator[events.Subject]:
    """The pods that run on from the last good content; the manifest itself if there are none."""
    if manifest.state is wanted.ManifestState.KEPT and manifest.pods:
        for pod in manifest.pods:
            yield events.of_pod(pod.key, pod.uid)
    else:
        yield events.of_manifest(manifest.origin)
