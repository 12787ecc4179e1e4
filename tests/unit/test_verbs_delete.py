"""Deleting objects: at once, with grace, held by finalizers, many at a time; and evicting pods."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from staticlet.apiserver.verbs import answers
from staticlet.kube import refusal
from staticlet.testing import verbcalls
from staticlet.testing.verbcalls import config_map, pod


async def refused(api: verbcalls.Api, *args: str, **rest: Any) -> refusal.Refusal:
    with pytest.raises(refusal.Refusal) as caught:
        await api.ask(*args, **rest)
    return caught.value


async def gone(api: verbcalls.Api, resource: str, name: str) -> bool:
    return name not in await api.names(resource)


async def test_what_goes_at_once_is_answered_with_a_status() -> None:
    async with verbcalls.served() as api:
        made = await api.one("create", "configmaps", body=config_map())
        status = await api.status("delete", "configmaps", "cm")
        assert status["status"] == "Success"
        assert status["details"] == {
            "name": "cm",
            "kind": "configmaps",
            "uid": made["metadata"]["uid"],
        }
        assert (await refused(api, "delete", "configmaps", "cm")).code == 404


async def test_a_pod_on_no_node_goes_at_once_and_is_shown() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod())
        assert (await api.one("delete", "pods", "web"))["kind"] == "Pod"
        assert await gone(api, "pods", "web")


async def test_a_pod_on_a_node_gets_its_grace_which_may_only_be_shortened() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        meta = (await api.one("delete", "pods", "web"))["metadata"]
        assert meta["deletionTimestamp"] == "2026-01-01T12:00:30Z"
        assert meta["deletionGracePeriodSeconds"] == 30
        assert meta["generation"] == 2
        api.now += timedelta(seconds=5)
        for grace in (None, 30, 60):
            body = {} if grace is None else {"gracePeriodSeconds": grace}
            assert (await api.one("delete", "pods", "web", body=body))["metadata"] == meta
        shorter = (await api.one("delete", "pods", "web", gracePeriodSeconds="3"))["metadata"]
        assert shorter["deletionTimestamp"] == "2026-01-01T12:00:03Z"
        assert shorter["deletionGracePeriodSeconds"] == 3
        assert shorter["generation"] == 2
        await api.ask("delete", "pods", "web", gracePeriodSeconds="0")
        assert await gone(api, "pods", "web")


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (7, 7), (2_000_000_000, 2_000_000_000)])
async def test_the_grace_that_is_asked_for_is_given(asked: int, given: int) -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        found = await api.one("delete", "pods", "web", body={"gracePeriodSeconds": asked})
        assert found["metadata"]["deletionGracePeriodSeconds"] == given
        longest = str(2**63 - 1)
        await api.ask("delete", "pods", "web", gracePeriodSeconds=longest)


async def test_a_grace_beyond_all_time_is_taken() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        await api.ask("delete", "pods", "web", gracePeriodSeconds=str(2**63 - 1))
        await api.ask("delete", "pods", "web", gracePeriodSeconds=str(2**62))
        shorter = await api.one("delete", "pods", "web", gracePeriodSeconds="5")
        assert shorter["metadata"]["deletionTimestamp"] == "2026-01-01T12:00:05Z"


async def test_a_finished_pod_goes_at_once() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        body, media = {"status": {"phase": "Succeeded"}}, verbcalls.MERGE
        await api.ask("patch", "pods/status", "web", body=body, media=media)
        await api.ask("delete", "pods", "web")
        assert await gone(api, "pods", "web")


async def test_a_finalizer_holds_an_object_until_it_is_taken_off() -> None:
    async with verbcalls.served() as api:
        held = config_map(metadata={"finalizers": ["example.com/hold"]})
        await api.ask("create", "configmaps", body=held)
        meta = (await api.one("delete", "configmaps", "cm"))["metadata"]
        assert meta["deletionTimestamp"] == "2026-01-01T12:00:00Z"
        assert meta["deletionGracePeriodSeconds"] == 0
        before = api.backend.store.revision
        await api.ask("delete", "configmaps", "cm")
        assert api.backend.store.revision == before
        body = {"metadata": {"finalizers": ["example.com/hold", "example.com/new"]}}
        media = verbcalls.MERGE
        found = await refused(api, "patch", "configmaps", "cm", body=body, media=media)
        assert "no new finalizers can be added" in found.message
        body = {"metadata": {"finalizers": []}}
        await api.ask("patch", "configmaps", "cm", body=body, media=media)
        assert await gone(api, "configmaps", "cm")


async def test_a_pod_that_is_held_stays_when_its_grace_is_over() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n", finalizers=["example.com/hold"]))
        await api.ask("delete", "pods", "web")
        left = await api.one("delete", "pods", "web", gracePeriodSeconds="0")
        assert left["metadata"]["deletionGracePeriodSeconds"] == 0
        body = {"metadata": {"finalizers": None}}
        await api.ask("patch", "pods", "web", body=body, media=verbcalls.MERGE)
        assert await gone(api, "pods", "web")


async def test_a_pod_in_its_grace_stays_though_nothing_holds_it_any_more() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n", finalizers=["example.com/hold"]))
        await api.ask("delete", "pods", "web")
        body = {"metadata": {"finalizers": None}}
        await api.ask("patch", "pods", "web", body=body, media=verbcalls.MERGE)
        assert not await gone(api, "pods", "web")


async def test_no_update_takes_a_deletion_back() -> None:
    async with verbcalls.served() as api:
        made = await api.one("create", "pods", body=pod(node="n"))
        meta = (await api.one("delete", "pods", "web"))["metadata"]
        made["metadata"].pop("resourceVersion")
        after = (await api.one("update", "pods", "web", body=made))["metadata"]
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds"):
            assert after[name] == meta[name]


async def test_preconditions_must_hold() -> None:
    async with verbcalls.served() as api:
        meta = (await api.one("create", "configmaps", body=config_map()))["metadata"]
        for wrong in ({"uid": "x"}, {"resourceVersion": "1"}):
            body = {"preconditions": wrong}
            found = await refused(api, "delete", "configmaps", "cm", body=body)
            assert (found.code, "in the precondition" in found.message) == (409, True)
        right = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        await api.ask("delete", "configmaps", "cm", body={"preconditions": right})


@pytest.mark.parametrize(
    ("body", "query", "code"),
    [
        ({"propagationPolicy": "Sideways"}, {}, 422),
        ({}, {"propagationPolicy": "Sideways"}, 422),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, {}, 422),
        ({"dryRun": ["Some"]}, {}, 422),
        ({}, {"gracePeriodSeconds": "soon"}, 400),
        ({"gracePeriodSeconds": "soon"}, {}, 400),
    ],
)
async def test_options_that_break_rules_are_refused(
    body: dict[str, Any], query: dict[str, str], code: int
) -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "configmaps", body=config_map())
        found = await refused(api, "delete", "configmaps", "cm", body=body, **query)
        assert found.code == code


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"propagationPolicy": "Foreground"}, 202),
        ({"orphanDependents": "false"}, 202),
        ({"propagationPolicy": "Background"}, 200),
        ({}, 200),
    ],
)
async def test_a_deletion_that_has_to_wait_is_accepted_where_that_was_asked_for(
    query: dict[str, str], code: int
) -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        answer = await api.ask("delete", "pods", "web", **query)
        assert isinstance(answer, answers.One)
        assert answer.code == code


async def test_a_collection_goes_by_its_selectors_each_object_as_if_alone() -> None:
    async with verbcalls.served() as api:
        for name, node in (("a", "n"), ("b", ""), ("c", "n")):
            await api.ask("create", "pods", body=pod(name, node=node, labels={"l": name}))
        answer = await api.ask("deletecollection", "pods", labelSelector="l in (a,b)")
        assert verbcalls.named(answer) == ["a", "b"]
        assert await api.names("pods") == ["a", "c"]
        assert "deletionTimestamp" in (await api.one("get", "pods", "a"))["metadata"]
        assert "deletionTimestamp" not in (await api.one("get", "pods", "c"))["metadata"]
        await api.ask("deletecollection", "pods", gracePeriodSeconds="0")
        assert await api.names("pods") == []


async def test_many_are_deleted_in_one_go() -> None:
    async with verbcalls.served() as api:
        for number in range(150):
            await api.ask("create", "configmaps", body=config_map(f"c{number}"))
        await api.ask("deletecollection", "configmaps")
        assert await api.names("configmaps") == []


async def test_a_namespace_stays_until_it_is_finalized() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "namespaces", body={"metadata": {"name": "n"}})
        going = await api.one("delete", "namespaces", "n")
        assert going["status"]["phase"] == "Terminating"
        assert going["spec"]["finalizers"] == ["kubernetes"]
        assert (await api.one("delete", "namespaces", "n")) == going
        going["spec"]["finalizers"] = []
        await api.ask("update", "namespaces", "n", body=going)
        assert not await gone(api, "namespaces", "n")
        await api.ask("update", "namespaces/finalize", "n", body=going)
        assert await gone(api, "namespaces", "n")


async def test_a_namespace_that_is_held_besides_goes_when_both_let_go() -> None:
    async with verbcalls.served() as api:
        body = {"metadata": {"name": "n", "finalizers": ["example.com/hold"]}}
        made = await api.one("create", "namespaces", body=body)
        await api.ask("delete", "namespaces", "n")
        free = {"metadata": {"name": "n", "finalizers": made["metadata"]["finalizers"]}}
        await api.ask("update", "namespaces/finalize", "n", body=free)
        assert not await gone(api, "namespaces", "n")
        loose = {"metadata": {"finalizers": None}}
        await api.ask("patch", "namespaces", "n", body=loose, media=verbcalls.MERGE)
        assert await gone(api, "namespaces", "n")


async def test_an_evicted_pod_goes_with_grace_and_says_why() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        body = {"metadata": {"name": "web"}, "deleteOptions": {"gracePeriodSeconds": 7}}
        status = await api.status("create", "pods/eviction", "web", body=body)
        assert (status["status"], status["code"]) == ("Success", 201)
        found = await api.one("get", "pods", "web")
        assert found["metadata"]["deletionGracePeriodSeconds"] == 7
        condition = found["status"]["conditions"][-1]
        assert (condition["type"], condition["reason"]) == (
            "DisruptionTarget",
            "EvictionByEvictionAPI",
        )
        body["metadata"] = {"name": "other"}
        assert (await refused(api, "create", "pods/eviction", "web", body=body)).code == 400
        assert (await refused(api, "create", "pods/eviction", "x", body={})).code == 404


async def test_a_pod_is_bound_once() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod())
        body: dict[str, Any] = {"metadata": {"name": "web"}, "target": {"kind": "Node"}}
        assert (await refused(api, "create", "pods/binding", "web", body=body)).code == 422
        body["target"]["name"] = "n"
        status = await api.status("create", "pods/binding", "web", body=body)
        assert (status["status"], status["code"]) == ("Success", 201)
        found = await api.one("get", "pods", "web")
        assert found["spec"]["nodeName"] == "n"
        condition = found["status"]["conditions"][0]
        assert (condition["type"], condition["status"]) == ("PodScheduled", "True")
        again = await refused(api, "create", "pods/binding", "web", body=body)
        assert again.message == (
            'Operation cannot be fulfilled on pods/binding "web": '
            'pod web is already assigned to node "n"'
        )


async def test_a_binding_may_be_made_without_naming_the_pod_in_the_path() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod())
        body = {"metadata": {"name": "web"}, "target": {"name": "n"}}
        await api.ask("create", "bindings", body=body)
        assert (await api.one("get", "pods", "web"))["spec"]["nodeName"] == "n"
        body["metadata"] = {}
        assert (await refused(api, "create", "bindings", body=body)).code == 422


@pytest.mark.parametrize("what", ["log", "exec", "attach", "portforward"])
async def test_what_only_a_node_can_answer_is_refused_by_name(what: str) -> None:
    async with verbcalls.served() as api:
        verb = "get"
        assert (await refused(api, verb, f"pods/{what}", "web")).code == 404
        await api.ask("create", "pods", body=pod())
        assert (await refused(api, verb, f"pods/{what}", "web")).code == 400
        await api.ask("create", "pods", body=pod("bound", node="n"))
        found = await refused(api, verb, f"pods/{what}", "bound")
        assert (found.code, found.reason) == (503, "ServiceUnavailable")
        assert f'cannot pass {what} of pods "bound" on to node "n"' in found.message
