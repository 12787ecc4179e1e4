"""Image references: which registry, which repository, which tag or digest.

The grammar and the words of the errors are those of the reference library that docker, containerd
and the kubelet share (distribution/reference): a first part with a dot, a colon or an upper-case
letter, or `localhost`, is a registry; everything else is at docker.io, where a name of one part
lies in `library/`. The kubelet only adds the tag `latest` when there is neither tag nor digest; it
leaves the short name for the runtime to resolve, and so does `with_default_tag`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from staticlet.kube import quoting

DEFAULT_HOST = "docker.io"
DEFAULT_TAG = "latest"

_LEGACY_HOST = "index.docker.io"
_LIBRARY = "library/"
_LONGEST_REPOSITORY = 255
_INVALID_FORMAT = "invalid reference format"

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
# A first part that is no host name but a good path component is let through, as the library does.
_HOST = rf"(?:(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?|{_COMPONENT})"
_REMAINDER = re.compile(
    rf"(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-zA-Z][a-zA-Z0-9]*(?:[-_+.][a-zA-Z][a-zA-Z0-9]*)*:[0-9a-fA-F]{32,}))?"
)
_HOST_PATTERN = re.compile(_HOST)
_IMAGE_ID = re.compile(r"[a-f0-9]{64}")
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


class Invalid(ValueError):
    """The text is no image reference.

    Attributes:
        image: The text.
        cause: What is wrong, in the reference library's words.
    """

    def __init__(self, image: str, cause: str) -> None:
        super().__init__(f"couldn't parse image name {quoting.quoted(image)}: {cause}")
        self.image = image
        self.cause = cause

    @property
    def status_message(self) -> str:
        """The message of a container that waits with the reason `InvalidImageName`."""
        return f"Failed to apply default image tag {quoting.quoted(self.image)}: {self}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A parsed reference; `tag` and `digest` are empty where the text has none.

    Attributes:
        host: The registry with its port: `docker.io`, `127.0.0.1:5000`.
        repository: The path below it: `library/nginx`.
        tag: Without the colon.
        digest: With its algorithm: `sha256:…`.
    """

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository, which is what credentials are looked up for."""
        return f"{self.host}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse(text: str) -> Reference:
    """The reference in full, with docker's defaults for the host but no tag added.

    Raises:
        Invalid: The text is no reference.
    """
    if _IMAGE_ID.fullmatch(text):
        cause = f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        raise Invalid(text, cause)
    host, remainder = _split(text)
    repository = remainder.partition(":")[0]
    if repository != repository.lower():
        raise Invalid(text, f"{_INVALID_FORMAT}: repository name ({repository}) must be lowercase")
    match = _REMAINDER.fullmatch(remainder)
    if match is None or not _HOST_PATTERN.fullmatch(host):
        raise Invalid(text, _INVALID_FORMAT)
    if len(match["repository"]) > _LONGEST_REPOSITORY:
        limit = _LONGEST_REPOSITORY
        raise Invalid(text, f"repository name must not be more than {limit} characters")
    digest = match["digest"] or ""
    if fault := _digest_fault(digest):
        raise Invalid(text, fault)
    return Reference(
        host=host, repository=match["repository"], tag=match["tag"] or "", digest=digest
    )


def with_default_tag(text: str) -> str:
    """The text as the runtime is asked for it: `:latest` added when it has no tag or digest.

    Raises:
        Invalid: The text is no reference.
    """
    reference = parse(text)
    return text if reference.tag or reference.digest else f"{text}:{DEFAULT_TAG}"


def normalise(text: str) -> str:
    """The full form, for comparing: `nginx` is `docker.io/library/nginx:latest`.

    Raises:
        Invalid: The text is no reference.
    """
    return str(parse(with_default_tag(text)))


def _split(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return DEFAULT_HOST, _LIBRARY + text
    if not _is_host(first):
        return DEFAULT_HOST, text
    host = DEFAULT_HOST if first == _LEGACY_HOST else first
    if host == DEFAULT_HOST and "/" not in rest:
        rest = _LIBRARY + rest
    return host, rest


def _is_host(part: str) -> bool:
    return part == "localhost" or "." in part or ":" in part or part != part.lower()


def _digest_fault(digest: str) -> str:
    if not digest:
        return ""
    algorithm, _, value = digest.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None:
        return "unsupported digest algorithm"
    if len(value) != length:
        return "invalid checksum digest length"
    return "" if value == value.lower() else "invalid checksum digest format"
