"""Volumes that are written from objects, on a real machine, as root."""

import os
import stat
from dataclasses import replace

import pytest

from staticlet.host import mounts as hostmounts
from staticlet.pods import discard, disk, faults, paths
from staticlet.pods.apiobjects import held
from staticlet.pods.volumes import projection, renewal
from staticlet.testing import apicontent, wantedpods

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")

SECRET = {"name": "v", "secret": {"secretName": "s"}}
CONFIG = {"name": "v", "configMap": {"name": "c"}}


class Place:
    """One pod of the API below a temporary directory, with what is known of its objects."""

    def __init__(self, directory, volume, *answers, **mount):
        self.settings = wantedpods.settings(directory)
        self.known = apicontent.known(*answers)
        raw = wantedpods.container(volumeMounts=[{"name": "v", "mountPath": "/v", **mount}])
        self.wanted = apicontent.pod(raw, volumes=[volume])
        self.where = paths.of(self.wanted.key, self.wanted.uid, self.settings)
        (kind,) = volume.keys() - {"name"}
        self.volume = self.where.projection(kind, "v")

    def prepare(self):
        disk.prepare_pod(
            self.wanted, node=wantedpods.NODE, settings=self.settings, held=self.known
        )

    def start(self):
        return disk.prepare_container(
            self.wanted,
            self.wanted.pod.spec.containers[0],
            restart_count=0,
            ips=("10.0.0.5",),
            node=wantedpods.NODE,
            settings=self.settings,
            held=self.known,
        )

    def renew(self, *answers):
        known = apicontent.known(*answers)
        return renewal.renew(
            self.wanted, node=wantedpods.NODE, settings=self.settings, known=known
        )

    def withdraw(self):
        return renewal.withdraw(self.wanted, node=wantedpods.NODE, settings=self.settings)


@pytest.fixture
def place(tmp_path):
    made = []

    def make(volume, *answers, **mount):
        made.append(Place(tmp_path / "root", volume, *answers, **mount))
        return made[-1]

    yield make
    for one in made:
        discard.remove_pod(one.where)
        assert not one.where.directory.exists()
    assert not hostmounts.below(tmp_path)


def keys(**values):
    return apicontent.secret("s", **{name: text.encode() for name, text in values.items()})


def fstypes(path):
    return [entry.fstype for entry in hostmounts.at(path)]


def test_a_secret_lies_in_memory_and_a_config_map_on_disk(place):
    secret = place(SECRET, keys(door="sesame"))
    secret.prepare()
    secret.prepare()
    assert (secret.volume / "door").read_text() == "sesame"
    assert fstypes(secret.volume) == ["tmpfs"]
    assert stat.S_IMODE(secret.volume.stat().st_mode) == 0o755
    assert not secret.where.directory.stat().st_mode & stat.S_IRWXO
    config = place(CONFIG, apicontent.config_map("c", sky="blue"))
    config.prepare()
    assert (config.volume / "sky").read_text() == "blue"
    assert not hostmounts.at(config.volume)


def test_a_secret_lies_on_disk_where_nothing_can_be_mounted(place, monkeypatch):
    def refuse(*arguments, **more):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(hostmounts, "mount_tmpfs", refuse)
    pod = place(SECRET, keys(door="sesame"))
    pod.prepare()
    assert (pod.volume / "door").read_text() == "sesame"
    assert not hostmounts.at(pod.volume)
    assert not pod.where.directory.stat().st_mode & stat.S_IRWXO


def test_a_pod_whose_object_is_missing_is_not_prepared(place):
    pod = place(SECRET, (apicontent.ref(apicontent.SECRET, "s"), held.Absent()))
    with pytest.raises(faults.VolumeFault, match='"v" : secret "s" not found'):
        pod.prepare()


def test_containers_read_it_and_a_sub_path_of_it_keeps_what_it_was(place):
    pod = place(SECRET, keys(door="sesame"), subPath="door")
    pod.prepare()
    prepared = pod.start()
    (pinned,) = prepared.sub_paths.values()
    assert pinned.read_text() == "sesame"
    assert pod.renew(keys(door="other")) == ()
    assert (pod.volume / "door").read_text() == "other"
    assert pinned.read_text() == "sesame"
    pod.known = apicontent.known(keys(door="other"))
    (pinned,) = pod.start().sub_paths.values()
    assert pinned.read_text() == "other"


def test_what_is_gone_is_told_and_stays_and_what_is_not_known_is_not_even_told(place):
    pod = place(SECRET, keys(door="sesame"))
    pod.prepare()
    ref = apicontent.ref(apicontent.SECRET, "s")
    told = pod.renew((ref, held.Absent()))
    assert told == ('MountVolume.SetUp failed for volume "v" : secret "s" not found',)
    assert pod.renew((ref, held.Unanswered(why="it is away"))) == ()
    assert (pod.volume / "door").read_text() == "sesame"


def test_what_was_never_made_is_not_made_by_a_renewal(place):
    pod = place(SECRET, keys(door="sesame"))
    assert pod.renew(keys(door="sesame")) == ()
    assert not pod.volume.exists()


def test_what_was_written_for_a_pod_that_has_ended_is_removed_with_its_sub_paths(place):
    pod = place(SECRET, keys(door="sesame"), subPath="door")
    pod.prepare()
    (pinned,) = pod.start().sub_paths.values()
    pod.wanted = replace(pod.wanted, over=True)
    assert pod.withdraw() == pod.withdraw() == ()
    assert not pod.volume.exists()
    assert not pinned.exists()
    assert not hostmounts.below(pod.where.directory)


def test_a_path_that_leads_out_of_the_volume_is_refused(place):
    items = [{"key": "door", "path": "../door"}]
    volume = {"name": "v", "secret": {"secretName": "s", "items": items}}
    with pytest.raises(faults.VolumeFault, match="no path inside the volume"):
        place(volume, keys(door="sesame")).prepare()


def test_a_static_pod_is_told_of_itself_by_a_volume(tmp_path):
    items = [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]
    volume = {"name": "v", "downwardAPI": {"items": items}}
    settings = wantedpods.settings(tmp_path / "root")
    static = wantedpods.wanted(volumes=[volume])
    where = paths.of(static.key, static.uid, settings)
    try:
        disk.prepare_pod(static, node=wantedpods.NODE, settings=settings)
        assert (where.projection("downwardAPI", "v") / "name").read_text() == "web-n1"
    finally:
        discard.remove_pod(where)


def test_a_disk_that_refuses_is_told_with_what_to_do(place, monkeypatch):
    pod = place(CONFIG, apicontent.config_map("c", sky="blue"))

    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(projection.atomicfiles, "write", full)
    with pytest.raises(faults.VolumeFault, match="no space left on device: make room"):
        pod.prepare()
