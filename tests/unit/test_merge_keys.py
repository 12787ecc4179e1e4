"""The table of merge keys goes with the API's types."""

from __future__ import annotations

import subprocess
import sys

import pytest
from lightkube.models import coordination_v1, core_v1, storage_v1

from staticlet.kube import shape
from staticlet.kube.patch import mergekeys
from staticlet.kube.patch.mergekeys import ListType

KINDS = [
    core_v1.Pod,
    core_v1.Node,
    core_v1.Namespace,
    core_v1.ConfigMap,
    core_v1.Secret,
    core_v1.ServiceAccount,
    core_v1.Service,
    core_v1.Event,
    coordination_v1.Lease,
    storage_v1.CSINode,
]


def structs():
    """Every struct that is in one of the kinds."""
    seen = {}
    stack = [shape.of(kind) for kind in KINDS]
    while stack:
        match stack.pop():
            case shape.Record(struct) as record if struct not in seen:
                seen[struct] = record
                stack += record.fields.values()
            case shape.ListOf(item):
                stack.append(item)
            case shape.MapOf(value):
                stack.append(value)
    return seen


STRUCTS = structs()
RULES = {
    (struct.__name__, name): (mergekeys.of(struct, name), part)
    for struct, record in STRUCTS.items()
    for name, part in record.fields.items()
    if mergekeys.of(struct, name) is not mergekeys.ATOMIC
}


def test_every_rule_is_about_a_list_that_there_is():
    by_name = {struct.__name__ for struct in STRUCTS}
    for owner, rules in mergekeys._RULES.items():
        assert owner in by_name
        assert {(owner, name) for name in rules} <= RULES.keys()


@pytest.mark.parametrize("where", sorted(RULES))
def test_the_keys_of_a_rule_are_fields_of_the_items(where):
    rule, part = RULES[where]
    assert isinstance(part, shape.ListOf)
    keys = {*rule.keys, *([rule.merge_key] if rule.merge_key else [])}
    if isinstance(part.item, shape.Record):
        assert rule.type is not ListType.SET
        assert keys
        assert keys <= part.item.fields.keys()
    else:
        assert not keys
        assert rule.type is ListType.SET


def test_lists_of_containers_have_the_rules_of_kubernetes():
    rule = mergekeys.of(core_v1.PodSpec, "volumes")
    assert (rule.strategy, rule.merge_key, rule.keys) == ("merge,retainKeys", "name", ("name",))
    rule = mergekeys.of(core_v1.Container, "ports")
    assert (rule.merge_key, rule.keys) == ("containerPort", ("containerPort", "protocol"))
    assert mergekeys.key_default(core_v1.ContainerPort, "protocol") == "TCP"
    assert mergekeys.of(core_v1.PodSpec, "tolerations").type is ListType.ATOMIC
    assert mergekeys.of(core_v1.PodStatus, "hostIPs").type is ListType.ATOMIC


def test_references_and_selectors_are_one_value():
    assert mergekeys.atomic_struct(core_v1.ObjectReference)
    assert not mergekeys.atomic_struct(core_v1.Container)
    assert mergekeys.atomic_map(core_v1.PodSpec, "nodeSelector")


def test_the_json_patch_package_is_loaded_when_it_is_needed():
    check = (
        "import sys; from staticlet.kube.patch import jsonpatch as patch; "
        "before = 'jsonpatch' in sys.modules; patch.apply({}, []); "
        "print(before, 'jsonpatch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False True\n"
