"""Transcripts: times, ages, ids and paths are made the same, and what matters is left alone."""

import pytest

from staticlet.testing import transcript

PATHS = {"/tmp/x/m": "/etc/manifests"}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Sun, 22 Nov 2026 04:36:59 +0000", "Thu, 01 Jan 2026 10:00:00 +0000"),
        ("seen: 2026-11-22T04:36:59.483710000Z", "seen: 2026-01-01T10:00:00Z"),
        ("'2026-11-22T04:36:59Z'", "'2026-01-01T10:00:00Z'"),
        ("until 04:36:59", "until 10:00:00"),
        ("sha256:" + "9a" * 32, "sha256:" + "0123456789abcdef" * 4),
        ("pod(" + "9a" * 16 + ")", "pod(" + "0123456789abcdef" * 2 + ")"),
        ("/tmp/x/m/web.yaml:6:3: bad", "/etc/manifests/web.yaml:6:3: bad"),
        ("exited 3, 12s ago", "exited 3, 1s ago"),
        ("back-off 10s, grace 30s", "back-off 10s, grace 30s"),
    ],
)
def test_what_differs_from_run_to_run_is_made_the_same(said, shown):
    assert transcript.normalised(said + "\n", PATHS) == shown + "\n"


def test_a_table_is_laid_out_by_what_is_shown():
    said = (
        "NAME       RESTARTS       AGE\n"
        "crash-n1   12 (11m ago)   3h12m\n"
        "web-n1     0              2d\n"
        "\n"
        "after      it\n"
    )
    assert transcript.normalised(said, {}) == (
        "NAME       RESTARTS      AGE\n"
        "crash-n1   12 (5s ago)   5s\n"
        "web-n1     0             5s\n"
        "\n"
        "after      it\n"
    )


def test_the_events_of_a_description_are_laid_out_anew():
    said = (
        "Events:\n"
        "  Type    Reason   Age                  From       Message\n"
        "  ----    ------   ----                 ----       -------\n"
        "  Normal  Started  2m13s (x2 over 10m)  staticlet  Container  started\n"
    )
    assert transcript.normalised(said, {}) == (
        "Events:\n"
        "  Type    Reason   Age              From       Message\n"
        "  ----    ------   ----             ----       -------\n"
        "  Normal  Started  5s (x2 over 5s)  staticlet  Container  started\n"
    )


def test_two_pages_differ_by_lines_and_not_by_their_order_in_a_block():
    there = "a\n```\none\ntwo\n```\n"
    assert list(transcript.differences(there, "a\n```\ntwo\none\n```\n")) == []
    assert list(transcript.differences(there, "a\n```\none\nthree\n```\n")) == [
        "- two",
        "+ three",
    ]
    assert list(transcript.differences(there, "a\n")) != []
