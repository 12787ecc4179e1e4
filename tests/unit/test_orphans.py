"""Deletions that leave behind what the object owns."""

from __future__ import annotations

from typing import Any

import pytest

from staticlet.apiserver.admission import plugin
from staticlet.kube import refusal
from staticlet.testing import verbcalls
from staticlet.testing.verbcalls import config_map


def owned_by(*owners: dict[str, Any]) -> dict[str, Any]:
    return {
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": one["kind"],
                "name": one["metadata"]["name"],
                "uid": one["metadata"]["uid"],
            }
            for one in owners
        ]
    }


async def owners(api: verbcalls.Api, resource: str, name: str, **where: str) -> list[str]:
    meta = (await api.one("get", resource, name, **where))["metadata"]
    return [one["name"] for one in meta.get("ownerReferences", [])]


async def a_family(api: verbcalls.Api) -> None:
    """`both` is owned by `a` and `b`; `one` by `a` alone; `speaks` only mentions it."""
    a, b = [await api.one("create", "configmaps", body=config_map(name)) for name in "ab"]
    await api.ask("create", "configmaps", body=config_map("both", metadata=owned_by(a, b)))
    secret = {"metadata": {"name": "one", **owned_by(a)}}
    await api.ask("create", "secrets", body=secret)
    speaks = config_map("speaks", data={"uid": a["metadata"]["uid"]}, metadata=owned_by(b))
    await api.ask("create", "configmaps", body=speaks)


async def test_what_is_orphaned_has_lost_its_owner_and_no_other() -> None:
    async with verbcalls.served() as api:
        await a_family(api)
        before = await api.one("get", "configmaps", "speaks")
        await api.ask("delete", "configmaps", "a", propagationPolicy="Orphan")
        assert await owners(api, "configmaps", "both") == ["b"]
        assert "ownerReferences" not in (await api.one("get", "secrets", "one"))["metadata"]
        assert await api.one("get", "configmaps", "speaks") == before
        assert (await api.names("configmaps")) == ["b", "both", "speaks"]


async def test_a_whole_collection_can_leave_orphans() -> None:
    async with verbcalls.served() as api:
        await a_family(api)
        await api.ask("deletecollection", "configmaps", propagationPolicy="Orphan")
        assert await owners(api, "secrets", "one") == []


async def test_what_has_no_namespace_owns_things_in_any() -> None:
    async with verbcalls.served() as api:
        node = await api.one("create", "nodes", body={"metadata": {"name": "n"}})
        for place in ("x", "y"):
            body = config_map(metadata=owned_by(node))
            await api.ask("create", "configmaps", body=body, namespace=place)
        await api.ask("delete", "nodes", "n", propagationPolicy="Orphan")
        for place in ("x", "y"):
            assert await owners(api, "configmaps", "cm", namespace=place) == []


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_otherwise_owners_stay_written_down(policy: str) -> None:
    async with verbcalls.served() as api:
        await a_family(api)
        await api.ask("delete", "configmaps", "a", propagationPolicy=policy)
        assert await owners(api, "configmaps", "both") == ["a", "b"]


async def test_a_dry_run_orphans_nothing() -> None:
    async with verbcalls.served() as api:
        await a_family(api)
        await api.one("delete", "configmaps", "a", propagationPolicy="Orphan", dryRun="All")
        assert await owners(api, "configmaps", "both") == ["a", "b"]


class NoDeletions:
    """Refuses every deletion."""

    def mutate(self, review: plugin.Review, objects: plugin.Objects) -> None:
        if review.operation == "DELETE":
            raise refusal.forbidden(review.kind.group_resource, review.name, "stays")

    def validate(self, review: plugin.Review, objects: plugin.Objects) -> None:
        pass


async def test_a_deletion_that_is_refused_orphans_nothing() -> None:
    async with verbcalls.served(plugins=[NoDeletions()]) as api:
        await a_family(api)
        with pytest.raises(refusal.Refusal, match="stays"):
            await api.ask("delete", "configmaps", "a", propagationPolicy="Orphan")
        assert await owners(api, "configmaps", "both") == ["a", "b"]


async def test_a_deletion_of_another_object_of_the_name_orphans_nothing() -> None:
    async with verbcalls.served() as api:
        await a_family(api)
        options = {"propagationPolicy": "Orphan", "preconditions": {"uid": "another"}}
        with pytest.raises(refusal.Refusal) as refused:
            await api.ask("delete", "configmaps", "a", body=options)
        assert refused.value.code == 409
        assert await owners(api, "configmaps", "both") == ["a", "b"]


async def test_what_is_absent_has_no_orphans() -> None:
    async with verbcalls.served() as api:
        with pytest.raises(refusal.Refusal) as refused:
            await api.ask("delete", "configmaps", "a", propagationPolicy="Orphan")
        assert refused.value.code == 404
