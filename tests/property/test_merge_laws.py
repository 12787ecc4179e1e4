"""Conflicts between manifests never flap."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube import core
from staticlet.pods import merge
from staticlet.pods.wanted import Manifest, ManifestState, PodKey, Snapshot, WantedPod

ORIGINS = ("/m/a.yaml", "/m/b.yaml", "/m/c.yaml", "http://host/pods")
KEYS = tuple(PodKey("default", name) for name in ("x", "y"))

claims = st.dictionaries(
    st.sampled_from(ORIGINS),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from("123"), min_size=1),
    min_size=1,
)
orders = st.permutations(range(len(ORIGINS)))


def snapshot(claimed: dict[str, dict[PodKey, str]], order: list[int]) -> Snapshot:
    manifests = [
        Manifest(
            origin=origin,
            state=ManifestState.ACCEPTED,
            pods=tuple(
                WantedPod(
                    key=key,
                    uid=uid,
                    revision=uid,
                    pod=core.Pod(),
                    source="file",
                    origin=origin,
                    seen=datetime(2030, 1, 1, tzinfo=UTC),
                )
                for key, uid in claimed[origin].items()
            ),
        )
        for origin in (ORIGINS[each] for each in order)
        if origin in claimed
    ]
    return Snapshot(source="file", ready=True, manifests=tuple(manifests))


def winners(pods: dict[PodKey, WantedPod]) -> dict[PodKey, tuple[str, str]]:
    return {key: (pod.origin, pod.uid) for key, pod in pods.items()}


@given(claims, st.lists(orders, min_size=2, max_size=4))
def test_repeated_merges_in_any_order_are_stable(
    claimed: dict[str, dict[PodKey, str]], shuffles: list[list[int]]
) -> None:
    wanted = merge.merge([snapshot(claimed, shuffles[0])], holders={})
    for order in shuffles[1:]:
        again = merge.merge([snapshot(claimed, order)], holders=merge.holders(wanted))
        assert winners(dict(again.pods)) == winners(dict(wanted.pods))
        wanted = again


@given(claims, orders, st.sampled_from(ORIGINS))
def test_removing_a_loser_changes_nothing_and_removing_a_holder_hands_over(
    claimed: dict[str, dict[PodKey, str]], order: list[int], removed: str
) -> None:
    before = merge.merge([snapshot(claimed, order)], holders={})
    rest = {origin: keys for origin, keys in claimed.items() if origin != removed}
    after = merge.merge([snapshot(rest, order)], holders=merge.holders(before))
    for key, pod in before.pods.items():
        if pod.origin != removed:
            assert after.pods[key] is not None
            assert winners(dict(after.pods))[key] == winners(dict(before.pods))[key]
        else:
            assert (key in after.pods) == any(key in keys for keys in rest.values())
    assert set(after.pods) == {key for keys in rest.values() for key in keys}


@given(claims, orders)
def test_every_claimed_key_has_one_pod_and_every_loser_is_told(
    claimed: dict[str, dict[PodKey, str]], order: list[int]
) -> None:
    wanted = merge.merge([snapshot(claimed, order)], holders={})
    for manifest in wanted.manifests:
        lost = [pod for pod in manifest.pods if wanted.pods[pod.key].origin != manifest.origin]
        assert len(manifest.findings) == len(lost)
        assert (manifest.state is ManifestState.CONFLICT) == (len(lost) == len(manifest.pods))
