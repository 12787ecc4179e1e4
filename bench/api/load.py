"""The clients, a process of their own: an order on standard input, what was measured on output.

A process of its own keeps the clients from sharing an interpreter with whatever conducts them, and
is the same for every server.
"""

from __future__ import annotations

import json
import selectors
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.api import objects, wire

_READ = 1 << 18
_EVENT_S = 20.0


def creates(place: wire.Place, order: dict[str, Any]) -> dict[str, Any]:
    """Pods made by some clients at once: how long all took."""
    share = order["count"] // order["clients"]
    work = [
        [objects.create(place, order["namespace"], f"{order['prefix']}-{client}-{n}")
         for n in range(share)]
        for client in range(order["clients"])
    ]  # fmt: skip
    connections = [wire.Connection(place) for _ in work]
    for connection in connections:
        connection.ask(place.request("GET", "/version"))
    faults: list[Exception] = []

    def client(connection: wire.Connection, requests: list[bytes]) -> None:
        try:
            for request in requests:
                connection.ask(request)
        except (OSError, wire.Refused) as fault:
            faults.append(fault)

    threads = [
        threading.Thread(target=client, args=pair) for pair in zip(connections, work, strict=True)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if faults:
        raise faults[0]
    return {"seconds": seconds, "count": share * len(work)}


def reads(place: wire.Place, order: dict[str, Any]) -> dict[str, Any]:
    """The same path read again and again by one client."""
    connection = wire.Connection(place)
    request = place.request("GET", order["path"])
    size = len(connection.ask(request))
    samples = [*_timed(lambda: connection.ask(request), order["count"])]
    return {"samples": samples, "size": size}


def watches(place: wire.Place, order: dict[str, Any]) -> dict[str, Any]:
    """Writes to one pod, and when each watcher had the event of each."""
    writer = wire.Connection(place)
    watchers = [_Watcher(place, order["namespace"]) for _ in range(order["watchers"])]
    with selectors.DefaultSelector() as selector:
        for watcher in watchers:
            selector.register(watcher.connection.socket, selectors.EVENT_READ, watcher)
        _all_see(selector, watchers, b'"ADDED"')
        samples = []
        for number in range(order["writes"]):
            mark = f"mark-{number}-"
            request = objects.mark(place, order["namespace"], order["pod"], mark)
            began = time.perf_counter()
            writer.send(request)
            seen = _all_see(selector, watchers, mark.encode())
            writer.answer()
            samples += [at - began for at in seen]
    return {"samples": samples}


class _Watcher:
    """A watch of a namespace's pods."""

    def __init__(self, place: wire.Place, namespace: str) -> None:
        self.connection = wire.Connection(place)
        path = f"/api/v1/namespaces/{namespace}/pods?watch=true"
        self.connection.send(place.request("GET", path))
        self.connection.socket.settimeout(0)
        self.tail = b""

    def sees(self, mark: bytes) -> bool:
        """Read what is there; whether the mark is among it."""
        while True:
            try:
                read = self.connection.socket.recv(_READ)
            except ssl.SSLWantReadError:
                break
            if not read:
                raise wire.Refused(f"a watch ended after {self.tail!r}")
            self.tail += read
        found = mark in self.tail
        self.tail = self.tail[-len(mark) :] if not found else b""
        return found


def _all_see(
    selector: selectors.BaseSelector, watchers: list[_Watcher], mark: bytes
) -> list[float]:
    """Wait until every watcher has read a mark; when each had."""
    waiting = {id(watcher) for watcher in watchers}
    seen = []
    deadline = time.perf_counter() + _EVENT_S
    while waiting:
        ready = selector.select(_EVENT_S)
        if time.perf_counter() > deadline:
            raise wire.Refused(f"{len(waiting)} watchers never saw {mark!r}")
        for key, _ in ready:
            if key.data.sees(mark):
                seen.append(time.perf_counter())
                waiting.discard(id(key.data))
    return seen


def _timed(deed: Callable[[], object], count: int) -> Iterator[float]:
    for _ in range(count):
        began = time.perf_counter()
        deed()
        yield time.perf_counter() - began


KINDS = {"creates": creates, "reads": reads, "watches": watches}


def main() -> int:
    """Carry out the order."""
    order = json.load(sys.stdin)
    place = wire.Place(port=order["port"], token=order["token"])
    try:
        print(json.dumps(KINDS[order["kind"]](place, order)))
    except (OSError, wire.Refused) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
