"""Logs as they are asked for at the API server: which container, where, and how it is refused."""

from __future__ import annotations

from datetime import datetime

import pytest

from staticlet.apiserver.http import kubelets
from staticlet.apiserver.verbs import connect, podlog
from staticlet.kube import refusal


def pod(*names, **others):
    spec = {kind: [{"name": one} for one in each] for kind, each in others.items()}
    spec["containers"] = [{"name": one} for one in names]
    return {"metadata": {"name": "web"}, "spec": spec}


def refused(call, *arguments, **given):
    with pytest.raises(refusal.Refusal) as caught:
        call(*arguments, **given)
    return caught.value


def test_the_only_container_is_meant_when_none_is_named():
    assert podlog.container(pod("a"), "") == "a"
    assert podlog.container(pod("a", initContainers=["i"]), "") == "a"


def test_any_kind_of_container_may_be_named():
    made = pod("a", "b", initContainers=["i"], ephemeralContainers=["e"])
    for name in "abie":
        assert podlog.container(made, name) == name


def test_of_several_one_must_be_named_and_they_are_listed():
    made = pod("a", "b", initContainers=["i"], ephemeralContainers=["e"])
    assert refused(podlog.container, made, "").message == (
        "a container name must be specified for pod web, choose one of: [a b] or one of the init "
        "containers: [i] or one of the ephemeral containers: [e]"
    )
    assert refused(podlog.container, made, "x").message == "container x is not valid for pod web"


def test_what_is_asked_for_goes_to_the_kubelet_and_nothing_else():
    wanted = podlog.options(
        {
            "follow": "true",
            "previous": "false",
            "timestamps": "1",
            "sinceTime": "2026-01-31T13:00:00+01:00",
            "tailLines": "0",
            "limitBytes": "7",
            "insecureSkipTLSVerifyBackend": "true",
            "pretty": "true",
            "other": "x",
        },
        "web",
    )
    assert not wanted.verify
    assert podlog.path("default", "web", "main", wanted) == (
        "/containerLogs/default/web/main?"
        "follow=true&limitBytes=7&sinceTime=2026-01-31T12%3A00%3A00Z&tailLines=0&timestamps=true"
    )
    assert podlog.path("a", "b", "c", podlog.Options()) == "/containerLogs/a/b/c"
    assert podlog.path("a", "b", "c", podlog.Options(since_s=5)).endswith("?sinceSeconds=5")


def test_one_of_the_two_streams_may_be_asked_for():
    for asked, query in (("Stdout", "?stream=Stdout"), ("Stderr", "?stream=Stderr"), ("All", "")):
        wanted = podlog.options({"stream": asked}, "web")
        assert podlog.path("a", "b", "c", wanted) == f"/containerLogs/a/b/c{query}"
    podlog.options({"stream": "All", "tailLines": "5"}, "web")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"stream": "stdout"}, 'stream: Unsupported value: "stdout": supported values: "All", '),
        ({"stream": "Allx"}, 'stream: Unsupported value: "Allx"'),
        (
            {"stream": "Stdout", "tailLines": "5"},
            "`tailLines` and specific `stream` are mutually exclusive for now",
        ),
    ],
)
def test_streams_that_are_none_or_have_a_tail_are_invalid(asked, words):
    found = refused(podlog.options, asked, "web")
    assert found.code == 422
    assert words in found.message


def test_names_cannot_lead_elsewhere():
    assert podlog.path("a/b", "..", "c?x#y", podlog.Options()) == (
        "/containerLogs/a%2Fb/../c%3Fx%23y"
    )  # no object has such a name: a path is made of those that are there


SERVER_ERROR = (
    'an error on the server ("words") has prevented the request from succeeding ( pods/log web)'
)


@pytest.mark.parametrize(
    ("code", "reason", "message"),
    [
        (400, "BadRequest", "words"),
        (500, "InternalError", "Internal error occurred: words"),
        (
            404,
            "NotFound",
            "the server could not find the requested resource ( pods/log web)",
        ),
        (
            401,
            "Unauthorized",
            "the server has asked for the client to provide credentials ( pods/log web)",
        ),
        (403, "Forbidden", "words ( pods/log web)"),
        (
            502,
            "InternalError",
            SERVER_ERROR,
        ),
        (418, "", "the server responded with the status code 418 ( pods/log web)"),
        (302, "", "the server responded with the status code 302 ( pods/log web)"),
    ],
)
def test_a_kubelets_refusal_is_told_in_kubernetes_words(code, reason, message):
    made = podlog.refused(code, "words", "web")
    assert (made.reason, made.message) == (reason, message)
    assert made.code == (code if code >= 400 else 500)


@pytest.mark.parametrize("code", [100, 101, 199, 600, 999])
def test_what_is_no_answer_of_http_is_a_bad_gateway(code):
    assert podlog.refused(code, "words", "web").code == 502


@pytest.mark.parametrize(
    ("host", "bound", "same"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("0.0.0.0", "127.0.0.1", True),
        ("::", "::1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "0.0.0.0", True),
        ("127.0.0.2", "::", True),
        ("192.0.2.1", "0.0.0.0", False),
    ],
)
def test_the_server_knows_itself_by_any_of_its_addresses(host, bound, same):
    assert kubelets.is_at(host, bound) is same


def node(*addresses, port=0):
    return {
        "status": {
            "addresses": [{"type": kind, "address": text} for kind, text in addresses],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
    }


@pytest.mark.parametrize(
    ("made", "url"),
    [
        (node(("InternalIP", "10.0.0.5"), port=10350), "https://10.0.0.5:10350"),
        (node(("InternalIP", "10.0.0.5")), "https://10.0.0.5:10250"),
        (node(("Hostname", "n1"), ("InternalIP", "fd00::1")), "https://[fd00::1]:10250"),
        (node(("Hostname", "n1"), ("ExternalIP", "1.2.3.4")), "https://1.2.3.4:10250"),
        (node(("Hostname", "n1.example")), "https://n1.example:10250"),
        (node(("InternalIP", "a/b@c"), ("Hostname", "n1")), "https://n1:10250"),
    ],
)
def test_a_kubelet_is_where_its_node_says(made, url):
    assert connect.base(made) == url


@pytest.mark.parametrize(
    "text", ["", "a/b", "user@host", "host:1", "h ost", "h\nost", "-x", "a?b", "a#b", "[::1]"]
)
def test_an_address_that_is_none_is_not_asked(text):
    found = refused(connect.base, node(("InternalIP", text)))
    assert found.code == 500
    assert found.message.startswith("no preferred addresses found; known addresses: ")
    assert refused(connect.base, {"status": {}}).code == 500


def test_a_time_is_one_with_a_zone():
    for text in ("x", "2026-01-01", "2026-01-01T00:00:00"):
        assert refused(podlog.options, {"sinceTime": text}, "web").code == 400
    made = podlog.options({"sinceTime": "2026-01-01T00:00:00Z"}, "web")
    assert made.since == datetime.fromisoformat("2026-01-01T00:00:00+00:00")
