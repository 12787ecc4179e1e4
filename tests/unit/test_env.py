"""The environment of a container."""

from dataclasses import replace

import pytest

from staticlet.pods import env, faults
from staticlet.testing import wantedpods


def of(*variables, ips=("10.0.0.5", "fd00::5"), resources=None, others=(), source="file", **more):
    raw = wantedpods.container(env=list(variables), resources=resources)
    pod = replace(wantedpods.wanted(raw, *others, **more), source=source)
    around = env.Surroundings(wanted=pod, node=wantedpods.NODE, ips=ips)
    return env.environment(pod.pod.spec.containers[0], around)


def field(path):
    return {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}


def amount(resource, **more):
    selector = {"resource": resource, **more}
    return {"name": "X", "valueFrom": {"resourceFieldRef": selector}}


def var(name, value):
    return {"name": name, "value": value}


def test_there_are_no_service_variables():
    assert of() == {}


def test_a_value_may_name_variables_above_it_but_not_below():
    found = of(var("A", "1"), var("B", "$(A)$(C)"), var("C", "3"))
    assert found == {"A": "1", "B": "1$(C)", "C": "3"}


def test_a_variable_that_comes_twice_has_its_last_value():
    assert of(var("A", "1"), var("A", "$(A)2")) == {"A": "12"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$", "$$"),
        ("$(NONE)", "$(NONE)"),
        ("$(A", "$(A"),
        ("$A $", "$A $"),
        ("$(A)$(B)", "1two"),
        ("$(A$(B))", "$(A$(B))"),
        ("$()", "$()"),
        ("", ""),
    ],
)
def test_references_expand_as_kubernetes_writes_them(text, expected):
    assert env.expand(text, {"A": "1", "B": "two"}) == expected


def test_a_strict_expansion_names_what_has_no_value():
    with pytest.raises(faults.ConfigFault, match='missing value for "NONE"'):
        env.expand_strictly("a/$(NONE)", {"A": "1"})
    assert env.expand_strictly("a/$(A)/$$", {"A": "1"}) == "a/1/$"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web-n1"),
        ("metadata.namespace", "default"),
        ("metadata.uid", wantedpods.UID),
        ("metadata.labels['app']", "web"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['a.b/c']", "note"),
        ("spec.nodeName", "n1"),
        ("spec.serviceAccountName", ""),
        ("status.hostIP", "192.0.2.7"),
        ("status.hostIPs", "192.0.2.7"),
        ("status.podIP", "10.0.0.5"),
        ("status.podIPs", "10.0.0.5,fd00::5"),
    ],
)
def test_fields_of_the_pod_are_values(path, expected):
    found = of(field(path), labels={"app": "web"}, annotations={"a.b/c": "note"})
    assert found == {"X": expected}


def test_on_the_host_network_a_pod_has_the_nodes_address():
    assert of(field("status.podIP"), ips=(), hostNetwork=True) == {"X": "192.0.2.7"}


@pytest.mark.parametrize("path", ["metadata.labels", "spec.hostname", "status.phase", ""])
def test_a_field_that_variables_can_not_have_is_refused_with_those_they_can(path):
    with pytest.raises(faults.ConfigFault, match=r"use metadata\.name"):
        of(field(path))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (amount("limits.cpu"), "2"),
        (amount("limits.cpu", divisor="1m"), "1500"),
        (amount("requests.cpu", divisor="1"), "1"),
        (amount("limits.memory", divisor="1Mi"), "65"),
        (amount("limits.memory", divisor="0"), str(64 * 1024**2 + 1)),
        (amount("requests.memory"), "0"),
        (amount("limits.ephemeral-storage"), "0"),
    ],
)
def test_amounts_are_counted_in_divisors_and_rounded_up(reference, expected):
    given = {
        "limits": {"cpu": "1500m", "memory": str(64 * 1024**2 + 1)},
        "requests": {"cpu": "100m"},
    }
    assert of(reference, resources=given) == {"X": expected}


def test_a_missing_limit_is_what_the_machine_has():
    assert of(amount("limits.cpu")) == {"X": "4"}
    assert of(amount("limits.memory", divisor="1Gi")) == {"X": "16"}


def test_amounts_may_be_those_of_another_container():
    other = wantedpods.container("o", resources={"limits": {"cpu": "3"}})
    assert of(amount("limits.cpu", containerName="o"), others=[other]) == {"X": "3"}
    with pytest.raises(faults.ConfigFault, match="container gone not found"):
        of(amount("limits.cpu", containerName="gone"))


def test_objects_of_the_api_are_refused_unless_a_static_pod_can_do_without():
    def secret(*, optional):
        reference = {"name": "s", "key": "k", "optional": optional}
        return {"name": "X", "valueFrom": {"secretKeyRef": reference}}

    assert of(secret(optional=True)) == {}
    with pytest.raises(faults.ConfigFault, match="X takes its value from a secret"):
        of(secret(optional=False))
    with pytest.raises(faults.ConfigFault, match="no API server has told of it yet"):
        of(secret(optional=True), source="api")  # there may well be one
