"""What `/metrics` tells, under kube-apiserver's names where it has the same thing to tell.

Requests are counted in plain numbers, which costs them next to nothing. The one module that knows
the Prometheus client; it is loaded when somebody first asks.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import prometheus_client as prometheus
    from prometheus_client import metrics_core

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


@dataclass(slots=True)
class _Times:
    """How long requests of one sort took.

    Attributes:
        within: How many took no longer than each bound, and longer than the one before; the last
            those beyond all.
        seconds: All together.
    """

    within: list[int] = field(default_factory=lambda: [0] * (len(_SECONDS) + 1))
    seconds: float = 0.0


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
        self._gauges = (
            ("staticlet_api_revision", "The newest revision of the store.", revision),
            ("apiserver_longrunning_requests", "How many watches are open.", watches),
            ("staticlet_api_connections", "How many clients are connected.", connections),
        )
        self._requests: Counter[tuple[Request, int]] = Counter()
        self._times: dict[Request, _Times] = {}

    def count(self, request: Request, code: int, seconds: float) -> None:
        """Count a request that has been answered.

        Args:
            request: What it asked for.
            code: The HTTP status of the answer.
            seconds: How long it took.
        """
        self._requests[request, code] += 1
        if request.verb != "WATCH":
            times = self._times.setdefault(request, _Times())
            times.within[bisect.bisect_left(_SECONDS, seconds)] += 1
            times.seconds += seconds

    def text(self) -> tuple[bytes, str]:
        """All metrics in Prometheus' text format, and its media type."""
        import prometheus_client as prometheus

        return prometheus.generate_latest(self._registry), prometheus.CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[metrics_core.Metric]:
        """What is counted and read here, as the Prometheus client asks for it."""
        from prometheus_client import metrics_core

        requests = metrics_core.CounterMetricFamily(
            "apiserver_request",
            "Requests by what they asked for and the code of their answer.",
            labels=(*_LABELS, "code"),
        )
        for (request, code), count in self._requests.items():
            requests.add_metric((*_values(request), str(code)), count)
        yield requests
        took = metrics_core.HistogramMetricFamily(
            "apiserver_request_duration_seconds",
            "How long requests took, watches left out.",
            labels=_LABELS,
        )
        for request, times in self._times.items():
            took.add_metric(_values(request), _summed(times.within), times.seconds)
        yield took
        for name, text, read in self._gauges:
            yield metrics_core.GaugeMetricFamily(name, text, read())

    @functools.cached_property
    def _registry(self) -> prometheus.CollectorRegistry:
        import prometheus_client as prometheus

        made = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=made)
        prometheus.PlatformCollector(registry=made)
        made.register(self)
        return made


_LABELS = ("verb", "group", "version", "resource", "subresource")


def _values(request: Request) -> tuple[str, ...]:
    return (
        request.verb,
        request.group,
        request.version,
        request.resource,
        request.subresource,
    )


def _summed(within: Iterable[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus has them: each counts those before it, too."""
    bounds = (*(str(bound) for bound in _SECONDS), "+Inf")
    return list(zip(bounds, itertools.accumulate(within), strict=True))
