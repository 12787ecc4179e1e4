"""Warnings, managers, audit events, options: the small decisions of the HTTP layer."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from staticlet.apiserver import calls
from staticlet.apiserver.http import audit, dispatch, metrics, version
from staticlet.app import apioptions

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def test_a_warning_header_is_quoted_and_stays_on_one_line():
    assert dispatch.warning('a "b" \\ c') == '299 - "a \\"b\\" \\\\ c"'
    assert dispatch.warning("a\r\nX-Evil: 1") == '299 - "a X-Evil: 1"'
    assert len(dispatch.warning("x" * 10_000)) < 1100


def test_the_manager_is_what_the_request_says_or_its_program():
    assert dispatch.manager("me", "kubectl/v1") == "me"
    assert dispatch.manager(None, "kubectl/v1.32 (linux)") == "kubectl"
    assert dispatch.manager("", None) == "unknown"
    assert dispatch.manager(None, "\x00\x01") == "unknown"
    assert len(dispatch.manager(None, "x" * 1000)) == dispatch.LONGEST_MANAGER


def test_requests_are_counted_and_timed_and_a_bound_is_within():
    meter = metrics.Metrics(revision=lambda: 7, watches=lambda: 1, connections=lambda: 2)
    get = metrics.Request(verb="GET", version="v1", resource="pods")
    for code, took_s in ((200, 0.001), (200, 0.002), (404, 99.0)):
        meter.count(get, code, took_s)
    meter.count(metrics.Request(verb="WATCH"), 200, 5.0)
    text, media = meter.text()
    lines = [line for line in text.decode().splitlines() if "WATCH" in line or "GET" in line]
    about = 'group="",resource="pods",subresource="",verb="GET",version="v1"'
    took = "apiserver_request_duration_seconds"
    assert media.startswith("text/plain")
    assert "staticlet_api_revision 7.0" in text.decode()
    assert f'apiserver_request_total{{code="200",{about}}} 2.0' in lines
    assert f'apiserver_request_total{{code="404",{about}}} 1.0' in lines
    assert sum("WATCH" in line for line in lines) == 1, "how long a watch took says nothing"
    buckets = [line.rpartition(" ")[2] for line in lines if f"{took}_bucket" in line]
    assert buckets == ["1.0", *["2.0"] * 11, "3.0"]
    assert f"{took}_sum{{{about}}} 99.003" in lines


def test_the_version_has_what_clients_parse():
    told = version.info()
    assert told["gitVersion"].startswith(f"v{told['major']}.{told['minor']}.")


def entry(code: int = 200, **given: object) -> audit.Entry:
    user = calls.User(name="admin", groups=("system:masters",))
    values: dict[str, object] = {
        "id": "1",
        "uri": "/api/v1/namespaces/a/pods/b",
        "target": calls.Target(
            verb="get", path="/x", version="v1", resource="pods", namespace="a", name="b"
        ),
        "user": user,
        "acting": None,
        "source": "127.0.0.1",
        "agent": "kubectl",
        "code": code,
        "reason": "",
        "message": "",
        "allowed": True,
        "received": WHEN,
        "finished": WHEN,
    }
    return audit.Entry(**(values | given))  # type: ignore[arg-type]  # fields of Entry


def test_an_audit_event_says_who_did_what_and_what_came_of_it():
    told = audit.event(entry())
    assert (told["kind"], told["apiVersion"], told["level"]) == (
        "Event",
        "audit.k8s.io/v1",
        "Metadata",
    )
    assert told["user"] == {"username": "admin", "groups": ["system:masters"]}
    assert told["objectRef"] == {
        "resource": "pods",
        "namespace": "a",
        "name": "b",
        "apiVersion": "v1",
    }
    assert told["responseStatus"] == {"metadata": {}, "code": 200}
    assert told["requestReceivedTimestamp"] == "2026-01-02T03:04:05.000678Z"
    assert told["annotations"] == {"authorization.k8s.io/decision": "allow"}


def test_an_audit_event_of_a_refusal_says_why():
    told = audit.event(entry(403, reason="Forbidden", message="no", allowed=False))
    assert told["responseStatus"] == {
        "metadata": {},
        "status": "Failure",
        "message": "no",
        "reason": "Forbidden",
        "code": 403,
    }
    assert told["annotations"] == {"authorization.k8s.io/decision": "forbid"}


def test_an_audit_event_names_both_of_an_impersonation():
    told = audit.event(entry(acting=calls.User(name="robot")))
    assert (told["user"]["username"], told["impersonatedUser"]["username"]) == ("admin", "robot")


def test_bytes_of_a_client_that_are_no_text_are_audited_as_escapes():
    told = audit.event(entry(agent="a\udcff", uri="/\udcfe"))
    assert (told["userAgent"], told["requestURI"]) == ("a\\udcff", "/\\udcfe")


@pytest.mark.parametrize(
    ("resource", "code", "told"),
    [
        ("secrets", 422, False),
        ("secrets", 400, False),
        ("secrets", 403, True),
        ("tokenreviews", 400, False),
        ("pods", 422, True),
    ],
)
def test_the_audit_log_never_quotes_a_secret(resource, code, told):
    target = calls.Target(verb="create", path="/x", version="v1", resource=resource)
    made = audit.event(entry(code, target=target, message="found hunter2"))
    assert ("hunter2" in str(made)) is told


def test_a_line_that_the_disk_cut_off_does_not_spoil_the_next(tmp_path, monkeypatch):
    file = audit.File(tmp_path / "audit.log")
    with monkeypatch.context() as full:
        write = os.write
        full.setattr(os, "write", lambda at, data: write(at, data[:40]))
        file.write(entry(id="torn"))
    file.write(entry(id="2"))
    file.write(entry(id="3"))
    file.close()
    torn, *whole = (tmp_path / "audit.log").read_text().splitlines()
    assert len(torn) == 40
    assert [json.loads(line)["auditID"] for line in whole] == ["2", "3"]


def test_what_could_not_be_read_is_audited_too():
    told = audit.event(entry(400, target=None, user=None, allowed=None))
    assert told["user"] == {}
    assert "objectRef" not in told
    assert "annotations" not in told


def test_only_the_loopback_is_local():
    assert apioptions.Options(node_name="n", address="127.0.0.1").local
    assert apioptions.Options(node_name="n", address="::1").local
    assert not apioptions.Options(node_name="n", address="10.0.0.1").local


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"address": "localhost"}, "is no IP address"),
        ({"certificate": Path("c")}, "go together"),
        ({"key": Path("k")}, "go together"),
        ({"address": "0.0.0.0"}, "give --tls-san"),
        ({"address": "::"}, "give --tls-san"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given, words):
    with pytest.raises(apioptions.CannotServe, match=words):
        apioptions.check(apioptions.Options(node_name="n", **given))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"address": "10.0.0.1"},
        {"address": "0.0.0.0", "names": ("host.example",)},
        {"address": "::", "certificate": Path("c"), "key": Path("k")},
    ],
)
def test_options_that_go_together_are_taken(given):
    apioptions.check(apioptions.Options(node_name="n", **given))
