"""The agent's own socket and the command that asks it, over a real unix socket."""

import asyncio
import json
import stat
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from staticlet.cli import get
from staticlet.kube import core, finding, yamlout
from staticlet.pods import wanted
from staticlet.server import local

WEB = core.Pod(
    apiVersion="v1",
    kind="Pod",
    metadata=core.ObjectMeta(
        name="web-node1", namespace="default", creationTimestamp=datetime(2020, 1, 1, tzinfo=UTC)
    ),
    spec=core.PodSpec(containers=[core.Container(name="c", image="i")], nodeName="node1"),
    status=core.PodStatus(phase="Pending", podIP="10.0.0.2"),
)
OTHER = core.Pod(
    metadata=core.ObjectMeta(name="db-node1", namespace="data"),
    spec=core.PodSpec(containers=[core.Container(name="c", image="i")]),
    status=core.PodStatus(phase="Running"),
)
TYPO = finding.Finding(
    severity=finding.Severity.WARNING,
    source="/m/web.yaml",
    position=finding.Position(7, 5),
    path="spec.containers[0].imagee",
    message='unknown field (did you mean "image"?)',
)
MISSING = finding.Finding(
    severity=finding.Severity.ERROR, source="/n", message="does not exist: create it"
)


class Shown:
    """Two pods, one manifest, one finding of each kind."""

    def pods(self):
        return [WEB, OTHER]

    def manifests(self):
        pod = wanted.WantedPod(
            key=wanted.PodKey("default", "web-node1"),
            uid="u",
            revision="u",
            pod=WEB,
            source="file",
            origin="/m/web.yaml",
            seen=datetime(2026, 1, 1, tzinfo=UTC),
        )
        good = wanted.Manifest(
            origin="/m/web.yaml",
            state=wanted.ManifestState.ACCEPTED,
            pods=(pod,),
            findings=(TYPO,),
        )
        backup = wanted.Manifest(
            origin="/m/web.yaml.bak", state=wanted.ManifestState.IGNORED, note="a backup"
        )
        return wanted.Wanted(manifests=(good, backup), findings=(MISSING,))


async def said(socket, *args):
    """What `staticlet get` prints, and its exit status."""

    def call():
        return CliRunner().invoke(get.command, ["--socket", str(socket), *args])

    result = await asyncio.to_thread(call)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
async def socket(tmp_path):
    path = tmp_path / "run" / "s.sock"
    async with local.serving(Shown(), path):
        yield path


async def test_only_its_owner_can_open_the_socket(socket):
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


async def test_pods_are_shown_in_kubectls_columns(socket):
    code, out, _ = await said(socket, "pods")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert lines[1].split()[:4] == ["web-node1", "0/1", "Pending", "0"]
    assert len(lines) == 2


async def test_all_namespaces_and_wide_columns(socket):
    _, out, _ = await said(socket, "pods", "-A", "-o", "wide")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][:6] == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert lines[1][0] == "default"
    assert lines[1][6:8] == ["10.0.0.2", "node1"]
    assert lines[2][0] == "data"


async def test_a_pod_by_name_is_one_object_and_several_are_a_list(socket):
    _, out, _ = await said(socket, "pods", "web-node1", "-o", "json")
    assert json.loads(out)["metadata"]["name"] == "web-node1"
    _, out, _ = await said(socket, "pods", "-A", "-o", "json")
    assert [item["kind"] for item in json.loads(out)["items"]] == ["Pod", "Pod"]
    _, out, _ = await said(socket, "pods", "web-node1", "-o", "yaml")
    assert out.startswith("apiVersion: v1\nkind: Pod\nmetadata:\n")
    assert yamlout.dump({"name": "web-node1"}).strip() in out


async def test_a_pod_that_is_not_there_is_an_error(socket):
    code, out, err = await said(socket, "pods", "nobody")
    assert (code, out) == (1, "")
    assert err == 'Error from agent (NotFound): pods "nobody" not found\n'


async def test_an_empty_namespace_says_so(socket):
    code, out, err = await said(socket, "pods", "-n", "empty")
    assert (code, out, err) == (0, "", "No resources found in empty namespace.\n")


async def test_manifests_are_shown_with_their_findings_in_full(socket):
    _, out, _ = await said(socket, "manifests")
    assert out == (
        "MANIFEST          STATE      PODS                FINDINGS\n"
        "/m/web.yaml       Accepted   default/web-node1   1 warning\n"
        "/m/web.yaml.bak   Ignored    <none>              a backup\n"
        "\n"
        '/m/web.yaml:7:5: spec.containers[0].imagee: unknown field (did you mean "image"?) '
        "[warning]\n"
        "/n: does not exist: create it\n"
    )


async def test_manifests_as_data(socket):
    _, out, _ = await said(socket, "manifests", "-o", "json")
    first = json.loads(out)["manifests"][0]
    assert first["pods"] == [{"namespace": "default", "name": "web-node1"}]
    assert (first["findings"][0]["line"], first["findings"][0]["column"]) == (7, 5)


async def test_a_missing_agent_is_said_with_what_to_do(tmp_path):
    code, _, err = await said(tmp_path / "none.sock", "pods")
    assert code == 1
    assert "no agent answers on" in err
    assert "--root-dir or --socket" in err


async def test_a_stale_socket_is_replaced(tmp_path):
    path = tmp_path / "s.sock"
    path.write_text("left behind")
    async with local.serving(Shown(), path):
        assert (await said(path, "pods"))[0] == 0
    assert not path.exists()


async def test_a_path_too_long_for_a_socket_is_refused_in_words(tmp_path):
    path = tmp_path / ("x" * 120)
    with pytest.raises(local.SocketFault, match="give a shorter one with --socket"):
        async with local.serving(Shown(), path):
            pass
