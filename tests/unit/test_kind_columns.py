"""What `kubectl get` is given to print for each kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from staticlet.apiserver.resources import columns, registry
from staticlet.apiserver.resources.kind import Columns

NOW = datetime(2026, 1, 1, 0, 5, 30, tzinfo=UTC)
MADE = "2026-01-01T00:00:00Z"
AGE = "5m30s"
GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data/apicheck/golden/tables.json").read_text()
)


def recorded(step: str) -> list[Any]:
    return [AGE if cell == "<age>" else cell for cell in GOLDEN[step]["body"]]


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "creationTimestamp": MADE, **more}


def cells(shown: Columns, obj: dict[str, Any]) -> list[Any]:
    return list(shown.cells(obj, NOW))


def named(shown: Columns, obj: dict[str, Any]) -> dict[str, Any]:
    names = [one["name"] for one in shown.definitions]
    return dict(zip(names, shown.cells(obj, NOW), strict=True))


def pod(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "nginx"}, {"name": "d", "image": "nginx"}]
    return {
        "metadata": meta("web"),
        "spec": {"nodeName": "absent", "containers": containers} | (spec or {}),
        "status": {"phase": "Pending"} | status,
    }


def test_a_new_pod_is_shown_as_recorded() -> None:
    assert cells(columns.PODS, pod()) == recorded("pending")


def test_of_two_containers_the_one_that_fails_is_told() -> None:
    backing_off = {"waiting": {"reason": "CrashLoopBackOff"}}
    running = {"running": {"startedAt": MADE}}
    statuses = [
        {
            "name": "c",
            "ready": True,
            "restartCount": 2,
            "image": "",
            "imageID": "",
            "state": running,
        },
        {
            "name": "d",
            "ready": False,
            "restartCount": 0,
            "image": "",
            "imageID": "",
            "state": backing_off,
        },
    ]
    row = named(columns.PODS, pod(phase="Running", containerStatuses=statuses))
    assert row["Ready"] == GOLDEN["one of two"]["body"]
    assert row["Status"] == GOLDEN["one of two status"]["body"]


def test_readiness_gates_and_the_nominated_node_are_told() -> None:
    gates = [{"conditionType": "a/b"}, {"conditionType": "c/d"}]
    conditions = [{"type": "a/b", "status": "True"}, {"type": "c/d", "status": "False"}]
    shown = pod({"readinessGates": gates}, conditions=conditions, nominatedNodeName="n2")
    row = named(columns.PODS, shown)
    assert (row["Readiness Gates"], row["Nominated Node"]) == ("1/2", "n2")


def test_a_gated_pod_is_said_to_wait_for_its_gates() -> None:
    gated = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
    assert named(columns.PODS, pod(conditions=gated))["Status"] == "SchedulingGated"


def test_a_pod_that_ended_is_not_said_to_terminate() -> None:
    ended = pod(phase="Succeeded")
    ended["metadata"]["deletionTimestamp"] = MADE
    assert named(columns.PODS, ended)["Status"] == "Succeeded"
    ended["status"]["phase"] = "Running"
    assert named(columns.PODS, ended)["Status"] == "Terminating"


def test_a_pod_without_spec_and_status_has_a_row() -> None:
    assert cells(columns.PODS, {"metadata": {}})[1] == "0/0"


@pytest.mark.parametrize(
    ("group", "plural", "obj", "step"),
    [
        ("", "namespaces", {"status": {"phase": "Active"}}, "namespaces table"),
        ("", "configmaps", {"data": {"a": "1"}, "binaryData": {"b": ""}}, "config maps table"),
        ("", "secrets", {"type": "Opaque", "data": {"k": "dg=="}}, "secrets table"),
        ("", "serviceaccounts", {}, "service accounts table"),
    ],
)
def test_plain_kinds_are_shown_as_recorded(
    group: str, plural: str, obj: dict[str, Any], step: str
) -> None:
    expected = recorded(step)
    assert cells(columns.of(group, plural), {"metadata": meta(expected[0])} | obj) == expected


def node(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": meta("n1", labels={"node-role.kubernetes.io/control-plane": ""}),
        "spec": spec,
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.36.2", "osImage": "Debian", "kernelVersion": "6"},
        },
    }


def test_a_node_is_shown_with_roles_and_what_it_runs() -> None:
    assert named(columns.NODES, node()) == {
        "Name": "n1",
        "Status": "Ready",
        "Roles": "control-plane",
        "Age": AGE,
        "Version": "v1.36.2",
        "Internal-IP": "10.0.0.1",
        "External-IP": "<none>",
        "OS-Image": "Debian",
        "Kernel-Version": "6",
        "Container-Runtime": "<unknown>",
    }


def test_a_cordoned_node_takes_no_pods() -> None:
    assert named(columns.NODES, node(unschedulable=True))["Status"] == "Ready,SchedulingDisabled"


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        ([], "Unknown"),
        ([{"type": "Ready", "status": "False"}], "NotReady"),
        ([{"type": "Ready", "status": "Unknown"}], "NotReady"),
    ],
)
def test_a_node_that_is_not_ready_says_so(conditions: list[Any], word: str) -> None:
    obj = {"metadata": meta("n1"), "status": {"conditions": conditions}}
    row = named(columns.NODES, obj)
    assert (row["Status"], row["Roles"]) == (word, "<none>")


CORE_EVENT = {
    "metadata": meta("web.1"),
    "type": "Normal",
    "reason": "Started",
    "message": "started container c\n",
    "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{c}"},
    "source": {"component": "kubelet", "host": "n1"},
    "firstTimestamp": "2026-01-01T00:00:00Z",
    "lastTimestamp": "2026-01-01T00:05:00Z",
    "count": 3,
}


def test_an_event_is_shown_by_when_it_was_seen() -> None:
    assert cells(columns.EVENTS, CORE_EVENT) == [
        "30s",
        "Normal",
        "Started",
        "pod/web",
        "spec.containers{c}",
        "kubelet, n1",
        "started container c",
        AGE,
        3,
        "web.1",
    ]


def test_an_event_of_either_group_has_the_same_row() -> None:
    renamed = {
        "metadata": CORE_EVENT["metadata"],
        "type": "Normal",
        "reason": "Started",
        "note": CORE_EVENT["message"],
        "regarding": CORE_EVENT["involvedObject"],
        "deprecatedSource": CORE_EVENT["source"],
        "deprecatedFirstTimestamp": CORE_EVENT["firstTimestamp"],
        "deprecatedLastTimestamp": CORE_EVENT["lastTimestamp"],
        "deprecatedCount": 3,
    }
    assert cells(columns.EVENTS, renamed) == cells(columns.EVENTS, CORE_EVENT)


def test_of_a_series_the_last_observation_and_its_count_are_shown() -> None:
    series = {
        "metadata": meta("e"),
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "series": {"count": 7, "lastObservedTime": "2026-01-01T00:05:20.000000Z"},
        "reportingController": "staticlet",
        "reportingInstance": "n1",
        "regarding": {"kind": "Node"},
    }
    row = named(columns.EVENTS, series)
    assert (row["Last Seen"], row["First Seen"], row["Count"]) == ("10s", AGE, 7)
    assert (row["Source"], row["Object"]) == ("staticlet, n1", "node")


def test_an_event_without_any_time_is_shown_all_the_same() -> None:
    row = named(columns.EVENTS, {"metadata": {"name": "e"}})
    assert (row["Last Seen"], row["Count"]) == ("<unknown>", 1)


def test_a_service_is_shown_with_addresses_and_ports() -> None:
    spec = {
        "type": "NodePort",
        "clusterIP": "10.1.0.1",
        "ports": [{"port": 80, "nodePort": 30080}, {"port": 53, "protocol": "UDP"}],
        "selector": {"b": "2", "a": "1"},
    }
    row = cells(columns.SERVICES, {"metadata": meta("s"), "spec": spec})
    ports = "80:30080/TCP,53/UDP"
    assert row == ["s", "NodePort", "10.1.0.1", "<none>", ports, AGE, "a=1,b=2"]


@pytest.mark.parametrize(
    ("spec", "status", "external"),
    [
        ({"type": "LoadBalancer"}, {}, "<pending>"),
        (
            {"type": "LoadBalancer", "externalIPs": ["9.9.9.9"]},
            {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}},
            "1.1.1.1,9.9.9.9",
        ),
        ({"type": "ExternalName", "externalName": "x.example"}, {}, "x.example"),
        ({"type": "ClusterIP", "externalIPs": ["9.9.9.9"]}, {}, "9.9.9.9"),
    ],
)
def test_a_service_is_shown_by_what_reaches_it_from_outside(
    spec: dict[str, Any], status: dict[str, Any], external: str
) -> None:
    obj = {"metadata": meta("s"), "spec": spec, "status": status}
    assert named(columns.SERVICES, obj)["External-IP"] == external


def test_an_unknown_resource_is_shown_by_name_and_creation() -> None:
    shown = columns.of("example.com", "widgets")
    assert named(shown, {"metadata": meta("w")}) == {"Name": "w", "Created At": MADE}


@pytest.mark.parametrize("kind", [*registry.kinds()], ids=lambda kind: kind.plural)
def test_every_kind_has_as_many_cells_as_columns_even_for_an_empty_object(kind: Any) -> None:
    shown = columns.of(kind.group, kind.plural)
    assert len(shown.cells({"metadata": {}}, NOW)) == len(shown.definitions)


@pytest.mark.parametrize("kind", [*registry.kinds()], ids=lambda kind: kind.plural)
def test_columns_are_defined_in_full(kind: Any) -> None:
    for one in columns.of(kind.group, kind.plural).definitions:
        assert list(one) == ["name", "type", "format", "description", "priority"]
        assert one["description"]


def test_a_status_that_lacks_what_the_types_demand_has_a_row() -> None:
    statuses = [{"name": "c", "state": {"terminated": {}}}, {"state": {"waiting": {}}}, {}]
    row = named(
        columns.PODS,
        pod(containerStatuses=statuses, initContainerStatuses=[{}], conditions=[{}], podIP=None),
    )
    assert (row["Ready"], row["Status"], row["Restarts"]) == ("0/2", "Init:0/0", "0")
