"""When a machine counts as short of something, and what is told of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from staticlet.config.settings import Settings
from staticlet.host import levels
from staticlet.node import conditions, pressure
from staticlet.testing import fakemachine

SETTINGS = Settings(node_name="node1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def short_of(settings=SETTINGS, **available):
    machine = fakemachine.FakeMachine()
    for name, left in available.items():
        machine.leave(name.replace("_", "."), left)
    return set(pressure.crossed(pressure.thresholds(settings), machine.left))


def test_a_machine_with_enough_of_all_is_under_no_pressure():
    assert short_of() == set()


@pytest.mark.parametrize(
    ("signal", "enough", "condition"),
    [
        ("memory_available", 100 << 20, "MemoryPressure"),
        ("nodefs_available", 10 << 30, "DiskPressure"),
        ("nodefs_inodesFree", 50_000, "DiskPressure"),
        ("imagefs_available", 15 << 30, "DiskPressure"),
        ("imagefs_inodesFree", 50_000, "DiskPressure"),
    ],
)
def test_a_default_threshold_is_crossed_when_less_is_left(signal, enough, condition):
    assert short_of(**{signal: enough}) == set()
    assert short_of(**{signal: enough - 1}) == {condition}


def test_processes_count_only_when_asked_for():
    assert short_of(pid_available=0) == set()
    asked = replace(SETTINGS, eviction_hard={"pid.available": "1000"})
    assert short_of(asked, pid_available=999) == {"PIDPressure"}
    assert short_of(asked, memory_available=0) == set()


def test_thresholds_are_added_to_the_defaults_only_when_told_so():
    merged = replace(
        SETTINGS, eviction_hard={"pid.available": "1000"}, merge_default_eviction_settings=True
    )
    assert short_of(merged, pid_available=0, memory_available=0) == {
        "PIDPressure",
        "MemoryPressure",
    }


def test_none_and_all_turn_a_threshold_off():
    for text in ("0%", "100%", "0"):
        off = replace(SETTINGS, eviction_hard={"nodefs.available": text})
        assert short_of(off, nodefs_available=0) == set()


def test_what_cannot_be_measured_is_no_pressure():
    assert pressure.crossed(pressure.thresholds(SETTINGS), {}) == frozenset()


def test_pressure_lasts_for_a_while_after_it_was_seen():
    def step(seen, now_s, *crossed):
        return pressure.lasting(seen, frozenset(crossed), now_s=now_s, period_s=300)

    seen = step({}, 0.0, "MemoryPressure")
    seen = step(seen, 100.0)
    assert set(seen) == {"MemoryPressure"}
    seen = step(seen, 200.0, "MemoryPressure", "DiskPressure")
    assert set(step(seen, 499.9)) == {"MemoryPressure", "DiskPressure"}
    assert step(seen, 500.0) == {}


def test_each_pressure_has_its_reason_and_words():
    made = conditions.conditions(
        {"MemoryPressure", "DiskPressure", "PIDPressure"}, (), before={}, now=NOW
    )
    assert [(one["type"], one["status"], one["reason"]) for one in made] == [
        ("MemoryPressure", "True", "KubeletHasInsufficientMemory"),
        ("DiskPressure", "True", "KubeletHasDiskPressure"),
        ("PIDPressure", "True", "KubeletHasInsufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]


def test_the_news_are_the_conditions_that_turned():
    fine = {"conditions": conditions.conditions((), (), before={}, now=NOW)}
    bad = {"conditions": conditions.conditions({"DiskPressure"}, ("no",), before={}, now=NOW)}
    assert conditions.news({}, fine) == [
        "NodeHasSufficientMemory",
        "NodeHasNoDiskPressure",
        "NodeHasSufficientPID",
        "NodeReady",
    ]
    assert conditions.news(fine, bad) == ["NodeHasDiskPressure", "NodeNotReady"]
    assert conditions.news(bad, fine) == ["NodeHasNoDiskPressure", "NodeReady"]
    assert conditions.news(fine, fine) == []


@pytest.mark.parametrize("status", [{}, {"conditions": None}, {"conditions": [None, 5, {}]}])
def test_a_status_that_makes_no_sense_has_no_conditions_of_ours(status):
    assert conditions.news({}, status) == []


MEMINFO = """MemTotal:       24684092 kB
MemFree:        20000000 kB
MemAvailable:   23954656 kB
Inactive(file):   131872 kB
HugePages_Total:       0
"""


def test_memory_counts_as_the_kubelet_counts_it():
    assert levels.parse_memory(MEMINFO) == levels.Level(
        available=(20000000 + 131872) * 1024, capacity=24684092 * 1024
    )
    assert levels.parse_memory("") is None
    assert levels.parse_memory("MemTotal: x kB\nMemFree: 1 kB\n") is None


def test_the_smallest_limit_of_processes_counts():
    level = levels.parse_pids("1.00 1.68 2.83 3/103 15956\n", "32768\n", "192730\n")
    assert level == levels.Level(available=32665, capacity=32768)
    assert levels.parse_pids("", "32768") is None
    assert levels.parse_pids("1 1 1 1/7 9", "") is None


def test_levels_of_this_machine_are_measured(tmp_path):
    found = levels.levels(tmp_path)
    assert {"memory.available", "pid.available", "nodefs.available", "imagefs.available"} <= set(
        found
    )
    assert all(0 <= one.available <= one.capacity for one in found.values())
    absent = levels.levels(tmp_path / "none")
    assert "nodefs.available" not in absent
