"""Namespaces, nodes, config maps, secrets, accounts, leases, events: their rules one by one."""

from __future__ import annotations

import base64

import pytest

from staticlet.apiserver.resources import registry
from staticlet.kube.refusal import Refusal
from staticlet.testing.pureapi import NOW, PureApi, node_user

EVENTS = "events.k8s.io"
LEASES = "coordination.k8s.io"
STORAGE = "storage.k8s.io"


@pytest.fixture
def api():
    return PureApi()


def named(name, **fields):
    return {"metadata": {"name": name}, **fields}


def edited(**fields):
    return lambda old: {**old, **fields}


def causes(call, *args, **where):
    with pytest.raises(Refusal) as caught:
        call(*args, **where)
    details = caught.value.status()["details"]
    return [f"{one['field']}: {one['message']}" for one in details["causes"]]


def refused(call, *args, **where):
    with pytest.raises(Refusal) as caught:
        call(*args, **where)
    return caught.value


# Namespaces


def test_a_namespace_is_active_labelled_and_held(api):
    made = api.create("namespaces", named("shop"))
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert made["status"] == {"phase": "Active"}


def test_a_generated_namespace_is_labelled_too(api):
    made = api.create("namespaces", {"metadata": {"generateName": "shop-"}})
    name = made["metadata"]["name"]
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": name}


def test_an_update_keeps_finalizers_and_phase_of_a_namespace(api):
    api.create("namespaces", named("shop"))
    changed = api.change("namespaces", "shop", edited(spec={}, status={"phase": "Terminating"}))
    assert changed["spec"] == {"finalizers": ["kubernetes"]}
    assert changed["status"] == {"phase": "Active"}


def test_finalize_takes_the_finalizers_away(api):
    api.create("namespaces", named("shop"))
    changed = api.change("namespaces", "shop", edited(spec={}), subresource="finalize")
    assert changed["spec"] == {}
    assert changed["status"] == {"phase": "Active"}


def test_the_phase_follows_the_deletion(api):
    api.create("namespaces", named("shop"))
    found = causes(
        api.change,
        "namespaces",
        "shop",
        edited(status={"phase": "Terminating"}),
        subresource="status",
    )
    assert found == [
        (
            "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if "
            "`deletionTimestamp` is empty"
        )
    ]


def test_a_namespace_goes_when_it_is_empty():
    strategy = registry.kinds().find("", "v1", "namespaces").strategy
    held = {"metadata": {}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    assert strategy.prepare_delete(held, None, NOW) == (False, None)
    strategy.begin_delete(held)
    assert held["status"] == {"phase": "Terminating"}
    assert strategy.prepare_delete({"metadata": {}, "spec": {}}, None, NOW)[0] is True


# Nodes


def test_amounts_of_a_node_are_canonical_and_all_allocatable(api):
    status = {"capacity": {"cpu": "2000m", "memory": "1024Mi"}}
    made = api.create("nodes", named("n1", status=status))
    assert made["status"]["capacity"] == {"cpu": "2", "memory": "1Gi"}
    assert made["status"]["allocatable"] == {"cpu": "2", "memory": "1Gi"}


def test_what_a_kubelet_tells_of_a_large_machine_fits(api):
    status = {
        "capacity": {"cpu": 64},
        "images": [{"names": ["i"], "sizeBytes": 9_000_000_000}],
        "nodeInfo": {"swap": {"capacity": 8_589_934_592}},
    }
    made = api.create("nodes", named("n1", status=status))
    assert made["status"]["capacity"] == {"cpu": "64"}
    assert made["status"]["images"][0]["sizeBytes"] == 9_000_000_000
    assert made["status"]["nodeInfo"]["swap"]["capacity"] == 8_589_934_592


def test_who_a_node_is_stays(api):
    spec = {"podCIDR": "10.0.0.0/24", "providerID": "p://1"}
    made = api.create("nodes", named("n1", spec=spec))
    assert made["spec"]["podCIDRs"] == ["10.0.0.0/24"]
    assert causes(api.change, "nodes", "n1", edited(spec={"podCIDR": "10.9.0.0/24"})) == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        (
            'spec.providerID: Forbidden: node updates may not change providerID except from "" to '
            "valid"
        ),
    ]


def test_taints_have_a_key_an_effect_and_are_unique(api):
    taints = [
        {"key": "a b", "effect": "NoSchedule"},
        {"key": "k"},
        {"key": "k", "effect": "Never"},
        {"key": "t", "effect": "NoExecute"},
        {"key": "t", "effect": "NoExecute", "value": "v"},
    ]
    found = causes(api.create, "nodes", named("n1", spec={"taints": taints}))
    assert found[0].startswith('spec.taints[0].key: Invalid value: "a b": ')
    assert found[1:] == [
        "spec.taints[1].effect: Required value",
        (
            'spec.taints[2].effect: Unsupported value: "Never": supported values: "NoSchedule", '
            '"PreferNoSchedule", "NoExecute"'
        ),
        (
            'spec.taints[4]: Duplicate value: {"key": "t", "effect": "NoExecute", "value": "v"}: '
            "taints must be unique by key and effect pair"
        ),
    ]


def test_a_node_can_be_cordoned_and_its_status_stays(api):
    api.create("nodes", named("n1", status={"capacity": {"cpu": "1"}}))
    changed = api.change("nodes", "n1", edited(spec={"unschedulable": True}, status={}))
    assert changed["spec"] == {"unschedulable": True}
    assert changed["status"]["capacity"] == {"cpu": "1"}
    again = api.change("nodes", "n1", edited(spec={"unschedulable": False}))
    assert again["spec"] == {}


def test_a_node_has_each_address_once(api):
    address = {"type": "InternalIP", "address": "10.0.0.1"}
    api.create("nodes", named("n1"))
    found = causes(
        api.change,
        "nodes",
        "n1",
        edited(status={"addresses": [address, address]}),
        subresource="status",
        user=node_user("n1"),
    )
    assert found[0].startswith("status.addresses[1]: Duplicate value")


# ConfigMaps and Secrets


def test_a_key_is_in_one_map_only(api):
    body = named("cm", data={"a": "1"}, binaryData={"a": "AA=="})
    assert causes(api.create, "configmaps", body, namespace="default") == [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData',
        'binaryData[a]: Invalid value: "a": duplicate of key present in data',
    ]


def test_a_config_map_holds_a_mebibyte(api):
    full = named("cm", data={"a": "é" * (512 * 1024)})
    assert api.create("configmaps", full, namespace="default")["data"] == full["data"]
    more = named("more", data=full["data"], binaryData={"b": "AA=="})
    assert causes(api.create, "configmaps", more, namespace="default") == [
        ": Too long: may not be more than 1048576 bytes"
    ]


def test_what_is_immutable_stays_immutable(api):
    api.create("configmaps", named("cm", data={"a": "1"}, immutable=True), namespace="default")
    found = causes(api.change, "configmaps", "cm", edited(immutable=False), namespace="default")
    assert found == ["immutable: Forbidden: field is immutable when `immutable` is set"]


def test_texts_of_a_secret_replace_its_bytes(api):
    body = named("s", stringData={"k": "new"}, data={"k": "b2xk", "o": "AA=="})
    made = api.create("secrets", body, namespace="default")
    assert made["data"] == {"k": base64.b64encode(b"new").decode(), "o": "AA=="}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


@pytest.mark.parametrize(
    ("type_", "data", "found"),
    [
        ("kubernetes.io/tls", {}, ["data[tls.crt]", "data[tls.key]"]),
        ("kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]"]),
        ("kubernetes.io/basic-auth", {}, ["data[username]", "data[password]"]),
        ("kubernetes.io/basic-auth", {"username": "YQ=="}, []),
        ("kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "e30="}, []),
        ("kubernetes.io/dockercfg", {".dockercfg": "bm9uZQ=="}, ["data[.dockercfg]"]),
        (
            "kubernetes.io/service-account-token",
            {},
            ["metadata.annotations[kubernetes.io/service-account.name]"],
        ),
        ("example.com/own", {}, []),
    ],
)
def test_the_type_of_a_secret_says_which_keys_it_has(api, type_, data, found):
    body = named("s", type=type_, data=data)
    if not found:
        assert api.create("secrets", body, namespace="default")["type"] == type_
        return
    told = causes(api.create, "secrets", body, namespace="default")
    assert [one.split(": ")[0] for one in told] == found


def test_a_refusal_does_not_tell_the_secret(api):
    hidden = base64.b64encode(b"hunter2").decode()
    body = named("s", type="kubernetes.io/dockercfg", data={".dockercfg": hidden})
    message = refused(api.create, "secrets", body, namespace="default").message
    assert "<secret contents redacted>" in message
    assert "hunter2" not in message
    assert hidden not in message


def test_bytes_that_are_no_base64_cannot_be_read(api):
    body = named("s", data={"b": "!!"})
    assert refused(api.create, "secrets", body, namespace="default").code == 400


def test_of_the_secrets_of_an_account_only_names_are_kept(api):
    body = named("robot", secrets=[{"name": "s", "uid": "u"}], imagePullSecrets=[])
    made = api.create("serviceaccounts", body, namespace="default")
    assert made["secrets"] == [{"name": "s"}]
    assert "imagePullSecrets" not in made


# Leases and CSINodes


def test_times_of_a_lease_have_microseconds_and_are_utc(api):
    spec = {"renewTime": "2026-01-01T01:00:00+01:00", "acquireTime": "2026-01-01T00:00:00.5Z"}
    made = api.create("leases", named("l", spec=spec), group=LEASES, namespace="default")
    assert made["spec"] == {
        "renewTime": "2026-01-01T00:00:00.000000Z",
        "acquireTime": "2026-01-01T00:00:00.500000Z",
    }


def test_early_years_of_a_lease_keep_their_digits_so_that_clients_can_read_it(api):
    spec = {"renewTime": "0001-01-01T00:00:00Z"}
    made = api.create("leases", named("l", spec=spec), group=LEASES, namespace="default")
    assert made["spec"] == {"renewTime": "0001-01-01T00:00:00.000000Z"}


def test_a_lease_lasts(api):
    spec = {"leaseDurationSeconds": 0, "leaseTransitions": -1, "strategy": "Guess"}
    found = causes(api.create, "leases", named("l", spec=spec), group=LEASES, namespace="default")
    assert [one.split(": ")[0] for one in found] == [
        "spec.leaseDurationSeconds",
        "spec.leaseTransitions",
        "spec.strategy.strategy",
    ]


def test_drivers_of_a_csi_node_have_names_of_their_own(api):
    made = api.create("csinodes", named("n1"), group=STORAGE)
    assert made["spec"] == {"drivers": None}
    drivers = [{"name": "d.example", "nodeID": "i"}, {"name": "d.example", "nodeID": ""}]
    found = causes(api.create, "csinodes", named("n2", spec={"drivers": drivers}), group=STORAGE)
    assert found == [
        "spec.drivers[1].nodeID: Required value",
        'spec.drivers[1].name: Duplicate value: "d.example"',
    ]


# Events


def new_event(**fields):
    return {
        "metadata": {"name": "e"},
        "regarding": {"kind": "Pod", "namespace": "default", "name": "web"},
        "reason": "Started",
        "note": "It runs.",
        "type": "Normal",
        "action": "Start",
        "eventTime": "2026-01-01T00:00:00Z",
        "reportingController": "example.com/agent",
        "reportingInstance": "n1",
        **fields,
    }


def test_an_event_of_the_new_group_is_kept_in_the_old_form(api):
    made = api.create("events", new_event(), group=EVENTS, namespace="default")
    assert made["apiVersion"] == "events.k8s.io/v1"
    assert made["note"] == "It runs."
    assert made["regarding"]["name"] == "web"
    assert made["deprecatedSource"] == {}
    assert made["deprecatedFirstTimestamp"] is None
    stored = api.change("events", "e", lambda old: old, namespace="default")
    assert stored["apiVersion"] == "v1"
    assert stored["message"] == "It runs."
    assert stored["involvedObject"]["name"] == "web"
    assert stored["reportingComponent"] == "example.com/agent"
    assert stored["eventTime"] == "2026-01-01T00:00:00.000000Z"
    assert "note" not in stored


def test_an_old_event_is_read_in_the_new_form(api):
    old = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Node", "name": "n1"},
        "count": 3,
        "message": "m",
        "source": {"component": "kubelet"},
        "firstTimestamp": "2026-01-01T00:00:00Z",
    }
    api.create("events", old, namespace="default")
    kind = registry.kinds().find(EVENTS, "v1", "events")
    stored = next(obj for key, obj in api.objects.items() if key.resource == "events")
    read = dict(stored)
    kind.from_stored(read)
    assert (read["deprecatedCount"], read["note"]) == (3, "m")
    assert read["deprecatedSource"] == {"component": "kubelet"}
    assert read["deprecatedFirstTimestamp"] == "2026-01-01T00:00:00Z"
    assert not {"count", "message", "source", "reportingController"} & set(read)


def test_a_new_event_has_none_of_the_old_fields(api):
    body = new_event(
        deprecatedCount=1, deprecatedSource={"component": "c"}, type="Odd", series={"count": 1}
    )
    body.pop("eventTime")
    found = causes(api.create, "events", body, group=EVENTS, namespace="default")
    assert [one.split(": ")[0] for one in found] == [
        "series.count",
        "series.lastObservedTime",
        "eventTime",
        "type",
        "count",
        "source",
    ]


def test_only_the_series_of_a_new_event_goes_on(api):
    api.create("events", new_event(), group=EVENTS, namespace="default")
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:00:09Z"}
    changed = api.change("events", "e", edited(series=series), group=EVENTS, namespace="default")
    assert changed["series"]["lastObservedTime"] == "2026-01-01T00:00:09.000000Z"
    found = causes(
        api.change, "events", "e", edited(note="Other."), group=EVENTS, namespace="default"
    )
    assert found == ['message: Invalid value: "Other.": field is immutable']


@pytest.mark.parametrize(
    ("own", "involved", "may"),
    [
        ("default", "", True),
        ("default", "default", True),
        ("kube-system", "", False),
        ("kube-system", "default", False),
    ],
)
def test_an_event_is_where_its_object_is(api, own, involved, may):
    about = {"kind": "Pod", "name": "x", **({"namespace": involved} if involved else {})}
    body = {"metadata": {"name": "e"}, "involvedObject": about}
    if may:
        assert api.create("events", body, namespace=own)["involvedObject"] == about
    else:
        shown = f'Invalid value: "{involved}": does not match event.namespace'
        found = causes(api.create, "events", body, namespace=own)
        assert found == [f"involvedObject.namespace: {shown}"]


def test_the_name_of_an_event_may_be_any_segment_of_a_path(api):
    made = api.create("events", named("Web.17:A", involvedObject={}), namespace="default")
    assert made["metadata"]["name"] == "Web.17:A"


# Metadata


def with_meta(**fields):
    return lambda old: {**old, "metadata": {**old["metadata"], **fields}}


def test_metadata_of_an_object_stays(api):
    api.create("configmaps", named("cm"), namespace="default")
    found = causes(api.change, "configmaps", "cm", with_meta(uid="other"), namespace="default")
    assert found == ['metadata.uid: Invalid value: "other": field is immutable']


def test_an_update_need_not_repeat_what_it_cannot_change(api):
    made = api.create("configmaps", named("cm"), namespace="default")
    changed = api.change(
        "configmaps", "cm", lambda _: named("cm", data={"a": "1"}), namespace="default"
    )
    for field in ("uid", "creationTimestamp", "namespace"):
        assert changed["metadata"][field] == made["metadata"][field]


def test_a_new_object_is_not_being_deleted(api):
    body = {"metadata": {"name": "cm", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    made = api.create("configmaps", body, namespace="default")
    assert "deletionTimestamp" not in made["metadata"]


def test_what_is_being_deleted_gets_no_new_finalizers(api):
    held = {"metadata": {"name": "cm", "finalizers": ["example.com/a"]}}
    api.create("configmaps", held, namespace="default")
    stored = next(obj for key, obj in api.objects.items() if key.name == "cm")
    stored["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    more = with_meta(finalizers=["example.com/a", "example.com/b"])
    assert causes(api.change, "configmaps", "cm", more, namespace="default") == [
        (
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is "
            'being deleted, found new finalizers []string{"example.com/b"}'
        )
    ]
    fewer = api.change("configmaps", "cm", with_meta(finalizers=[]), namespace="default")
    assert fewer["metadata"]["finalizers"] == []


# The registry


def test_every_kind_is_found_by_its_path_and_listed_once():
    kinds = registry.kinds()
    for kind in kinds:
        assert kinds.find(kind.group, kind.version, kind.plural) is kind
        assert list(kind.verbs) == sorted(kind.verbs)
        assert kind.strategy is not None
    assert len(list(kinds)) == len(kinds) == len({(k.group, k.plural) for k in kinds})
    assert kinds.find("apps", "v1", "deployments") is None


@pytest.mark.parametrize(
    ("group", "plural", "known"),
    [
        ("coordination.k8s.io", "leases", "gqkMMb/YqFM="),
        ("", "pods", "xPOwRZ+Yhw8="),
        ("events.k8s.io", "events", "r2yiGXH7wu8="),
    ],
)
def test_storage_hashes_are_those_of_a_real_server(group, plural, known):
    assert registry.kinds().find(group, "v1", plural).hash == known


def test_what_is_not_run_is_read_only_and_says_why():
    not_run = {kind.plural: kind for kind in registry.kinds() if kind.not_run}
    assert set(not_run) == {"services", "runtimeclasses", "csidrivers", "resourceslices"}
    for kind in not_run.values():
        assert not {"create", "update", "patch"} & set(kind.verbs)
        assert kind.not_run.startswith("this server ")


def test_an_event_is_selected_under_the_names_of_both_groups():
    stored = {"metadata": {"name": "e"}, "involvedObject": {"name": "web"}, "reason": "R"}
    fields = registry.kinds().fields("events", stored)
    assert fields["involvedObject.name"] == fields["regarding.name"] == "web"
    assert fields["metadata.name"] == "e"


def test_a_node_that_says_nothing_is_schedulable():
    fields = registry.kinds().fields("nodes", {"metadata": {"name": "n1"}})
    assert fields["spec.unschedulable"] == "false"
