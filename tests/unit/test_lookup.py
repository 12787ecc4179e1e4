"""Names of pods as people give them."""

import pytest

from staticlet.cli import lookup


def pod(name, namespace="default", node="Node1"):
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"nodeName": node}}


WEB = pod("web-node1")
OTHER = pod("web-node1", "kube-system")
TWICE = pod("web-node1-node1")
PODS = [WEB, OTHER, pod("db-node1", "data")]


@pytest.mark.parametrize("name", ["web", "web-node1", "pod/web", "pods/web-node1", "po/web"])
def test_a_pod_is_found_with_or_without_its_node_and_its_noun(name):
    assert lookup.find_pod(PODS, name, "default") is WEB
    assert lookup.find_pod(PODS, name, "kube-system") is OTHER


def test_the_very_name_counts_more_than_the_short_one():
    assert lookup.find_pod([TWICE, WEB], "web-node1", "default") is WEB
    assert lookup.find_pod([WEB, TWICE], "web-node1-node1", "default") is TWICE
    assert lookup.find_pod([TWICE], "web-node1", "default") is TWICE


def test_without_a_namespace_the_first_is_taken():
    assert lookup.find_pod(PODS, "db", None)["metadata"]["namespace"] == "data"


@pytest.mark.parametrize("name", ["we", "web-", "node1", ""])
def test_a_part_of_a_name_is_no_name(name):
    with pytest.raises(lookup.NotFound, match=f'pods "{name}" not found$'):
        lookup.find_pod(PODS, name, "default")


def test_where_else_there_is_one_is_said():
    with pytest.raises(lookup.NotFound, match=r"in namespace default; .* with -n data"):
        lookup.find_pod(PODS, "db", "default")
