"""`staticlet config` and the flags it shares with `run` and `up`."""

from __future__ import annotations

import json

import pytest
import yaml
from click import testing

from staticlet.cli import main
from staticlet.config import flagtable

HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def run(*args):
    return testing.CliRunner().invoke(main.main, ["config", "--hostname-override", "web", *args])


def test_every_setting_is_printed_with_its_origin(tmp_path):
    path = tmp_path / "k.yaml"
    path.write_text(HEAD + "syncFrequency: 90s\noomScoreAdj: 3\n")
    result = run("--config", str(path), "--node-ip=10.0.0.1", "--strict-manifests")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "nodeName: web # flag --hostname-override" in lines
    assert 'nodeIP: ["10.0.0.1"] # flag --node-ip' in lines
    assert f"syncFrequency: 1m30s # {path}:3:1" in lines
    assert "strictManifests: true # flag --strict-manifests" in lines
    assert "staticPodPath: /etc/kubernetes/manifests # default" in lines
    assert f"# oomScoreAdj ({path}:4:1)" in lines


def test_the_text_is_yaml(tmp_path):
    del tmp_path
    data = yaml.safe_load(run("--cluster-dns", "10.0.0.1").stdout)
    assert data["clusterDNS"] == ["10.0.0.1"]
    assert data["seccompDefault"] is False


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_machines_get_the_same_as_data(output, read):
    data = read(run("-o", output, "--oom-score-adj=5", "-v=2").stdout)
    assert {"field": "logging.verbosity", "value": 2, "origin": "flag --v"} in data["settings"]
    assert data["withoutEffect"] == [{"name": "--oom-score-adj", "origin": "command line"}]


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
def test_header_values_are_never_printed(output):
    result = run("-o", output, "--manifest-url-header", "Authorization:Bearer-xyz")
    assert "Authorization" in result.stdout
    assert "xyz" not in result.output


def test_a_configuration_that_does_not_hold_exits_1_with_a_line_for_each_finding(tmp_path):
    path = tmp_path / "k.yaml"
    path.write_text(HEAD + "syncFrequency: 90\nmaxPod: 3\n")
    result = run("--config", str(path))
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line.split(": ")[:3] for line in lines] == [
        ["error", f"{path}:3:1", "syncFrequency"],
        ["error", f"{path}:4:1", "maxPod"],
    ]


def test_warnings_go_to_standard_error(tmp_path):
    (tmp_path / "a.yaml").write_text("x")
    result = run("--config-dir", str(tmp_path))
    assert result.exit_code == 0
    assert result.stderr == (
        f"warning: {tmp_path}/a.yaml: is not read: the name of a drop-in ends in .conf\n"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--nod-ip", "1.2.3.4"], "--node-ip"),
        (["--sync-frequency", "3"], '"3" has a number without a unit'),
        (["--v", "much"], '"much" is not a whole number'),
    ],
)
def test_a_flag_that_cannot_be_read_is_a_usage_error(args, message):
    result = run(*args)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_kubelets_command_line_is_taken_as_it_is():
    result = run(
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--container-runtime-endpoint=unix:///run/containerd/containerd.sock",
        "--pod-infra-container-image=registry.k8s.io/pause:3.10",
        "--node-labels=a=b",
        "--fail-swap-on=false",
        "--register-node",
        "--cgroup-driver=systemd",
        "--v=2",
    )
    assert result.exit_code == 0, result.output


def test_the_help_shows_what_has_an_effect_and_hides_the_rest():
    shown = run("--help").stdout
    assert "--pod-manifest-path" in shown
    assert "--max-pods" not in shown
    assert all(flag.effective for flag in flagtable.FLAGS.values() if flag.text)
