"""Reading what the kernel says about the machine."""

from pathlib import Path

from staticlet.host import cgroup, machine, mounts

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth1\t00000000\t0100000A\t0003\t0\t0\t200\t00000000\t0\t0\t0
eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth2\t00000000\t0100000A\t0002\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""

V1 = """31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
"""
UNIFIED_BESIDE = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


def trees(text):
    return cgroup.detect(mounts.parse(text))


def test_the_default_route_with_the_least_metric_is_taken_and_only_when_it_is_up():
    assert machine.default_interface(machine.parse_routes(ROUTES)) == "eth0"
    assert machine.default_interface(machine.parse_routes(ROUTES.splitlines()[0])) is None


def test_memory_and_capabilities_are_read_from_their_lines():
    assert machine.parse_memory("MemFree: 3 kB\nMemTotal:      16 kB\n") == 16384
    assert machine.parse_memory("") == 0
    assert machine.parse_capabilities("Name: x\nCapEff:\t000001fffeffffff\n") == 0x1FFFEFFFFFF
    assert machine.parse_capabilities("") == 0


def test_huge_page_sizes_have_the_kernels_names():
    assert [machine.size_name(kib) for kib in (64, 2048, 1048576)] == ["64KB", "2MB", "1GB"]


def test_separate_trees_are_version_one():
    found = trees(V1)
    assert (found.version, found.hybrid, found.unified) == (1, False, None)
    assert found.controllers == {
        "cpu": Path("/sys/fs/cgroup/cpu,cpuacct"),
        "cpuacct": Path("/sys/fs/cgroup/cpu,cpuacct"),
        "memory": Path("/sys/fs/cgroup/memory"),
        "name=systemd": Path("/sys/fs/cgroup/systemd"),
    }
    assert len(found.trees) == 3


def test_a_unified_tree_beside_others_is_still_version_one():
    found = trees(V1 + UNIFIED_BESIDE)
    assert (found.version, found.hybrid) == (1, True)
    assert Path("/sys/fs/cgroup/unified") in found.trees


def test_a_unified_tree_alone_is_version_two():
    found = trees(V2)
    assert (found.version, found.hybrid, found.trees) == (2, False, (Path("/sys/fs/cgroup"),))


def test_a_machine_without_cgroups_has_no_trees():
    assert trees("").trees == ()


def test_shares_become_weights_in_range():
    assert [cgroup.weight(shares) for shares in (0, 2, 1024, 262144)] == [1, 1, 39, 10000]


def test_mountinfo_is_read_with_its_escapes_and_optional_fields():
    (entry,) = mounts.parse(
        "36 35 98:0 /a\\040b /mnt\\134x rw,noatime shared:1 master:2 - ext4 /dev/x rw,errors=c\n"
        "nonsense\n"
    )
    assert entry.point == Path("/mnt\\x")
    assert entry.root == "/a b"
    assert (entry.fstype, entry.options) == ("ext4", ("rw", "errors=c"))


def test_a_resolv_conf_that_names_only_the_stub_of_systemd_is_known():
    assert machine.only_stub("# by resolved\nnameserver 127.0.0.53\noptions edns0\n")
    assert not machine.only_stub("nameserver 127.0.0.53\nnameserver 192.0.2.53\n")
    assert not machine.only_stub("nameserver 127.0.0.1\n")
    assert not machine.only_stub("search lan\n")


UNIFIED_FILES = ("cpu.weight", "cpu.max", "memory.max", "pids.max")


def test_on_version_two_controllers_are_handed_down_and_limits_written(tmp_path):
    group = tmp_path / "kubepods/podx"
    group.mkdir(parents=True)
    for directory in (tmp_path, group.parent):
        (directory / "cgroup.controllers").write_text("cpu memory misc\n")
        (directory / "cgroup.subtree_control").write_text("")
    for name in UNIFIED_FILES:
        (group / name).write_text("")
    unified = cgroup.Hierarchies(version=2, unified=tmp_path)
    limits = cgroup.Limits(
        cpu_shares=1024, cpu_quota_us=50_000, cpu_period_us=100_000, memory_bytes=4096, pids=9
    )
    assert cgroup.ensure(unified, "/kubepods/podx", limits) == []
    assert [(group / name).read_text() for name in UNIFIED_FILES] == [
        "39", "50000 100000", "4096", "9",
    ]  # fmt: skip
    assert (group.parent / "cgroup.subtree_control").read_text() in {"+cpu", "+memory"}


def test_on_version_two_a_missing_controller_is_told_and_the_rest_is_done(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("")
    (tmp_path / "podx").mkdir()
    (tmp_path / "podx/pids.max").write_text("")
    unified = cgroup.Hierarchies(version=2, unified=tmp_path)
    (trouble,) = cgroup.ensure(unified, "/podx", cgroup.Limits(pids=9, memory_bytes=1))
    assert "memory.max" in trouble
    assert not (tmp_path / "podx/memory.max").exists()
    assert (tmp_path / "podx/pids.max").read_text() == "9"
