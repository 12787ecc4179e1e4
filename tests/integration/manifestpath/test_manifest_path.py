"""The file source where the path itself changes: symlinks, directories that move, single files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from staticlet.pods.wanted import ManifestState
from staticlet.testing.directory import images, manifest
from staticlet.testing.sourceplace import AGAIN, BROKEN, WEB, Place, barrier

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
