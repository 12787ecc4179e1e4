"""Why a pod cannot be restarted by hand, in words. Pure."""

from __future__ import annotations

from staticlet.pods import report, wanted

_PREDECESSOR = "its manifest has changed and it runs on as before {}: a restart would end it"


def refusal(
    pod: wanted.WantedPod | None, known: report.Report | None, *, undecided: bool, source: str
) -> str:
    """Why not; empty where nothing is in the way.

    Args:
        pod: The pod that is wanted under the name; None where there is none.
        known: What its worker knows; None where it has none.
        undecided: Whether it is not known yet if it is wanted: its source has not said so far.
        source: What brought the pod that runs under the name; empty where that is not known.
    """
    if pod is None:
        return _unwanted(known, undecided=undecided, source=source)
    if pod.over:
        return "it has ended in the API server, and what has ended there never runs again"
    if known is None:
        return ""
    ended = known.past.end_of(pod.uid, pod.revision)
    if ended is not None and pod.source == wanted.API:
        return f"it was ended for good ({ended.reason}: {ended.message})"
    if known.successor_images:
        return _PREDECESSOR.format("until the new images are there")
    if known.obstacle is not None and known.serving not in (None, known.want):
        return _PREDECESSOR.format(f"until there is a place for it ({known.obstacle})")
    return ""


def _unwanted(known: report.Report | None, *, undecided: bool, source: str) -> str:
    if known is not None and known.leaving is not None:
        source = known.leaving[0].source
    if undecided:
        return f"its source ({source}) has not said yet whether it is wanted: it runs on meanwhile"
    if source == wanted.API:
        return "it is being stopped, it was deleted in the API server"
    return "it is being stopped, its manifest is gone"
