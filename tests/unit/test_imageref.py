"""Image references fall into their parts, or say why not."""

import pytest

from staticlet.kube import imageref

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", "", ""),
        ("nginx:1.27", "docker.io", "library/nginx", "1.27", ""),
        ("bitnami/nginx", "docker.io", "bitnami/nginx", "", ""),
        ("docker.io/nginx", "docker.io", "library/nginx", "", ""),
        ("index.docker.io/nginx", "docker.io", "library/nginx", "", ""),
        ("docker.io/a/b:c", "docker.io", "a/b", "c", ""),
        ("localhost/pause:1", "localhost", "pause", "1", ""),
        ("127.0.0.1:5000/x:1", "127.0.0.1:5000", "x", "1", ""),
        ("[::1]:5000/x:1", "[::1]:5000", "x", "1", ""),
        ("registry.k8s.io/a/b/c", "registry.k8s.io", "a/b/c", "", ""),
        ("Registry/x", "Registry", "x", "", ""),
        ("foo_bar.com/x", "foo_bar.com", "x", "", ""),
        (f"nginx@{DIGEST}", "docker.io", "library/nginx", "", DIGEST),
        (f"q.io/a__b/c-d:T_1@{DIGEST}", "q.io", "a__b/c-d", "T_1", DIGEST),
    ],
)
def test_a_reference_falls_into_its_parts(text, host, repository, tag, digest):
    assert imageref.parse(text) == imageref.Reference(
        host=host, repository=repository, tag=tag, digest=digest
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "nginx ",
        "nginx\n",
        ":1",
        "a//b",
        "/a",
        "a/",
        "nginx:",
        "nginx:-x",
        "nginx:" + "x" * 129,
        "a..b",
        "-a",
        "a-",
        "a___b",
        "http://host/x",
        "-bad.host/x",
        "nginx@sha256:abc",
        "nginx@",
        "nginx:1:2",
        "größe",
    ],
)
def test_what_breaks_the_grammar_is_an_invalid_reference_format(text):
    with pytest.raises(imageref.Invalid) as caught:
        imageref.parse(text)
    assert caught.value.cause == "invalid reference format"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "ab" * 32,
            f"invalid repository name ({'ab' * 32}), cannot specify 64-byte hexadecimal strings",
        ),
        ("Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase"),
        ("q.io/A:1", "invalid reference format: repository name (A) must be lowercase"),
        ("q.io/" + "a" * 256, "repository name must not be more than 255 characters"),
        ("a@md5:" + "0" * 32, "unsupported digest algorithm"),
        ("a@sha256:" + "0" * 63, "invalid checksum digest length"),
        ("a@sha256:" + "A" * 64, "invalid checksum digest format"),
    ],
)
def test_a_fault_with_a_name_is_named(text, cause):
    with pytest.raises(imageref.Invalid) as caught:
        imageref.parse(text)
    assert caught.value.cause == cause


def test_the_status_message_of_a_bad_name_is_the_kubelets():
    with pytest.raises(imageref.Invalid) as caught:
        imageref.with_default_tag("a b")
    assert caught.value.status_message == (
        'Failed to apply default image tag "a b": couldn\'t parse image name "a b": '
        "invalid reference format"
    )


def test_only_a_bare_name_gets_the_default_tag():
    assert imageref.with_default_tag("nginx") == "nginx:latest"
    assert imageref.with_default_tag("h:1/nginx") == "h:1/nginx:latest"
    assert imageref.with_default_tag("nginx:1") == "nginx:1"
    assert imageref.with_default_tag(f"nginx@{DIGEST}") == f"nginx@{DIGEST}"


def test_short_and_full_forms_are_the_same_when_normalised():
    assert imageref.normalise("nginx") == "docker.io/library/nginx:latest"
    assert imageref.normalise("index.docker.io/library/nginx:latest") == imageref.normalise(
        "nginx"
    )
