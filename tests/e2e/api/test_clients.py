"""The client libraries that Python programs use: lightkube and the official one."""

from __future__ import annotations

import threading
import warnings

import pytest
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Pod, PodStatus
from lightkube.types import PatchType

from staticlet.testing import apiobjects

# The official client leaves the connection of a watch that was stopped to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kubernetes


@pytest.fixture(scope="module")
def lightkube(server):
    config = KubeConfig.from_file(server.kubeconfig)
    return Client(config=config, namespace="default", field_manager="tests")


@pytest.fixture(scope="module")
def official(server):
    with kubernetes.config.new_client_from_config(str(server.kubeconfig)) as client:
        yield kubernetes.client.CoreV1Api(client)


def light_map(name, namespace, **data):
    return ConfigMap(metadata=ObjectMeta(name=name, namespace=namespace), data=data)


def test_lightkube_makes_reads_changes_and_deletes(lightkube, ns):
    made = lightkube.create(light_map("cm", ns, a="1"))
    assert made.metadata.resourceVersion
    made.data = {"a": "2"}
    assert lightkube.replace(made).data == {"a": "2"}
    with pytest.raises(ApiError) as stale:
        lightkube.replace(made)
    assert (stale.value.status.code, stale.value.status.reason) == (409, "Conflict")
    patched = lightkube.patch(ConfigMap, "cm", {"data": {"b": "3"}}, namespace=ns)
    assert patched.data == {"a": "2", "b": "3"}
    forced = lightkube.apply(light_map("cm", ns, a="4"), force=True)
    assert forced.data["a"] == "4"
    lightkube.delete(ConfigMap, "cm", namespace=ns)
    with pytest.raises(ApiError) as gone:
        lightkube.get(ConfigMap, "cm", namespace=ns)
    assert gone.value.status.code == 404


def test_lightkube_lists_in_pages_and_by_label(lightkube, ns):
    for number in range(5):
        one = light_map(f"cm-{number}", ns)
        one.metadata.labels = {"parity": "odd" if number % 2 else "even"}
        lightkube.create(one)
    odd = lightkube.list(ConfigMap, namespace=ns, labels={"parity": "odd"}, chunk_size=1)
    assert [one.metadata.name for one in odd] == ["cm-1", "cm-3"]
    lightkube.deletecollection(ConfigMap, namespace=ns)
    assert [*lightkube.list(ConfigMap, namespace=ns)] == []


def test_lightkube_watches(lightkube, ns):
    first = lightkube.create(light_map("cm", ns))
    lightkube.patch(ConfigMap, "cm", {"data": {"a": "1"}}, namespace=ns)
    lightkube.delete(ConfigMap, "cm", namespace=ns)
    events = lightkube.watch(
        ConfigMap, namespace=ns, resource_version=first.metadata.resourceVersion
    )
    seen = [(kind, one.data) for kind, one in (next(events), next(events))]
    events.close()
    assert seen == [("MODIFIED", {"a": "1"}), ("DELETED", {"a": "1"})]


@pytest.mark.usefixtures("node")
def test_lightkube_writes_a_pods_status(lightkube, ns):
    spec = PodSpec(containers=[Container(name="c", image="busybox:1")], nodeName="n1")
    lightkube.create(Pod(metadata=ObjectMeta(name="web", namespace=ns), spec=spec))
    lightkube.patch(
        PodStatus, "web", apiobjects.running(), namespace=ns, patch_type=PatchType.STRATEGIC
    )
    assert lightkube.get(Pod, "web", namespace=ns).status.phase == "Running"
    found = lightkube.list(Pod, namespace="*", fields={"spec.nodeName": "n1"})
    assert "web" in [one.metadata.name for one in found]


def test_the_official_client_makes_reads_changes_and_deletes(official, ns):
    body = apiobjects.config_map("cm", a="1")
    made = official.create_namespaced_config_map(ns, body)
    assert made.metadata.creation_timestamp
    with pytest.raises(kubernetes.client.ApiException) as twice:
        official.create_namespaced_config_map(ns, body)
    assert (twice.value.status, twice.value.reason) == (409, "Conflict")
    assert official.patch_namespaced_config_map("cm", ns, {"data": {"b": "2"}}).data == {
        "a": "1",
        "b": "2",
    }
    listed = official.list_namespaced_config_map(ns, limit=1)
    assert [one.metadata.name for one in listed.items] == ["cm"]
    official.delete_namespaced_config_map("cm", ns)
    assert official.list_namespaced_config_map(ns).items == []


@pytest.mark.usefixtures("node")
def test_the_official_client_watches_pods(official, ns):
    official.create_namespaced_pod(ns, apiobjects.pod("web", node="n1"))
    watch = kubernetes.watch.Watch()
    seen = []

    def change():
        official.patch_namespaced_pod("web", ns, {"metadata": {"labels": {"a": "b"}}})
        official.delete_namespaced_pod("web", ns, grace_period_seconds=0)

    changing = threading.Timer(0.2, change)
    changing.start()
    for event in watch.stream(official.list_namespaced_pod, ns, timeout_seconds=10):
        seen.append((event["type"], event["object"].metadata.labels))
        if event["type"] == "DELETED":
            watch.stop()
    changing.join()
    assert seen[:2] == [("ADDED", None), ("MODIFIED", {"a": "b"})]
    assert seen[-1] == ("DELETED", {"a": "b"})


def test_the_official_client_reads_the_version(server):
    with kubernetes.config.new_client_from_config(str(server.kubeconfig)) as client:
        assert kubernetes.client.VersionApi(client).get_code().major == "1"
        groups = kubernetes.client.ApisApi(client).get_api_versions().groups
        assert "coordination.k8s.io" in [group.name for group in groups]
