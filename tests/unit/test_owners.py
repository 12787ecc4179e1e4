"""Owners and what they own: who goes with whom, before whom, and who is left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from staticlet.apiserver.admission import plugin
from staticlet.apiserver.controllers import hands, owners
from staticlet.apiserver.verbs import answers
from staticlet.kube import refusal
from staticlet.testing import verbcalls
from staticlet.testing.controlled import STORED
from staticlet.testing.verbcalls import config_map, pod

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


class Family:
    """An API with a garbage collector, which works when it is told to."""

    def __init__(self, api: verbcalls.Api) -> None:
        self.api = api
        does = hands.Hands(api.backend, "garbagecollector")
        self.collector = owners.Owners(api.backend.store, does, STORED)
        self._revision = 0

    async def collect(self) -> None:
        """Collect until nothing changes any more."""
        store = self.api.backend.store
        known: set[Any] = set()
        for _ in range(20):
            keys = {
                record.key for kind in STORED for record in store.list(kind.key_resource).records
            }
            revision = store.revision
            await self.collector.settle(sorted(keys | known))
            known = keys
            if store.revision == revision:
                return
        raise AssertionError("it does not come to rest")

    async def make(self, name: str, *owned_by: str, block: bool = False, **meta: Any) -> None:
        """A config map that others own."""
        references = [await self.reference(one, block=block) for one in owned_by]
        body = config_map(name, metadata={"ownerReferences": references, **meta})
        await self.api.ask("create", "configmaps", body=body)

    async def reference(self, name: str, *, block: bool = False) -> dict[str, Any]:
        """Says that a config map is an owner."""
        uid = (await self.meta(name))["uid"]
        made = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid}
        return {**made, "blockOwnerDeletion": True} if block else made

    async def delete(self, name: str, policy: str = "", **query: str) -> answers.Answer:
        """Delete a config map."""
        asked = {"propagationPolicy": policy} if policy else {}
        return await self.api.ask("delete", "configmaps", name, **asked, **query)

    async def meta(self, name: str, resource: str = "configmaps") -> Any:
        """An object's metadata."""
        return (await self.api.one("get", resource, name))["metadata"]

    async def owners(self, name: str, resource: str = "configmaps") -> list[str]:
        """The names of an object's owners."""
        meta = await self.meta(name, resource)
        return [one["name"] for one in meta.get("ownerReferences", [])]

    async def names(self) -> list[str]:
        """The config maps that there are."""
        return await self.api.names("configmaps")


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    async with verbcalls.served() as api:
        yield Family(api)


# What a deletion writes.


@pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", FOREGROUND), ("Orphan", ORPHAN)])
async def test_what_waits_for_the_collector_stays_with_a_finalizer(family, policy, finalizer):
    await family.make("a")
    answer = await family.delete("a", policy)
    assert answer.code == (202 if policy == "Foreground" else 200)
    meta = await family.meta("a")
    assert meta["finalizers"] == [finalizer]
    assert meta["deletionTimestamp"] == "2026-01-01T12:00:00Z"
    assert meta["deletionGracePeriodSeconds"] == 0


async def test_what_is_deleted_in_the_background_goes_at_once(family):
    await family.make("a", finalizers=[FOREGROUND])
    await family.delete("a", "Background")
    assert await family.names() == []


async def test_finalizers_that_are_there_say_how_where_a_deletion_says_nothing(family):
    await family.make("a", finalizers=[ORPHAN])
    await family.delete("a")
    assert (await family.meta("a"))["finalizers"] == [ORPHAN]


async def test_a_second_deletion_may_ask_for_another_way(family):
    await family.make("a", finalizers=["example.com/hold"])
    await family.delete("a", "Foreground")
    await family.delete("a", "Orphan")
    assert (await family.meta("a"))["finalizers"] == ["example.com/hold", ORPHAN]
    await family.delete("a", "Background")
    assert (await family.meta("a"))["finalizers"] == ["example.com/hold"]


async def test_a_pod_keeps_its_way_while_its_grace_lasts(family):
    await family.api.ask("create", "pods", body=pod("web", node="n"))
    await family.api.ask("delete", "pods", "web", propagationPolicy="Foreground")
    await family.api.ask("delete", "pods", "web", propagationPolicy="Background")
    assert (await family.meta("web", "pods"))["finalizers"] == [FOREGROUND]
    await family.collect()
    assert "finalizers" not in await family.meta("web", "pods")
    await family.api.ask("delete", "pods", "web", gracePeriodSeconds="0")
    assert await family.api.names("pods") == []


async def test_a_dry_run_holds_nothing(family):
    await family.make("a")
    await family.delete("a", "Orphan", dryRun="All")
    assert "finalizers" not in await family.meta("a")


class NoDeletions:
    """Refuses every deletion."""

    def mutate(self, review: plugin.Review, objects: plugin.Objects) -> None:
        if review.operation == "DELETE":
            raise refusal.forbidden(review.kind.group_resource, review.name, "stays")

    def validate(self, review: plugin.Review, objects: plugin.Objects) -> None:
        pass


async def test_a_deletion_that_is_refused_writes_nothing():
    async with verbcalls.served(plugins=[NoDeletions()]) as api:
        family = Family(api)
        await family.make("a")
        with pytest.raises(refusal.Refusal, match="stays"):
            await family.delete("a", "Orphan")
        assert "finalizers" not in await family.meta("a")


# Who goes with whom.


async def test_what_is_owned_goes_after_its_owner(family):
    await family.make("a")
    await family.make("b", "a")
    await family.make("c", "b")
    await family.collect()
    await family.delete("a")
    await family.collect()
    assert await family.names() == []


async def test_one_owner_of_several_keeps_an_object_which_forgets_the_others(family):
    await family.make("a")
    await family.make("b")
    await family.make("both", "a", "b")
    await family.delete("a")
    await family.collect()
    assert await family.owners("both") == ["b"]


async def test_an_owner_of_the_same_name_and_another_uid_is_another(family):
    await family.make("a")
    await family.make("owned", "a")
    await family.collect()
    await family.delete("a")
    await family.make("a")
    await family.collect()
    assert await family.names() == ["a"]


async def test_an_owner_that_nobody_here_knows_is_taken_for_alive(family):
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u"}
    body = config_map("owned", metadata={"ownerReferences": [owner]})
    await family.api.ask("create", "configmaps", body=body)
    await family.collect()
    assert await family.owners("owned") == ["web"]


async def test_mirror_pods_go_with_their_node_at_once(family):
    node = await family.api.one("create", "nodes", body={"metadata": {"name": "n"}})
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": node["metadata"]["uid"]}
    await family.api.ask("create", "pods", body=pod("web-n", node="n", ownerReferences=[owner]))
    await family.collect()
    assert await family.api.names("pods") == ["web-n"]
    await family.api.ask("delete", "nodes", "n")
    await family.collect()
    assert await family.api.names("pods") == []


async def test_what_its_finalizers_ask_for_is_done_when_the_owner_has_gone(family):
    await family.make("a")
    await family.make("b", "a", finalizers=[ORPHAN])
    await family.make("c", "b")
    await family.delete("a")
    await family.collect()
    assert await family.names() == ["c"]
    assert await family.owners("c") == []


# Foreground.


async def test_an_owner_in_the_foreground_goes_after_what_blocks_it(family):
    await family.make("a")
    await family.make("held", "a", block=True, finalizers=["example.com/hold"])
    await family.delete("a", "Foreground")
    await family.collect()
    assert "deletionTimestamp" in await family.meta("held")
    assert (await family.meta("a"))["finalizers"] == [FOREGROUND]
    patch = {"metadata": {"finalizers": None}}
    await family.api.ask("patch", "configmaps", "held", body=patch, media=verbcalls.MERGE)
    await family.collect()
    assert await family.names() == []


async def test_it_does_not_wait_for_what_does_not_block_it(family):
    await family.make("a")
    await family.make("held", "a", finalizers=["example.com/hold"])
    await family.delete("a", "Foreground")
    await family.collect()
    assert await family.names() == ["held"]
    assert "deletionTimestamp" in await family.meta("held")


async def test_the_whole_line_goes_from_its_end(family):
    await family.make("a")
    await family.make("b", "a", block=True)
    await family.make("c", "b", block=True, finalizers=["example.com/hold"])
    await family.delete("a", "Foreground")
    await family.collect()
    assert (await family.meta("b"))["finalizers"] == [FOREGROUND]
    assert await family.names() == ["a", "b", "c"]


async def test_what_has_another_owner_stays_and_holds_nobody_up(family):
    await family.make("a")
    await family.make("b")
    await family.make("both", "a", "b", block=True)
    await family.delete("a", "Foreground")
    await family.collect()
    assert await family.names() == ["b", "both"]
    assert await family.owners("both") == ["b"]


async def test_owners_of_each_other_go(family):
    await family.make("a")
    await family.make("b", "a", block=True)
    back = {"metadata": {"ownerReferences": [await family.reference("b", block=True)]}}
    await family.api.ask("patch", "configmaps", "a", body=back, media=verbcalls.MERGE)
    await family.delete("a", "Foreground")
    await family.collect()
    assert await family.names() == []


async def test_what_owns_nothing_goes_in_the_foreground_as_in_the_background(family):
    await family.make("a")
    await family.delete("a", "Foreground")
    await family.collect()
    assert await family.names() == []


# Orphans.


async def test_what_is_orphaned_has_lost_its_owner_and_no_other(family):
    await family.make("a")
    await family.make("b")
    await family.make("both", "a", "b")
    references = [await family.reference("a")]
    secret = {"metadata": {"name": "one", "ownerReferences": references}}
    await family.api.ask("create", "secrets", body=secret)
    await family.delete("a", "Orphan")
    await family.collect()
    assert await family.names() == ["b", "both"]
    assert await family.owners("both") == ["b"]
    assert await family.owners("one", "secrets") == []


async def test_a_whole_collection_can_leave_orphans(family):
    await family.make("a")
    references = [await family.reference("a")]
    secret = {"metadata": {"name": "one", "ownerReferences": references}}
    await family.api.ask("create", "secrets", body=secret)
    await family.api.ask("deletecollection", "configmaps", propagationPolicy="Orphan")
    await family.collect()
    assert await family.names() == []
    assert await family.owners("one", "secrets") == []


async def test_what_has_no_namespace_owns_things_in_any(family):
    node = await family.api.one("create", "nodes", body={"metadata": {"name": "n"}})
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": node["metadata"]["uid"]}
    for place in ("x", "y"):
        body = config_map(metadata={"ownerReferences": [owner]})
        await family.api.ask("create", "configmaps", body=body, namespace=place)
    await family.api.ask("delete", "nodes", "n", propagationPolicy="Orphan")
    await family.collect()
    assert await family.api.names("nodes") == []
    for place in ("x", "y"):
        meta = (await family.api.one("get", "configmaps", "cm", namespace=place))["metadata"]
        assert "ownerReferences" not in meta


async def test_what_is_held_by_another_finalizer_too_has_orphans_before_it_goes(family):
    await family.make("a", finalizers=["example.com/hold"])
    await family.make("b", "a")
    await family.delete("a", "Orphan")
    await family.collect()
    assert (await family.meta("a"))["finalizers"] == ["example.com/hold"]
    assert await family.owners("b") == []
