"""Waiting for a version that a client has seen elsewhere."""

from __future__ import annotations

from staticlet.apiserver.store.port import Future, Store
from staticlet.kube import refusal

WITHIN_S = 3.0


async def reached(store: Store, revision: int) -> None:
    """Return when what is read is at least as new as a revision.

    Raises:
        refusal.Refusal: 504, it does not come.
    """
    if revision <= store.revision:
        return
    try:
        await store.reach(revision, within_s=WITHIN_S)
    except Future as error:
        raise too_new(error) from error


def too_new(error: Future) -> refusal.Refusal:
    """504: the revision is from the future, of this store at least."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return refusal.Refusal(
        504, "Timeout", f"Timeout: {error}", details={"causes": [cause]}, retry_after_s=1
    )
