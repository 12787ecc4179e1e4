"""Sweeping up after a containerd finds the pod networks that it configured."""

import ipaddress

from staticlet.runtime.managed import cni
from staticlet.testing import sweep


def test_networks_are_found_by_the_configuration_below_the_place(tmp_path):
    place = tmp_path / "data" / "cni"
    place.mkdir(parents=True)
    bridge = cni.Bridge(
        name="staticlet-slt1",
        interface="slt1",
        subnet=ipaddress.IPv4Network("10.201.0.0/20"),
        data_dir=tmp_path,
    )
    (place / cni.FILE_NAME).write_text(cni.conflist(bridge))
    assert sweep._networks(tmp_path) == {"staticlet-slt1": "slt1"}


def test_half_a_configuration_is_passed_over(tmp_path):
    place = tmp_path / "data" / "cni"
    place.mkdir(parents=True)
    (place / cni.FILE_NAME).write_text('{"name": "staticlet-slt1"')
    assert sweep._networks(tmp_path) == {}
