"""Random deeds to manifests, to mirror pods and to pods of an API server, and what is to be then.

Whatever is asked of the API server may fail, since it may be dead: what it holds at a rest is what
counts for its own pods. What the files say counts for static ones, whatever the API server does.
"""

from __future__ import annotations

import http.client
import random
from collections.abc import Callable, Mapping
from typing import Any

from chaos import apiverdict
from staticlet.testing import apiclient, scripted
from staticlet.testing.agent import NODE, Agent

PODS = "/api/v1/namespaces/default/pods"
STATICS = tuple(f"s{number}" for number in range(5))
OF_API = ("a0", "a1")


class Deeds:
    """Does one deed after the other.

    Args:
        agent: The agent.
        api: An administrator.
        rng: Where all chance comes from.
        tell: Takes a line for each deed.

    Attributes:
        versions: What each manifest says, by the name of its pod.
        lives: The container id of each pod to which nothing was done since the last rest.
    """

    def __init__(
        self,
        agent: Agent,
        api: apiclient.Client,
        rng: random.Random,
        tell: Callable[[str], None],
    ) -> None:
        self.versions: dict[str, str] = {}
        self.lives: dict[str, str] = {}
        self._agent = agent
        self._api = api
        self._rng = rng
        self._tell = tell
        self._number = 0

    def everything(self) -> None:
        """Write every manifest."""
        for name in STATICS:
            self.change(name)

    def nothing(self) -> None:
        """Remove every manifest and every pod of the API."""
        for name in tuple(self.versions):
            self.remove(name)
        for name in OF_API:
            self._unmake(name)

    def some(self, times: int) -> None:
        """So many deeds."""
        for _ in range(times):
            self._one()

    def files(self, times: int) -> None:
        """So many deeds to manifests and containers alone."""
        for _ in range(times):
            name = self._rng.choice(STATICS)
            self._rng.choice((self.change, self.change, self.remove, self.kill))(name)

    def rested(self, served: Mapping[str, apiverdict.Pod]) -> None:
        """All is at rest: from here on, these lives count."""
        self.lives = {name: apiverdict.life_of(pod) for name, pod in served.items()}

    def change(self, name: str) -> None:
        """Write a manifest anew, or for the first time."""
        self._number += 1
        version = str(self._number)
        self._say(f"{name} becomes version {version}")
        self._agent.manifests.put(f"{name}.yaml", _pod(name, version))
        self.versions[name] = version
        self.lives.pop(name, None)

    def remove(self, name: str) -> None:
        """Remove a manifest."""
        self._say(f"{name} is removed")
        self._agent.manifests.remove(f"{name}.yaml")
        self.versions.pop(name, None)
        self.lives.pop(name, None)

    def kill(self, name: str) -> None:
        """End the process of a pod's container."""
        life = self._agent.life(name)
        if life is not None:
            self._say(f"{name} is killed")
            self.lives.pop(name, None)
            try:
                self._agent.kill_task(life.container_id)
            except (KeyError, ProcessLookupError):
                pass  # it had ended

    def _one(self) -> None:
        name, other = self._rng.choice(STATICS), self._rng.choice(OF_API)
        deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (6, lambda: self.change(name)),
            (3, lambda: self.remove(name)),
            (2, lambda: self.kill(name)),
            (3, lambda: self._delete_mirror(name)),
            (2, lambda: self._edit_mirror(name)),
            (3, lambda: self._make(other)),
            (1, lambda: self._unmake(other)),
        )
        self._rng.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    def _delete_mirror(self, name: str) -> None:
        grace = self._rng.choice(({}, {"gracePeriodSeconds": "0"}))
        self._ask("DELETE", f"{PODS}/{name}-{NODE}", query=grace)

    def _edit_mirror(self, name: str) -> None:
        image = {"spec": {"containers": [{"name": "main", "image": "localhost/other:1"}]}}
        change = self._rng.choice(({"metadata": {"labels": {"edited": "yes"}}}, image))
        kind = {"Content-Type": "application/strategic-merge-patch+json"}
        self._ask("PATCH", f"{PODS}/{name}-{NODE}", change, headers=kind)

    def _make(self, name: str) -> None:
        pod = _pod(name, "0")
        pod["spec"]["nodeName"] = NODE
        self._ask("POST", PODS, pod)

    def _unmake(self, name: str) -> None:
        self.lives.pop(name, None)
        self._ask("DELETE", f"{PODS}/{name}")

    def _ask(self, method: str, path: str, body: Any = None, **more: Any) -> None:
        """Ask an API server that may be dead, or refuse."""
        try:
            code = str(self._api.ask(method, path, body, **more).code)
        except (OSError, http.client.HTTPException) as fault:
            code = type(fault).__name__
        self._say(f"{method} {path}: {code}")

    def _say(self, words: str) -> None:
        self._tell(words)


def _pod(name: str, version: str) -> dict[str, Any]:
    env = [{"name": apiverdict.VERSION, "value": version}]
    return scripted.pod(
        name,
        scripted.script(env=env),
        terminationGracePeriodSeconds=3,
        automountServiceAccountToken=False,
    )
