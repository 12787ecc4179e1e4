"""A pod on the network: its name and files, its address, and the ports of the host."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import subprocess
from pathlib import Path

import pytest

from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing import ports
from staticlet.testing.agent import NODE_IP, Agent
from staticlet.testing.scripted import WAIT, pod, script
from staticlet.testing.until import until

HTTPD = f"mkdir /www; echo {{word}} > /www/index.html; httpd -p 8080 -h /www; {WAIT}"


def fetch(host: str, port: int) -> str:
    """The page, or nothing while nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode().strip()
    except OSError:
        return ""
    finally:
        connection.close()


def until_page(agent: Agent, host: str, port: int, word: str) -> None:
    until(lambda: fetch(host, port) == word, f"{host}:{port} says {word}", story=agent.story)


@pytest.fixture
def free_port() -> int:
    """A port of this host that nobody listens on."""
    return ports.free()


def file_of(agent: Agent, name: str, path: str) -> str:
    """A file as the container sees it."""
    return Path(f"/proc/{agent.until_runs(name).pid}/root{path}").read_text()


def test_a_pod_has_an_address_of_its_own_that_serves(agent: Agent) -> None:
    one = script(HTTPD.format(word="hello"), ports=[{"containerPort": 8080}])
    agent.manifests.put("site.yaml", pod("site", one, host_network=False))
    agent.until_runs("site")
    status = agent.pod("site")["status"]
    address = status["podIP"]
    assert address != NODE_IP
    assert ipaddress.ip_address(address) in ipaddress.ip_network("10.0.0.0/8")
    assert status["podIPs"] == [{"ip": address}]
    assert status["hostIP"] == NODE_IP
    until_page(agent, address, 8080, "hello")


def bridge_address(containerd: containerd_of_ours.Containerd) -> str:
    """The host's own address on the bridge of the tests' pods."""
    shown = subprocess.run(
        ["ip", "-json", "-4", "address", "show", "dev", containerd.network.interface],
        check=True,
        capture_output=True,
        timeout=10,
    ).stdout
    address: str = json.loads(shown)[0]["addr_info"][0]["local"]
    return address


def test_a_host_port_leads_to_the_pod_and_follows_it_through_a_change(
    agent: Agent, containerd: containerd_of_ours.Containerd, free_port: int
) -> None:
    ports = [{"containerPort": 8080, "hostPort": free_port}]
    for word in ("one", "two"):
        one = script(HTTPD.format(word=word), ports=ports)
        agent.manifests.put("door.yaml", pod("door", one, host_network=False))
        until_page(agent, "127.0.0.1", free_port, word)
        until_page(agent, bridge_address(containerd), free_port, word)
    agent.manifests.remove("door.yaml")
    agent.until_gone("door")
    assert fetch("127.0.0.1", free_port) == ""


def test_a_pod_has_the_name_and_the_hosts_that_its_manifest_says(agent: Agent) -> None:
    aliases = [{"ip": "192.0.2.9", "hostnames": ["db", "db.lan"]}]
    agent.manifests.put(
        "hosts.yaml",
        pod("hosts", f"hostname; {WAIT}", host_network=False, hostAliases=aliases),
    )
    hosts = file_of(agent, "hosts", "/etc/hosts")
    address = agent.pod("hosts")["status"]["podIP"]
    assert hosts.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert f"\n{address}\thosts-n1\n" in hosts
    assert hosts.endswith("\n# Entries added by HostAliases.\n192.0.2.9\tdb\tdb.lan\n")
    until(lambda: agent.words("hosts"), "it has told its name", story=agent.story)
    assert agent.words("hosts") == "hosts-n1\n"


def test_a_pod_may_choose_its_host_name(agent: Agent) -> None:
    agent.manifests.put(
        "choice.yaml", pod("choice", f"hostname; {WAIT}", host_network=False, hostname="chosen")
    )
    agent.until_runs("choice")
    until(lambda: agent.words("choice"), "it has told its name", story=agent.story)
    assert agent.words("choice") == "chosen\n"


def test_a_pod_resolves_names_as_its_manifest_says(agent: Agent) -> None:
    config = {
        "nameservers": ["192.0.2.53"],
        "searches": ["example.lan"],
        "options": [{"name": "ndots", "value": "3"}],
    }
    agent.manifests.put(
        "dns.yaml",
        pod("dns", WAIT, host_network=False, dnsPolicy="None", dnsConfig=config),
    )
    lines = file_of(agent, "dns", "/etc/resolv.conf").splitlines()
    assert sorted(lines) == ["nameserver 192.0.2.53", "options ndots:3", "search example.lan"]


def test_on_the_host_network_a_pod_has_the_hosts_name_address_and_files(
    agent: Agent, free_port: int
) -> None:
    text = HTTPD.format(word="host").replace("8080", str(free_port))
    agent.manifests.put("node.yaml", pod("node", f"hostname > /name; {text}"))
    until_page(agent, "127.0.0.1", free_port, "host")
    assert agent.pod("node")["status"]["podIP"] == NODE_IP
    hosts = file_of(agent, "node", "/etc/hosts")
    assert hosts.startswith("# Kubernetes-managed hosts file (host network).\n")
    assert Path("/etc/hosts").read_text() in hosts
    assert file_of(agent, "node", "/name").strip() == socket.gethostname()


def test_two_containers_of_a_pod_meet_on_loopback(agent: Agent) -> None:
    asks = script("until wget -q -O - http://127.0.0.1:8080/; do sleep 0.1; done; " + WAIT, "asks")
    agent.manifests.put(
        "meet.yaml", pod("meet", HTTPD.format(word="met"), asks, host_network=False)
    )
    agent.until_runs("meet", "asks")
    until(lambda: "met\n" in agent.words("meet", "asks"), "they meet", story=agent.story)


def test_a_broken_network_of_a_pod_is_made_anew_with_its_sandbox(agent: Agent) -> None:
    one = script(HTTPD.format(word="again"))
    agent.manifests.put("anew.yaml", pod("anew", one, host_network=False))
    life = agent.until_runs("anew")
    (sandbox,) = agent.sandboxes_of("anew")
    agent.kill_task(sandbox)
    agent.until_runs("anew", after=life)
    until_page(agent, agent.pod("anew")["status"]["podIP"], 8080, "again")
