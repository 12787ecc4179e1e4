"""Why a pod or a container can not be made from its manifest: faults with the kubelet's reasons.

PodFault                the pod can not start yet; `reason` is that of the event
├── ConfigFault         a container's config can not be made (CreateContainerConfigError)
└── VolumeFault         a volume can not be prepared (FailedMount)
"""

from __future__ import annotations


class PodFault(Exception):
    """Something in the manifest does not fit this machine.

    Attributes:
        reason: The reason of the event or of the waiting state, as the kubelet names it.
        message: What is wrong, for people.
    """

    def __init__(self, message: str, *, reason: str = "Failed") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class ConfigFault(PodFault):
    """A container's configuration can not be made from the manifest and its image."""

    def __init__(self, message: str, *, reason: str = "CreateContainerConfigError") -> None:
        super().__init__(message, reason=reason)


class VolumeFault(PodFault):
    """A volume can not be prepared; `volume` is its name in the pod."""

    def __init__(self, volume: str, detail: str) -> None:
        text = f'MountVolume.SetUp failed for volume "{volume}" : {detail}'
        super().__init__(text, reason="FailedMount")
        self.volume = volume


class UnsafeName(PodFault):
    """A name from a manifest or a runtime would lead out of its directory."""
