"""Creating, updating and patching objects."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from typing import Any, cast

import pytest

from staticlet.apiserver.admission import plugin, serviceaccount
from staticlet.apiserver.store.port import Decide, Key, Objects, Record, Store, WriteFailed
from staticlet.apiserver.verbs import answers
from staticlet.kube import refusal
from staticlet.testing import verbcalls
from staticlet.testing.verbcalls import config_map, pod


async def refused(api: verbcalls.Api, *args: str, **rest: Any) -> refusal.Refusal:
    with pytest.raises(refusal.Refusal) as caught:
        await api.ask(*args, **rest)
    return caught.value


async def test_a_new_object_gets_what_only_the_server_sets() -> None:
    async with verbcalls.served() as api:
        given = config_map(metadata={"uid": "mine", "generation": 9, "deletionTimestamp": None})
        answer = await api.ask("create", "configmaps", body=given)
        assert isinstance(answer, answers.One)
        assert answer.code == 201
        meta = verbcalls.shown(answer)["metadata"]
        assert meta["uid"].startswith("00000000-")
        assert meta["creationTimestamp"] == "2026-01-01T12:00:00Z"
        assert meta["namespace"] == "default"
        assert int(meta["resourceVersion"]) == api.backend.store.revision
        assert "generation" not in meta
        assert await api.one("get", "configmaps", "cm") == verbcalls.shown(answer)


class Lacking(serviceaccount.ServiceAccount):
    """Counts how often it is asked; after so many times, the account is there."""

    def __init__(self, *, tries: int) -> None:
        self.asked, self._tries = 0, tries

    def mutate(self, review: plugin.Review, objects: Objects) -> None:
        self.asked += 1
        if self.asked <= self._tries:
            super().mutate(review, objects)


@pytest.mark.looptime
async def test_a_pod_waits_for_the_account_that_every_namespace_gets() -> None:
    lacking = Lacking(tries=3)
    async with verbcalls.served(plugins=[lacking]) as api:
        made = await api.one("create", "pods", body=pod())
        assert made["metadata"]["name"] == "web"
        assert lacking.asked == 4


@pytest.mark.looptime
async def test_a_pod_waits_for_no_account_longer_than_a_second() -> None:
    lacking = Lacking(tries=100)
    async with verbcalls.served(plugins=[lacking]) as api:
        began = asyncio.get_running_loop().time()
        found = await refused(api, "create", "pods", body=pod())
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.0)
        assert found.code == 403
        assert 'serviceaccount "default" not found' in found.message


async def test_a_pod_waits_not_at_all_for_an_account_that_it_names() -> None:
    lacking = Lacking(tries=100)
    async with verbcalls.served(plugins=[lacking]) as api:
        robot = pod()
        robot["spec"]["serviceAccountName"] = "robot"
        await refused(api, "create", "pods", body=robot)
        assert lacking.asked == 1


async def test_a_name_is_taken_once() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "configmaps", body=config_map())
        found = await refused(api, "create", "configmaps", body=config_map())
        assert (found.code, found.message) == (409, 'configmaps "cm" already exists')
        await api.ask("create", "configmaps", body=config_map(), namespace="other")


async def test_generated_names_are_tried_until_one_is_free() -> None:
    async with verbcalls.served(suffixes=["aaaaa", "aaaaa", "bbbbb"]) as api:
        given = {"metadata": {"generateName": "web-"}}
        names = [
            (await api.one("create", "configmaps", body=given))["metadata"]["name"]
            for _ in range(2)
        ]
        assert names == ["web-aaaaa", "web-bbbbb"]


async def test_a_name_that_cannot_be_generated_is_a_conflict_in_the_end() -> None:
    async with verbcalls.served(suffixes=["aaaaa"] * 9) as api:
        given = {"metadata": {"generateName": "web-"}}
        await api.ask("create", "configmaps", body=given)
        found = await refused(api, "create", "configmaps", body=given)
        assert found.reason == "AlreadyExists"


async def test_a_long_base_is_cut_so_that_it_is_a_name() -> None:
    async with verbcalls.served(suffixes=["aaaaa"]) as api:
        given = {"metadata": {"generateName": "x" * 100}}
        made = await api.one("create", "configmaps", body=given)
        assert made["metadata"]["name"] == "x" * 58 + "aaaaa"


async def test_a_dry_run_answers_and_writes_nothing() -> None:
    async with verbcalls.served() as api:
        before = api.backend.store.revision
        made = await api.one("create", "configmaps", body=config_map(), dryRun="All")
        assert made["metadata"]["uid"]
        assert "resourceVersion" not in made["metadata"]
        assert api.backend.store.revision == before
        await api.ask("create", "configmaps", body=config_map())
        patch: dict[str, Any] = {"data": {"a": "b"}}
        for verb, body, media in (
            ("patch", patch, verbcalls.MERGE),
            ("update", config_map(**patch), verbcalls.JSON),
        ):
            answer = await api.ask(verb, "configmaps", "cm", body=body, media=media, dryRun="All")
            assert verbcalls.shown(answer)["data"] == {"a": "b"}
        await api.ask("delete", "configmaps", "cm", dryRun="All")
        await api.ask("delete", "configmaps", "cm", body={"dryRun": ["All"]})
        assert "data" not in await api.one("get", "configmaps", "cm")


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"dryRun": "some"}, "dryRun"),
        ({"fieldValidation": "Maybe"}, "fieldValidation"),
        ({"fieldManager": "x" * 129}, "fieldManager"),
        ({"fieldManager": "a\nb"}, "fieldManager"),
    ],
)
async def test_options_that_break_rules_are_invalid(query: dict[str, str], kind: str) -> None:
    async with verbcalls.served() as api:
        found = await refused(api, "create", "configmaps", body=config_map(), **query)
        assert found.code == 422
        assert found.message.startswith('CreateOptions.meta.k8s.io "" is invalid: ' + kind)


async def test_a_version_is_not_set_on_what_is_new() -> None:
    async with verbcalls.served() as api:
        given = config_map(metadata={"resourceVersion": "5"})
        assert (await refused(api, "create", "configmaps", body=given)).code == 400


async def test_another_namespace_or_name_than_the_paths_is_a_bad_request() -> None:
    async with verbcalls.served() as api:
        astray = config_map(metadata={"namespace": "other"})
        found = await refused(api, "create", "configmaps", body=astray)
        assert (found.code, "does not match" in found.message) == (400, True)
        await api.ask("create", "configmaps", body=config_map())
        for given in (config_map("x"), {}, astray):
            assert (await refused(api, "update", "configmaps", "cm", body=given)).code == 400
        rename = {"metadata": {"name": "x"}}
        found = await refused(api, "patch", "configmaps", "cm", body=rename, media=verbcalls.MERGE)
        assert found.code == 400


async def test_an_update_keeps_what_the_server_set() -> None:
    async with verbcalls.served() as api:
        made = await api.one("create", "configmaps", body=config_map())
        api.now += timedelta(hours=1)
        changed = await api.one("update", "configmaps", "cm", body=config_map(data={"a": "1"}))
        for name in ("uid", "creationTimestamp"):
            assert changed["metadata"][name] == made["metadata"][name]
        assert changed["data"] == {"a": "1"}


async def test_a_stale_version_is_a_conflict() -> None:
    async with verbcalls.served() as api:
        made = await api.one("create", "configmaps", body=config_map())
        await api.ask("update", "configmaps", "cm", body={**made, "data": {"a": "1"}})
        found = await refused(api, "update", "configmaps", "cm", body={**made, "data": {}})
        assert (found.code, found.reason) == (409, "Conflict")
        assert found.message == (
            'Operation cannot be fulfilled on configmaps "cm": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )


async def test_an_update_of_another_uid_is_a_conflict() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "configmaps", body=config_map())
        given = config_map(metadata={"uid": "other"})
        assert (await refused(api, "update", "configmaps", "cm", body=given)).code == 409


async def test_a_version_that_is_no_number_is_a_bad_request() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "configmaps", body=config_map())
        given = config_map(metadata={"resourceVersion": "banana"})
        assert (await refused(api, "update", "configmaps", "cm", body=given)).code == 400


async def test_writing_what_is_there_changes_nothing() -> None:
    async with verbcalls.served() as api:
        made = await api.one("create", "configmaps", body=config_map(data={"a": "1"}))
        before = api.backend.store.revision
        assert await api.one("update", "configmaps", "cm", body=made) == made
        await api.ask("update", "configmaps", "cm", body=config_map(data={"a": "1"}))
        same = {"data": {"a": "1"}}
        await api.ask("patch", "configmaps", "cm", body=same, media=verbcalls.MERGE)
        assert api.backend.store.revision == before


async def test_only_leases_and_events_are_made_by_an_update() -> None:
    async with verbcalls.served() as api:
        found = await refused(api, "update", "configmaps", "cm", body=config_map())
        assert found.code == 404
        lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}
        resource = "leases.coordination.k8s.io"
        answer = await api.ask("update", resource, "l", body=lease)
        assert isinstance(answer, answers.One)
        assert answer.code == 201
        found = await refused(api, "update", resource, "l", body=lease)
        assert (found.code, "must be specified for an update" in found.message) == (422, True)
        made = verbcalls.shown(answer)
        made["spec"]["holderIdentity"] = "you"
        assert (await api.one("update", resource, "l", body=made))["spec"] == made["spec"]


async def test_every_patch_language_is_understood() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        for body, media in (
            ({"metadata": {"labels": {"a": "1"}}}, verbcalls.MERGE),
            ([{"op": "add", "path": "/metadata/labels/b", "value": "2"}], verbcalls.JSON_PATCH),
            ({"spec": {"containers": [{"name": "c", "image": "x:2"}]}}, verbcalls.STRATEGIC),
        ):
            await api.ask("patch", "pods", "web", body=body, media=media)
        found = await api.one("get", "pods", "web")
        assert found["metadata"]["labels"] == {"a": "1", "b": "2"}
        assert found["spec"]["containers"][0]["image"] == "x:2"
        assert found["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        (b"{", verbcalls.MERGE, 400),
        (b"[]", verbcalls.MERGE, 400),
        (b"null", verbcalls.MERGE, 400),
        (b'{"metadata": null}', verbcalls.MERGE, 400),
        (b'{"data": {"a": 1}}', verbcalls.MERGE, 422),
        (b'{"kind": "Pod"}', verbcalls.MERGE, 400),
        (b"{}", "application/nonsense", 415),
        (b"{}", "", 415),
        (b'[{"op":"test","path":"/metadata/name","value":"x"}]', verbcalls.JSON_PATCH, 422),
        (b'[{"op":"replace","path":"","value":[]}]', verbcalls.JSON_PATCH, 400),
        (b'{"op":"x"}', verbcalls.JSON_PATCH, 400),
        (b"[1]", verbcalls.STRATEGIC, 400),
        (b'{"metadata": {"resourceVersion": "1"}}', verbcalls.MERGE, 409),
        (b'{"metadata": {"resourceVersion": "x"}}', verbcalls.MERGE, 400),
    ],
)
async def test_a_patch_that_does_not_fit_is_refused(body: bytes, media: str, code: int) -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "configmaps", body=config_map(data={"a": "1"}))
        found = await refused(api, "patch", "configmaps", "cm", body=body, media=media)
        assert found.code == code


async def test_unknown_fields_of_a_patch_are_told() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "configmaps", body=config_map())
        body, media = {"colour": "red"}, verbcalls.MERGE
        await api.ask("patch", "configmaps", "cm", body=body, media=media)
        assert api.last is not None
        assert api.last.warnings == ['unknown field "colour"']
        found = await refused(
            api, "patch", "configmaps", "cm", body=body, media=media, fieldValidation="Strict"
        )
        assert (found.code, 'unknown field "colour"' in found.message) == (422, True)


async def test_apply_makes_what_is_not_there_and_keeps_book() -> None:
    async with verbcalls.served() as api:
        body = config_map(data={"a": "1"})
        rest: dict[str, Any] = {"body": body, "media": verbcalls.APPLY, "fieldManager": "me"}
        answer = await api.ask("patch", "configmaps", "cm", **rest)
        assert isinstance(answer, answers.One)
        assert answer.code == 201
        before = api.backend.store.revision
        api.now += timedelta(hours=1)
        assert await api.one("patch", "configmaps", "cm", **rest) == verbcalls.shown(answer)
        assert api.backend.store.revision == before
        rest["fieldManager"] = "you"
        body["data"] = {"a": "2"}
        found = await refused(api, "patch", "configmaps", "cm", **rest)
        assert (found.code, found.reason) == (409, "Conflict")
        forced = await api.one("patch", "configmaps", "cm", force="true", **rest)
        assert forced["data"] == {"a": "2"}
        owners = [one["manager"] for one in forced["metadata"]["managedFields"]]
        assert owners == ["you"]


async def test_apply_needs_a_manager_and_only_apply_is_forced() -> None:
    async with verbcalls.served() as api:
        body = config_map()
        found = await refused(api, "patch", "configmaps", "cm", body=body, media=verbcalls.APPLY)
        assert "fieldManager: Required value: is required for apply patch" in found.message
        found = await refused(
            api, "patch", "configmaps", "cm", body={}, media=verbcalls.MERGE, force="true"
        )
        assert "force: Forbidden: may not be specified for non-apply patch" in found.message


async def test_status_and_spec_are_written_apart() -> None:
    async with verbcalls.served() as api:
        await api.ask("create", "pods", body=pod(node="n"))
        change: dict[str, Any] = {
            "status": {"phase": "Running"},
            "spec": {"activeDeadlineSeconds": 5},
        }
        media = verbcalls.MERGE
        running = await api.one("patch", "pods/status", "web", body=change, media=media)
        assert running["status"]["phase"] == "Running"
        assert "activeDeadlineSeconds" not in running["spec"]
        change["status"]["phase"] = "Failed"
        found = await api.one("patch", "pods", "web", body=change, media=media)
        assert found["status"]["phase"] == "Running"
        assert found["spec"]["activeDeadlineSeconds"] == 5
        found["status"]["phase"] = "Succeeded"
        ended = await api.one("update", "pods/status", "web", body=found)
        assert ended["status"]["phase"] == "Succeeded"
        assert await api.one("get", "pods/status", "web") == ended


@pytest.mark.parametrize(
    ("verb", "resource", "name", "code"),
    [
        ("get", "widgets", "x", 404),
        ("update", "pods", "", 405),
        ("create", "pods", "x", 405),
        ("create", "services", "", 405),
        ("create", "tokenreviews.authentication.k8s.io", "", 405),
        ("create", "configmaps", "", 422),
        ("delete", "services", "x", 405),
        ("deletecollection", "namespaces", "", 405),
        ("get", "configmaps/status", "x", 404),
        ("create", "pods/status", "x", 405),
        ("patch", "configmaps", "x", 415),
    ],
)
async def test_what_is_not_there_or_cannot_be_done_is_refused(
    verb: str, resource: str, name: str, code: int
) -> None:
    async with verbcalls.served() as api:
        assert (await refused(api, verb, resource, name, body={})).code == code


async def test_the_refusal_of_a_service_says_why_there_are_none() -> None:
    async with verbcalls.served() as api:
        found = await refused(api, "create", "services", body={})
        assert "runs no Services" in found.message


class Failing:
    """A store on a disk that takes no writes."""

    def __init__(self, store: Store, failure: WriteFailed) -> None:
        self._store, self._failure = store, failure

    async def write(self, key: Key, decide: Decide) -> Record | None:
        decide(self._store.get(key))
        raise self._failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def failing(api: verbcalls.Api, failure: WriteFailed) -> verbcalls.Api:
    store = cast("Store", Failing(api.backend.store, failure))
    return verbcalls.Api(dataclasses.replace(api.backend, store=store))


@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete", "deletecollection"])
async def test_a_full_disk_takes_no_write_and_says_so(verb: str) -> None:
    async with verbcalls.served() as api:
        if verb != "create":
            await api.ask("create", "configmaps", body=config_map())
        full = failing(api, WriteFailed("cannot write to state.db: it is full", full=True))
        name = "" if verb in ("create", "deletecollection") else "cm"
        body = {"data": {"new": "1"}} if verb == "patch" else config_map(data={"new": "1"})
        media = verbcalls.MERGE if verb == "patch" else verbcalls.JSON
        given = b"" if verb.startswith("delete") else body
        found = await refused(full, verb, "configmaps", name, body=given, media=media)
        assert (found.code, found.reason) == (507, "InsufficientStorage")
        assert found.message == "cannot store the object: cannot write to state.db: it is full"


async def test_a_failing_disk_is_the_servers_own_fault() -> None:
    async with verbcalls.served() as api:
        broken = failing(api, WriteFailed("cannot write to state.db: disk I/O error"))
        found = await refused(broken, "create", "configmaps", body=config_map())
        assert (found.code, found.reason) == (500, "InternalError")
        assert "disk I/O error" in found.message


async def test_a_pod_cannot_be_made_for_all_namespaces() -> None:
    async with verbcalls.served() as api:
        assert (await refused(api, "create", "pods", body=pod(), namespace="")).code == 405
        assert (await refused(api, "get", "pods", "web", namespace="")).code == 404


async def test_events_of_both_groups_are_one() -> None:
    async with verbcalls.served() as api:
        event = {
            "metadata": {"name": "e"},
            "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "type": "Normal",
            "reason": "R",
            "action": "A",
            "note": "hello",
            "reportingController": "example.com/c",
            "reportingInstance": "i",
        }
        await api.ask("create", "events.events.k8s.io", body=event)
        old = await api.one("get", "events", "e")
        assert (old["apiVersion"], old["message"]) == ("v1", "hello")
        assert old["involvedObject"]["name"] == "web"
        selected = await api.names("events", fieldSelector="involvedObject.name=web")
        assert selected == ["e"]
        newer = "events.events.k8s.io"
        assert await api.names(newer, fieldSelector="regarding.name=web") == ["e"]
        change = {"series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}}
        await api.ask("patch", newer, "e", body=change, media=verbcalls.MERGE)
        changed = await api.one("get", "events", "e")
        assert changed["series"]["count"] == 2
        (entry,) = changed["metadata"]["managedFields"]
        assert entry["apiVersion"] == "events.k8s.io/v1"
        assert {"f:note", "f:regarding", "f:series"} <= entry["fieldsV1"].keys()
        assert not {"f:message", "f:involvedObject"} & entry["fieldsV1"].keys()


class Adding:
    """Admission that adds something to every pod."""

    def mutate(self, review: plugin.Review, objects: Objects) -> None:
        del objects
        if review.operation == "CREATE" and review.object is not None:
            review.object["spec"]["priorityClassName"] = "added"

    def validate(self, review: plugin.Review, objects: Objects) -> None:
        """Refuse nothing."""


async def test_what_admission_adds_is_managed_by_nobody() -> None:
    async with verbcalls.served(plugins=[Adding()]) as api:
        made = await api.one("create", "pods", body={**pod(), "status": {"phase": "Running"}})
        assert made["spec"]["priorityClassName"] == "added"
        (entry,) = made["metadata"]["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("test", "Update")
        spec = entry["fieldsV1"]["f:spec"]
        assert "f:restartPolicy" in spec
        assert "f:priorityClassName" not in spec
        assert "f:status" not in entry["fieldsV1"]
