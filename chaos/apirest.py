"""The rests between faults: all is to become right, and to stay so."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable
from typing import Any

from chaos import apideeds, apiverdict
from staticlet.testing import apiclient
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.until import pause

REST_S = 60.0
"""How long it may take until all is at rest: a server that refused is left alone for 30 s."""

STAYS_S = 1.0
LOOK_S = 0.2
TRUTH_S = 5.0
"""So soon after an API server is back it shows what happened while it was away."""

SPEECHLESS = re.compile(
    r"Traceback|failed unexpectedly|never retrieved|was never awaited|Unclosed|Exception ignored"
)
"""What an agent that is well never prints."""


class Wrong(AssertionError):
    """What is so is not what should be."""


class Rests:
    """Waits until the API shows what runs, and what runs is what the files say.

    Args:
        agent: The agent.
        api: An administrator.
        deeds: What was done.
        tell: Takes a line for each rest.
    """

    def __init__(
        self,
        agent: Agent,
        api: apiclient.Client,
        deeds: apideeds.Deeds,
        tell: Callable[[str], None],
    ) -> None:
        self._agent = agent
        self._api = api
        self._deeds = deeds
        self._tell = tell

    def rest(self, when: str) -> float:
        """Wait until all is as it should be, and stays so; after how many seconds it was.

        Raises:
            Wrong: It never is.
        """
        begun, right_since = time.monotonic(), 0.0
        before: list[str] = []
        while True:
            wrongs = self._wrongs()
            before = wrongs or before
            now = time.monotonic()
            if not wrongs and not right_since:
                right_since = now
            elif not wrongs and now - right_since > STAYS_S:
                break
            elif wrongs:
                right_since = 0.0
                if now - begun > REST_S:
                    raise Wrong("\n".join((f"{when}:", *wrongs, self._agent.story())))
            pause(LOOK_S)
        self._deeds.rested(self._agent.pods())
        self._well()
        took = right_since - begun
        last = f"; until then {before[-1]}" if before and took > TRUTH_S else ""
        self._tell(f"rest {when}: right after {took:.1f} s{last}")
        return took

    def _wrongs(self) -> list[str]:
        try:
            found = self._found()
        except (OSError, http.client.HTTPException) as fault:
            return [f"the API server does not answer: {fault}"]
        expected = apiverdict.Expected(
            node=NODE, versions=self._deeds.versions, lives=self._deeds.lives
        )
        return [*apiverdict.troubles(expected, found)]

    def _found(self) -> apiverdict.Found:
        def listed(path: str) -> tuple[Any, ...]:
            return tuple(self._api.get(path)["items"])

        return apiverdict.Found(
            shown=listed(apideeds.PODS),
            nodes=listed("/api/v1/nodes"),
            served=tuple(self._agent.pods().values()),
            sandboxes=len(self._agent.sandboxes()),
            running=frozenset(self._agent.pids()),
        )

    def _well(self) -> None:
        log = self._agent.log
        found = SPEECHLESS.search(log)
        if found:
            raise Wrong(f"the agent's log:\n{log[max(0, found.start() - 1500) :][:4000]}")
