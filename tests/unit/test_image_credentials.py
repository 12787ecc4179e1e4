"""Which credentials are read from docker configuration files, and for which image."""

import base64
import json
from pathlib import Path

import pytest

from staticlet.kube import imageref
from staticlet.pods.images import credentials
from staticlet.runtime import port


def auth(user, password):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def users(found, image):
    fitting = credentials.match(found.credentials, imageref.parse(image))
    return [each.auth.username for each in fitting]


def config(**hosts):
    text = json.dumps({"auths": {key: auth(user, "pw") for key, user in hosts.items()}})
    return credentials.parse(text, file="config.json")


def test_each_form_of_credential_is_read():
    entries = {
        "a": auth("u", "p:with:colons"),
        "b": {"username": "u", "password": "p"},
        "c": {**auth("<token>", ""), "identitytoken": "t"},
        "d": {"registrytoken": "t"},
    }
    found = credentials.parse(json.dumps({"auths": entries}), file="config.json")
    assert [each.auth for each in found.credentials] == [
        port.RegistryAuth(username="u", password="p:with:colons"),
        port.RegistryAuth(username="u", password="p"),
        port.RegistryAuth(identity_token="t"),
        port.RegistryAuth(registry_token="t"),
    ]
    assert not found.problems


def test_the_old_form_has_its_entries_at_the_top():
    found = credentials.parse(json.dumps({"quay.io": auth("u", "p")}), file="/x/.dockercfg")
    assert users(found, "quay.io/x") == ["u"]


@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("quay.io", "quay.io/a/b:1"),
        ("https://quay.io", "quay.io/a"),
        ("https://quay.io/v1/", "quay.io/a"),
        ("http://quay.io/v2/a", "quay.io/a/b"),
        ("quay.io/a", "quay.io/a/b"),
        ("quay.io/a", "quay.io/abc"),
        ("*.example.com", "reg.example.com/x"),
        ("r?g.example.com", "reg.example.com/x"),
        ("[a-r]eg.example.com", "reg.example.com/x"),
        ("[^a]eg.example.com", "reg.example.com/x"),
        ("127.0.0.1:5000", "127.0.0.1:5000/x"),
        ("*.0.0.1:5000", "127.0.0.1:5000/x"),
        ("[::1]:5000", "[::1]:5000/x"),
        ("https://index.docker.io/v1/", "nginx"),
        ("docker.io", "nginx"),
        ("docker.io/library", "nginx"),
    ],
)
def test_a_key_fits_its_images(key, image):
    assert users(config(**{key: "u"}), image) == ["u"]


@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("quay.io", "quay.io:443/a"),
        ("quay.io:443", "quay.io/a"),
        ("quay.io/b", "quay.io/a"),
        ("*.example.com", "a.b.example.com/x"),
        ("*.example.com", "example.com/x"),
        ("example.com", "evil-example.com/x"),
        ("127.0.0.1:*", "127.0.0.1:5000/x"),
        ("https://index.docker.io/v1/", "quay.io/nginx"),
        ("nginx", "nginx"),
    ],
)
def test_a_key_does_not_fit_other_images(key, image):
    assert users(config(**{key: "u"}), image) == []


def test_the_most_specific_entry_comes_first_and_all_that_fit_are_tried():
    found = config(**{"quay.io": "host", "quay.io/a/b": "deep", "quay.io/a": "path", "x.io": "no"})
    assert users(found, "quay.io/a/b/c") == ["deep", "path", "host"]


def test_a_broken_entry_spoils_only_itself_and_is_named_without_its_secret():
    entries = {
        "a.io": {"auth": "c2VjcmV0"},
        "b.io": {"auth": "!secret!"},
        "c.io": {},
        "d.io": {"username": 7},
        "e.io": "secret",
        "good.io": auth("u", "p"),
    }
    found = credentials.parse(json.dumps({"auths": entries}), file="/r/config.json")
    assert users(found, "good.io/x") == ["u"]
    assert [p.split(" ")[:5] for p in found.problems] == [
        ["/r/config.json:", "the", "entry", "for", f'"{host}.io"'] for host in "abcde"
    ]
    assert "secret" not in "".join(found.problems)
    assert "c2VjcmV0" not in "".join(found.problems)


def test_a_credential_never_shows_its_secret():
    found = credentials.parse(json.dumps({"auths": {"a": auth("u", "hush")}}), file="config.json")
    assert "hush" not in repr(found)
    assert "hush" not in repr(found.credentials[0].auth)


def test_the_places_are_the_kubelets_in_its_order():
    paths = credentials.search_paths(Path("/var/lib/kubelet"), Path("/"), Path("/root"))
    assert [str(path) for path in paths] == [
        "/var/lib/kubelet/config.json",
        "/config.json",
        "/root/.docker/config.json",
        "/.docker/config.json",
        "/var/lib/kubelet/.dockercfg",
        "/.dockercfg",
        "/root/.dockercfg",
        "/var/lib/kubelet/.dockerconfigjson",
        "/.dockerconfigjson",
        "/root/.dockerconfigjson",
    ]


def test_the_first_good_file_counts_and_broken_ones_before_it_are_named(tmp_path):
    broken = tmp_path / "a" / "config.json"
    other = tmp_path / "b" / "config.json"
    good = tmp_path / "c" / "config.json"
    late = tmp_path / "d" / "config.json"
    for path, text in (
        (broken, '{"auths": {"q.io": {"auth": "hush"'),
        (other, '{"something": "else"}'),
        (good, json.dumps({"auths": {"q.io": auth("good", "p")}})),
        (late, json.dumps({"auths": {"q.io": auth("late", "p")}})),
    ):
        path.parent.mkdir()
        path.write_text(text)
    found = credentials.read([tmp_path / "none", broken, other, good, late])
    assert users(found, "q.io/x") == ["good"]
    (problem,) = found.problems
    assert problem.startswith(f"{broken}: not a docker configuration file: not JSON: ")
    assert "hush" not in problem


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[]", "not a JSON object"),
        (b'{"auths": []}', "auths is not an object"),
        (b"\xff\xfe", "not UTF-8"),
        (b" " * (1 << 20) + b"{}", "larger than 1048576 bytes"),
    ],
)
def test_a_file_of_another_kind_is_named_with_the_reason(tmp_path, content, why):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert credentials.read([path]).problems == (
        f"{path}: not a docker configuration file: {why}",
    )


def test_a_place_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "config.json").mkdir()
    found = credentials.read([tmp_path / "config.json"])
    assert found.problems == (f"{tmp_path / 'config.json'}: cannot read: Is a directory",)


def test_files_are_read_anew_and_a_problem_is_told_once_until_it_is_mended(tmp_path):
    path = tmp_path / "config.json"
    told = []
    files = credentials.Files([path], warn=told.append)
    image = imageref.parse("q.io/x")
    path.write_text("{")
    assert files(image) == files(image) == ()
    assert len(told) == 1
    path.write_text(json.dumps({"auths": {"q.io": auth("u", "p")}}))
    assert [each.auth.password for each in files(image)] == ["p"]
    path.write_text("{")
    files(image)
    assert len(told) == 2
