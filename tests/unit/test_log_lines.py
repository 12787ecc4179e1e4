"""How a line of the log looks, and which lines there are."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import pytest

from staticlet.aio import logfields
from staticlet.app import logformat, logs
from staticlet.app.logformat import Form
from staticlet.config.settings import Settings

AT = 1_900_000_000.25


def record(message="web: %s", *args, level=logging.INFO, **extra):
    made = logging.LogRecord("staticlet.pods", level, "f.py", 1, message, args or ("hello",), None)
    made.created = AT
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def shown(form, *args, **kwargs):
    return logformat.formatter(form).format(record(*args, **kwargs))


def test_a_file_gets_the_date_in_utc_the_level_and_the_message():
    assert shown(Form.PLAIN) == "2030-03-17T17:46:40.250Z INFO    web: hello"


def test_a_terminal_gets_a_short_time_and_no_colour_unless_it_may():
    line = shown(Form.TERMINAL)
    assert line[2] == line[5] == ":"
    assert line[8:] == " INFO    web: hello"
    assert "\x1b[33mWARNING\x1b[0m web: hello" in shown(Form.COLOUR, level=logging.WARNING)
    assert "\x1b[31mERROR  \x1b[0m" in shown(Form.COLOUR, level=logging.ERROR)


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3)],
)
def test_the_journal_gets_a_priority_for_each_line_and_no_time(level, priority):
    line = shown(Form.JOURNAL, "one\ntwo %s", 2, level=level)
    assert line == f"<{priority}>one\n<{priority}>    two 2"


def test_json_has_time_level_logger_message_and_then_the_fields_of_the_record():
    line = shown(Form.JSON, pod="default/web", container="main", aside=1)
    assert json.loads(line) == {
        "ts": "2030-03-17T17:46:40.250000Z",
        "level": "info",
        "logger": "staticlet.pods",
        "msg": "web: hello",
        "pod": "default/web",
        "container": "main",
        "aside": 1,
    }
    assert list(json.loads(line))[:6] == ["ts", "level", "logger", "msg", "pod", "container"]


def test_no_field_takes_the_place_of_the_time_the_level_or_the_message():
    assert json.loads(shown(Form.JSON, level=logging.INFO, ts="never"))["ts"].startswith("2030")


def test_json_is_one_line_whatever_is_in_it():
    assert "\n" not in shown(Form.JSON, "a\nb %s", "\x1b[31m")


@pytest.mark.parametrize("form", [Form.PLAIN, Form.TERMINAL, Form.COLOUR, Form.JOURNAL])
def test_what_others_say_neither_steers_the_terminal_nor_passes_for_a_line(form):
    line = shown(form, "pull: %s", "no\x1b]0;x\x07\r\n2030-01-01T00:00:00.000Z INFO all is well")
    assert "\x1b]" not in line
    assert "\r" not in line
    assert "\\x1b]0;x\\x07\\x0d" in line
    second = line.split("\n")[1]
    assert second.removeprefix("<6>").startswith("    2030")


def test_a_trace_is_part_of_the_line():
    def failed():
        try:
            int("oh")
        except ValueError:
            return sys.exc_info()
        return None

    made = record(level=logging.ERROR)
    made.exc_info = failed()
    assert (
        "literal for int() with base 10: 'oh'"
        in json.loads(logformat.formatter(Form.JSON).format(made))["trace"]
    )
    assert "literal for int() with base 10: 'oh'" in logformat.formatter(Form.PLAIN).format(made)


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ({}, Form.PLAIN),
        ({"tty": True}, Form.TERMINAL),
        ({"tty": True, "colour": True}, Form.COLOUR),
        ({"colour": True}, Form.PLAIN),
        ({"journal": True}, Form.JOURNAL),
        ({"journal": True, "log_format": "json"}, Form.JSON),
        ({"tty": True, "colour": True, "log_format": "json"}, Form.JSON),
    ],
)
def test_the_form_follows_from_what_reads_the_log(given, form):
    defaults = {"log_format": "text", "tty": False, "journal": False, "colour": False}
    chosen = {**defaults, **given}
    assert logformat.choose(chosen.pop("log_format"), **chosen) is form


async def test_what_a_task_binds_is_on_its_lines_and_on_those_of_what_it_starts():
    seen = {}
    stamp = logfields.Stamp()

    def log_in(name):
        made = record()
        assert stamp.filter(made)
        seen[name] = logformat.fields(made)

    async def worker(name):
        logfields.bind(pod=name)
        logfields.bind(uid=f"uid of {name}")
        await asyncio.sleep(0)
        log_in(name)
        await asyncio.to_thread(log_in, f"thread of {name}")

    async with asyncio.TaskGroup() as group:
        group.create_task(worker("a"))
        group.create_task(worker("b"))
    log_in("outside")
    assert seen["a"] == seen["thread of a"] == {"pod": "a", "uid": "uid of a"}
    assert seen["b"]["pod"] == "b"
    assert seen["outside"] == {}


def test_what_a_line_says_itself_counts_more_than_what_its_task_bound():
    made = record(pod="its own")
    logfields.bind(pod="the task's")
    logfields.Stamp().filter(made)
    assert logformat.fields(made)["pod"] == "its own"


@pytest.mark.parametrize(
    ("verbosity", "debug"),
    [
        (0, set()),
        (1, set()),
        (2, {"staticlet"}),
        (4, {"staticlet", logs.CALLS_LOGGER}),
        (6, {"staticlet", logs.CALLS_LOGGER, ""}),
    ],
)
def test_each_level_tells_more(verbosity, debug):
    levels = logs.levels(verbosity)
    assert {name for name, level in levels.items() if level == logging.DEBUG} == debug
    assert set(levels.values()) <= {logging.DEBUG, logging.INFO}


@pytest.fixture
def _loggers():
    """Leave the loggers as they were."""
    names = ("", "staticlet", logs.CALLS_LOGGER)
    before = [(each, each.level, each.handlers[:]) for each in map(logging.getLogger, names)]
    yield
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


@pytest.mark.usefixtures("_loggers")
def test_the_log_is_set_up_anew_when_the_settings_change(capsys, monkeypatch):
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    log = logging.getLogger("staticlet.test")
    logs.set_up(Settings(node_name="n", log_format="json"))
    log.debug("unheard")
    log.info("heard", extra={"pod": "p"})
    logs.set_up(Settings(node_name="n", verbosity=2))
    log.debug("heard too")
    first, second = capsys.readouterr().err.splitlines()
    assert json.loads(first)["pod"] == "p"
    assert second.endswith("DEBUG   heard too")


@pytest.mark.usefixtures("_loggers")
def test_a_log_that_nobody_reads_any_more_stops_nothing(monkeypatch, capsys):
    class Closed:
        def write(self, _):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stderr", Closed())
    logs.set_up(Settings(node_name="n"))
    logging.getLogger("staticlet").info("to nobody")
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_loggers")
def test_the_journal_is_known_by_its_stream(tmp_path, monkeypatch):
    with (tmp_path / "journal").open("w+") as stream:
        status = (tmp_path / "journal").stat()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        logs.set_up(Settings(node_name="n"))
        logging.getLogger("staticlet").warning("told")
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + 1}")
        logs.set_up(Settings(node_name="n"))
        logging.getLogger("staticlet").warning("told")
        stream.seek(0)
        first, second = stream.read().splitlines()
    assert first == "<4>told"
    assert second.endswith("Z WARNING told")
