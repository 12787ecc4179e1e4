"""Which findings are new since the last look at all manifests.

Nothing is done for a manifest that is as it was: where thousands are refused, an event that
concerns one of them looks at one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from staticlet.kube import finding
from staticlet.pods import wanted

_PLACES = ""
"""Stands among the origins for the findings about places as a whole."""


class FindingNews:
    """Tells each finding once while it lasts, and again when it comes back."""

    def __init__(self) -> None:
        self._known: Mapping[str, Sequence[finding.Finding]] = {}

    def take(self, merged: wanted.Wanted) -> list[finding.Finding]:
        """The findings that were not there the last time, in the order of their origins."""
        now = {_PLACES: merged.findings, **{m.origin: m.findings for m in merged.manifests}}
        news: list[finding.Finding] = []
        for origin, findings in now.items():
            known = self._known.get(origin, ())
            if findings is not known:
                told = frozenset(known)
                news += (one for one in findings if one not in told)
        self._known = now
        return news
