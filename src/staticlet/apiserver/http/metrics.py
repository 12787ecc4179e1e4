"""What `/metrics` tells, under kube-apiserver's names where it has the same thing to tell.

The one module that knows the Prometheus client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import prometheus_client as prometheus

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as metrics name it.

    Attributes:
        verb: Upper case, as kube-apiserver has it: `LIST`; `POST` for what is no resource.
        group: The API group.
        version: The API version.
        resource: The resource; empty for none, and for those that are not served: a client may not
            make as many names here as it likes.
        subresource: The subresource.
    """

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""


class Metrics:
    """Counts requests; reads the rest when it is asked."""

    def __init__(
        self,
        *,
        revision: Callable[[], int],
        watches: Callable[[], int],
        connections: Callable[[], int],
    ) -> None:
        """Begin to count.

        Args:
            revision: The store's newest revision.
            watches: How many watches are open.
            connections: How many clients are connected.
        """
        self._registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self._registry)
        prometheus.PlatformCollector(registry=self._registry)
        names = ("verb", "group", "version", "resource", "subresource")
        self._requests = prometheus.Counter(
            "apiserver_request",
            "Requests by what they asked for and the code of their answer.",
            (*names, "code"),
            registry=self._registry,
        )
        self._seconds = prometheus.Histogram(
            "apiserver_request_duration_seconds",
            "How long requests took, watches left out.",
            names,
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._gauge("staticlet_api_revision", "The newest revision of the store.", revision)
        self._gauge("apiserver_longrunning_requests", "How many watches are open.", watches)
        self._gauge("staticlet_api_connections", "How many clients are connected.", connections)

    def _gauge(self, name: str, text: str, read: Callable[[], int]) -> None:
        gauge = prometheus.Gauge(name, text, registry=self._registry)
        gauge.set_function(read)

    def count(self, request: Request, code: int, seconds: float) -> None:
        """Count a request that has been answered.

        Args:
            request: What it asked for.
            code: The HTTP status of the answer.
            seconds: How long it took.
        """
        names = (
            request.verb,
            request.group,
            request.version,
            request.resource,
            request.subresource,
        )
        self._requests.labels(*names, str(code)).inc()
        if request.verb != "WATCH":
            self._seconds.labels(*names).observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return prometheus.generate_latest(self._registry)
