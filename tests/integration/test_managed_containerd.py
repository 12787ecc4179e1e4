"""A containerd of our own does what pods and `staticlet up` need of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.runtime.managed import archives, bringup, ociimage, process
from staticlet.testing import containerd as containerd_of_ours

Containerd = containerd_of_ours.Containerd


@asynccontextmanager
async def sandbox(
    containerd: Containerd, name: str
) -> AsyncIterator[tuple[runtime.CriRuntime, str, port.SandboxConfig]]:
    """A sandbox on the bridge, removed at the end."""
    config = port.SandboxConfig(
        name=name, namespace="tests", uid=name, attempt=0, log_directory=str(containerd.base)
    )
    async with channel.Connection(containerd.endpoint) as connection:
        cri = runtime.CriRuntime(connection)
        made = await cri.run_sandbox(config)
        try:
            yield cri, made, config
        finally:
            await cri.remove_sandbox(made)


async def busybox(
    cri: runtime.CriRuntime, made: str, config: port.SandboxConfig, script: str
) -> str:
    """A running container with a shell script."""
    container = port.ContainerConfig(
        name="main",
        attempt=0,
        image=containerd_of_ours.BUSYBOX_REF,
        command=("sh", "-c", script),
        log_path=f"{config.name}.log",
    )
    made = await cri.create_container(made, container, config)
    await cri.start_container(made)
    return made


async def read_greeting(address: str) -> bytes:
    """What the web server of a pod says, which may take a moment to listen."""
    while True:
        try:
            reader, writer = await asyncio.open_connection(address, 7000)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
            continue
        try:
            writer.write(b"GET /greeting HTTP/1.0\r\n\r\n")
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


def test_all_of_it_is_below_its_own_directories(containerd: Containerd) -> None:
    assert containerd.socket.is_socket()
    assert containerd.socket.is_relative_to(containerd.base)
    assert Path(f"/proc/{containerd.pid}/exe").readlink().name == "containerd"


async def test_runtime_and_network_are_ready(containerd: Containerd) -> None:
    async with channel.Connection(containerd.endpoint) as connection:
        conditions = await runtime.CriRuntime(connection).conditions()
    assert {one.type for one in conditions if one.status} >= {"RuntimeReady", "NetworkReady"}


async def test_a_pod_on_the_bridge_has_an_address_and_answers(containerd: Containerd) -> None:
    async with sandbox(containerd, "greeter") as (cri, made, config):
        await busybox(
            cri, made, config, "echo hello > /tmp/greeting; exec httpd -f -p 7000 -h /tmp"
        )
        (address,) = (await cri.sandbox_status(made)).ips
        async with asyncio.timeout(10):
            assert (await read_greeting(address)).endswith(b"\r\nhello\n")


async def test_a_container_goes_on_while_containerd_is_killed(containerd: Containerd) -> None:
    async with sandbox(containerd, "survivor") as (cri, made, config):
        container = await busybox(cri, made, config, "exec sleep 600")
        before = await cri.container_status(container, verbose=True)
        await asyncio.to_thread(containerd.kill)
        await asyncio.to_thread(containerd.start)
        after = await cri.container_status(container, verbose=True)
        assert after.state is port.ContainerState.RUNNING
        assert after.pid == before.pid is not None


def test_a_killed_containerd_starts_again_with_its_images(containerd: Containerd) -> None:
    before = containerd.pid
    containerd.kill()
    containerd.start()
    assert containerd.pid != before
    assert containerd_of_ours.BUSYBOX_REF in containerd.ctr("images", "list", "-q").split()


def one_file_image(ref: str, data: bytes) -> bytes:
    files = {"data": ociimage.File(data=data)}
    return ociimage.image_archive((ref,), files, arch="amd64")


def importer(containerd: Containerd) -> archives.Importer:
    containerd.layout.images.mkdir(exist_ok=True)
    return archives.Importer(containerd.layout, snapshotter="overlayfs")


async def test_a_bad_archive_is_named_and_holds_up_no_other(containerd: Containerd) -> None:
    images = importer(containerd)
    bad, good = containerd.layout.images / "bad.tar", containerd.layout.images / "good.tar"
    bad.write_bytes(b"this is no archive")
    good.write_bytes(one_file_image("localhost/good:1", b"1"))
    (complaint,) = await images.from_directory()
    assert str(bad) in complaint
    assert "localhost/good:1" in containerd.ctr("images", "list", "-q").split()
    bad.unlink()
    good.unlink()


async def test_an_archive_is_imported_again_only_when_it_changed(containerd: Containerd) -> None:
    images = importer(containerd)
    archive = containerd.layout.images / "twice.tar"
    archive.write_bytes(one_file_image("localhost/twice:1", b"1"))
    await images.from_directory()
    first = containerd.ctr("images", "list", "name==localhost/twice:1")
    await images.from_directory()
    assert containerd.ctr("images", "list", "name==localhost/twice:1") == first
    archive.write_bytes(one_file_image("localhost/twice:1", b"22"))
    await images.from_directory()
    assert containerd.ctr("images", "list", "name==localhost/twice:1") != first
    archive.unlink()


async def test_an_archive_whose_image_was_removed_is_imported_again(
    containerd: Containerd,
) -> None:
    images = importer(containerd)
    archive = containerd.layout.images / "removed.tar"
    archive.write_bytes(one_file_image("localhost/removed:1", b"1"))
    await images.from_directory()
    containerd.ctr("images", "remove", "--sync", "localhost/removed:1")
    await images.from_directory()
    assert "localhost/removed:1" in containerd.ctr("images", "list", "-q").split()
    archive.unlink()


def test_what_a_reboot_left_in_the_run_directory_is_dropped() -> None:
    with containerd_of_ours.running() as fresh:  # one with mounts below it is no fresh boot
        fresh.stop()
        leftover = fresh.layout.state / "leftover"
        leftover.touch()
        earlier = process.Identity(pid=1, start_ticks=1, boot_id="another boot")
        fresh.layout.pid_file.write_text(earlier.to_json())
        fresh.start()
        assert not leftover.exists()


async def test_what_a_mere_restart_left_in_the_run_directory_stays(containerd: Containerd) -> None:
    await asyncio.to_thread(containerd.stop)
    leftover = containerd.layout.state / "leftover"
    leftover.touch()
    await asyncio.to_thread(containerd.start)
    assert leftover.exists()
    leftover.unlink()


async def test_a_second_bring_up_adopts_the_containerd_that_runs(containerd: Containerd) -> None:
    again = await bringup.bring_up(containerd.layout, network=containerd.network)
    assert again.containerd.adopted
    assert again.containerd.pid == containerd.pid
    again.containerd.release()


async def test_the_address_range_is_kept_at_the_next_start(containerd: Containerd) -> None:
    file = containerd.layout.cni_conf / "10-staticlet.conflist"
    before = json.loads(file.read_text())
    again = await bringup.bring_up(containerd.layout, network=containerd.network)
    again.containerd.release()
    assert json.loads(file.read_text()) == before


async def test_a_containerd_with_an_outdated_configuration_is_restarted() -> None:
    with containerd_of_ours.running() as own:
        before = own.pid
        own.layout.config.write_text(own.layout.config.read_text() + "# older\n")
        again = await bringup.bring_up(own.layout, network=own.network)
        assert not again.containerd.adopted
        assert again.containerd.pid != before
        await again.containerd.stop()


def test_nothing_is_left_when_a_test_containerd_goes() -> None:
    with containerd_of_ours.running() as own:
        base, pid = own.base, own.pid
    assert not base.exists()
    assert not Path(f"/proc/{pid}").exists()
    assert str(base) not in Path("/proc/self/mountinfo").read_text()


def test_only_root_gets_a_test_containerd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with (
        pytest.raises(containerd_of_ours.NeedsRoot, match="as root"),
        containerd_of_ours.running(),
    ):
        pass
