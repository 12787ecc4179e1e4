"""Credentials from the secrets that a pod of the API names for pulling its images. Pure.

Follows the kubelet: what is in them is tried before the files of this machine, and a secret that
cannot be had is a warning, since the pull may succeed without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from staticlet.kube import imageref
from staticlet.pods import wanted
from staticlet.pods.apiobjects import held, references
from staticlet.pods.images import credentials

MISSING = "FailedToRetrieveImagePullSecret"
"""The reason of the event that tells of secrets that cannot be had."""

_KEYS = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a pod's secrets say of an image.

    Attributes:
        credentials: The entries to try, in order.
        missing: The names of secrets that cannot be had.
        problems: What is wrong with others, without what is in them.
    """

    credentials: tuple[credentials.Credential, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())


def find(pod: wanted.WantedPod, known: held.Holdings, reference: imageref.Reference) -> Found:
    """The credentials of a pod for an image."""
    entries: list[credentials.Credential] = []
    missing: list[str] = []
    problems: list[str] = []
    for ref in references.pull_secrets(pod):
        try:
            read = _read(ref, known.get(ref))
        except held.Lacking:
            missing.append(ref.name)
        except credentials.NotDockerConfig as fault:
            problems.append(f"{ref}: not a docker configuration: {fault}")
        else:
            entries += read.credentials
            problems += read.problems
    return Found(
        credentials=credentials.match(entries, reference),
        missing=tuple(missing),
        problems=tuple(problems),
    )


def missing_message(names: tuple[str, ...]) -> str:
    """The words of the event for secrets that cannot be had."""
    return (
        f"Unable to retrieve some image pull secrets ({', '.join(names)}); attempting to pull "
        "the image may not succeed."
    )


def _read(ref: held.Ref, secret: held.Held) -> credentials.Found:
    """The entries of one secret; another type of secret has none, as with the kubelet."""
    key = _KEYS.get(secret.type, "")
    if key not in secret.data:
        return credentials.Found()
    try:
        text = secret.data[key].decode()
    except UnicodeDecodeError:
        text = ""  # told outside the handler: the decoding error would carry the secret along
    found = credentials.parse(text, file=f"{ref}/{key}")
    return found or credentials.Found()
