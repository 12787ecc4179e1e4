"""Logs, purely: which container's, from where in the file, and what is shown of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import logs, report, wanted
from staticlet.pods import observed as obs
from staticlet.runtime import port

KEY = wanted.PodKey("default", "web-n1")
SECOND = 1_000_000_000


def line(text, *, at=0, stream="stdout", tag="F"):
    return f"2026-01-01T00:{at // 60:02d}:{at % 60:02d}Z {stream} {tag} {text}\n".encode()


def log(*texts):
    return b"".join(line(text, at=at) for at, text in enumerate(texts))


def reader(data):
    return lambda offset, size: data[offset : offset + size]


def shown(data, **options):
    chosen = logs.Options(**options)
    text = logs.Text(chosen)
    start = logs.begin(reader(data), len(data), chosen)
    return text.feed(data[start:]) + text.end()


def time_ns(at):
    return int(datetime(2026, 1, 1, 0, at // 60, at % 60, tzinfo=UTC).timestamp()) * SECOND


def test_lines_are_shown_without_what_the_runtime_adds():
    assert shown(log("one", "", "two  words")) == b"one\n\ntwo  words\n"


def test_the_time_is_shown_if_wanted_in_one_width():
    assert shown(log("one"), timestamps=True) == b"2026-01-01T00:00:00.000000000Z one\n"


def test_one_stream_is_shown_without_the_other_also_in_parts():
    data = line("a1", tag="P") + line("x", stream="stderr") + line("a2") + line("b")
    data += line("y", stream="stderr")
    assert shown(data) == b"x\na1a2\nb\ny\n"
    assert shown(data, stream="stdout") == b"a1a2\nb\n"
    assert shown(data, stream="stderr") == b"x\ny\n"
    assert shown(data, stream="stderr", limit_bytes=3) == b"x\ny"


@pytest.mark.parametrize(
    ("lines", "text"), [(0, b""), (1, b"c\n"), (2, b"b\nc\n"), (9, b"a\nb\nc\n")]
)
def test_a_tail_is_the_last_lines(lines, text):
    assert shown(log("a", "b", "c"), tail_lines=lines) == text


def test_a_tail_counts_a_line_in_parts_as_one():
    data = log("a") + line("b1", tag="P") + line("b2", tag="P") + line("b3") + line("c")
    assert shown(data, tail_lines=2) == b"b1b2b3\nc\n"


def test_a_tail_neither_counts_nor_shows_what_is_garbled_or_not_ended():
    data = log("a", "b") + b"\x00\xff garbage\n" + log("c") + line("torn")[:-9]
    assert shown(data, tail_lines=2) == b"b\nc\n"


def test_a_tail_reads_the_end_of_a_huge_log_alone():
    block = b"".join(line("x" * 100, at=0) for _ in range(1000))
    read = []

    def read_at(offset, size):
        read.append(size)
        return (block * 100)[offset : offset + size]

    start = logs.tail_start(read_at, len(block) * 100, 10)
    assert (len(block) * 100 - start) == 10 * len(line("x" * 100))
    assert sum(read) <= 2 * logs.BLOCK_BYTES


def test_a_tail_over_several_blocks_is_exact():
    data = b"".join(line(f"{n:05d}" + "y" * 70, at=0) for n in range(3000))
    text = shown(data, tail_lines=2500)
    assert text.count(b"\n") == 2500
    assert text.startswith(b"00500")


def test_only_what_is_as_new_as_wanted_is_shown():
    assert shown(log("a", "b", "c"), since_ns=time_ns(1)) == b"b\nc\n"


def test_where_to_begin_by_time_is_found_without_reading_all():
    data = b"".join(line("z" * 200, at=at) for at in range(3000))
    read = []

    def read_at(offset, size):
        read.append(size)
        return data[offset : offset + size]

    start = logs.since_start(read_at, len(data), time_ns(2990))
    assert len(data) - 2 * logs.BLOCK_BYTES < start
    assert data[:start].count(b"\n") <= 2990
    assert data[start - 1 : start] == b"\n"
    assert sum(read) < len(data)


def test_tail_and_time_both_hold():
    assert shown(log("a", "b", "c", "d"), tail_lines=3, since_ns=time_ns(2)) == b"c\nd\n"
    assert shown(log("a", "b", "c", "d"), tail_lines=1, since_ns=time_ns(2)) == b"d\n"


def test_the_parts_of_two_streams_are_put_together_each_for_itself():
    data = (
        line("out1 ", tag="P")
        + line("err1 ", stream="stderr", tag="P")
        + line("out2")
        + line("err2", stream="stderr")
    )
    assert shown(data) == b"out1 out2\nerr1 err2\n"


def test_a_line_that_is_never_ended_comes_at_the_end_without_an_end():
    assert shown(log("a") + line("b", tag="P")) == b"a\nb"


def test_lines_that_come_in_pieces_are_whole():
    text = logs.Text(logs.Options())
    data = log("first", "second")
    assert b"".join(text.feed(data[at : at + 1]) for at in range(len(data))) == b"first\nsecond\n"


def test_bytes_are_shown_as_the_container_wrote_them():
    data = b"2026-01-01T00:00:00Z stdout F \xff\x00\xfe\r\n"
    assert shown(data) == b"\xff\x00\xfe\r\n"


def test_a_flood_without_line_ends_fills_no_memory_and_what_follows_is_shown():
    text = logs.Text(logs.Options())
    for _ in range(40):
        assert text.feed(b"\xff" * (1 << 17)) == b""
    assert len(text._raw) <= logs.MOST_LINE_BYTES + (1 << 17)
    assert text.feed(b"\n" + log("after")) == b"after\n"


def test_a_line_of_endless_parts_is_shown_before_it_fills_the_memory():
    text = logs.Text(logs.Options())
    part = line("p" * (1 << 14), tag="P")
    assert b"".join(text.feed(part) for _ in range(200)).count(b"p") >= 200 * (1 << 14) // 2


@pytest.mark.parametrize(("limit", "seen"), [(1, b"a"), (3, b"aaa"), (4, b"aaa\n"), (99, None)])
def test_no_more_bytes_are_shown_than_wanted(limit, seen):
    text = logs.Text(logs.Options(limit_bytes=limit))
    got = text.feed(log("aaa", "bbb"))
    assert got[: len(seen or b"")] == (seen or b"")
    assert text.done is (seen is not None)


# Which container


def terminated(container_id="c://t"):
    return core.ContainerState(
        terminated=core.ContainerStateTerminated(exitCode=1, containerID=container_id)
    )


def status(state, last=None):
    one = core.ContainerStatus(
        name="main",
        image="i",
        imageID="",
        ready=False,
        restartCount=0,
        containerID="c://now",
        state=state,
        lastState=last,
    )
    return core.PodStatus(containerStatuses=[one])


RUNNING = core.ContainerState(running=core.ContainerStateRunning())


def waiting(reason):
    return core.ContainerState(waiting=core.ContainerStateWaiting(reason=reason))


@pytest.mark.parametrize(
    ("shown_status", "previous", "container_id"),
    [
        (status(RUNNING), False, "now"),
        (status(RUNNING, terminated("c://old")), True, "old"),
        (status(terminated("c://ended")), False, "ended"),
        (status(waiting("CrashLoopBackOff"), terminated("c://old")), False, "old"),
        (status(waiting("CrashLoopBackOff"), terminated("c://old")), True, "old"),
    ],
)
def test_the_log_of_the_life_that_is_meant_is_chosen(shown_status, previous, container_id):
    assert logs.chosen(shown_status, "web-n1", "main", previous=previous) == container_id


@pytest.mark.parametrize(
    ("shown_status", "previous", "words"),
    [
        (
            status(waiting("ContainerCreating")),
            False,
            'container "main" in pod "web-n1" is waiting to start: ContainerCreating',
        ),
        (
            status(waiting("ImagePullBackOff")),
            False,
            (
                'container "main" in pod "web-n1" is waiting to start: '
                "trying and failing to pull image"
            ),
        ),
        (
            status(waiting("ErrImagePull")),
            False,
            'container "main" in pod "web-n1" is waiting to start: image can\'t be pulled',
        ),
        (
            status(core.ContainerState()),
            False,
            'container "main" in pod "web-n1" is waiting to start - no logs yet',
        ),
        (
            status(RUNNING),
            True,
            'previous terminated container "main" in pod "web-n1" not found',
        ),
        (core.PodStatus(), False, 'container "main" in pod "web-n1" is not available'),
    ],
)
def test_a_log_that_is_not_there_is_refused_in_the_kubelets_words(shown_status, previous, words):
    with pytest.raises(logs.NotAvailable) as refused:
        logs.chosen(shown_status, "web-n1", "main", previous=previous)
    assert str(refused.value) == words


def pod(**spec):
    return wanted.WantedPod(
        key=KEY,
        uid="u1",
        revision="u1",
        pod=core.Pod(
            spec=core.PodSpec(containers=[core.Container(name="main", image="i")], **spec)
        ),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2026, 1, 1, tzinfo=UTC),
    )


def known(*, state=port.ContainerState.RUNNING, want=True, exit_code=0, **spec):
    one = obs.ObservedContainer(
        id="now", name="main", restart_count=3, state=state, exit_code=exit_code
    )
    sandbox = obs.ObservedSandbox(
        id="s", uid="u1", revision="u1", attempt=0, ready=True, containers=(one,)
    )
    made = pod(**spec)
    return report.Report(
        key=KEY,
        want=made if want else None,
        serving=made,
        leaving=None,
        seen=obs.Observed(sandboxes=(sandbox,)),
        past=obs.History(uid="u1"),
    )


SETTINGS = Settings(node_name="n1", pod_logs_dir=Path("/logs"))


def find(of, container="main", state=RUNNING, **options):
    return logs.find(
        of,
        None if of is None else core.Pod(status=status(state)),
        SETTINGS,
        name="web-n1",
        container=container,
        **options,
    )


def test_the_file_is_found_by_pod_and_restart_count():
    found = find(known())
    assert found.path == Path("/logs/default_web-n1_u1/main/3.log")
    assert (found.container_id, found.running, found.again) == ("now", True, True)


def test_of_a_removed_container_the_file_is_still_known():
    report_now = known()
    gone = replace(report_now.seen.sandboxes[0].containers[0], id="old", restart_count=2)
    past = replace(report_now.past, last={"main": gone})
    shown_pod = core.Pod(status=status(RUNNING, terminated("c://old")))
    found = logs.find(
        replace(report_now, past=past),
        shown_pod,
        SETTINGS,
        name="web-n1",
        container="main",
        previous=True,
    )
    assert found.path.name == "2.log"


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [("Always", 0, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_whether_another_life_follows_is_told_by_the_restart_policy(policy, code, again):
    ended = known(state=port.ContainerState.EXITED, exit_code=code, restartPolicy=policy)
    found = find(ended, state=terminated("c://now"))
    assert (found.running, found.again) == (False, again)


def test_a_pod_that_is_being_restarted_by_hand_has_another_life():
    ended = known(state=port.ContainerState.EXITED, restartPolicy="Never")
    doomed = replace(ended, past=replace(ended.past, doomed=frozenset({"s"})))
    assert find(doomed, state=terminated("c://now")).again


def test_a_pod_whose_manifest_is_gone_has_no_other_life():
    leaving = known(state=port.ContainerState.EXITED, want=False)
    assert not find(leaving, state=terminated("c://now")).again


def test_unknown_pods_and_containers_are_refused_in_the_kubelets_words():
    with pytest.raises(logs.Unknown, match='pod "web-n1" does not exist'):
        find(None)
    with pytest.raises(logs.Unknown, match='container "nope" not found in pod "web-n1"'):
        find(known(), "nope")
