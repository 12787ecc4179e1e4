"""The file source on real file systems: what people and programs do to manifest directories."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from staticlet.pods.wanted import ManifestState
from staticlet.testing.directory import images, manifest
from staticlet.testing.sourceplace import AGAIN, BROKEN, WEB, Place, barrier

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


async def test_a_flood_of_files_is_taken_whole(place: Place) -> None:
    async with place.source() as seen:
        await seen.until_wanted(WEB)
        for number in range(300):
            (place / f"n{number}.yaml").write_bytes(manifest(f"n{number}"))
        await seen.until(lambda each: len(images(each)) == 301)
        shutil.rmtree(place.path)
        await seen.until_wanted({})


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
