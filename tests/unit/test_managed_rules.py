"""What a containerd of ours is decided by: what is missing, when to restart, what to import."""

from __future__ import annotations

from pathlib import Path

import pytest

from staticlet.app import up
from staticlet.runtime.managed import archives, bringup, process, supervise

IMPORTED = archives.Imported(stamp="10-1", images=("localhost/a:1",))


def nothing_found(program: str) -> Path | None:
    del program


def everything_found(program: str) -> Path | None:
    return Path("/usr/bin") / program


def test_each_missing_program_is_named_with_its_package() -> None:
    lacking = "\n".join(bringup.missing(uid=0, which=nothing_found, cni_bin=None))
    for package in ("containerd", "runc", "containernetworking-plugins", "catatonit"):
        assert f"apt-get install {package}" in lacking


def test_a_machine_with_everything_lacks_nothing() -> None:
    cni_bin = Path("/usr/lib/cni")
    assert bringup.missing(uid=0, which=everything_found, cni_bin=cni_bin) == ()


def test_another_user_is_told_to_become_root() -> None:
    (lacking,) = bringup.missing(uid=1000, which=everything_found, cni_bin=Path("/usr/lib/cni"))
    assert "only root" in lacking


@pytest.mark.parametrize(
    ("failures", "delay_s"), [(1, 0), (2, 1), (3, 2), (6, 16), (7, 30), (99, 30), (2000, 30)]
)
def test_restarts_are_spaced_out_up_to_half_a_minute(failures: int, delay_s: float) -> None:
    assert supervise.restart_delay_s(failures) == delay_s


def test_a_new_archive_is_pending() -> None:
    assert archives.pending({"a.tar": "10-1"}, {}, set()) == ("a.tar",)


def test_an_imported_archive_is_not_pending() -> None:
    present = {"localhost/a:1", "localhost/b:1"}
    assert archives.pending({"a.tar": "10-1"}, {"a.tar": IMPORTED}, present) == ()


def test_a_changed_archive_is_pending() -> None:
    assert archives.pending({"a.tar": "10-2"}, {"a.tar": IMPORTED}, {"localhost/a:1"}) == (
        "a.tar",
    )


def test_an_archive_whose_image_was_removed_is_pending() -> None:
    assert archives.pending({"a.tar": "10-1"}, {"a.tar": IMPORTED}, set()) == ("a.tar",)


def test_the_record_of_imports_is_read_as_it_was_written() -> None:
    record = {"a.tar": IMPORTED}
    assert archives.parse_record(archives.dump_record(record)) == record


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"stamp": "x"}}'])
def test_a_record_that_cannot_be_read_is_empty(text: str) -> None:
    assert archives.parse_record(text) == {}


def test_a_pid_file_is_read_as_it_was_written() -> None:
    identity = process.Identity(pid=7, start_ticks=123, boot_id="b")
    assert process.parse_identity(identity.to_json()) == identity


@pytest.mark.parametrize("text", ["", "123\n", "{}", '{"pid": "x"}'])
def test_a_pid_file_of_another_kind_is_nobody(text: str) -> None:
    assert process.parse_identity(text) is None


def test_the_start_time_is_found_behind_a_name_with_spaces_and_brackets() -> None:
    fields = " ".join(["S", *map(str, range(4, 53))])
    assert process.parse_start_ticks(f"42 (a ) b (c) {fields}") == 22


def test_up_keeps_the_agents_files_with_its_own_and_gives_it_its_runtime() -> None:
    flags = up.flags(up.Up(data_dir=Path("/d"), run_dir=Path("/r")), {"v": ["2"]})
    assert flags["root-dir"] == ["/d/kubelet"]
    assert flags["container-runtime-endpoint"] == ["unix:///r/containerd.sock"]
    assert flags["image-service-endpoint"] == ["unix:///r/containerd.sock"]
    assert flags["v"] == ["2"]


def test_up_lets_the_agents_root_be_elsewhere() -> None:
    assert up.flags(up.Up(), {"root-dir": ["/elsewhere"]})["root-dir"] == ["/elsewhere"]


def test_up_refuses_somebody_elses_runtime() -> None:
    with pytest.raises(up.CannotUp, match="staticlet run"):
        up.flags(up.Up(), {"container-runtime-endpoint": ["unix:///run/crio/crio.sock"]})


def test_up_refuses_a_run_directory_too_deep_for_a_socket() -> None:
    with pytest.raises(up.CannotUp, match="shorter run directory"):
        up.flags(up.Up(run_dir=Path("/" + "x" * 100)), {})


def test_two_installations_have_networks_of_their_own() -> None:
    usual = up.network_of(up.Up().data_dir)
    other = up.network_of(Path("/srv/other"))
    assert usual.interface == "staticlet0"
    assert other.interface != usual.interface
    assert other.name != usual.name
    assert len(other.interface) <= 15
