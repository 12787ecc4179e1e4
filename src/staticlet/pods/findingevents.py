"""Findings that refuse a manifest, as events: on its pods while they run on, else on itself.

Each is told once while it lasts; when it comes again later, it is counted again.
"""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.kube import finding
from staticlet.pods import events, tools, wanted

REASON = "FailedValidation"


class FindingEvents:
    """Records the errors in manifests as they come."""

    def __init__(self, recorder: tools.Events) -> None:
        self._recorder = recorder
        self._told: frozenset[tuple[events.Subject, str]] = frozenset()

    def tell(self, merged: wanted.Wanted) -> None:
        """Record what was not there before."""
        now = tuple(errors(merged))
        for subject, text in now:
            if (subject, text) not in self._told:
                self._recorder.record(subject, events.WARNING, REASON, text)
        self._told = frozenset(now)


def errors(merged: wanted.Wanted) -> Iterator[tuple[events.Subject, str]]:
    """Every error in a manifest with what it is about."""
    for manifest in merged.manifests:
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
