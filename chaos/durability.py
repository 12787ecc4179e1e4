"""`python -m chaos.durability`: kill the API server while clients write; what is there after that?

Every round some clients write and others watch; the server is killed at a random moment, and is
started again on what it left. Every write that was acknowledged is there, one that had no answer
is there or not, no revision is given twice, and who watches on from where it was misses nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import random
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chaos import ledger
from staticlet.testing import apiclient, apiobjects, apirun, apiserver
from staticlet.testing.until import pause

WRITERS, FOLLOWERS, KEYS = 3, 2, 6
SHORTEST_S, LONGEST_S = 0.01, 0.35
PATH = "/api/v1/namespaces/durable/configmaps"
SENTINEL = "sentinel"
ENDED = (OSError, http.client.HTTPException, ValueError)
"""How a connection ends whose server was killed, maybe amid a line."""


class Lost(AssertionError):
    """The server forgot what it acknowledged, or told somebody something else."""


class Writer:
    """A client with keys of its own; it never writes the same value again."""

    def __init__(
        self,
        number: int,
        client: apiclient.Client,
        *,
        kept: ledger.Ledger,
        chance: random.Random,
        numbers: Iterator[int],
    ) -> None:
        self.ledger = kept
        self._keys = [f"w{number}-{key}" for key in range(KEYS)]
        self._client = client
        self._chance = chance
        self._numbers = numbers

    def write(self, stop: threading.Event) -> None:
        """Create, change and delete until the server is gone."""
        try:
            while not stop.is_set():
                self._once(self._chance.choice(self._keys))
        except ENDED:
            pass  # killed: what had no answer is in the ledger
        finally:
            self._client.close()

    def _once(self, key: str) -> None:
        held = self.ledger.acknowledged.get(key)
        deleting = held is not None and self._chance.random() < 0.2
        value = None if deleting else f"{next(self._numbers)}"
        self.ledger.asked(key, value)
        body = apiobjects.config_map(key, value=value or "")
        if held is None:
            reply = self._client.ask("POST", PATH, body)
        elif deleting:
            reply = self._client.ask("DELETE", f"{PATH}/{key}")
        else:
            reply = self._client.ask("PUT", f"{PATH}/{key}", body)
        if reply.code >= 400:
            raise Lost(f"{key}: {reply.code} {reply.raw[:300]!r}")
        if deleting:
            self.ledger.acknowledged[key] = self.ledger.unanswered.pop(key)
        else:
            self.ledger.answered(key, int(reply.version))


class Durability:
    """A server that is killed again and again.

    Args:
        base: Where it lives.
        seed: Of every choice.
        harm: What is done to its state while it is dead: nothing, but to try this test itself.
    """

    def __init__(
        self, base: Path, *, seed: str, harm: Callable[[Path], None] = lambda _: None
    ) -> None:
        self._harm = harm
        self._server = apiserver.ApiProcess(base, controllers="*")
        self._chance = random.Random(seed)  # noqa: S311  repeatable, not secret
        self._followers = [ledger.Follower() for _ in range(FOLLOWERS)]
        self._ledgers = [ledger.Ledger() for _ in range(WRITERS)]
        self._numbers = itertools.count()
        self.writes = 0

    def begin(self) -> None:
        """Start the server, and make what is written to."""
        self._server.start()
        client = apirun.client(self._server)
        namespace = apiobjects.head("v1", "Namespace", "durable")
        client.create("/api/v1/namespaces", namespace)
        listed = client.get(PATH)
        client.close()
        for follower in self._followers:
            follower.revision = int(listed["metadata"]["resourceVersion"])
            follower.holds = _found(listed)

    def round(self, number: int) -> None:
        """Write, kill, start, and look.

        Raises:
            Lost: Something is not as it should be.
        """
        self._write_and_kill()
        self._harm(self._server.options.state_dir)
        self._server.start()
        client = apirun.client(self._server)
        try:
            self._look(client, number)
        finally:
            client.close()

    def end(self) -> None:
        """Stop the server; it ends by itself, and had no trouble."""
        self._server.stop()
        apirun.untroubled(self._server)

    def _write_and_kill(self) -> None:
        writers = [
            Writer(
                number,
                apirun.client(self._server),
                kept=kept,
                chance=self._fork(),
                numbers=self._numbers,
            )
            for number, kept in enumerate(self._ledgers)
        ]
        before = sum(len(one.revisions) for one in self._ledgers)
        stop = threading.Event()
        faults: list[BaseException] = []
        with ExitStack() as stack:
            for deed in [
                *(lambda w=writer: w.write(stop) for writer in writers),
                *(lambda f=follower: self._follow(f) for follower in self._followers),
            ]:
                thread = threading.Thread(target=_kept(deed, faults))
                stack.callback(thread.join)
                thread.start()
            pause(self._chance.uniform(SHORTEST_S, LONGEST_S))
            self._server.kill()
            stop.set()
        if faults:
            raise faults[0]
        self.writes += sum(len(one.revisions) for one in self._ledgers) - before

    def _fork(self) -> random.Random:
        return random.Random(self._chance.random())  # noqa: S311  repeatable, not secret

    def _follow(self, follower: ledger.Follower, until: str = "") -> None:
        """Watch on from where it was, to a sentinel's value or until the server is gone."""
        client = apirun.client(self._server)
        try:
            since = str(follower.revision)
            with client.watching(
                PATH, resourceVersion=since, allowWatchBookmarks="true"
            ) as events:
                for event in events:
                    if event["type"] == "ERROR":
                        raise Lost(f"cannot watch on from {since}: {event['object']}")
                    _take(follower, event)
                    if until and follower.holds.get(SENTINEL) == until:
                        return
        except ENDED:
            if until:
                raise

    def _look(self, client: apiclient.Client, number: int) -> None:
        listed = client.get(PATH)
        revision, found = int(listed["metadata"]["resourceVersion"]), _found(listed)
        newest = max((max(one.revisions, default=0) for one in self._ledgers), default=0)
        wrongs = [wrong for one in self._ledgers for wrong in one.wrongs(found)]
        if revision < newest:
            wrongs.append(f"it is at {revision}, and had answered {newest}")
        self._judge(number, wrongs)
        for one in self._ledgers:
            one.settle(found)
        found[SENTINEL] = f"round {number}"
        self._mark(client, found[SENTINEL])
        acknowledged = {each for one in self._ledgers for each in one.revisions}
        for follower in self._followers:
            self._follow(follower, until=found[SENTINEL])
            self._judge(number, [*follower.wrongs(found, acknowledged)])
            follower.seen.clear()
        for one in self._ledgers:
            one.revisions.clear()

    def _mark(self, client: apiclient.Client, value: str) -> None:
        """Write what followers read up to."""
        sentinel = apiobjects.config_map(SENTINEL, value=value)
        there = client.ask("GET", f"{PATH}/{SENTINEL}").code == 200
        client.ask(*(("PUT", f"{PATH}/{SENTINEL}") if there else ("POST", PATH)), sentinel)

    def _judge(self, number: int, wrongs: Sequence[str]) -> None:
        if wrongs:
            raise Lost("\n".join([f"round {number}:", *wrongs, self._server.story()]))


def _take(follower: ledger.Follower, event: dict[str, Any]) -> None:
    item = event["object"]
    metadata = item["metadata"]
    name, revision = metadata.get("name", ""), int(metadata["resourceVersion"])
    follower.take(event["type"], name, _value(item), revision)


def _found(listed: dict[str, Any]) -> dict[str, str]:
    return {item["metadata"]["name"]: _value(item) for item in listed["items"]}


def _value(item: dict[str, Any]) -> str:
    return str((item.get("data") or {}).get("value", ""))


def _kept(deed: Callable[[], None], faults: list[BaseException]) -> Callable[[], None]:
    """A thread's deed, whose fault is kept for who waits for it."""

    def done() -> None:
        try:
            deed()
        except (AssertionError, OSError) as fault:
            faults.append(fault)

    return done


@contextlib.contextmanager
def running(
    base: Path, *, seed: str, harm: Callable[[Path], None] = lambda _: None
) -> Iterator[Durability]:
    """A server to be rough with, from here to the end of the block."""
    made = Durability(base, seed=seed, harm=harm)
    made.begin()
    try:
        yield made
    finally:
        made.end()


def main() -> int:
    """All rounds; 1 when something was lost."""
    parser = argparse.ArgumentParser(prog="python -m chaos.durability", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="how often (%(default)s)")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="to do the same again")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="staticlet-durability-") as base,
        running(Path(base), seed=given.seed) as made,
    ):
        try:
            for number in range(1, given.rounds + 1):
                made.round(number)
                if number % 20 == 0:
                    seconds = time.monotonic() - began
                    print(f"{number} rounds, {made.writes} writes, {seconds:.0f} s", flush=True)
        except AssertionError as fault:
            print(f"{fault}\nseed {given.seed}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
