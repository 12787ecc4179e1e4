"""The documents say what is true: links, flags, fields, manifests, and the words of errors."""

import asyncio
import errno
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from staticlet.apiserver.controllers import registry as controllers
from staticlet.apiserver.http import pieces, sending
from staticlet.apiserver.resources import registry
from staticlet.apiserver.store import history, statefile
from staticlet.app import api, apioptions, merging, rootdir, serve, up
from staticlet.cli import main
from staticlet.config import effective, flagtable
from staticlet.config.settings import Settings
from staticlet.host import osfault
from staticlet.kube import core, read, unsupported
from staticlet.kube.protobuf import wire
from staticlet.pods import labels, merge, wanted
from staticlet.runtime.cri import endpoint, faults
from staticlet.runtime.managed import bringup
from staticlet.server import kubeletapi, local
from staticlet.web import body as bodies
from staticlet.web import listener

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"(?<!\!)\[[^\]]+\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HERE = re.compile(r"<<'END'\n(.*?)^END$", re.MULTILINE | re.DOTALL)


def page(name):
    return (ROOT / name).read_text()


def anchors(path):
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", path.read_text()), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name):
    here = ROOT / name
    for target in LINK.findall(BLOCK.sub("", here.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (here.parent / path).resolve() if path else here
        assert found.exists(), f"{name} links to {target}, which is not there"
        assert not anchor or anchor in anchors(found), f"{name}: no heading for {target}"


def test_every_document_is_in_the_index():
    index = page("docs/index.md")
    for path in (ROOT / "docs").rglob("*.md"):
        name = str(path.relative_to(ROOT / "docs"))
        assert name == "index.md" or f"({name})" in index, f"docs/index.md lacks {name}"


def commands(command, path):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), f"{path} {name}")


COMMANDS = dict(commands(main.main, "staticlet"))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_its_options_are_documented(path):
    text = page("docs/configuration.md") + page("docs/up.md") + page("docs/api.md")
    effective_flags = {name for name, flag in flagtable.FLAGS.items() if flag.effective}
    for option in COMMANDS[path].params:
        if not isinstance(option, click.Option) or option.hidden or "--help" in option.opts:
            continue
        for name in (*option.opts, *option.secondary_opts):
            known = name.lstrip("-")
            if known in flagtable.FLAGS and known not in effective_flags:
                continue  # accepted without effect: documented as a whole
            assert f"`{name}`" in text, f"{path} {name} is not documented"


def test_every_field_with_an_effect_is_documented_with_its_default():
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \|", page("docs/configuration.md"), re.MULTILINE)
    documented = dict(rows)
    for field in effective.FIELDS:
        assert field.name in documented, f"{field.name} is not documented"
        default = field.default
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        if isinstance(default, dict):
            shown = "`, `".join(f"{name}: {value}" for name, value in default.items())
        if default not in ("", [], {}):
            assert documented[field.name].startswith(f"`{shown}`"), field.name


def examples():
    static = [
        *(ROOT / "examples").glob("*.yaml"),
        *(ROOT / "examples/cluster/manifests").glob("*"),
    ]
    for path in sorted(static):
        yield str(path.relative_to(ROOT)), path.read_text()
    for name in NAMES:
        text = page(name)
        inline = [body for kind, body in BLOCK.findall(text) if kind == "yaml"]
        for number, body in enumerate([*inline, *HERE.findall(text)]):
            if "kind: Pod" in body:
                yield f"{name}[{number}]", body


MANIFESTS = dict(examples())


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_manifest_in_documents_and_examples_is_good(name):
    reading = read.read(MANIFESTS[name].encode(), source=name, strict=True)
    assert [str(each) for each in reading.findings] == []
    assert reading.pods


def test_the_documents_do_show_manifests():
    assert len([name for name in MANIFESTS if ".md" in name]) >= 2


def said(*args):
    """What a command prints, by line."""
    return CliRunner().invoke(main.main, args).output.splitlines()


BAD = {
    "kind: Deployment": "apiVersion: v1\nkind: Deployment\nmetadata: {name: web}\n",
    "a name that is a boolean": "apiVersion: v1\nkind: Pod\nmetadata: {name: n}\n"
    "spec: {containers: [{name: c, image: i}]}\n",
    "what is not supported": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
    "  containers:\n  - name: web\n    comand: [httpd]\n    image: busybox:1\n    envFrom:\n"
    "    - configMapRef: {name: settings}\n    livenessProbe:\n"
    '      exec: {command: ["true"]}\n',
    "an empty file": "",
}


@pytest.mark.parametrize("case", BAD)
def test_findings_are_documented_in_the_words_of_validate(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(BAD[case])
    findings = [line for line in said("validate", "web.yaml") if line.startswith("web.yaml")]
    assert findings
    for line in findings:
        assert line in page("docs/troubleshooting.md")


def test_the_finding_of_the_broken_example_is_documented(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("manifests").mkdir()
    text = page("examples/hello.yaml").replace("restartPolicy: Always", "restartPolicy: Sometimes")
    Path("manifests/hello.yaml").write_text(text)
    assert said("validate", "manifests/hello.yaml")[0] in page("docs/manifests.md")


def test_errors_of_the_configuration_are_documented(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kubelet.yaml").write_text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        "fileCheckFrequencyy: 3s\n"
    )
    (line,) = said("config", "--config", "kubelet.yaml")
    assert line in page("docs/troubleshooting.md")
    assert line in page("docs/configuration.md")
    assert said("run", "--nonsense")[-1] in page("docs/troubleshooting.md")


def test_what_is_accepted_without_effect_is_told_as_documented():
    assert "\n".join(said("config", "--oom-score-adj=3")[-2:]) in page("docs/configuration.md")


def test_asking_an_agent_that_is_not_there_says_what_is_documented():
    (line,) = said("get", "pods", "--socket", "/run/nowhere.sock")
    assert line in page("docs/troubleshooting.md")


def test_what_up_says_is_documented():
    text = page("docs/troubleshooting.md")
    for line in bringup.missing(uid=1000, which=lambda _: None, cni_bin=None):
        assert line in text or line.startswith("ctr is not installed")
    with pytest.raises(up.CannotUp) as refused:
        up.flags(up.Up(), {"container-runtime-endpoint": ["unix:///run/x.sock"]})
    assert str(refused.value) in text


@pytest.mark.parametrize("error", [FileNotFoundError(), ConnectionRefusedError()])
def test_what_an_absent_runtime_is_told_as_is_documented(error):
    fault = faults.translate(error, endpoint.WELL_KNOWN[0])
    assert f"waiting for a container runtime: {fault}" in page("docs/troubleshooting.md")


def test_the_words_for_two_manifests_with_one_pod_are_documented():
    key = wanted.PodKey("default", "web-node1")
    pods = [
        wanted.WantedPod(
            key=key,
            uid=origin,
            revision=origin,
            pod=core.Pod(),
            source="file",
            origin=origin,
            seen=datetime(2030, 1, 1, tzinfo=UTC),
        )
        for origin in ("/etc/kubernetes/manifests/a.yaml", "b.yaml")
    ]
    manifests = tuple(
        wanted.Manifest(origin=pod.origin, state=wanted.ManifestState.ACCEPTED, pods=(pod,))
        for pod in pods
    )
    merged = merge.merge(
        [wanted.Snapshot(source="file", ready=True, manifests=manifests)], holders={}
    )
    (finding,) = (each for one in merged.manifests for each in one.findings)
    assert str(finding) in page("docs/troubleshooting.md")


async def test_the_words_for_a_root_directory_in_use_are_documented(tmp_path):
    settings = Settings(node_name="n1", root_dir=tmp_path)
    with rootdir.held(settings), pytest.raises(rootdir.CannotStart) as refused:
        await serve.serve_agent(settings, asyncio.Event())
    words = str(refused.value).replace(str(tmp_path), "/var/lib/kubelet")
    assert words.replace(f"pid {os.getpid()}", "pid 4711") in page("docs/troubleshooting.md")


async def test_the_words_for_a_socket_path_that_is_too_long_are_documented(tmp_path):
    path = tmp_path / ("long" * 40) / "staticlet.sock"
    with pytest.raises(local.SocketFault) as refused:
        async with local.serving(None, path):
            pass
    words = str(refused.value).replace(str(path), "/very/long/staticlet.sock")
    assert words in page("docs/troubleshooting.md")


def test_the_limits_of_the_api_are_those_of_the_code():
    text = page("docs/api.md")
    keeping, limits = history.Keeping(), listener.LIMITS
    for row in (
        f"| a request's body | {bodies.LIMIT >> 20} MiB, within {bodies.WITHIN_S:g} s | ",
        f"| fields of a body in protobuf | {wire.LIMIT_FIELDS:,} | 413 |",
        f"| connections | {limits.connections:,} | 429 |",
        f"| connections that have not yet agreed upon TLS | {limits.handshakes:,} | ",
        f"| watches | {sending.MOST_WATCHES:,} | 429 |",
        f"| what a client has not read | for {pieces.SLOW_S:g} s | it is cut off |",
        f"| changes that a watch can go on from | {keeping.revisions:,}, for five minutes; ",
        f"the newest {keeping.few} for longer, within {keeping.size >> 20} MiB | ",
    ):
        assert row in text
    assert keeping.seconds == 5 * 60
    strangers = f"no more\nthan {kubeletapi.LIMITS.handshakes} are kept, of others "
    assert f"{strangers}{kubeletapi.LIMITS.connections}" in page("docs/configuration.md")


def test_every_controller_is_documented():
    for name in controllers.NAMES:
        assert f"| `{name}` | " in page("docs/api.md")


def test_every_kind_that_is_served_is_documented():
    there = page("docs/api.md").partition("## What there is")[2].partition("## Controllers")[0]
    for kind in registry.kinds():
        if not kind.plural.endswith("reviews") and kind.plural != "bindings":
            assert kind.plural in there, f"docs/api.md lacks {kind.plural}"


async def refused_to_serve(place, **options):
    """Why the API is not served, as the command prints it."""
    with pytest.raises(apioptions.CannotServe) as refused:
        await api.serve(
            apioptions.Options(node_name="n1", state_dir=place, port=0, **options), asyncio.Event()
        )
    return f"Error: {refused.value}".replace(str(place), "/var/lib/staticlet/api")


API_FAULTS = [
    {"address": "0.0.0.0"},
    {"address": "localhost"},
    {"certificate": Path("mine.pem")},
    {"controllers": "nonsense"},
    {"token_file": Path("tokens.csv")},
]


@pytest.mark.parametrize("options", API_FAULTS, ids=str)
async def test_what_keeps_the_api_from_being_served_is_documented(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page("docs/troubleshooting.md")
    assert await refused_to_serve(tmp_path / "state", **options) in text


async def test_the_words_for_a_bad_token_file_are_documented(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokens.csv").write_text("abc\n")
    words = await refused_to_serve(tmp_path / "state", token_file=Path("tokens.csv"))
    assert words in page("docs/troubleshooting.md")


async def test_the_words_for_a_bad_state_directory_are_documented(tmp_path):
    text = page("docs/troubleshooting.md")
    (tmp_path / "state.db").write_text("kind: Pod\n")
    assert await refused_to_serve(tmp_path) in text
    (tmp_path / "state.db").unlink()
    (tmp_path / "pki").mkdir(mode=0o700)
    (tmp_path / "pki" / "ca.crt").write_text("lost its key")
    assert await refused_to_serve(tmp_path) in text


async def test_the_words_for_a_state_directory_in_use_are_documented(tmp_path):
    with statefile.claimed(tmp_path / statefile.NAME):
        assert await refused_to_serve(tmp_path) in page("docs/troubleshooting.md")


def test_every_state_of_a_manifest_is_documented():
    for state in wanted.ManifestState:
        assert f"| `{state.value}` |" in page("docs/manifests.md")


def test_all_that_is_not_supported_yet_is_documented():
    text = page("docs/manifests.md")
    tables = (unsupported._IN_SPEC, unsupported._IN_CONTAINER, unsupported._IN_LIFECYCLE)
    rare = {"postStart", "preStop", "evictionResponders", "schedulingGroup", "restartPolicyRules"}
    for field in {name for table in tables for name in table} - rare:
        assert f"`{field}`" in text, f"docs/manifests.md lacks {field}"


def test_what_counts_as_ours_is_documented():
    assert f"`{labels.OWNER}`" in page("docs/how-it-works.md")


def test_every_target_of_make_is_documented_and_none_that_is_not_there():
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE)) - {"help"}
    named = {name: set(re.findall(r"(?:^|`)make ([a-z]+)", page(name), re.M)) for name in NAMES}
    assert named["CONTRIBUTING.md"] == targets
    assert named["README.md"] == {"demo", "test"}
    assert all(found <= targets for found in named.values())


@pytest.mark.parametrize("unit", ["staticlet.service", "staticlet-up.service"])
def test_units_leave_containers_alone(unit):
    text = page(f"deploy/{unit}")
    assert "KillMode=process" in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for option in ("Protect", "PrivateTmp", "PrivateMounts", "ReadWritePaths", "ReadOnlyPaths"):
        assert not any(line.startswith(option) for line in lines)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize(
    "unit", ["staticlet.service", "staticlet-up.service", "staticlet-api.service"]
)
def test_units_are_what_systemd_takes(unit, tmp_path):
    text = page(f"deploy/{unit}").replace("/usr/local/bin/staticlet", "/bin/true")
    (tmp_path / unit).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / unit],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_words_for_a_full_disk_and_a_flood_of_findings_are_documented():
    text = page("docs/troubleshooting.md")
    fault = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert osfault.words(fault, "/var/lib/kubelet/pods/0123") in text
    assert f"the first {merging.MOST_FINDINGS_LOGGED}" in text
