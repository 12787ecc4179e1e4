"""Getting and listing objects: selectors, pages, versions."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from staticlet.apiserver.store import history
from staticlet.apiserver.verbs import answers
from staticlet.kube import refusal
from staticlet.testing import verbcalls
from staticlet.testing.verbcalls import config_map, pod


async def listed(api: verbcalls.Api, resource: str = "configmaps", **rest: Any) -> answers.Many:
    answer = await api.ask("list", resource, **rest)
    assert isinstance(answer, answers.Many)
    return answer


async def refused(api: verbcalls.Api, resource: str = "configmaps", **rest: Any) -> Any:
    with pytest.raises(refusal.Refusal) as caught:
        await api.ask("list", resource, **rest)
    return caught.value


async def fill(api: verbcalls.Api, *names: str) -> None:
    for name in names:
        await api.ask("create", "configmaps", body=config_map(name, labels={"l": name[0]}))


async def test_a_list_is_in_the_order_of_names_and_at_the_stores_revision() -> None:
    async with verbcalls.served() as api:
        await fill(api, "b", "a", "c")
        await api.ask("create", "configmaps", body=config_map("z"), namespace="aa")
        found = await listed(api)
        assert verbcalls.named(found) == ["a", "b", "c"]
        assert found.revision == api.backend.store.revision
        assert verbcalls.named(await listed(api, namespace="")) == ["z", "a", "b", "c"]


async def test_pages_of_all_namespaces_go_on_where_they_ended() -> None:
    async with verbcalls.served() as api:
        for namespace in ("a", "a-b", "ab"):
            for name in ("x", "y"):
                await api.ask("create", "configmaps", body=config_map(name), namespace=namespace)
        seen, more = [], ""
        while True:
            found = await listed(api, namespace="", limit="1", **{"continue": more})
            seen += [record.key.path for record in found.records]
            more = found.more
            if not more:
                break
        assert seen == ["a-b/x", "a-b/y", "a/x", "a/y", "ab/x", "ab/y"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"labelSelector": "l=a"}, ["a1", "a2"]),
        ({"labelSelector": "l notin (a)"}, ["b1"]),
        ({"fieldSelector": "metadata.name=a2"}, ["a2"]),
        ({"fieldSelector": "metadata.name!=a2,metadata.namespace=default"}, ["a1", "b1"]),
        ({"fieldSelector": "metadata.namespace=other"}, []),
        ({"labelSelector": "l=a", "fieldSelector": "metadata.name!=a2"}, ["a1"]),
    ],
)
async def test_selectors_select(query: dict[str, str], names: list[str]) -> None:
    async with verbcalls.served() as api:
        await fill(api, "a1", "a2", "b1")
        assert await api.names("configmaps", **query) == names


async def test_pods_are_selected_by_their_node_and_phase() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod("a", node="n"))
        await api.ask("create", "pods", body=pod("b"))
        assert await api.names("pods", fieldSelector="spec.nodeName=n") == ["a"]
        assert await api.names("pods", fieldSelector="spec.nodeName=") == ["b"]
        assert await api.names("pods", fieldSelector="status.phase!=Pending") == []


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ({"fieldSelector": "spec.color=red"}, 400, "field label not supported: spec.color"),
        ({"fieldSelector": "nonsense"}, 400, "cannot understand"),
        ({"labelSelector": "a b c"}, 400, "expected"),
        ({"resourceVersion": "banana"}, 400, 'resourceVersion: Invalid value: "banana"'),
        ({"resourceVersion": "-1"}, 400, "resourceVersion"),
        ({"resourceVersion": "9" * 5000}, 400, "resourceVersion"),
        ({"limit": "many"}, 400, "limit"),
        ({"limit": "٣"}, 400, "limit"),
        ({"continue": "nonsense"}, 400, "continue key is not valid"),
        ({"continue": "bm9uc2Vuc2U"}, 400, "continue key is not valid"),
        ({"continue": "é"}, 400, "continue key is not valid"),
        ({"resourceVersionMatch": "Exact"}, 422, "unless resourceVersion is provided"),
        ({"resourceVersionMatch": "X", "resourceVersion": "1"}, 422, "Unsupported value"),
        (
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            422,
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        ({"sendInitialEvents": "true"}, 422, "sendInitialEvents is forbidden for list"),
        ({"resourceVersion": "1", "resourceVersionMatch": "Exact"}, 410, "too old"),
    ],
)
async def test_options_that_are_not_right_are_refused(
    query: dict[str, str], code: int, words: str
) -> None:
    async with verbcalls.served() as api:
        found = await refused(api, "pods", **query)
        assert found.code == code
        assert words in found.message


async def test_pages_show_one_revision_whatever_happens_meanwhile() -> None:
    async with verbcalls.served() as api:
        await fill(api, "a", "b", "c", "d")
        first = await listed(api, limit="2")
        assert (verbcalls.named(first), first.remaining) == (["a", "b"], 2)
        await api.ask("delete", "configmaps", "c")
        await fill(api, "bb")
        change = config_map("d", data={"new": "yes"})
        await api.ask("update", "configmaps", "d", body=change)
        second = await listed(api, limit="2", **{"continue": first.more})
        assert (verbcalls.named(second), second.more) == (["c", "d"], "")
        assert second.revision == first.revision
        assert b"new" not in second.records[1].encoded
        assert second.remaining is None


async def test_pages_go_on_over_namespaces() -> None:
    async with verbcalls.served() as api:
        for namespace in ("n1", "n2"):
            for name in ("a", "b"):
                body = config_map(name)
                await api.ask("create", "configmaps", body=body, namespace=namespace)
        seen: list[tuple[str, str]] = []
        more: dict[str, str] = {}
        for _ in range(4):
            page = await listed(api, namespace="", limit="1", **more)
            seen += [record.key[1:] for record in page.records]
            more = {"continue": page.more}
        assert seen == [("n1", "a"), ("n1", "b"), ("n2", "a"), ("n2", "b")]
        assert page.more == ""


async def test_a_selected_page_is_full_and_does_not_say_how_many_are_left() -> None:
    async with verbcalls.served() as api:
        await fill(api, "a1", "b1", "a2", "b2", "a3")
        first = await listed(api, limit="2", labelSelector="l=a")
        assert (verbcalls.named(first), first.remaining) == (["a1", "a2"], None)
        rest = await listed(api, limit="2", labelSelector="l=a", **{"continue": first.more})
        assert (verbcalls.named(rest), rest.more) == (["a3"], "")


async def test_an_expired_page_offers_to_go_on_as_things_are() -> None:
    few = history.Keeping(revisions=3, few=0)
    async with verbcalls.served(keeping=few) as api:
        await fill(api, "a", "b", "c")
        first = await listed(api, limit="1")
        await fill(api, "d", "e", "f", "g")
        found = await refused(api, limit="1", **{"continue": first.more})
        assert (found.code, found.reason) == (410, "Expired")
        token = found.status()["metadata"]["continue"]
        assert json.loads(urlsafe_b64decode(token + "=="))["rv"] == -1
        rest = await listed(api, **{"continue": token})
        assert verbcalls.named(rest) == ["b", "c", "d", "e", "f", "g"]


async def test_a_page_names_its_version_itself() -> None:
    async with verbcalls.served() as api:
        await fill(api, "a", "b")
        more = {"continue": (await listed(api, limit="1")).more}
        assert (await refused(api, resourceVersion="3", **more)).code == 400
        assert verbcalls.named(await listed(api, resourceVersion="0", **more)) == ["b"]


async def test_a_list_may_show_an_earlier_version_exactly() -> None:
    async with verbcalls.served() as api:
        await fill(api, "a")
        then = str(api.backend.store.revision)
        await fill(api, "b")
        at = {"resourceVersion": then}
        assert await api.names("configmaps", resourceVersionMatch="Exact", **at) == ["a"]
        assert await api.names("configmaps", limit="5", **at) == ["a"]
        newer = await listed(api, resourceVersionMatch="NotOlderThan", **at)
        assert verbcalls.named(newer) == ["a", "b"]
        assert await api.names("configmaps", **at) == ["a", "b"]


@pytest.mark.looptime
@pytest.mark.parametrize("verb", ["list", "get", "watch"])
async def test_a_version_from_the_future_is_waited_for_a_while(verb: str) -> None:
    async with verbcalls.served() as api:
        await fill(api, "a")
        name = "a" if verb == "get" else ""
        with pytest.raises(refusal.Refusal) as caught:
            await api.ask(verb, "configmaps", name, resourceVersion="99999999")
        found = caught.value.status()
        assert (found["code"], found["reason"]) == (504, "Timeout")
        assert found["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
