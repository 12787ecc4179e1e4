"""What a pod's resolv.conf says."""

import dataclasses

import pytest

from staticlet.pods import dns
from staticlet.testing import wantedpods

HOST = (
    "# mine\nnameserver 192.0.2.53\nsearch old\nsearch lan. example.org\noptions edns0 ndots:2\n"
)
NODE = dataclasses.replace(wantedpods.NODE, resolv_conf=HOST)
SETTINGS = wantedpods.settings(cluster_dns=("10.96.0.10",), cluster_domain="cluster.local")


def of(*, node=NODE, settings=SETTINGS, **spec):
    return dns.pod_dns(wantedpods.wanted(**spec), node=node, settings=settings)


def test_default_gives_what_the_node_has():
    found = of(dnsPolicy="Default").config
    assert found.servers == ("192.0.2.53",)
    assert found.searches == ("lan", "example.org")
    assert found.options == ("edns0", "ndots:2")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"dnsPolicy": "ClusterFirst"},
        {"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True},
    ],
)
def test_cluster_first_asks_the_cluster_and_searches_there_first(spec):
    answer = of(**spec)
    assert answer.config.servers == ("10.96.0.10",)
    assert answer.config.searches == (
        "default.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan", "example.org",
    )  # fmt: skip
    assert answer.config.options == ("ndots:5",)
    assert answer.warnings == ()


def test_on_the_host_network_cluster_first_means_default():
    assert of(hostNetwork=True) == of(dnsPolicy="Default")


def test_cluster_first_without_a_cluster_falls_back_and_says_so():
    answer = of(settings=wantedpods.settings())
    assert answer.config == of(dnsPolicy="Default").config
    (warning,) = answer.warnings
    assert warning.reason == "MissingClusterDNS"
    assert warning.message == (
        'pod: "default/web-n1". kubelet does not have ClusterDNS IP configured and cannot create '
        'Pod using "ClusterFirst" policy. Falling back to "Default" policy.'
    )


def test_none_gives_only_what_the_manifest_says():
    own = {"nameservers": ["192.0.2.1"], "searches": ["a"], "options": [{"name": "rotate"}]}
    found = of(dnsPolicy="None", dnsConfig=own).config
    assert (found.servers, found.searches, found.options) == (("192.0.2.1",), ("a",), ("rotate",))


def test_the_manifests_own_is_appended_once_and_its_options_win():
    own = {
        "nameservers": ["192.0.2.53", "192.0.2.54"],
        "searches": ["lan", "more"],
        "options": [{"name": "ndots", "value": "1"}],
    }
    found = of(dnsPolicy="Default", dnsConfig=own).config
    assert found.servers == ("192.0.2.53", "192.0.2.54")
    assert found.searches == ("lan", "example.org", "more")
    assert found.options == ("edns0", "ndots:1")


def test_a_node_without_a_resolv_conf_asks_itself():
    found = of(node=dataclasses.replace(NODE, resolv_conf=None), dnsPolicy="Default").config
    assert (found.servers, found.searches) == (("127.0.0.1",), (".",))
    six = dataclasses.replace(NODE, resolv_conf=None, ips=("fd00::1",))
    assert of(node=six, dnsPolicy="Default").config.servers == ("::1",)


def test_more_than_three_servers_are_cut_and_told():
    own = {"nameservers": [f"192.0.2.{number}" for number in range(1, 6)]}
    answer = of(dnsPolicy="None", dnsConfig=own)
    assert answer.config.servers == ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    (warning,) = answer.warnings
    assert warning.reason == "DNSConfigForming"
    assert warning.message.endswith("nameserver line is: 192.0.2.1 192.0.2.2 192.0.2.3")


def test_searches_are_cut_by_number_and_by_length():
    many = {"nameservers": ["192.0.2.1"], "searches": [f"s{number}" for number in range(40)]}
    assert len(of(dnsPolicy="None", dnsConfig=many).config.searches) == 32
    long = {"nameservers": ["192.0.2.1"], "searches": [f"{number:0200}" for number in range(20)]}
    answer = of(dnsPolicy="None", dnsConfig=long)
    assert len(" ".join(answer.config.searches)) == 10 * 200 + 9
    assert answer.warnings[0].reason == "DNSConfigForming"
