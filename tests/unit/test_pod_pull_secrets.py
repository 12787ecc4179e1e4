"""Credentials from the secrets that a pod names for pulling its images."""

import base64
import json

import pytest

from staticlet.kube import imageref
from staticlet.pods.apiobjects import held
from staticlet.pods.images import podsecrets
from staticlet.testing import apicontent

JSON, OLD = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
AUTH = base64.b64encode(b"me:hush").decode()
REFERENCE = imageref.parse("q.io/team/x:1")


def entries(registry="q.io"):
    return {registry: {"auth": AUTH}}


def new(name, registry="q.io"):
    text = json.dumps({"auths": entries(registry)}).encode()
    return apicontent.secret(name, JSON, **{".dockerconfigjson": text})


def old(name):
    return apicontent.secret(name, OLD, **{".dockercfg": json.dumps(entries()).encode()})


def find(*secrets, names=None):
    wanted = names or [ref.name for ref, _ in secrets]
    pod = apicontent.pod(imagePullSecrets=[{"name": name} for name in wanted])
    return podsecrets.find(pod, apicontent.known(*secrets), REFERENCE)


@pytest.mark.parametrize(("secret", "file"), [(new, ".dockerconfigjson"), (old, ".dockercfg")])
def test_both_forms_of_secrets_are_read(secret, file):
    (found,) = find(secret("mine")).credentials
    assert (found.auth.username, found.auth.password) == ("me", "hush")
    assert found.file == f"secret default/mine/{file}"


def test_only_entries_for_the_images_registry_count():
    assert find(new("mine", "other.io")) == podsecrets.Found()


def test_a_pod_without_secrets_brings_nothing():
    assert podsecrets.find(apicontent.pod(), held.NONE, REFERENCE) == podsecrets.Found()


def test_secrets_that_cannot_be_had_are_named_and_the_others_count():
    absent = (apicontent.ref(apicontent.SECRET, "none"), held.Absent())
    found = find(absent, new("mine"), names=["none", "unasked", "mine"])
    assert found.missing == ("none", "unasked")
    assert len(found.credentials) == 1
    assert podsecrets.missing_message(found.missing) == (
        "Unable to retrieve some image pull secrets (none, unasked); attempting to pull the image "
        "may not succeed."
    )


def test_a_secret_of_another_type_brings_nothing():
    assert find(apicontent.secret("mine", **{".dockercfg": b"{}"})) == podsecrets.Found()


@pytest.mark.parametrize("text", [b"hush", b"\xffhush", b'{"auths": ["hush"]}'])
def test_what_is_no_configuration_is_said_without_being_quoted(text):
    found = find(apicontent.secret("mine", JSON, **{".dockerconfigjson": text}))
    (problem,) = found.problems
    assert problem.startswith("secret default/mine: not a docker configuration: ")
    assert "hush" not in problem


def test_a_bad_entry_spoils_itself_alone():
    content = {"auths": {**entries(), "bad.io": {"auth": "hush"}}}
    secret = apicontent.secret("mine", JSON, **{".dockerconfigjson": json.dumps(content).encode()})
    found = find(secret)
    assert len(found.credentials) == 1
    (problem,) = found.problems
    assert problem.startswith('secret default/mine/.dockerconfigjson: the entry for "bad.io"')
    assert "hush" not in problem


def test_no_repr_shows_a_password():
    assert "hush" not in repr(find(new("mine")))
