"""What the API server fills in."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from staticlet.kube import defaults


def pod(**spec: Any) -> dict[str, Any]:
    raw = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    before = copy.deepcopy(raw)
    result = defaults.pod(raw)
    assert raw == before
    assert defaults.pod(result) == result
    return result


def container(*, host_network: bool = False, **fields: Any) -> dict[str, Any]:
    made = pod(hostNetwork=host_network, containers=[{"name": "a", "image": "b", **fields}])
    found: dict[str, Any] = made["spec"]["containers"][0]
    return found


def volume(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = pod(volumes=[{"name": "a", **fields}])["spec"]["volumes"][0]
    return found


def test_a_pod_with_nothing_in_it_gets_the_defaults_of_its_spec() -> None:
    assert pod() == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {
            "dnsPolicy": "ClusterFirst",
            "enableServiceLinks": True,
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "securityContext": {},
            "terminationGracePeriodSeconds": 30,
        },
    }


def test_what_is_given_is_kept() -> None:
    given = {
        "dnsPolicy": "Default",
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "schedulerName": "mine",
        "securityContext": {"runAsUser": 1},
        "terminationGracePeriodSeconds": 0,
    }
    assert pod(**given)["spec"] == given


def test_a_container_gets_its_defaults() -> None:
    assert container() == {
        "name": "a",
        "image": "b",
        "imagePullPolicy": "Always",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


def test_init_containers_get_the_same_defaults() -> None:
    made = pod(initContainers=[{"name": "a", "image": "b", "resources": {"limits": {"cpu": "1"}}}])
    found = made["spec"]["initContainers"][0]
    assert found["imagePullPolicy"] == "Always"
    assert found["resources"]["requests"] == {"cpu": "1"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("127.0.0.1:5000/nginx", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("nginx@sha256:" + "a" * 64, "IfNotPresent"),
        ("nginx:latest@sha256:" + "a" * 64, "Always"),
        ("", "IfNotPresent"),
        ("NOT AN IMAGE", "IfNotPresent"),
    ],
)
def test_only_the_tag_latest_is_always_pulled(image: str, policy: str) -> None:
    assert container(image=image)["imagePullPolicy"] == policy


def test_requests_follow_limits_one_by_one() -> None:
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    assert container(resources=resources)["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "1Gi"},
    }


def test_amounts_are_written_in_their_canonical_form_and_no_finer_than_a_thousandth() -> None:
    limits = {"cpu": "0.5", "memory": "1024Mi", "example.com/x": "1000m"}
    assert container(resources={"limits": limits})["resources"]["limits"] == {
        "cpu": "500m",
        "memory": "1Gi",
        "example.com/x": "1",
    }
    assert container(resources={"limits": {"cpu": "1u"}})["resources"]["limits"] == {"cpu": "1m"}


def test_ports_are_tcp_and_on_the_host_network_they_are_host_ports() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81, "protocol": "UDP"}]
    assert container(ports=ports)["ports"] == [
        {"containerPort": 80, "protocol": "TCP"},
        {"containerPort": 81, "hostPort": 81, "protocol": "UDP"},
    ]
    assert container(host_network=True, ports=[{"containerPort": 80}])["ports"] == [
        {"containerPort": 80, "hostPort": 80, "protocol": "TCP"}
    ]


def test_probes_get_their_numbers_and_their_handlers_defaults() -> None:
    numbers = {
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    found = container(
        livenessProbe={"httpGet": {"port": 80}},
        readinessProbe={"grpc": {"port": 80}, "periodSeconds": 0},
        startupProbe={"exec": {"command": ["x"]}, "failureThreshold": 9},
    )
    assert found["livenessProbe"] == {
        **numbers,
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
    }
    assert found["readinessProbe"] == {**numbers, "grpc": {"port": 80, "service": ""}}
    assert found["startupProbe"] == {
        **numbers,
        "exec": {"command": ["x"]},
        "failureThreshold": 9,
    }


def test_hooks_and_variables_get_their_defaults() -> None:
    found = container(
        lifecycle={"preStop": {"httpGet": {"port": 80, "path": "/bye"}}},
        env=[
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {
                "name": "B",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1000m"}},
            },
            {"name": "C", "value": "x"},
        ],
    )
    assert found["lifecycle"]["preStop"]["httpGet"] == {
        "port": 80,
        "path": "/bye",
        "scheme": "HTTP",
    }
    assert found["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert found["env"][1]["valueFrom"]["resourceFieldRef"]["divisor"] == "1"
    assert found["env"][2] == {"name": "C", "value": "x"}


def test_a_volume_without_a_source_is_an_empty_dir() -> None:
    assert volume() == {"name": "a", "emptyDir": {}}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"hostPath": {"path": "/x"}}, {"hostPath": {"path": "/x", "type": ""}}),
        ({"emptyDir": {"sizeLimit": "1024Mi"}}, {"emptyDir": {"sizeLimit": "1Gi"}}),
        ({"secret": {}}, {"secret": {"defaultMode": 420}}),
        ({"configMap": {"defaultMode": 0}}, {"configMap": {"defaultMode": 0}}),
        (
            {"image": {"reference": "x:1"}},
            {"image": {"reference": "x:1", "pullPolicy": "IfNotPresent"}},
        ),
        ({"iscsi": {"iqn": "x"}}, {"iscsi": {"iqn": "x", "iscsiInterface": "default"}}),
        (
            {"rbd": {"image": "x", "pool": "p"}},
            {"rbd": {"image": "x", "pool": "p", "user": "admin", "keyring": "/etc/ceph/keyring"}},
        ),
        (
            {"scaleIO": {"system": "x"}},
            {"scaleIO": {"system": "x", "storageMode": "ThinProvisioned", "fsType": "xfs"}},
        ),
        (
            {"azureDisk": {"diskName": "x"}},
            {
                "azureDisk": {
                    "diskName": "x",
                    "cachingMode": "ReadWrite",
                    "kind": "Shared",
                    "fsType": "ext4",
                    "readOnly": False,
                }
            },
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "projected": {
                    "defaultMode": 420,
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                }
            },
        ),
        (
            {
                "downwardAPI": {
                    "items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]
                }
            },
            {
                "downwardAPI": {
                    "defaultMode": 420,
                    "items": [
                        {
                            "path": "n",
                            "fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"},
                        }
                    ],
                }
            },
        ),
        (
            {"ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "x"}}}},
            {
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {"storageClassName": "x", "volumeMode": "Filesystem"}
                    }
                }
            },
        ),
    ],
)
def test_a_volume_gets_the_defaults_of_its_kind(
    given: dict[str, Any], made: dict[str, Any]
) -> None:
    assert volume(**given) == {"name": "a", **made}


def test_the_requests_of_a_pod_as_a_whole_follow_its_containers_and_then_its_limits() -> None:
    made = pod(
        resources={"limits": {"cpu": "2", "memory": "1Gi"}},
        containers=[
            {"name": "a", "resources": {"requests": {"cpu": "100m"}}},
            {"name": "b", "resources": {"requests": {"cpu": "200m"}}},
        ],
        initContainers=[
            {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}},
            {"name": "i", "resources": {"requests": {"cpu": "100m"}}},
        ],
    )
    assert made["spec"]["resources"]["requests"] == {"cpu": "350m", "memory": "1Gi"}


def test_the_huge_pages_of_containers_count_for_the_pod_as_a_whole() -> None:
    limits = {"hugepages-2Mi": "4Mi", "memory": "1Gi"}
    made = pod(
        resources={"limits": {"memory": "2Gi"}},
        containers=[{"name": "a", "resources": {"limits": limits}}],
    )
    assert made["spec"]["resources"] == {
        "limits": {"memory": "2Gi", "hugepages-2Mi": "4Mi"},
        "requests": {"memory": "1Gi", "hugepages-2Mi": "4Mi"},
    }


def test_the_namespace_is_left_to_the_source() -> None:
    assert pod()["metadata"] == {"name": "a"}
