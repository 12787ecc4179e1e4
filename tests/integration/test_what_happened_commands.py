"""`get events`, `describe pod` and `why pod`, asked over a real unix socket."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from staticlet.cli import main
from staticlet.kube import core
from staticlet.pods import events, journal, wanted
from staticlet.server import local

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = wanted.PodKey("default", "web-node1")
GONE = wanted.PodKey("default", "old-node1")
POD = core.Pod(
    apiVersion="v1",
    kind="Pod",
    metadata=core.ObjectMeta(name=KEY.name, namespace=KEY.namespace, creationTimestamp=START),
    spec=core.PodSpec(containers=[core.Container(name="main", image="i")], nodeName="node1"),
    status=core.PodStatus(phase="Running", startTime=START),
)


class Shown:
    """One pod with an event and a decision, another that is gone, and a manifest without a pod."""

    def __init__(self):
        self.recorder = events.Recorder("node1", lambda: START)
        self.journal = journal.Journal(lambda: START)
        subject = events.of_container(KEY, "u1", "main", pod=POD)
        self.recorder.record(subject, events.NORMAL, "Started", "Container started")
        manifest = events.of_manifest("/m/bad.yaml")
        self.recorder.record(manifest, events.WARNING, "FailedValidation", "is bad")
        self.journal.decide(
            KEY, "waiting for it", "ErrImagePull: no", until=START + timedelta(seconds=5)
        )
        self.journal.decide(GONE, "done with it", "nothing is left")

    def pods(self):
        return [POD]

    def manifests(self):
        pod = wanted.WantedPod(
            key=KEY, uid="u1", revision="u1", pod=POD, source="file", origin="/m/a", seen=START
        )
        conflict = wanted.Manifest(
            origin="/m/0.yaml", state=wanted.ManifestState.CONFLICT, pods=(pod,)
        )
        good = wanted.Manifest(
            origin="/m/web.yaml", state=wanted.ManifestState.ACCEPTED, pods=(pod,)
        )
        return wanted.Wanted(manifests=(conflict, good))

    def node(self):
        return "node1"

    def happened(self):
        return self.recorder.events()

    def remembered(self):
        return self.journal.pods()

    def decisions(self, key):
        return self.journal.of(key)


@pytest.fixture
async def socket(tmp_path):
    path = tmp_path / "s.sock"
    async with local.serving(Shown(), path):
        yield path


async def said(socket, *args):
    """What a command prints, and its exit status."""

    def call():
        return CliRunner().invoke(main.main, [*args, "--socket", str(socket)])

    result = await asyncio.to_thread(call)
    return result.exit_code, result.stdout, result.stderr


async def test_events_in_columns_and_as_objects(socket):
    code, out, _ = await said(socket, "get", "events")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert rows[1][1:] == ["Normal", "Started", "pod/web-node1", "Container", "started"]
    assert rows[2][1:] == ["Warning", "FailedValidation", "manifest//m/bad.yaml", "is", "bad"]
    _, out, _ = await said(socket, "get", "events", "-A", "-o", "json")
    first, second = json.loads(out)["items"]
    assert first["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "default",
        "name": "web-node1",
        "uid": "u1",
        "fieldPath": "spec.containers{main}",
    }
    assert first["metadata"]["name"] == f"web-node1.{int(START.timestamp()) * 10**9:x}"
    assert first["firstTimestamp"] == "2026-01-01T00:00:00Z"
    assert "/" not in second["metadata"]["name"]


async def test_no_events_in_a_namespace_are_said(socket):
    _, out, err = await said(socket, "get", "events", "-n", "empty")
    assert (out, err) == ("", "No resources found in empty namespace.\n")


@pytest.mark.parametrize("noun", ["pod", "pods", "po"])
@pytest.mark.parametrize("name", ["web", "web-node1", "pod/web"])
async def test_a_pod_is_described_by_any_of_its_names(socket, noun, name):
    code, out, _ = await said(socket, "describe", noun, name)
    assert code == 0
    words = [" ".join(line.split()) for line in out.splitlines()]
    assert words[0] == "Name: web-node1"
    assert "Origin: /m/web.yaml" in words
    assert words[-1].endswith("staticlet Container started")
    assert "is bad" not in out


async def test_the_story_of_a_pod_and_of_one_that_is_gone(socket):
    _, out, _ = await said(socket, "why", "pod", "web")
    lines = out.splitlines()
    assert lines[0] == "Pod default/web-node1: Running, 0/1 ready, restarts: 0"
    assert "waiting for it" in lines[3]
    assert "ErrImagePull: no, until " in lines[3]
    _, out, _ = await said(socket, "why", "pod", "old")
    assert out.startswith("Pod default/old-node1: gone\n")
    assert "done with it" in out
    _, out, _ = await said(socket, "why", "pod", "old", "-o", "json")
    assert json.loads(out)["decisions"][0]["why"] == "nothing is left"


@pytest.mark.parametrize("command", ["describe", "why"])
async def test_a_pod_that_never_was_is_not_found(socket, command):
    code, out, err = await said(socket, command, "pod", "nobody")
    assert (code, out) == (1, "")
    assert err == 'Error from agent (NotFound): pods "nobody" not found\n'


async def test_a_pod_in_another_namespace_is_named(socket):
    _, _, err = await said(socket, "describe", "pod", "web", "-n", "kube-system")
    assert err == (
        'Error from agent (NotFound): pods "web" not found in namespace kube-system; '
        "there is one with -n default\n"
    )
