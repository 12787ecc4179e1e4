"""The pod network of a bare machine: a free range, and a configuration that works here."""

from __future__ import annotations

import ipaddress
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from staticlet.runtime.managed import cni

NET = ipaddress.IPv4Network

# As the kernel of a little-endian machine prints them: the default route, 192.0.2.0/24, 10.201/16.
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
vpn0\t0000C90A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def conflist(**changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "name": "staticlet",
        "interface": "staticlet0",
        "subnet": NET("10.201.0.0/20"),
        "data_dir": Path("/run/staticlet/cni"),
    }
    made: dict[str, Any] = json.loads(cni.conflist(cni.Bridge(**(known | changes))))
    return made


def test_the_first_range_that_no_route_touches_is_taken() -> None:
    routes = [NET("10.0.0.0/16"), NET("10.1.5.0/24")]
    candidates = [NET("10.0.0.0/20"), NET("10.1.0.0/20"), NET("10.2.0.0/20")]
    assert cni.free_subnet(routes, candidates) == NET("10.2.0.0/20")


def test_the_default_route_takes_no_range() -> None:
    assert cni.free_subnet([NET("0.0.0.0/0")]) == cni.CANDIDATES[0]


def test_no_free_range_is_said_with_what_to_do() -> None:
    everything = [NET("10.0.0.0/8"), NET("172.16.0.0/12"), NET("192.168.0.0/16")]
    with pytest.raises(cni.NoFreeSubnet, match=r"/etc/cni/net\.d"):
        cni.free_subnet(everything)


@pytest.mark.skipif(sys.byteorder != "little", reason="the sample is of a little-endian machine")
def test_the_kernels_routes_are_read() -> None:
    assert cni.parse_routes(ROUTES) == {
        NET("0.0.0.0/0"): "eth0",
        NET("192.0.2.0/24"): "eth0",
        NET("10.201.0.0/16"): "vpn0",
    }


def test_an_odd_line_among_the_routes_is_skipped() -> None:
    assert cni.parse_routes("header\n\nnonsense\neth0 zz 0 0 0 0 0 00FFFFFF\n") == {}


def test_addresses_are_given_out_from_the_range_and_noted_in_our_directory() -> None:
    bridge = conflist()["plugins"][0]
    assert bridge["bridge"] == "staticlet0"
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.201.0.0/20"}]]
    assert bridge["ipam"]["dataDir"] == "/run/staticlet/cni"


def test_with_iptables_pods_are_masqueraded_and_host_ports_forwarded() -> None:
    bridge, portmap = conflist()["plugins"]
    assert bridge["ipMasq"] is True
    assert portmap["type"] == "portmap"


def test_without_iptables_no_plugin_asks_for_it() -> None:
    plugins = conflist(masquerade=False, host_ports=False)["plugins"]
    assert [plugin["type"] for plugin in plugins] == ["bridge"]
    assert plugins[0]["ipMasq"] is False


def test_the_range_is_found_again_in_what_was_written() -> None:
    assert cni.subnet_of(json.dumps(conflist())) == NET("10.201.0.0/20")


@pytest.mark.parametrize("text", ["", "{", "{}", '{"plugins": []}', '{"plugins": [{"ipam": 3}]}'])
def test_a_foreign_file_has_no_range_of_ours(text: str) -> None:
    assert cni.subnet_of(text) is None


def test_only_names_that_containerd_reads_count_as_a_configuration() -> None:
    assert cni.configured(["README", "10-net.conflist"])
    assert not cni.configured(["README", "10-net.conflist.bak"])


def test_the_plugin_directory_is_the_first_that_has_them_all() -> None:
    full = frozenset({"bridge", "host-local", "loopback", "portmap", "vlan"})
    found = cni.plugin_dir([(Path("/half"), frozenset({"bridge"})), (Path("/full"), full)])
    assert found == Path("/full")
    assert cni.plugin_dir([(Path("/half"), frozenset({"bridge"}))]) is None
