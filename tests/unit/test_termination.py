"""A container's last words."""

import os

from staticlet.pods import termination

LOG = b"".join(
    b"2026-01-02T03:04:05.000000000Z stderr F line %d\n" % number for number in range(100)
)
FALLBACK = "FallbackToLogsOnError"


def of(*, policy="File", exit_code=1, written=b"", log=b"", said=""):
    return termination.message(
        policy=policy, exit_code=exit_code, written=written, log_tail=log, runtime_message=said
    )


def test_what_was_written_is_the_message():
    assert of(written=b"bye") == "bye"
    assert of(written=b"bye", log=LOG, policy=FALLBACK) == "bye"


def test_only_the_end_of_a_long_message_counts():
    assert of(written=b"x" * 5000 + b"end") == "x" * 4093 + "end"


def test_the_log_speaks_only_for_failures_and_when_asked():
    assert of(log=LOG, policy=FALLBACK).splitlines()[0] == "line 20"
    assert of(log=LOG, policy=FALLBACK).endswith("line 99\n")
    assert of(log=LOG, policy=FALLBACK, exit_code=0) == ""
    assert of(log=LOG, policy="File") == ""


def test_the_runtimes_words_come_first():
    assert of(written=b"bye", said="OOM") == "OOM: bye"
    assert of(said="OOM") == "OOM"


def test_bytes_that_are_no_text_never_fail():
    assert of(written=b"\xff\xfe") == "\ufffd\ufffd"


def test_both_files_are_read_from_their_ends(tmp_path):
    words, log = tmp_path / "words", tmp_path / "0.log"
    words.write_bytes(b"")
    log.write_bytes(LOG * 1000)
    found = termination.read(words, log, policy=FALLBACK, exit_code=3)
    assert found.endswith("line 98\nline 99\n")
    assert len(found) <= 2048


def test_what_is_no_regular_file_says_nothing(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for name in ("fifo", "link", "absent", "."):
        assert termination.read_end(tmp_path / name, 10) == b""
