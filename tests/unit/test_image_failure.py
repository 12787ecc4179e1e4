"""What is said about a pull that failed."""

import pytest

from staticlet.pods.images import failure

IMAGE = "127.0.0.1:5000/x:1"
CONTAINERD = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (
            (
                f"{CONTAINERD}pulling from host 127.0.0.1:5000 failed with status code "
                "[manifests 1]: 401 Unauthorized"
            ),
            "registry 127.0.0.1:5000 said: 401 Unauthorized [manifests 1]",
        ),
        (
            (
                f"{CONTAINERD}pulling from host mirror.lan failed with status code "
                "[manifests 1]: 500 Internal Server Error"
            ),
            "registry mirror.lan said: 500 Internal Server Error [manifests 1]",
        ),
        (
            (
                f"rpc error: code = Unknown desc = {CONTAINERD}unexpected status code "
                "[manifests 1]: 403 Forbidden"
            ),
            "registry 127.0.0.1:5000 said: 403 Forbidden [manifests 1]",
        ),
        (f"{CONTAINERD}{IMAGE}: not found", "registry 127.0.0.1:5000 said: not found"),
        (
            (
                f"{CONTAINERD}unexpected status from HEAD request to "
                "http://127.0.0.1:5000/v2/x/manifests/1: 502 Bad Gateway"
            ),
            "registry 127.0.0.1:5000 said: 502 Bad Gateway",
        ),
        (
            (
                f"{CONTAINERD}failed to do request: "
                'Head "http://127.0.0.1:5000/v2/x/manifests/1": '
                "dial tcp 127.0.0.1:5000: connect: connection refused"
            ),
            (
                "cannot reach registry 127.0.0.1:5000: dial tcp 127.0.0.1:5000: connect: "
                "connection refused"
            ),
        ),
        (
            (
                f"{CONTAINERD}failed to authorize: failed to fetch anonymous token: "
                "unexpected status: 401 Unauthorized"
            ),
            (
                "registry 127.0.0.1:5000 said: failed to authorize: "
                "failed to fetch anonymous token: "
                "unexpected status: 401 Unauthorized"
            ),
        ),
        (
            (
                f'failed to pull and unpack image "{IMAGE}": failed to extract layer sha256:12: '
                "write /bin/sh: no space left on device"
            ),
            (
                "from registry 127.0.0.1:5000: failed to extract layer sha256:12: write /bin/sh: "
                "no space left on device"
            ),
        ),
        (
            (
                f"initializing source docker://{IMAGE}: reading manifest 1 in 127.0.0.1:5000/x: "
                "manifest unknown"
            ),
            "registry 127.0.0.1:5000 said: manifest unknown",
        ),
    ],
)
def test_what_is_left_is_the_registry_and_its_words(text, short):
    assert failure.shorten(IMAGE, text) == short


def test_the_hub_is_named_for_a_short_name():
    text = (
        'failed to pull and unpack image "docker.io/library/nope:latest": failed to resolve '
        'reference "docker.io/library/nope:latest": pull access denied, repository does not exist '
        "or may require authorization: server message: insufficient_scope: authorization failed"
    )
    short = failure.shorten("nope", text)
    assert short.startswith("registry docker.io said: pull access denied, repository does not")


def test_a_refusal_says_whose_credentials_were_refused():
    refused = f"{CONTAINERD}unexpected status code [manifests 1]: 401 Unauthorized"
    bare = failure.explain(IMAGE, [failure.Attempt(text=refused)])
    assert bare.reason == "ErrImagePull"
    assert bare.message == (
        f'failed to pull image "{IMAGE}": registry 127.0.0.1:5000 said: '
        "401 Unauthorized [manifests 1] (without credentials)"
    )
    both = failure.explain(
        IMAGE,
        [
            failure.Attempt(text=refused, credentials="/r/config.json"),
            failure.Attempt(text=refused, credentials="/r/config.json"),
        ],
    )
    assert both.cause == (
        "registry 127.0.0.1:5000 said: 401 Unauthorized [manifests 1] "
        "(with the credentials of /r/config.json)"
    )


def test_attempts_that_failed_for_different_causes_are_all_told():
    told = failure.explain(
        IMAGE, [failure.Attempt(text="401 Unauthorized"), failure.Attempt(text="not found")]
    )
    assert told.cause == (
        "registry 127.0.0.1:5000 said: 401 Unauthorized (without credentials); "
        "registry 127.0.0.1:5000 said: not found"
    )


def test_the_runtimes_own_reasons_keep_their_names():
    told = failure.explain(IMAGE, [failure.Attempt(text="RegistryUnavailable: it sleeps")])
    assert told.reason == "RegistryUnavailable"
    assert told.message == (
        f"image pull failed for {IMAGE} because the registry is unavailable: it sleeps"
    )
    told = failure.explain(IMAGE, [failure.Attempt(text="SignatureValidationFailed: no key")])
    assert told.reason == "SignatureValidationFailed"


def test_a_bare_status_line_is_a_word_of_the_registry():
    assert failure.shorten(IMAGE, "401 Unauthorized").startswith("registry 127.0.0.1:5000 said")
