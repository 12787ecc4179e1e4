"""CRI log lines: what is written is read back, whatever the container wrote."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from staticlet.wire import crilog

STREAMS = st.sampled_from(["stdout", "stderr"])
TEXTS = st.binary(max_size=60).map(lambda text: text.replace(b"\n", b"|"))
TIMES = st.integers(min_value=0, max_value=253_402_300_799_999_999_999)
ENTRIES = st.builds(
    crilog.Entry,
    stamp=TIMES.map(crilog.stamp),
    stream=STREAMS,
    partial=st.booleans(),
    text=TEXTS,
)


@given(ENTRIES)
def test_an_entry_is_read_back_as_it_was_written(entry: crilog.Entry) -> None:
    assert crilog.parse(crilog.line(entry)) == entry


@given(TIMES)
@example(0)
@example(1_475_713_029_669_794_202)
def test_a_time_is_read_back_to_the_nanosecond(at_ns: int) -> None:
    assert crilog.nanoseconds(crilog.stamp(at_ns)) == at_ns


@given(st.binary(max_size=80))
@example(b"")
@example(b"2016-10-06T00:17:09Z")
@example(b"2016-13-06T00:17:09Z stdout F x")
@example(b"0001-01-01T00:00:00+23:59 stdout F x")
def test_any_bytes_are_an_entry_or_a_bad_line(raw: bytes) -> None:
    try:
        entry = crilog.parse(raw)
    except crilog.BadLine:
        return
    assert entry.text == raw.removesuffix(b"\n").split(b" ", 3)[-1] or entry.text == b""


@given(st.lists(ENTRIES, max_size=20))
def test_joining_keeps_every_byte_of_each_stream_in_order(entries: list[crilog.Entry]) -> None:
    whole = list(crilog.joined(entries))
    for stream in ("stdout", "stderr"):
        before = b"".join(entry.text for entry in entries if entry.stream == stream)
        after = b"".join(entry.text for entry in whole if entry.stream == stream)
        assert after == before


@given(st.lists(ENTRIES, max_size=20))
def test_only_what_is_left_at_the_end_stays_partial(entries: list[crilog.Entry]) -> None:
    whole = list(crilog.joined(entries))
    assert sum(not entry.partial for entry in whole) == sum(not e.partial for e in entries)
    assert sum(entry.partial for entry in whole) <= 2


@given(st.lists(ENTRIES, max_size=20), st.integers(1, 40))
def test_a_joined_entry_never_grows_past_the_limit_and_one_part(
    entries: list[crilog.Entry], limit: int
) -> None:
    for entry in crilog.joined(entries, limit_bytes=limit):
        assert len(entry.text) < limit + 60


@given(st.lists(ENTRIES, max_size=12), st.integers(0, 14), st.integers(0, 200))
def test_the_tail_is_the_end_of_the_last_lines_text(
    entries: list[crilog.Entry], lines: int, limit: int
) -> None:
    log = b"".join(map(crilog.line, entries))
    wanted = entries[len(entries) - min(lines, len(entries)) :]
    text = b"".join(e.text + (b"" if e.partial else b"\n") for e in wanted)
    assert crilog.tail(log, lines=lines, limit_bytes=limit) == (text[-limit:] if limit else b"")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"2016-10-06T00:17:09.1Z stdin F x", "stdin"),
        (b"2016-10-06T00:17:09.1Z stdout X x", "tag"),
        (b"yesterday stdout F x", "RFC 3339"),
    ],
)
def test_a_bad_line_says_what_is_wrong(raw: bytes, why: str) -> None:
    with pytest.raises(crilog.BadLine, match=why):
        crilog.parse(raw)


def test_offsets_and_further_tags_are_understood() -> None:
    entry = crilog.parse(b"2016-10-06T02:17:09.5+02:00 stderr P:more hello  there\n")
    assert (entry.partial, entry.stream, entry.text) == (True, "stderr", b"hello  there")
    assert entry.at_ns == crilog.nanoseconds("2016-10-06T00:17:09.500000000Z")
