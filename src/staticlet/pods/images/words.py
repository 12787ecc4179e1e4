"""The kubelet's words for what happens to images: event messages and waiting messages."""

from __future__ import annotations

from staticlet.kube import quoting

ERR_IMAGE_PULL = "ErrImagePull"
IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
ERR_IMAGE_NEVER_PULL = "ErrImageNeverPull"
INVALID_IMAGE_NAME = "InvalidImageName"
IMAGE_INSPECT_ERROR = "ImageInspectError"
REGISTRY_UNAVAILABLE = "RegistryUnavailable"
SIGNATURE_VALIDATION_FAILED = "SignatureValidationFailed"


def pulling(image: str) -> str:
    """Normal event `Pulling`."""
    return f"Pulling image {quoting.quoted(image)}"


def pulled(image: str, *, pull_s: float, whole_s: float, size_bytes: int) -> str:
    """Normal event `Pulled`, after a pull; `whole_s` includes waiting for its turn."""
    times = f"{duration(pull_s)} ({duration(whole_s)} including waiting)"
    name = quoting.quoted(image)
    return f"Successfully pulled image {name} in {times}. Image size: {size_bytes} bytes."


def already_present(image: str) -> str:
    """Normal event `Pulled`, when no pull was needed."""
    name = quoting.quoted(image)
    return f"Container image {name} already present on machine and can be accessed by the pod"


def backing_off(image: str) -> str:
    """Normal event `BackOff`, and the beginning of the waiting message."""
    return f"Back-off pulling image {quoting.quoted(image)}"


def never_pull(image: str) -> str:
    """Warning event and waiting message `ErrImageNeverPull`."""
    return f"Container image {quoting.quoted(image)} is not present with pull policy of Never"


def inspect_failed(image: str, cause: str) -> str:
    """Warning event `InspectFailed` and waiting message `ImageInspectError`."""
    return f"Failed to inspect image {quoting.quoted(image)}: {cause}"


def pull_failed_event(image: str, cause: str) -> str:
    """Warning event `Failed`, after a pull."""
    return f"Failed to pull image {quoting.quoted(image)}: {cause}"


def duration(seconds: float) -> str:
    """A duration as Go prints it, cut to whole milliseconds: `345ms`, `1.5s`, `1m2.25s`."""
    milliseconds = max(int(seconds * 1000), 0)
    if milliseconds == 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest // 1000}.{rest % 1000:03d}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
