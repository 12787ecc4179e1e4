"""What the Node tells of a machine: names, architecture, addresses."""

import pytest

from staticlet.config import nodetexts
from staticlet.host import machine, nodeinfo
from staticlet.node import addresses


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
            "Debian GNU/Linux 12 (bookworm)",
        ),
        ("PRETTY_NAME='Alpine Linux v3.20'", "Alpine Linux v3.20"),
        ("PRETTY_NAME=Plain", "Plain"),
        ('PRETTY_NAME="broken', "broken"),
        ("PRETTY_NAME=", "Linux"),
        ("NAME=x", "Linux"),
        ("", "Linux"),
    ],
)
def test_the_distribution_has_its_pretty_name(text, name):
    assert nodeinfo.os_image(text) == name


@pytest.mark.parametrize(
    ("uname", "go"),
    [("x86_64", "amd64"), ("aarch64", "arm64"), ("armv7l", "arm"), ("riscv64", "riscv64")],
)
def test_architectures_have_gos_names(uname, go):
    assert nodeinfo.architecture(uname) == go


def test_this_machine_has_an_identity_and_a_size(tmp_path):
    who, size = nodeinfo.identity(), nodeinfo.capacity(tmp_path)
    assert who.boot_id
    assert who.kernel_version
    assert who.os_image
    assert size.cpus > 0
    assert size.memory_bytes > 0
    assert size.storage_bytes > 0
    assert nodeinfo.capacity(tmp_path / "none").storage_bytes == 0


def chosen(*given, name="node1", looked_up=(), local=None):
    return addresses.chosen(
        given,
        name,
        looked_up=looked_up,
        local=looked_up if local is None else local,
        default={0: "192.0.2.9", 4: "192.0.2.4", 6: "2001:db8::6"}.get,
    )


def test_an_address_that_was_given_counts_most():
    assert chosen("192.0.2.1", "fd00::1", looked_up=["192.0.2.5"]) == ("192.0.2.1", "fd00::1")


def test_any_address_means_the_default_one_of_its_family():
    assert chosen("0.0.0.0", "::") == ("192.0.2.4", "2001:db8::6")


def test_a_name_that_is_an_address_is_the_address():
    assert chosen(name="192.0.2.7") == ("192.0.2.7",)


def test_what_the_name_stands_for_counts_if_it_is_ours_and_can_be_reached():
    found = ["127.0.1.1", "fe80::1", "2001:db8::5", "192.0.2.5"]
    assert chosen(looked_up=found) == ("192.0.2.5",)
    assert chosen(looked_up=found, local=["2001:db8::5"]) == ("2001:db8::5",)
    assert chosen(looked_up=found, local=["127.0.1.1"]) == ("192.0.2.9",)
    assert chosen() == ("192.0.2.9",)


def test_a_machine_knows_its_own_addresses():
    assert machine.has_address("127.0.0.1")
    assert not machine.has_address("192.0.2.77")
    assert not machine.has_address("2001:db8::77")


def test_pairs_taints_and_thresholds_are_read_as_the_kubelet_reads_them():
    assert nodetexts.pairs(["a=1,b=2", "a=3"], "=") == {"a": "3", "b": "2"}
    assert nodetexts.pairs(["memory.available<10%"], "<") == {"memory.available": "10%"}
    assert nodetexts.taints(["a=b:NoSchedule,c:NoExecute"]) == [
        {"key": "a", "value": "b", "effect": "NoSchedule"},
        {"key": "c", "value": "", "effect": "NoExecute"},
    ]
    for read in (lambda: nodetexts.pairs(["a"], "="), lambda: nodetexts.taints(["a=b"])):
        with pytest.raises(nodetexts.TextError):
            read()


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"tier": "edge", "node.kubernetes.io/x": "y", "topology.kubernetes.io/zone": "z"}, ""),
        ({"kubernetes.io/x": "y"}, "not a label that a node may give itself"),
        ({"node-restriction.kubernetes.io/x": "y"}, "not a label that a node may give itself"),
        ({"a b": "y"}, "not the name of a label"),
        ({"a": "-"}, "not the value of a label"),
    ],
)
def test_a_node_gives_itself_only_labels_that_it_may(labels, words):
    got = nodetexts.label_rule(labels)
    assert words in got
    assert bool(got) is bool(words)


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        (nodetexts.taint_rule, [{"key": "a", "effect": "NoSchedule"}], ""),
        (nodetexts.taint_rule, [{"key": "a", "effect": "Never"}], "must be one of"),
        (nodetexts.taint_rule, [{"key": "", "effect": "NoExecute"}], "not valid"),
        (nodetexts.taint_rule, [{"key": "a", "effect": "NoExecute"}] * 2, "twice"),
        (nodetexts.reserved_rule, {"cpu": "200m", "pid": "10"}, ""),
        (nodetexts.reserved_rule, {"gpu": "1"}, "cannot be reserved"),
        (nodetexts.reserved_rule, {"cpu": "-1"}, "must not be negative"),
        (nodetexts.reserved_rule, {"cpu": "x"}, "must be an amount"),
        (nodetexts.threshold_rule, {"memory.available": "5%", "pid.available": "10"}, ""),
        (nodetexts.threshold_rule, {"memory": "5%"}, "not a signal"),
        (nodetexts.threshold_rule, {"memory.available": "101%"}, "more than 100%"),
        (nodetexts.threshold_rule, {"memory.available": "-1Gi"}, "must not be negative"),
    ],
)
def test_what_is_told_of_the_node_is_checked(rule, value, words):
    got = rule(value)
    assert words in got
    assert bool(got) is bool(words)
