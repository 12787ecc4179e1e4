"""Rounds in which the contestants do the same, one after the other, in changing order."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.api import objects, servers, wire
from staticlet.testing import kubecluster

PODS = 1000
LISTED = 500
SETTLE_S = 3.0
LOAD_S = 120.0
ROOT = Path(__file__).resolve().parents[2]
LIST, REST, LOAD, WATCHED = "listed", "rest", "load", "watched"
POD = f"{LIST}-0-0"


class LoadFailed(Exception):
    """The clients were refused something; the text is what they were told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to measure.

    Attributes:
        rounds: How many rounds.
        starts: How many starts on nothing, and how many with everything stored.
        creates: Pods made in a round with one client; with eight, twice that.
        tell: Where progress goes.
    """

    rounds: int = 3
    starts: int = 3
    creates: int = 300
    tell: Callable[[str], None] = lambda _: None


@dataclass(slots=True, kw_only=True)
class Samples:
    """All that was measured of one contestant.

    Attributes:
        first_starts_s: The starts on an empty directory, keys and certificates made.
        starts_s: The starts with all pods stored.
        pss_mb: Its memory with so many pods, a moment after they were made.
        one: Pods a second of each round, with one client.
        eight: The same with eight.
        get_s: Every read of one pod.
        list_s: Every list.
        list_bytes: How long the list is.
        watch_1_s: From a write to its event, for one watcher.
        watch_100_s: The same for each of a hundred.
    """

    first_starts_s: list[float] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)
    pss_mb: float = 0.0
    one: list[float] = field(default_factory=list)
    eight: list[float] = field(default_factory=list)
    get_s: list[float] = field(default_factory=list)
    list_s: list[float] = field(default_factory=list)
    list_bytes: int = 0
    watch_1_s: list[float] = field(default_factory=list)
    watch_100_s: list[float] = field(default_factory=list)


def measure(base: Path, order: Order) -> dict[str, Samples]:
    """Measure ours, and theirs where it was built; samples by name.

    Raises:
        servers.DidNotStart: A server never became ready.
        LoadFailed: One refused what it should do.
    """
    kinds: list[type[servers.Ours | servers.Theirs]] = [servers.Ours]
    try:
        servers.programs()
        kinds.append(servers.Theirs)
    except kubecluster.NotBuilt as fault:
        order.tell(f"measured alone: {fault}")
    running = [kind(base / kind.__name__) for kind in kinds]
    found = {server.name: Samples() for server in running}
    for number in range(order.starts - 1):
        for kind in kinds:
            fresh = kind(base / f"{kind.__name__}-{number}")
            found[fresh.name].first_starts_s.append(fresh.start())
            fresh.stop()
    try:
        for server in running:
            _weigh(server, found[server.name], order)
        for number in range(order.rounds):
            _round(running, found, number, order)
    finally:
        for server in running:
            server.stop()
    return found


def _weigh(server: servers.Server, found: Samples, order: Order) -> None:
    """Start it on nothing, fill it, weigh it, and start it again with what it stored."""
    order.tell(f"{server.name}: starts, and is filled with {PODS} pods")
    found.first_starts_s.append(server.start())
    _furnish(server)
    for namespace, count in ((LIST, LISTED), (REST, PODS - LISTED - 1), (WATCHED, 1)):
        clients = min(count, 4)
        whole = count - count % clients
        _creates(server, namespace, namespace, clients=clients, count=whole)
        if count > whole:
            _creates(server, namespace, "more", clients=1, count=count - whole)
    time.sleep(SETTLE_S)  # noqa: TID251  what it does after the last answer is done then
    found.pss_mb = server.pss_mb()
    for _ in range(order.starts):
        server.stop()
        found.starts_s.append(server.start())


def _round(
    running: Sequence[servers.Server], found: dict[str, Samples], number: int, order: Order
) -> None:
    order.tell(f"round {number + 1} of {order.rounds}")
    turn = running if number % 2 == 0 else running[::-1]
    for server in turn:
        made = _creates(server, LOAD, f"one-{number}", clients=1, count=order.creates)
        found[server.name].one.append(made)
        _clear(server)
    for server in turn:
        made = _creates(server, LOAD, f"eight-{number}", clients=8, count=2 * order.creates)
        found[server.name].eight.append(made)
        _clear(server)
    for server in turn:
        path = f"/api/v1/namespaces/{LIST}/pods"
        done = _load(server, kind="reads", path=f"{path}/{POD}", count=500)
        found[server.name].get_s += done["samples"]
        done = _load(server, kind="reads", path=path, count=30)
        found[server.name].list_s += done["samples"]
        found[server.name].list_bytes = done["size"]
    for server in turn:
        watch = {"kind": "watches", "namespace": WATCHED, "pod": f"{WATCHED}-0-0"}
        done = _load(server, **watch, watchers=1, writes=150)
        found[server.name].watch_1_s += done["samples"]
        done = _load(server, **watch, watchers=100, writes=40)
        found[server.name].watch_100_s += done["samples"]


def _furnish(server: servers.Server) -> None:
    """The node and the namespaces; a kube-apiserver alone makes no service accounts."""
    connection = wire.Connection(server.place)

    def make(path: str, kind: str, name: str) -> None:
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
        try:
            connection.ask(server.place.request("POST", path, body))
        except wire.Refused as fault:
            if b"AlreadyExists" not in str(fault).encode():
                raise LoadFailed(str(fault)) from fault

    make("/api/v1/nodes", "Node", objects.NODE)
    for namespace in (LIST, REST, LOAD, WATCHED):
        make("/api/v1/namespaces", "Namespace", namespace)
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        make(accounts, "ServiceAccount", "default")
    connection.close()


def _creates(
    server: servers.Server, namespace: str, prefix: str, *, clients: int, count: int
) -> float:
    """Make pods; how many a second."""
    done = _load(
        server, kind="creates", namespace=namespace, prefix=prefix, clients=clients, count=count
    )
    return float(done["count"] / done["seconds"])


def _clear(server: servers.Server) -> None:
    connection = wire.Connection(server.place)
    path = f"/api/v1/namespaces/{LOAD}/pods?gracePeriodSeconds=0"
    connection.ask(server.place.request("DELETE", path))
    connection.close()


def _load(server: servers.Server, **order: Any) -> dict[str, Any]:
    place = {"port": server.place.port, "token": server.place.token}
    done = subprocess.run(
        [sys.executable, "-m", "bench.api.load"],
        check=False,
        input=json.dumps({**place, **order}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=LOAD_S,
    )
    if done.returncode:
        raise LoadFailed(f"{server.name}, {order['kind']}: {done.stderr[-1000:]}")
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered
