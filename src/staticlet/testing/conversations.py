"""Playing recorded conversations with an API server.

A scenario is a list of steps. A step is a request (`do`, with `as`, `headers`, `body`), or a watch
that is open while other steps run. `save` keeps parts of an answer as variables, `compare` and
`pick` say what of it counts. The recordings beside the scenarios were taken from a kube-apiserver.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from staticlet.testing import normalised
from staticlet.testing.until import pause

ADMIN, NODE, NOBODY = "admin", "node", "nobody"
TIMEOUT_S = 30.0
_BEGIN_S = 0.1
"""How long an open watch is given to stand where it was asked to stand."""
_VARIABLE = re.compile(r"\$\((\w+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to play.

    Attributes:
        host: Its address.
        port: Its port.
        tls: How its certificate is checked.
        tokens: The bearer tokens of the users that scenarios know: admin, node and nobody.
    """

    host: str
    port: int
    tls: ssl.SSLContext
    tokens: Mapping[str, str]

    def ask(
        self, step: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        """Send a step's request; the connection, and an answer whose body is not read yet."""
        method, path = step["do"].split(" ", 1)
        headers = {"Accept": "application/json", **self._credentials(step.get("as", ADMIN))}
        body = step.get("body")
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = body if isinstance(body, str) else json.dumps(body)
        headers.update(step.get("headers") or {})
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=timeout_s, context=self.tls
        )
        try:
            connection.request(method, path, body=body, headers=headers)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _credentials(self, user: str) -> dict[str, str]:
        if user == "none":
            return {}
        token = "not-a-token" if user == "bad" else self.tokens[user]
        return {"Authorization": f"Bearer {token}"}


@dataclass(slots=True)
class Run:
    """One run of one scenario.

    Attributes:
        server: Where it is played.
        suffix: What makes the names of this run its own.
        answers: By the step's name, in the form of recordings.
    """

    server: Server
    suffix: str
    answers: dict[str, Any] = field(default_factory=dict)
    _variables: dict[str, Any] = field(default_factory=dict)
    _normalise: Callable[[Any], Any] = field(init=False)

    def __post_init__(self) -> None:
        self._variables["run"] = self.suffix
        self._normalise = normalised.Normaliser(self.suffix)

    def play(self, scenario: Mapping[str, Any]) -> dict[str, Any]:
        """Play all steps; the answers by their names."""
        for step in scenario["steps"]:
            try:
                self._step(step, "")
            except (OSError, KeyError, http.client.HTTPException) as fault:
                self.answers[step["name"]] = {"broken": f"{type(fault).__name__}: {fault}"}
        return self.answers

    def _step(self, step: Mapping[str, Any], within: str) -> None:
        step = self._filled(step)
        name = within + step["name"]
        self.answers[name] = self._watch(step, name) if "watch" in step else self._request(step)

    def _request(self, step: Mapping[str, Any]) -> Any:
        connection, response = self.server.ask(step)
        try:
            body = _decoded(response.read())
        finally:
            connection.close()
        for variable, path in (step.get("save") or {}).items():
            self._variables[variable] = normalised.dig(body, path)
        if "pick" in step and isinstance(body, dict | list):
            body = normalised.dig(body, step["pick"])
        return self._normalise(
            normalised.reduced(step.get("compare", "full"), response.status, body)
        )

    def _watch(self, step: Mapping[str, Any], name: str) -> Any:
        """Open a watch, play the steps within, and read the events that they made.

        Events wait in the connection until they are read, so this needs no second thread.
        """
        spec = step["watch"]
        seconds = spec.get("seconds", 5)
        request = {**step, "do": f"GET {spec['path']}", "headers": spec.get("headers")}
        connection, response = self.server.ask(request, timeout_s=seconds)
        try:
            pause(_BEGIN_S)
            for inner in spec.get("steps", []):
                self._step(inner, f"{name} / ")
            events = _events(response, spec["expect"], seconds)
        finally:
            response.close()
            connection.close()
        kept = [
            {
                "type": event.get("type"),
                "object": normalised.dig(event["object"], spec["pick"])
                if "pick" in spec
                else event.get("object"),
            }
            for event in events
        ]
        return {"code": response.status, "events": self._normalise(kept)}

    def _filled(self, value: Any) -> Any:
        """The value with variables put in; those of a watch's inner steps too."""
        match value:
            case str():
                return _VARIABLE.sub(lambda found: str(self._variables[found.group(1)]), value)
            case dict():
                return {self._filled(key): self._filled(one) for key, one in value.items()}
            case list():
                return [self._filled(one) for one in value]
            case _:
                return value


def _events(
    response: http.client.HTTPResponse, expect: int, seconds: float
) -> list[dict[str, Any]]:
    """So many events, or those that came in time."""
    events: list[dict[str, Any]] = []
    deadline = time.monotonic() + seconds
    try:
        while len(events) < expect and time.monotonic() < deadline:
            line = response.readline()
            if not line:
                break
            events.append(json.loads(line))
    except (OSError, ValueError, http.client.HTTPException):
        pass  # what came is compared
    return events


def _decoded(raw: bytes) -> Any:
    text = raw.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
