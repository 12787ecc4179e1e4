"""What a static pod may not refer to, where it does, and what to do instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from staticlet.kube import fieldpath
from staticlet.kube.finding import Kind
from staticlet.kube.validate import static

FULL = json.loads((Path(__file__).parents[1] / "data" / "fullpod.json").read_text())
REF = "may not reference"
INSTEAD = "use an env literal, a hostPath or a downwardAPI volume"


def found(**spec):
    raw = {"spec": {"containers": [{"name": "c", "image": "a"}], **spec}}
    return [(fieldpath.render(error.path), error.detail) for error in static.check(raw)]


def refused(source):
    """Path and resource of the one refusal of a pod with this volume."""
    ((path, detail),) = found(volumes=[{"name": "v", **source}])
    return path.removeprefix("spec.volumes[0]."), detail.partition(";")[0]


@pytest.mark.parametrize(
    ("source", "path", "resource"),
    [
        ({"configMap": {}}, "configMap", "configmaps (via configmap volumes)"),
        ({"secret": {}}, "secret", "secrets (via secret volumes)"),
        ({"csi": {"driver": "d"}}, "csi", "csidrivers (via CSI volumes)"),
        ({"glusterfs": {}}, "glusterfs", "endpoints (via glusterFS volumes)"),
        ({"persistentVolumeClaim": {}}, "persistentVolumeClaim", "persistentvolumeclaims"),
        ({"ephemeral": {}}, "ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
        ({"azureFile": {}}, "azureFile", "secrets (via azureFile volumes)"),
        ({"rbd": {"secretRef": {"name": "s"}}}, "rbd.secretRef.name", "secrets"),
        ({"iscsi": {"secretRef": {"name": "s"}}}, "iscsi.secretRef.name", "secrets"),
    ],
)
def test_a_volume_that_needs_the_api_is_refused(source, path, resource):
    assert refused(source) == (path, f"static pods {REF} {resource}")


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("configMap", "configmaps (via projected volumes)"),
        ("secret", "secrets (via projected volumes)"),
        ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
        ("clusterTrustBundle", "clustertrustbundles"),
        ("podCertificate", "podcertificates"),
    ],
)
def test_a_projection_that_needs_the_api_is_refused(kind, resource):
    source = {"projected": {"sources": [{"downwardAPI": {}}, {kind: {}}]}}
    assert refused(source) == (f"projected.sources[1].{kind}", f"static pods {REF} {resource}")


@pytest.mark.parametrize(
    "source",
    [
        {"emptyDir": {}},
        {"hostPath": {"path": "/x"}},
        {"downwardAPI": {}},
        {"nfs": {}},
        {"image": {}},
        {"gitRepo": {}},
        {"projected": {"sources": [{"downwardAPI": {}}]}},
        {"rbd": {"secretRef": {"name": ""}}},
        {"configMap": None},
    ],
)
def test_a_volume_that_the_node_serves_by_itself_is_fine(source):
    assert found(volumes=[{"name": "v", **source}]) == []


def test_variables_from_secrets_and_config_maps_are_refused_in_every_container():
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    env_from = [{"configMapRef": {"name": "c"}}]
    lines = found(
        containers=[{"name": "c", "env": env}], initContainers=[{"name": "i", "envFrom": env_from}]
    )
    assert lines == [
        (
            "spec.containers[0].env[0].valueFrom.secretKeyRef.name",
            f"static pods {REF} secrets; {INSTEAD}",
        ),
        (
            "spec.initContainers[0].envFrom[0].configMapRef.name",
            f"static pods {REF} configmaps; {INSTEAD}",
        ),
    ]


def test_an_account_is_refused_under_both_its_names():
    lines = found(serviceAccountName="robot", serviceAccount="robot")
    assert [path for path, _ in lines] == ["spec.serviceAccountName", "spec.serviceAccount"]
    assert all(detail.startswith(f"static pods {REF} serviceaccounts; ") for _, detail in lines)


def test_pull_secrets_are_refused_one_by_one():
    lines = found(imagePullSecrets=[{"name": "a"}, {}, {"name": "b"}])
    assert [path for path, _ in lines] == [
        "spec.imagePullSecrets[0].name",
        "spec.imagePullSecrets[2].name",
    ]


def test_claims_ephemeral_containers_and_gates_are_refused():
    lines = found(
        resourceClaims=[{"name": "gpu"}],
        ephemeralContainers=[{"name": "e"}],
        schedulingGates=[{"name": "g"}],
    )
    assert [path for path, _ in lines] == [
        "spec.resourceClaims[0]",
        "spec.ephemeralContainers",
        "spec.schedulingGates",
    ]


def test_every_offence_of_a_pod_is_reported_with_what_to_do():
    offences = static.check(FULL)
    assert len(offences) == 22
    assert {offence.kind for offence in offences} == {Kind.FORBIDDEN}
    assert all("; " in offence.detail for offence in offences)


def test_a_pod_that_refers_to_nothing_is_fine():
    assert found() == []
    assert static.check({}) == []
