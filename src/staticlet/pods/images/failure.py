"""Why a pull failed, made short: which registry, and what it said in its own words.

Runtimes wrap the cause in the steps that they were at, and repeat the reference at each of them.
What is left here are the registry's name and the last link of that chain, unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from staticlet.kube import imageref, quoting
from staticlet.pods.images import words

_WRAPPING = re.compile(
    r"(?:rpc error: code = \w+ desc = "
    r'|failed to pull and unpack image "[^"]*": '
    r'|failed to (?:pull|resolve) (?:image|reference) "[^"]*": '
    r"|(?:initializing source|reading manifest \S+ in|pinging container registry) \S+: )+"
)
_STATUS = re.compile(
    r"(?:pulling from host (?P<host>\S+) failed with|unexpected) status code "
    r"\[(?P<what>[^\]]*)\]: (?P<said>.*)",
    re.DOTALL,
)
_STATUS_OF_URL = re.compile(
    r"unexpected status from \S+ request to https?://(?P<host>[^/\s]+)\S*: (?P<said>.*)", re.DOTALL
)
_REQUEST = re.compile(
    r"(?:failed to do request: )?"
    r'(?:Head|Get|Post) "?https?://(?P<host>[^/"\s]+)[^"\s]*"?: (?P<said>.*)',
    re.DOTALL,
)
_ANSWERS = re.compile(
    r"\b[45]\d\d [A-Z]|not found|unauthorized|denied|authoriz|unexpected status"
    r"|manifest unknown|toomanyrequests|no basic auth credentials",
    re.IGNORECASE,
)
_REFUSALS = re.compile(r"\b40[13]\b|unauthorized|denied|authoriz|no basic auth", re.IGNORECASE)
_KNOWN_REASONS = {
    words.REGISTRY_UNAVAILABLE: "the registry is unavailable",
    words.SIGNATURE_VALIDATION_FAILED: "the signature validation failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to pull.

    Attributes:
        text: What the runtime said.
        credentials: Where the credentials came from; empty when there were none.
    """

    text: str
    credentials: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A pull that failed.

    Attributes:
        reason: The container's waiting reason.
        message: Its waiting message.
        cause: The same without the image, for the event that names it already.
    """

    reason: str
    message: str
    cause: str


def explain(image: str, attempts: Sequence[Attempt]) -> Failure:
    """What to say about a pull for which every attempt failed.

    Args:
        image: The image as the manifest has it; a valid reference.
        attempts: At least one, in the order they were made.
    """
    first = attempts[0].text
    for reason, because in _KNOWN_REASONS.items():
        if first.startswith(reason):
            cause = because + first.removeprefix(reason)
            return Failure(
                reason=reason,
                message=f"image pull failed for {image} because {cause}",
                cause=cause,
            )
    causes = dict.fromkeys(_cause(image, attempt) for attempt in attempts)
    cause = "; ".join(causes)
    message = f"failed to pull image {quoting.quoted(image)}: {cause}"
    return Failure(reason=words.ERR_IMAGE_PULL, message=message, cause=cause)


def _cause(image: str, attempt: Attempt) -> str:
    text = shorten(image, attempt.text)
    if not _REFUSALS.search(text):
        return text
    if attempt.credentials:
        return f"{text} (with the credentials of {attempt.credentials})"
    return f"{text} (without credentials)"


def shorten(image: str, text: str) -> str:
    """One error text of a runtime as `registry HOST said: …` or `cannot reach registry HOST: …`.

    A failure after the registry has answered (no space left, say) keeps its text and names the
    registry in front.
    """
    reference = imageref.parse(image)
    rest = _WRAPPING.sub("", text.strip(), count=1)
    for repeated in (str(imageref.parse(imageref.with_default_tag(image))), image):
        rest = rest.removeprefix(f"{repeated}: ")
    if match := _STATUS.fullmatch(rest):
        host = match["host"] or reference.host
        return f"registry {host} said: {match['said']} [{match['what']}]"
    if match := _STATUS_OF_URL.fullmatch(rest):
        return f"registry {match['host']} said: {match['said']}"
    if match := _REQUEST.fullmatch(rest):
        return f"cannot reach registry {match['host']}: {match['said']}"
    if _ANSWERS.search(rest):
        return f"registry {reference.host} said: {rest}"
    return f"from registry {reference.host}: {rest}"
