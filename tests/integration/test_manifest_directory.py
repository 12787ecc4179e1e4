"""The file source on real file systems: what people and programs do to manifest directories."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from staticlet.aio.clock import SystemClock
from staticlet.kube import read
from staticlet.pods.sources import directory, known
from staticlet.pods.wanted import Manifest, ManifestState, Snapshot
from staticlet.testing.directory import images, manifest

BROKEN = b"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [\n"
WEB = {"web-node1": ("nginx:1", 0)}
AGAIN = {"web-node1": ("nginx:1", 1)}


@dataclass
class Seen:
    """Every snapshot that a source published, in order."""

    snapshots: list[Snapshot] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)
        self.news.set()

    @property
    def last(self) -> Snapshot:
        return self.snapshots[-1]

    @property
    def wanted(self) -> list[dict[str, tuple[str, int]]]:
        """What was wanted, step by step, without repetitions."""
        steps = [images(each) for each in self.snapshots]
        return [each for n, each in enumerate(steps) if n == 0 or each != steps[n - 1]]

    async def until(self, holds: Callable[[Snapshot], bool], *, within_s: float = 5) -> Snapshot:
        async with asyncio.timeout(within_s):
            while not (self.snapshots and holds(self.last)):
                self.news.clear()
                await self.news.wait()
        return self.last

    async def until_wanted(
        self, expected: dict[str, tuple[str, int]], *, within_s: float = 5
    ) -> None:
        try:
            await self.until(lambda each: images(each) == expected, within_s=within_s)
        except TimeoutError:
            assert self.wanted == [..., expected]

    def manifest(self, name: str) -> Manifest:
        return next(each for each in self.last.manifests if each.origin.endswith(f"/{name}"))


@dataclass
class Place:
    """A manifest path with a source on it, and a root directory beside it."""

    base: Path
    path: Path
    frequency_s: float = 60

    @contextlib.asynccontextmanager
    async def source(self) -> AsyncIterator[Seen]:
        seen = Seen()
        source = directory.DirectorySource(
            self.path,
            node_name="node1",
            read=read.read,
            publish=seen.publish,
            root_dir=self.base / "root",
            times=SystemClock(),
            check_frequency_s=self.frequency_s,
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(source.run(), name="source")
            try:
                yield seen
            finally:
                running.cancel()

    def __truediv__(self, name: str) -> Path:
        return self.path / name


@pytest.fixture(params=["disk", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A directory on ext4 (or whatever /tmp is), and one on tmpfs."""
    if request.param == "disk":
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def place(base: Path) -> Place:
    """A directory that holds one good manifest."""
    path = base / "manifests"
    path.mkdir(mode=0o755)
    (path / "web.yaml").write_bytes(manifest())
    return Place(base, path)


async def barrier(place: Place, seen: Seen, name: str = "barrier") -> None:
    """Wait until everything done so far was taken: a file made later is seen after it."""
    file = place / f"{name}.txt"
    file.write_bytes(b"")
    await seen.until(lambda each: any(m.origin == str(file) for m in each.manifests))
    file.unlink()
    await seen.until(lambda each: all(m.origin != str(file) for m in each.manifests))


@pytest.fixture
def settling() -> None:
    """For tests in which the source's settling times matter; in all others they never end."""


@pytest.fixture(autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settling, all that is seen is seen at once, however slow the machine."""
    if "settling" not in request.fixturenames:
        for name in ("ABSENCE_S", "MISSING_S", "RETRY_S"):
            monkeypatch.setattr(known, name, 3600.0)


# Seeing things at once


async def test_the_first_snapshot_comes_when_the_first_scan_is_done(place: Place) -> None:
    async with place.source() as seen:
        first = await seen.until(lambda _: True)
        assert first.ready
        assert images(first) == WEB


async def test_a_file_is_noticed_within_milliseconds(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        (place.base / "new").write_bytes(manifest("new"))
        (place.base / "new").rename(place / "new.yaml")
        await seen.until_wanted(WEB | {"new-node1": ("nginx:1", 0)})
        (place / "new.yaml").unlink()
        await seen.until_wanted(WEB)


async def test_what_no_event_tells_is_found_by_the_re_list(place: Place) -> None:
    place.frequency_s = 0.1
    hidden = place.base / "hidden"
    hidden.write_bytes(manifest(image="nginx:2"))
    (place / "web.yaml").unlink()
    (place / "web.yaml").hardlink_to(hidden)
    async with place.source() as seen:
        await seen.until_wanted({"web-node1": ("nginx:2", 0)})
        hidden.write_bytes(manifest(image="nginx:3"))  # by another name: no event here
        await seen.until_wanted({"web-node1": ("nginx:3", 0)})


# What restarts nothing


def sed_in_place(file: Path, image: str = "nginx:1") -> None:
    subprocess.run(["sed", "-i", f"s/nginx:1/{image}/", file], check=True)


def vim_saves(file: Path) -> None:
    data = file.read_bytes()
    probe = file.parent / "4913"
    probe.write_bytes(b"")
    probe.unlink()
    backup = file.parent / "web.yaml~"
    file.rename(backup)
    file.write_bytes(data)
    backup.unlink()


def truncate_and_rewrite(file: Path) -> None:
    file.write_bytes(file.read_bytes())


def rename_to_another_manifest(file: Path) -> None:
    file.rename(file.with_name("zzz.json"))


def replace_with_a_copy(file: Path) -> None:
    copy = file.parent / ".copy"
    shutil.copy(file, copy)
    copy.replace(file)


def back_up(file: Path) -> None:
    shutil.copy(file, file.with_name("web.yaml.bak"))
    shutil.copy(file, file.with_name("web.yaml~"))


def touch_and_chmod(file: Path) -> None:
    file.touch()
    file.chmod(0o600)


def replace_the_directory(file: Path) -> None:
    old = file.parent
    shutil.copytree(old, old.parent / "next")
    old.rename(old.parent / "previous")
    (old.parent / "next").rename(old)
    shutil.rmtree(old.parent / "previous")


@pytest.mark.usefixtures("settling")
@pytest.mark.parametrize(
    "edit",
    [
        sed_in_place,
        vim_saves,
        truncate_and_rewrite,
        rename_to_another_manifest,
        replace_with_a_copy,
        back_up,
        touch_and_chmod,
        replace_the_directory,
    ],
)
async def test_the_same_content_restarts_nothing(
    place: Place, edit: Callable[[Path], None]
) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        edit(place / "web.yaml")
        await barrier(place, seen)
        with pytest.raises(TimeoutError):  # longer than every settling time: nothing follows
            await seen.until(lambda each: images(each) != WEB, within_s=0.4)
        assert seen.wanted == [WEB]


async def test_a_real_edit_by_rename_is_one_clean_change(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        sed_in_place(place / "web.yaml", "nginx:2")
        await seen.until_wanted({"web-node1": ("nginx:2", 0)})
        assert seen.wanted == [WEB, {"web-node1": ("nginx:2", 0)}]


# Removals


async def test_deleting_and_recreating_is_a_new_life_however_fast_and_often(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        for life in range(1, 6):
            (place / "web.yaml").unlink()
            (place / "web.yaml").write_bytes(manifest())
            await seen.until_wanted({"web-node1": ("nginx:1", life)})


async def test_moving_out_and_back_is_a_new_life(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        (place / "web.yaml").rename(place.base / "away")
        await seen.until_wanted({})
        (place.base / "away").rename(place / "web.yaml")
        await seen.until_wanted(AGAIN)


@pytest.mark.usefixtures("settling")
async def test_renaming_to_no_manifest_stops_the_pod(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        (place / "web.yaml").rename(place / "web.yaml.off")
        await seen.until_wanted({})
        (place / "web.yaml.off").rename(place / "web.yaml")
        await seen.until_wanted(AGAIN)


async def test_a_changed_name_stops_the_old_pod_at_once(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        (place / "web.yaml").write_bytes(manifest("other"))
        await seen.until_wanted({"other-node1": ("nginx:1", 0)})


# Bad and half-written files


async def test_a_bad_file_keeps_its_last_good_pod_over_a_restart_of_the_agent(
    place: Place,
) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        born = seen.last.manifests[0].pods[0]
        (place / "web.yaml").write_bytes(BROKEN)
        await seen.until(lambda each: each.manifests[0].state is ManifestState.KEPT)
        assert images(seen.last) == WEB
    async with place.source() as seen:
        first = await seen.until(lambda each: each.ready)
        assert images(first) == WEB
        assert first.manifests[0].pods[0] == born
        assert first.manifests[0].state is ManifestState.KEPT
        (place / "web.yaml").unlink()
        await seen.until_wanted({})
    (place / "web.yaml").write_bytes(BROKEN)
    async with place.source() as seen:
        await seen.until(lambda each: each.ready)
        assert seen.wanted == [{}]


async def test_a_file_removed_while_the_agent_was_away_keeps_nothing(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
    cache = place.base / "root" / "staticlet" / "last-good"
    assert [each.stat().st_mode & 0o777 for each in cache.iterdir()] == [0o600]
    (place / "web.yaml").unlink()
    async with place.source() as seen:
        await seen.until(lambda each: each.ready)
        assert seen.wanted == [{}]
    assert list(cache.iterdir()) == []


async def test_a_damaged_cache_is_ignored(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
    for damage in (b"{", b"[]", b'{"format":1,"origin":3,"pods":[{}]}', b"\xff"):
        for each in (place.base / "root" / "staticlet" / "last-good").iterdir():
            each.write_bytes(damage)
        async with place.source() as seen:
            await seen.until_wanted(WEB)
            assert seen.wanted == [WEB]


async def test_nothing_is_done_before_a_writer_closes(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        with (place / "web.yaml").open("wb", buffering=0) as file:
            file.write(manifest(image="im").rstrip())  # a valid beginning
            await seen.until(lambda each: each.manifests[0].state is ManifestState.WRITING)
            await barrier(place, seen)
            assert images(seen.last) == WEB
            file.write(b"age:2\n")
            await barrier(place, seen)
            assert seen.wanted == [WEB]
        await seen.until_wanted({"web-node1": ("image:2", 0)})


async def test_nothing_is_done_at_start_with_a_file_that_is_being_written(place: Place) -> None:
    with (place / "new.yaml").open("wb", buffering=0) as file:
        file.write(manifest("new", image="im"))
        async with place.source() as seen:
            await seen.until_wanted(WEB)
            assert seen.manifest("new.yaml").state is ManifestState.WRITING
            file.write(b"  hostNetwork: true\n")
            file.close()
            await seen.until_wanted(WEB | {"new-node1": ("im", 0)})
            assert seen.wanted == [WEB, WEB | {"new-node1": ("im", 0)}]


@pytest.mark.usefixtures("settling")
async def test_a_writer_by_another_name_is_noticed_without_an_event(place: Place) -> None:
    other = place.base / "other"
    other.hardlink_to(place / "web.yaml")
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        with other.open("wb", buffering=0) as file:
            file.write(manifest(image="nginx:2")[:-2])
            (place / "web.yaml").touch()
            await seen.until(lambda each: each.manifests[0].state is ManifestState.WRITING)
            file.write(b"2\n")
        await seen.until_wanted({"web-node1": ("nginx:2", 0)})


# Symlinks and the place itself


def config_map(place: Place, version: str, image: str) -> None:
    """Publish as the kubelet's ConfigMap volumes do: a directory, and a symlink swapped."""
    made = place / f"..{version}"
    made.mkdir()
    (made / "web.yaml").write_bytes(manifest(image=image))
    swap = place / "..data_tmp"
    swap.symlink_to(made.name)
    swap.rename(place / "..data")


async def test_a_config_map_style_swap_is_followed_at_once(place: Place) -> None:
    (place / "web.yaml").unlink()
    config_map(place, "one", "nginx:1")
    (place / "web.yaml").symlink_to("..data/web.yaml")
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        config_map(place, "two", "nginx:2")
        await seen.until_wanted({"web-node1": ("nginx:2", 0)})
        shutil.rmtree(place / "..one")
        config_map(place, "three", "nginx:3")
        await seen.until_wanted({"web-node1": ("nginx:3", 0)})
        config_map(place, "four", "nginx:3")
        await barrier(place, seen)
        assert len(seen.wanted) == 3


async def test_a_change_of_a_symlinks_target_is_seen_at_once(place: Place) -> None:
    elsewhere = place.base / "elsewhere"
    elsewhere.mkdir()
    (place / "web.yaml").rename(elsewhere / "real")
    (place / "web.yaml").symlink_to(elsewhere / "real")
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        (elsewhere / "real").write_bytes(manifest(image="nginx:2"))
        await seen.until_wanted({"web-node1": ("nginx:2", 0)})
        with (elsewhere / "real").open("wb", buffering=0) as file:
            file.write(manifest(image="nginx:3"))
            await seen.until(lambda each: each.manifests[0].state is ManifestState.WRITING)
        await seen.until_wanted({"web-node1": ("nginx:3", 0)})
        (elsewhere / "real").unlink()
        await seen.until(lambda each: each.manifests[0].state is ManifestState.KEPT)
        assert "does not exist" in seen.last.manifests[0].findings[0].message


async def test_a_path_whose_symlink_is_swapped_is_followed_at_once(place: Place) -> None:
    for name in ("one", "two"):
        (place.base / "sets" / name).mkdir(parents=True)
        (place.base / "sets" / name / "web.yaml").write_bytes(manifest(image=f"nginx:{name}"))
    link = place.base / "current"
    link.symlink_to("sets/one")
    linked = Place(place.base, link)
    async with linked.source() as seen:
        await seen.until_wanted({"web-node1": ("nginx:one", 0)})
        swap = place.base / "swap"
        swap.symlink_to("sets/two")
        swap.rename(link)
        shutil.rmtree(place.base / "sets" / "one")
        await seen.until_wanted({"web-node1": ("nginx:two", 0)})
        (place.base / "sets" / "two" / "b.yaml").write_bytes(manifest("b"))
        await seen.until(lambda each: "b-node1" in images(each))


async def test_a_directory_removed_and_made_again_is_followed_at_once(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        shutil.rmtree(place.path)
        await seen.until_wanted({})
        place.path.mkdir()
        (place / "web.yaml").write_bytes(manifest())
        await seen.until_wanted(AGAIN)


@pytest.mark.usefixtures("settling")
async def test_a_directory_moved_away_for_good_loses_its_pods_and_is_told(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        place.path.rename(place.base / "away")
        await seen.until_wanted({})
        assert "create it" in seen.last.findings[0].message


@pytest.mark.usefixtures("settling")
@pytest.mark.parametrize("depth", ["manifests", "a/b/manifests"])
async def test_a_path_that_appears_later_is_noticed_at_once(base: Path, depth: str) -> None:
    place = Place(base, base / depth)
    async with place.source() as seen:
        await seen.until(lambda each: each.ready)
        assert "create it" in seen.last.findings[0].message
        place.path.mkdir(parents=True)
        (place / "web.yaml").write_bytes(manifest())
        await seen.until_wanted(WEB)
        assert seen.last.findings == ()


async def test_an_outer_directory_may_be_replaced(base: Path) -> None:
    place = Place(base, base / "etc" / "kubernetes" / "manifests")
    place.path.mkdir(parents=True)
    (place / "web.yaml").write_bytes(manifest())
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        shutil.copytree(base / "etc", base / "next")
        (base / "etc").rename(base / "previous")
        (base / "next").rename(base / "etc")
        (place / "b.yaml").write_bytes(manifest("b"))
        await seen.until_wanted(WEB | {"b-node1": ("nginx:1", 0)})
        assert seen.wanted == [WEB, WEB | {"b-node1": ("nginx:1", 0)}]


async def test_a_path_that_is_no_directory_and_no_file_is_told_and_nothing_stops(
    place: Place,
) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        place.path.rename(place.base / "away")
        os.mkfifo(place.path)
        await seen.until(lambda each: bool(each.findings))
        assert "neither a directory nor a regular file" in seen.last.findings[0].message
        assert seen.wanted == [WEB]


# A single file


def write(file: Path) -> None:
    file.write_bytes(manifest(image="nginx:2"))


def rename_over(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(manifest(image="nginx:2"))
    other.rename(file)


def recreate(file: Path) -> None:
    file.unlink()
    file.write_bytes(manifest())


def rename_and_recreate(file: Path) -> None:
    file.rename(file.with_name("backup"))
    file.write_bytes(manifest(image="nginx:2"))


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (write, {"web-node1": ("nginx:2", 0)}),
        (rename_over, {"web-node1": ("nginx:2", 0)}),
        (rename_and_recreate, {"web-node1": ("nginx:2", 0)}),
        (recreate, AGAIN),
        (Path.unlink, {}),
    ],
)
async def test_a_single_file_of_any_name_is_followed_at_once(
    base: Path, act: Callable[[Path], None], expected: dict[str, tuple[str, int]]
) -> None:
    file = base / "pod.conf"
    file.write_bytes(manifest())
    async with Place(base, file).source() as seen:
        await seen.until_wanted(WEB)
        assert seen.last.manifests[0].origin == str(file)
        act(file)
        await seen.until_wanted(expected)


async def test_a_single_file_that_turns_bad_keeps_its_pod(base: Path) -> None:
    file = base / "pod.conf"
    file.write_bytes(manifest())
    async with Place(base, file).source() as seen:
        await seen.until_wanted(WEB)
        file.write_bytes(BROKEN)
        await seen.until(lambda each: each.manifests[0].state is ManifestState.KEPT)
        assert seen.wanted == [WEB]


async def test_a_flood_of_files_is_taken_whole(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        for number in range(300):
            (place / f"n{number}.yaml").write_bytes(manifest(f"n{number}"))
        await seen.until(lambda each: len(images(each)) == 301)
        shutil.rmtree(place.path)
        await seen.until_wanted({})
