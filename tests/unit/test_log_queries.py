"""What a query for a log asks for: Kubernetes' PodLogOptions as they come in a URL."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from staticlet.pods import logs as domain
from staticlet.server import logs

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, {}),
        ({"follow": "true", "previous": "1", "timestamps": "yes"}, "follow previous timestamps"),
        ({"follow": "", "previous": "t"}, "follow previous"),
        ({"follow": "false", "previous": "0", "timestamps": "FALSE"}, {}),
        ({"tailLines": "0"}, {"tail_lines": 0}),
        ({"tail": "7"}, {"tail_lines": 7}),
        ({"tail": "7", "tailLines": "9"}, {"tail_lines": 7}),
        ({"tail": "all", "tailLines": "9"}, {}),
        ({"limitBytes": "+3"}, {"limit_bytes": 3}),
        ({"sinceSeconds": "60"}, {"since_ns": NOON_NS - 60_000_000_000}),
        ({"sinceTime": "2026-01-01T13:00:00.5+01:00"}, {"since_ns": NOON_NS + 500_000_000}),
        ({"stream": "All", "tailLines": "1"}, {"tail_lines": 1}),
        ({"stream": "Stdout"}, {"stream": "stdout"}),
        ({"stream": "Stderr"}, {"stream": "stderr"}),
        ({"other": "x", "pretty": "true"}, {}),
    ],
    ids=str,
)
def test_a_query_is_read_as_kubernetes_reads_it(query, wanted):
    if isinstance(wanted, str):
        wanted = dict.fromkeys(wanted.split(), True)
    assert logs.options(query, NOON) == domain.Options(**wanted)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"tailLines": "x"}, "tailLines: Invalid value: 'x': must be a whole number"),
        ({"tailLines": "1_0"}, "tailLines: Invalid value: '1_0': must be a whole number"),
        ({"tail": "٣"}, "tail: Invalid value: '٣': must be a whole number"),
        (
            {"limitBytes": "9223372036854775808"},
            "limitBytes: Invalid value: '9223372036854775808': must be a whole number",
        ),
        (
            {"sinceSeconds": "1" * 5000},
            f"sinceSeconds: Invalid value: '{'1' * 40}': must be a whole number",
        ),
        ({"sinceTime": "noon"}, "sinceTime: 'noon' is not an RFC 3339 time"),
    ],
)
def test_a_value_that_cannot_be_read_is_a_bad_request(query, words):
    with pytest.raises(logs.BadOptions) as refused:
        logs.options(query, NOON)
    assert (refused.value.code, str(refused.value)) == (400, words)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            {"tailLines": "-1"},
            "tailLines: Invalid value: -1: must be greater than or equal to 0",
        ),
        ({"limitBytes": "0"}, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        (
            {"sinceSeconds": "5", "sinceTime": "2026-01-01T00:00:00Z"},
            "sinceSeconds: at most one of `sinceTime` or `sinceSeconds` may be given",
        ),
        (
            {"stream": "stdout"},
            'stream: Unsupported value: "stdout": supported values: "All", "Stderr", "Stdout"',
        ),
        (
            {"stream": "Stdout", "tailLines": "5"},
            "`tailLines` and specific `stream` are mutually exclusive for now",
        ),
        (
            {"stream": "Stderr", "tail": "5"},
            "`tailLines` and specific `stream` are mutually exclusive for now",
        ),
    ],
)
def test_a_value_that_cannot_be_is_invalid(query, words):
    with pytest.raises(logs.BadOptions) as refused:
        logs.options(query, NOON)
    assert (refused.value.code, str(refused.value)) == (422, words)
