"""A pod's name and its hosts file."""

import pytest

from staticlet.pods import faults, hosts
from staticlet.testing import wantedpods

HEAD = (
    "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
)


def of(ips=("10.0.0.5",), **spec):
    return hosts.hosts_file(
        wantedpods.wanted(**spec), ips=ips, node_hosts="127.0.0.1 me\n", cluster_domain="c.local"
    )


def hostname(**spec):
    return hosts.sandbox_hostname(wantedpods.wanted(**spec), cluster_domain="c.local")


def test_a_pod_finds_itself_by_all_its_addresses():
    assert of() == f"{HEAD}10.0.0.5\tweb-n1\n"
    assert of(ips=("10.0.0.5", "fd00::5")) == f"{HEAD}10.0.0.5\tweb-n1\nfd00::5\tweb-n1\n"


def test_a_subdomain_gives_a_full_name():
    found = of(hostname="web", subdomain="site")
    assert found == f"{HEAD}10.0.0.5\tweb.site.default.svc.c.local\tweb\n"


def test_on_the_host_network_it_is_the_nodes_file():
    assert of(ips=(), hostNetwork=True) == (
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n"
    )


def test_aliases_come_last():
    aliases = [{"ip": "192.0.2.9", "hostnames": ["a", "b"]}]
    assert of(hostAliases=aliases) == (
        f"{HEAD}10.0.0.5\tweb-n1\n\n# Entries added by HostAliases.\n192.0.2.9\ta\tb\n"
    )


def test_without_an_address_there_is_no_file_yet():
    assert of(ips=()) is None


def test_the_host_name_is_the_pods_unless_it_chooses_another():
    assert hostname() == "web-n1"
    assert hostname(hostname="db") == "db"
    assert hostname(hostnameOverride="box.example.org", hostname="db") == "box.example.org"


def test_on_the_host_network_a_pod_has_no_name_of_its_own():
    assert hostname(hostNetwork=True, hostname="db") == ""


def test_a_long_name_is_cut_and_never_ends_in_a_dash_or_dot():
    assert hostname(name="a" * 62 + "-b" * 5) == "a" * 62


def test_the_full_name_is_the_host_name_when_asked_for_and_not_too_long():
    spec = {"setHostnameAsFQDN": True, "subdomain": "site"}
    assert hostname(hostname="web", **spec) == "web.site.default.svc.c.local"
    assert hostname(setHostnameAsFQDN=True) == "web-n1"
    with pytest.raises(faults.PodFault, match="is too long"):
        hostname(hostname="w" * 60, **spec)
