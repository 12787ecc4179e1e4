"""A pod's directories, volumes and mounts on a real machine, as root."""

import os
import socket
import stat
from pathlib import Path

import pytest

from staticlet.host import mounts as hostmounts
from staticlet.pods import discard, disk, faults, mounts, paths
from staticlet.testing import wantedpods

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


class Place:
    """One pod below a temporary directory."""

    def __init__(self, directory, raw, **spec):
        self.settings = wantedpods.settings(directory)
        self.wanted = wantedpods.wanted(raw, **spec)
        self.where = paths.of(self.wanted.key, self.wanted.uid, self.settings)
        self.container = self.wanted.pod.spec.containers[0]

    def prepare(self):
        disk.prepare_pod(self.wanted, node=wantedpods.NODE, settings=self.settings)

    def start(self, restart_count=0):
        return disk.prepare_container(
            self.wanted,
            self.container,
            restart_count=restart_count,
            ips=("10.0.0.5",),
            node=wantedpods.NODE,
            settings=self.settings,
        )


@pytest.fixture
def place(tmp_path):
    made = []

    def make(raw=None, **spec):
        made.append(Place(tmp_path / "root", raw or wantedpods.container(), **spec))
        return made[-1]

    yield make
    for one in made:
        discard.remove_pod(one.where)
    assert not hostmounts.below(tmp_path)


def mode(path):
    return oct(stat.S_IMODE(path.stat().st_mode))


def mounting(**mount):
    return wantedpods.container(volumeMounts=[{"name": "v", "mountPath": "/v", **mount}])


EMPTY = [{"name": "v", "emptyDir": {}}]


def test_directories_have_the_kubelets_modes_whatever_the_umask(place):
    pod = place()
    before = os.umask(0o077)
    try:
        pod.prepare()
        pod.start()
    finally:
        os.umask(before)
    assert mode(pod.where.directory) == mode(pod.where.volumes) == "0o750"
    assert mode(pod.where.log_directory) == "0o755"
    assert mode(pod.where.container_log_directory("c")) == "0o755"
    assert mode(pod.where.etc_hosts) == "0o644"
    assert mode(pod.where.termination_log("c", 0)) == "0o666"


def test_everything_may_be_prepared_again_and_keeps_what_is_in_it(place):
    memory = {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    pod = place(volumes=[*EMPTY, memory])
    pod.prepare()
    (pod.where.empty_dir("v") / "kept").write_text("x")
    (pod.where.empty_dir("m") / "kept").write_text("x")
    pod.prepare()
    assert (pod.where.empty_dir("v") / "kept").read_text() == "x"
    assert (pod.where.empty_dir("m") / "kept").read_text() == "x"
    assert len(hostmounts.at(pod.where.empty_dir("m"))) == 1


def test_an_empty_dir_is_everybodys_and_belongs_to_the_pods_group(place):
    pod = place(volumes=EMPTY)
    pod.prepare()
    assert mode(pod.where.empty_dir("v")) == "0o777"
    grouped = place(volumes=[{"name": "w", "emptyDir": {}}], securityContext={"fsGroup": 4242})
    grouped.prepare()
    assert mode(grouped.where.empty_dir("w")) == "0o2777"
    assert grouped.where.empty_dir("w").stat().st_gid == 4242


def test_memory_is_a_tmpfs_that_is_full_at_its_limit(place):
    memory = {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "64Ki"}}
    pod = place(volumes=[memory])
    pod.prepare()
    directory = pod.where.empty_dir("m")
    assert mode(directory) == "0o777"
    with pytest.raises(OSError, match="No space left"):
        (directory / "large").write_bytes(b"x" * 128 * 1024)


def test_each_start_has_an_empty_termination_log_of_its_own(place):
    pod = place()
    pod.prepare()
    first = pod.start(0).termination_log
    first.write_text("bye")
    second = pod.start(1).termination_log
    assert second.read_text() == ""
    assert first.read_text() == "bye"
    assert pod.start(0).termination_log.read_text() == ""


def test_the_hosts_file_stays_the_same_file_when_its_content_changes(place):
    pod = place()
    pod.prepare()
    file = pod.start().etc_hosts
    inode = file.stat().st_ino
    assert "10.0.0.5\tweb-n1\n" in file.read_text()
    file.write_text("tampered")
    assert pod.start().etc_hosts.stat().st_ino == inode
    assert "10.0.0.5\tweb-n1\n" in file.read_text()


def host_path(place, path, kind):
    pod = place(volumes=[{"name": "h", "hostPath": {"path": str(path), "type": kind}}])
    pod.prepare()
    return path


@pytest.mark.parametrize(
    ("kind", "noun"),
    [
        ("Directory", "a directory"),
        ("DirectoryOrCreate", "a directory"),
        ("File", "a file"),
        ("FileOrCreate", "a file"),
        ("Socket", "a socket file"),
        ("CharDevice", "a character device"),
        ("BlockDevice", "a block device"),
    ],
)
def test_a_host_path_of_the_wrong_kind_is_refused_in_the_kubelets_words(
    place, tmp_path, kind, noun
):
    wrong = tmp_path / "wrong"
    if kind.startswith("Dir"):
        wrong.write_text("")
    else:
        wrong.mkdir()
    with pytest.raises(faults.VolumeFault) as caught:
        host_path(place, wrong, kind)
    assert caught.value.reason == "FailedMount"
    assert caught.value.message == (
        'MountVolume.SetUp failed for volume "h" : hostPath type check failed: '
        f"{wrong} is not {noun}"
    )


def test_a_host_path_is_made_only_where_its_type_says_so(place, tmp_path):
    assert mode(host_path(place, tmp_path / "a/b", "DirectoryOrCreate")) == "0o755"
    assert mode(host_path(place, tmp_path / "a/f", "FileOrCreate")) == "0o644"
    assert not host_path(place, tmp_path / "nothing", "").exists()
    for kind in ("Directory", "File", "Socket"):
        with pytest.raises(faults.VolumeFault, match="type check failed"):
            host_path(place, tmp_path / "absent", kind)
    with pytest.raises(faults.VolumeFault, match="no such file"):
        host_path(place, tmp_path / "none/f", "FileOrCreate")


def test_sockets_and_devices_are_known_for_what_they_are(place, tmp_path):
    host_path(place, Path("/dev/null"), "CharDevice")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        host_path(place, tmp_path / "s", "Socket")


def test_a_sub_path_is_made_with_the_mode_of_its_volume_and_is_part_of_it(place):
    pod = place(mounting(subPath="a/b"), volumes=EMPTY)
    pod.prepare()
    seen = pod.start().sub_paths[0]
    (seen / "file").write_text("x")
    volume = pod.where.empty_dir("v")
    assert (volume / "a/b/file").read_text() == "x"
    assert mode(volume / "a") == mode(volume / "a/b") == "0o777"
    assert hostmounts.at(seen)


def test_a_sub_path_may_be_a_file_and_is_mounted_anew_at_each_start(place, tmp_path):
    volume = [{"name": "v", "hostPath": {"path": str(tmp_path)}}]
    pod = place(mounting(subPath="conf"), volumes=volume)
    (tmp_path / "conf").write_text("one")
    pod.prepare()
    seen = pod.start().sub_paths[0]
    (tmp_path / "new").write_text("two")
    (tmp_path / "new").rename(tmp_path / "conf")
    assert seen.read_text() == "one"
    assert pod.start().sub_paths[0].read_text() == "two"
    assert len(hostmounts.at(seen)) == 1


def test_a_sub_path_may_change_from_file_to_directory(place, tmp_path):
    pod = place(
        mounting(subPath="x"), volumes=[{"name": "v", "hostPath": {"path": str(tmp_path)}}]
    )
    (tmp_path / "x").write_text("")
    pod.prepare()
    assert pod.start().sub_paths[0].is_file()
    (tmp_path / "x").unlink()
    (tmp_path / "x").mkdir()
    assert pod.start().sub_paths[0].is_dir()


@pytest.mark.parametrize("target", ["/etc", "../../../../../../../../etc", ".."])
def test_a_link_that_leads_out_of_a_volume_is_refused(place, target):
    pod = place(mounting(subPath="evil/ssh"), volumes=EMPTY)
    pod.prepare()
    (pod.where.empty_dir("v") / "evil").symlink_to(target)
    with pytest.raises(faults.ConfigFault, match="failed to prepare subPath") as caught:
        pod.start()
    assert "leads out of" in caught.value.message


def test_a_link_that_stays_in_its_volume_is_followed(place):
    pod = place(mounting(subPath="link/x"), volumes=EMPTY)
    pod.prepare()
    volume = pod.where.empty_dir("v")
    (volume / "real").mkdir()
    (volume / "link").symlink_to("real")
    (pod.start().sub_paths[0] / "f").write_text("x")
    assert (volume / "real/x/f").read_text() == "x"


def test_a_link_that_leads_round_in_circles_is_refused(place):
    pod = place(mounting(subPath="loop/x"), volumes=EMPTY)
    pod.prepare()
    (pod.where.empty_dir("v") / "loop").symlink_to("loop")
    with pytest.raises(faults.ConfigFault, match="symbolic link"):
        pod.start()


def test_what_was_mounted_stays_when_the_name_is_swapped_afterwards(place, tmp_path):
    pod = place(mounting(subPath="dir"), volumes=EMPTY)
    pod.prepare()
    seen = pod.start().sub_paths[0]
    (pod.where.empty_dir("v") / "dir").rename(pod.where.empty_dir("v") / "old")
    (pod.where.empty_dir("v") / "dir").symlink_to(tmp_path)
    (seen / "f").write_text("x")
    assert (pod.where.empty_dir("v") / "old/f").exists()


def test_mounts_name_what_was_prepared(place):
    pod = place(mounting(subPath="a"), volumes=EMPTY)
    pod.prepare()
    prepared = pod.start()
    wanted = mounts.mounts(pod.wanted.pod, pod.container, prepared)
    found = {mount.container_path: mount.host_path for mount in wanted}
    assert all(Path(host).exists() for host in found.values())
    assert set(found) == {"/v", "/etc/hosts", "/dev/termination-log"}


def test_removing_a_pod_leaves_nothing_of_it_and_everything_else(place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    memory = {"name": "m", "emptyDir": {"medium": "Memory"}}
    shared = {"name": "v", "hostPath": {"path": str(outside)}}
    pod = place(mounting(subPath="sub"), volumes=[memory, shared, {"name": "e", "emptyDir": {}}])
    pod.prepare()
    pod.start()
    (pod.where.empty_dir("e") / "link").symlink_to(outside)
    inner = pod.where.empty_dir("e") / "inner"
    inner.mkdir()
    fd = os.open(outside, os.O_PATH)
    hostmounts.bind(fd, inner)
    os.close(fd)
    pod.where.log_file("c", 0).write_text("log")
    disk.link_log(pod.where, "c", 0, "abc")
    discard.remove_pod(pod.where)
    discard.remove_pod(pod.where)
    assert not pod.where.directory.exists()
    assert not pod.where.log_directory.exists()
    assert list(pod.where.links.iterdir()) == []
    assert (outside / "precious").read_text() == "x"
    assert (outside / "sub").is_dir()


def test_a_busy_mount_is_let_go_and_does_not_keep_a_pod_from_being_removed(place):
    pod = place(volumes=[{"name": "m", "emptyDir": {"medium": "Memory"}}])
    pod.prepare()
    held = (pod.where.empty_dir("m") / "held").open("w")
    with held:
        discard.remove_pod(pod.where)
        assert not pod.where.directory.exists()


def test_a_link_to_a_log_is_made_once_the_log_is_there(place):
    pod = place()
    pod.prepare()
    pod.start()
    link = pod.where.log_link("c", "abc")
    disk.link_log(pod.where, "c", 0, "abc")
    assert not link.is_symlink()
    pod.where.log_file("c", 0).write_text("")
    disk.link_log(pod.where, "c", 0, "abc")
    disk.link_log(pod.where, "c", 0, "abc")
    assert link.readlink() == pod.where.log_file("c", 0)


def test_removing_a_container_takes_its_own_files_and_no_others(place):
    pod = place()
    pod.prepare()
    pod.start(1)
    pod.start(10)
    for name in ("1.log", "1.log.20260102-030405", "1.log.20260102-030406.gz", "10.log"):
        (pod.where.container_log_directory("c") / name).write_text("")
    disk.link_log(pod.where, "c", 1, "abc")
    discard.remove_container(pod.where, "c", 1, "abc")
    discard.remove_container(pod.where, "c", 1, "abc")
    left = [file.name for file in pod.where.container_log_directory("c").iterdir()]
    assert left == ["10.log"]
    assert not pod.where.log_link("c", "abc").is_symlink()
    assert not pod.where.termination_log("c", 1).exists()
    assert pod.where.termination_log("c", 10).exists()


def test_of_a_container_only_the_present_and_the_last_life_leave_anything(place):
    pod = place()
    logs = pod.where.container_log_directory("c")
    messages = pod.where.container_directory("c")
    logs.mkdir(parents=True)
    messages.mkdir(parents=True)
    for count in range(12):
        (logs / f"{count}.log").touch()
        (messages / f"{count:08x}").touch()
    (logs / "2.log.20300101-000000").touch()
    (logs / "notes.txt").touch()
    discard.remove_older(pod.where, "c", 11)
    discard.remove_older(pod.where, "c", 11)
    assert {file.name for file in logs.iterdir()} == {"10.log", "11.log", "notes.txt"}
    assert {file.name for file in messages.iterdir()} == {"0000000a", "0000000b"}
    discard.remove_older(pod.where, "absent", 5)


def test_only_dead_links_of_ours_are_removed(place, tmp_path):
    pod = place()
    pod.prepare()
    pod.start()
    links = pod.where.links
    pod.where.log_file("c", 0).write_text("")
    disk.link_log(pod.where, "c", 0, "alive")
    (links / "dead.log").symlink_to(pod.where.logs / "gone/0.log")
    (links / "foreign.log").symlink_to(tmp_path / "elsewhere")
    assert discard.remove_dead_links(links, pod.where.logs) == 1
    assert len(list(links.iterdir())) == 2
    assert discard.remove_dead_links(tmp_path / "absent", pod.where.logs) == 0


def test_a_data_directory_that_can_not_be_made_is_told(place, tmp_path):
    (tmp_path / "root").write_text("a file in the way")
    pod = place()
    with pytest.raises(faults.PodFault, match="error making pod data directories"):
        pod.prepare()
    (tmp_path / "root").unlink()


def test_only_directories_that_bear_our_mark_are_known_as_left_behind(place):
    pod = place()
    pod.prepare()
    (pod.where.root / "pods/of-a-kubelet/volumes").mkdir(parents=True)
    found = discard.left_behind(pod.where.root)
    assert found == {pod.wanted.uid: pod.wanted.key}
    assert discard.left_behind(pod.where.root, but={pod.wanted.uid}) == {}
    discard.remove_pod(pod.where)
    assert discard.left_behind(pod.where.root) == {}
    assert (pod.where.root / "pods/of-a-kubelet").exists()


def test_what_an_agent_killed_at_the_first_or_last_step_of_a_pod_left_is_removed(place):
    pod = place()
    pods = pod.where.root / "pods"
    (pods / "unmarked").mkdir(parents=True)
    (pods / "half-marked").mkdir()
    (pods / "half-marked/.staticlet.new").write_text("defau")
    (pods / "in-use").mkdir()
    (pods / "of-a-kubelet/volumes").mkdir(parents=True)
    (pods / "a-file").write_text("")
    discard.remove_husks(pod.where.root, but={"in-use"})
    assert sorted(each.name for each in pods.iterdir()) == ["a-file", "in-use", "of-a-kubelet"]


def test_the_logs_are_gone_before_the_mark_that_tells_of_them(place, monkeypatch):
    pod = place()
    pod.prepare()

    def refuse(where):
        raise discard.CleanupFault(f"cannot remove links to {where.log_directory}")

    with monkeypatch.context() as patch:
        patch.setattr(discard, "remove_logs", refuse)
        with pytest.raises(discard.CleanupFault):
            discard.remove_pod(pod.where)
    assert discard.left_behind(pod.where.root) == {pod.wanted.uid: pod.wanted.key}


def test_a_pod_that_could_not_be_removed_whole_is_still_known_as_ours(place, monkeypatch):
    pod = place(volumes=EMPTY)
    pod.prepare()

    def refuse(path):
        raise PermissionError(1, "not now", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(discard.shutil, "rmtree", refuse)
        with pytest.raises(discard.CleanupFault, match="not now"):
            discard.remove_pod(pod.where)
    assert discard.left_behind(pod.where.root) == {pod.wanted.uid: pod.wanted.key}


def test_logs_and_last_words_of_lives_before_the_last_are_removed_with_each_start(place):
    pod = place()
    pod.prepare()
    for count in range(4):
        pod.start(count)
        pod.where.log_file("c", count).touch()
        pod.where.log_file("c", count).with_name(f"{count}.log.20260102-030405.gz").touch()
    pod.where.log_file("c", 0).with_name("notes.txt").touch()
    pod.start(4)
    logs = {file.name for file in pod.where.container_log_directory("c").iterdir()}
    assert logs == {"3.log", "3.log.20260102-030405.gz", "notes.txt"}
    words = {file.name for file in pod.where.container_directory("c").iterdir()}
    assert words == {"00000003", "00000004"}
