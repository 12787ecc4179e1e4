"""What a kubeconfig says, and what is said of a bad one."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from staticlet.client import accessfiles, kubeconfig
from staticlet.testing import kubeconfigs

PATH = Path("/etc/k/kubeconfig")
DATA = base64.b64encode(b"pem").decode()
V1 = "client.authentication.k8s.io/v1"


def parse(*given: Any, **fields: Any) -> kubeconfig.Kubeconfig:
    return kubeconfig.parse(kubeconfigs.text(*given, **fields), PATH)


def bad(*given: Any, **fields: Any) -> str:
    with pytest.raises(kubeconfig.BadKubeconfig) as raised:
        parse(*given, **fields)
    text = str(raised.value)
    assert text.startswith(f"{PATH}: ")
    return text.removeprefix(f"{PATH}: ")


def plugin(**fields: Any) -> dict[str, Any]:
    spec = {"apiVersion": V1, "command": "helper", "interactiveMode": "Never"}
    return {"exec": {name: value for name, value in (spec | fields).items() if value is not None}}


def test_the_current_context_chooses_the_cluster_and_the_user() -> None:
    text = """
apiVersion: v1
kind: Config
current-context: two
contexts:
- {name: one, context: {cluster: a, user: me}}
- {name: two, context: {cluster: b, user: you, namespace: ns}}
clusters:
- {name: a, cluster: {server: "https://a"}}
- {name: b, cluster: {server: "https://b:6443/"}}
users:
- {name: me, user: {token: "1"}}
- {name: you, user: {token: "2"}}
"""
    found = kubeconfig.parse(text.encode(), PATH)
    assert (found.cluster.server, found.user.token) == ("https://b:6443", "2")


def test_relative_paths_begin_at_the_file_s_directory() -> None:
    user = {"client-certificate": "pki/me.crt", "client-key": "/abs/me.key", "tokenFile": "t"}
    found = parse(cluster={"certificate-authority": "../ca.crt"}, user=user)
    assert found.files == (
        Path("/etc/k/../ca.crt"),
        Path("/etc/k/pki/me.crt"),
        Path("/abs/me.key"),
        Path("/etc/k/t"),
    )


def test_data_may_stand_in_the_file_itself_broken_into_lines() -> None:
    found = parse(cluster={"certificate-authority-data": DATA[:2] + "\n " + DATA[2:]})
    assert found.cluster.authority is not None
    assert found.cluster.authority.data == b"pem"
    assert found.files == ()


def test_a_context_without_a_user_is_nobody() -> None:
    contexts = [{"name": "it", "context": {"cluster": "c"}}]
    assert parse(contexts=contexts).user == kubeconfig.User()


def test_name_and_password_go_together() -> None:
    assert parse(user={"username": "u", "password": "p"}).user.basic == ("u", "p")


def test_a_plugin_is_read_whole() -> None:
    env = [{"name": "A", "value": "b"}]
    hint = "install\nit"
    found = parse(
        user=plugin(args=["a"], env=env, installHint=hint, provideClusterInfo=True)
    ).user.exec
    assert found == kubeconfig.Exec(
        api_version=V1,
        command="helper",
        args=("a",),
        env=(("A", "b"),),
        install_hint=hint,
        provide_cluster=True,
    )


def test_a_plugin_with_a_slash_is_found_beside_the_file() -> None:
    found = parse(user=plugin(command="./bin/helper")).user.exec
    assert found is not None
    assert found.command == "/etc/k/bin/helper"


def test_an_old_plugin_need_not_say_whether_it_asks_people() -> None:
    spec = plugin(apiVersion="client.authentication.k8s.io/v1beta1", interactiveMode=None)
    assert parse(user=spec).user.exec is not None


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ({"kind": "Pod"}, "kind: is not Config"),
        ({"current-context": ""}, "current-context: is missing"),
        ({"current-context": 3}, "current-context: is not a string"),
        (
            {"current-context": "no"},
            "current-context: names 'no', which is not among the contexts",
        ),
        ({"contexts": {}}, "contexts: is not a list of maps"),
        ({"contexts": [{"name": "it"}]}, "contexts[0].context: is missing"),
        ({"contexts": [{"name": "it", "context": {}}]}, "contexts[0].context.cluster: is missing"),
        ({"clusters": []}, "contexts[0].context.cluster: names 'c'"),
        ({"users": []}, "contexts[0].context.user: names 'u'"),
        ({"users": [{"name": "u", "user": {}}] * 2}, "users: has two entries called 'u'"),
    ],
)
def test_a_bad_whole_is_told_with_the_field(whole: dict[str, Any], words: str) -> None:
    assert bad(**whole).startswith(words)


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"server": ""}, "server: is missing"),
        ({"server": "10.0.0.1:6443"}, "server: is not the URL of a server"),
        ({"server": "ftp://x"}, "server: is not the URL of a server"),
        ({"server": "https://"}, "server: is not the URL of a server"),
        ({"server": "https://h:99999"}, "server: is not a URL"),
        ({"server": "https://[::1"}, "server: is not a URL"),
        ({"server": "https://u:p@h"}, "server: may hold a host"),
        ({"server": "https://h/a b"}, "server: holds characters"),
        ({"proxy-url": "http://p"}, "proxy-url: is not supported"),
        ({"certificate-authority-data": "!!"}, "certificate-authority-data: is not base64"),
        ({"certificate-authority-data": 7}, "certificate-authority-data: is not a string"),
        (
            {"certificate-authority-data": DATA, "certificate-authority": "ca"},
            "certificate-authority: may not stand beside",
        ),
        (
            {"certificate-authority": "ca", "insecure-skip-tls-verify": True},
            "insecure-skip-tls-verify: may not stand beside",
        ),
        ({"insecure-skip-tls-verify": "yes"}, "insecure-skip-tls-verify: is neither true"),
    ],
)
def test_a_bad_cluster_is_told_with_the_field(cluster: dict[str, Any], words: str) -> None:
    assert bad(cluster=cluster).startswith(f"clusters[0].cluster.{words}")


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"token": 123}, "token: is not a string: put it in quotes"),
        ({"token": "a\nb"}, "token: holds control characters"),
        ({"token": "a", "username": "b"}, "token: may not stand beside"),
        ({"client-key": "k"}, "client-certificate: is missing"),
        ({"client-certificate-data": DATA}, "client-key: is missing"),
        ({"as": "root"}, "as: is not supported"),
        ({"auth-provider": {"name": "gcp"}}, "auth-provider: is not supported"),
        (plugin(apiVersion="client.authentication.k8s.io/v1alpha1"), "exec.apiVersion: is not"),
        (plugin(apiVersion=None), "exec.apiVersion: is missing"),
        (plugin(command=None), "exec.command: is missing"),
        (plugin(interactiveMode=None), "exec.interactiveMode: is missing"),
        (plugin(interactiveMode="Always"), "exec.interactiveMode: is Always"),
        (plugin(interactiveMode="Maybe"), "exec.interactiveMode: is not one of"),
        (plugin(args=[1]), "exec.args: is not a list of strings"),
        (plugin(env=[{"value": "x"}]), "exec.env[0].name: is missing"),
        ({"exec": "helper"}, "exec: is not a map"),
    ],
)
def test_a_bad_user_is_told_with_the_field(user: dict[str, Any], words: str) -> None:
    assert bad(user=user).startswith(f"users[0].user.{words}")


@pytest.mark.parametrize("text", [b"", b"[1]", b"a: b: c", b"\xff\xff", b"a: 1\n---\nb: 2", b"x"])
def test_what_is_no_kubeconfig_is_told_so(text: bytes) -> None:
    with pytest.raises(kubeconfig.BadKubeconfig, match=str(PATH)):
        kubeconfig.parse(text, PATH)


def test_a_mistake_tells_no_secret() -> None:
    user = {"token": "s3cret", "password": "s3cret", "client-key-data": "s3cret!"}
    assert "s3cret" not in bad(user=user)


def test_loading_looks_at_the_files_too(tmp_path: Path) -> None:
    path = kubeconfigs.write(tmp_path, cluster={"certificate-authority": "ca.crt"})
    with pytest.raises(kubeconfig.BadKubeconfig) as raised:
        accessfiles.load(path)
    field = "clusters[0].cluster.certificate-authority"
    missing = tmp_path / "ca.crt"
    assert str(raised.value) == f"{path}: {field}: {missing}: no such file or directory"


def test_a_token_file_must_hold_a_token(tmp_path: Path) -> None:
    path = kubeconfigs.write(tmp_path, user={"tokenFile": "t"})
    for data, words in ((b" \n", "is empty"), ("é".encode(), "not ASCII")):
        (tmp_path / "t").write_bytes(data)
        with pytest.raises(kubeconfig.BadKubeconfig, match=words):
            accessfiles.load(path)


def test_a_kubeconfig_that_kubectl_would_write_is_json_or_yaml() -> None:
    assert parse().cluster.server == "https://127.0.0.1:6443"
    assert json.loads(kubeconfigs.text())
