"""A plain client of an API server: one TLS connection that is kept, JSON in, JSON out.

Nothing is retried and nothing is hidden: tests see what was answered.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

TIMEOUT_S = 10.0
Body: TypeAlias = Mapping[str, Any] | list[Any] | str | bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    Attributes:
        code: Its HTTP status.
        headers: Its headers, names in lower case.
        raw: Its body.
    """

    code: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The body as JSON."""
        return json.loads(self.raw)

    @property
    def name(self) -> str:
        """The name of the object that was answered."""
        return str(self.body["metadata"]["name"])

    @property
    def version(self) -> str:
        """The resourceVersion of what was answered."""
        return str(self.body["metadata"]["resourceVersion"])


@dataclass(slots=True)
class Client:
    """One user of an API server.

    Attributes:
        host: Its address.
        port: Its port.
        tls: How its certificate is checked, and ours shown.
        token: A bearer token; empty for none.
    """

    host: str
    port: int
    tls: ssl.SSLContext
    token: str = ""
    _connection: http.client.HTTPSConnection | None = field(default=None, repr=False)

    def ask(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and read its answer.

        Raises:
            OSError, http.client.HTTPException: There was none.
        """
        if self._connection is None:
            self._connection = self._connect(TIMEOUT_S)
        try:
            self._send(self._connection, method, _with(path, query or {}), body, headers)
            response = self._connection.getresponse()
            raw = response.read()
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return Reply(code=response.status, headers=lower, raw=raw)

    def get(self, path: str, **query: str) -> Any:
        """An object or a list that is there."""
        return _body_of(self.ask("GET", path, query=query), path)

    def create(self, path: str, body: Body, **query: str) -> Any:
        """Create an object; as it is then."""
        return _body_of(self.ask("POST", path, body, query=query), path)

    def delete(self, path: str, **query: str) -> Any:
        """Delete an object; the answer."""
        return _body_of(self.ask("DELETE", path, query=query), path)

    def patch(self, path: str, body: Body, *, kind: str = "merge", **query: str) -> Any:
        """Patch an object; as it is then.

        Args:
            path: Where it is.
            body: The patch.
            kind: `merge`, `strategic-merge` or `json`.
            query: Of the request.
        """
        headers = {"Content-Type": f"application/{kind}-patch+json"}
        return _body_of(self.ask("PATCH", path, body, headers=headers, query=query), path)

    @contextmanager
    def watching(
        self, path: str, *, timeout_s: float = TIMEOUT_S, **query: str
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """Watch over a connection of its own; the events, which end when the server ends them.

        Reading one raises TimeoutError when none comes in time.
        """
        connection = self._connect(timeout_s)
        try:
            self._send(connection, "GET", _with(path, {"watch": "true", **query}), None, None)
            response = connection.getresponse()
            try:
                if response.status != 200:
                    raise AssertionError(f"{path}: {response.status} {response.read()[:500]!r}")
                yield (json.loads(line) for line in iter(response.readline, b""))
            finally:
                response.close()
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, timeout_s: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=timeout_s, context=self.tls
        )

    def _send(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: Body,
        headers: Mapping[str, str] | None,
    ) -> None:
        sent = {"Accept": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, str | bytes) else json.dumps(body)
        connection.request(method, path, body, {**sent, **(headers or {})})


def _with(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


def _body_of(reply: Reply, path: str) -> Any:
    if reply.code >= 400:
        raise AssertionError(f"{path}: {reply.code} {reply.raw[:1000].decode(errors='replace')}")
    return reply.body
