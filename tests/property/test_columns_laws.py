"""Whatever object of a kind is stored, it has a row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.apiserver.resources import columns, registry
from staticlet.apiserver.resources.kind import Kind
from staticlet.kube import shape

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_DEPTH = 7
_TEXT = st.sampled_from(["", "a", "True", "Ready", "InternalIP", "SchedulingGated", "é\n"])
_READ = """
address addresses attachRequired audience binaryData clusterIP component conditionType
conditions containerRuntimeVersion containerStatuses containers count data deprecatedCount
deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedSource driver drivers eventTime
exitCode externalIPs externalName fieldPath finishedAt firstTimestamp handler holderIdentity
host hostname ingress initContainerStatuses initContainers involvedObject ip kernelVersion
kind kubeletVersion lastObservedTime lastState lastTimestamp loadBalancer message name
nodeInfo nodeName nodePort nominatedNodeName note osImage phase podIP podInfoOnMount pool
port ports protocol readinessGates ready reason regarding reportingComponent
reportingController reportingInstance requiresRepublish restartCount restartPolicy running
selector series signal source spec startTime started state status storageCapacity terminated
tokenRequests type unschedulable volumeLifecycleModes waiting
"""
"""The fields that some column reads: others would only make the drawing slow."""

_TIMES = st.sampled_from(
    [
        "0001-01-01T00:00:00Z",
        "2025-12-31T23:59:00Z",
        "2025-12-31T23:59:00.123456Z",
        "2025-12-31T23:59:00.123456789Z",
        "2026-01-01T02:00:00+02:00",
        "9999-12-31T23:59:59Z",
        "2026-01-01t00:00:00z",
    ]
)


def _values(of: shape.Shape, depth: int) -> st.SearchStrategy[Any]:
    """Values of a shape, with any of their fields missing or null."""
    match of:
        case shape.Text() | shape.Bytes() | shape.Anything():
            return _TEXT
        case shape.Flag():
            return st.booleans()
        case shape.Whole():
            return st.sampled_from([-1, 0, 1, 2**31 - 1])
        case shape.IntOrText() | shape.Amount():
            return st.sampled_from([1, "80", "100m"])
        case shape.Moment():
            return _TIMES
        case shape.ListOf(item):
            return st.lists(_values(item, depth - 1), max_size=2) if depth else st.just([])
        case shape.MapOf(value):
            return st.dictionaries(_TEXT, _values(value, depth - 1), max_size=2)
        case shape.Record():
            return _records(of, depth) if depth else st.just({})
        case _:
            assert_never(of)


def _records(of: shape.Record, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    each = {
        name: st.none() | _values(one, depth - 1)
        for name, one in of.fields.items()
        if name in _READ.split()
    }
    return st.fixed_dictionaries({}, optional=each)


@pytest.mark.parametrize(
    "kind", [*registry.kinds()], ids=lambda kind: f"{kind.plural}.{kind.group}"
)
@settings(max_examples=40)
@given(data=st.data())
def test_any_object_of_a_kind_has_a_cell_for_each_column(kind: Kind, data: st.DataObject) -> None:
    obj = data.draw(_records(shape.of(kind.struct), _DEPTH))
    meta = {
        "creationTimestamp": data.draw(_TIMES),
        "labels": data.draw(_values(shape.MapOf(shape.TEXT), 2)),
    }
    shown = columns.of(kind.group, kind.plural)
    cells = shown.cells(obj | {"metadata": meta}, NOW)
    assert len(cells) == len(shown.definitions)
    msgspec.json.encode(cells)
