"""A containerd of our own does what `staticlet up` needs of it."""

from __future__ import annotations

from pathlib import Path

from staticlet.testing import containerd as containerd_of_ours


def test_a_killed_containerd_starts_again_with_its_images(
    containerd: containerd_of_ours.Containerd,
) -> None:
    before = containerd.pid
    containerd.kill()
    containerd.start()
    assert containerd.pid != before
    assert containerd_of_ours.BUSYBOX_REF in containerd.ctr("images", "list", "-q").split()


def test_all_of_it_is_below_its_own_directories(
    containerd: containerd_of_ours.Containerd,
) -> None:
    assert containerd.socket.is_socket()
    assert containerd.socket.is_relative_to(containerd.base)
    assert Path(f"/proc/{containerd.pid}/exe").readlink().name == "containerd"
