"""Images as a pod worker sees them: by container and restart count, on top of the puller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from staticlet.kube import core
from staticlet.pods import fields, wanted
from staticlet.pods.images import policy, puller
from staticlet.pods.images.view import ImageView, Request


class PodImages:
    """What a worker asks about images; the pod's UID is the owner of what it asks for."""

    def __init__(self, pulls: puller.Puller) -> None:
        self._pulls = pulls

    def need(
        self, pod: wanted.WantedPod, counts: Mapping[str, int], wake: Callable[[], None]
    ) -> None:
        """Ask for the images of these containers, each for the start with that count."""
        for request in _requests(pod, counts):
            self._pulls.need(request, wake)

    def views(self, pod: wanted.WantedPod, counts: Mapping[str, int]) -> Mapping[str, ImageView]:
        """What is known for each container that was asked for with this count."""
        views = ((each.container, self._pulls.view(each)) for each in _requests(pod, counts))
        return {name: view for name, view in views if view is not None}

    def gone(self, uid: str, container: str) -> None:
        """The runtime no longer had the image when it was to be used: ask again."""
        self._pulls.drop(uid, container)

    def forget(self, uid: str) -> None:
        """Drop all that was asked for a UID."""
        self._pulls.forget(uid)


def _requests(pod: wanted.WantedPod, counts: Mapping[str, int]) -> Iterator[Request]:
    for container in fields.all_containers(pod.pod):
        if container.name in counts:
            yield _request(pod.uid, container, counts[container.name])


def _request(uid: str, container: core.Container, start: int) -> Request:
    return Request(
        owner=uid,
        container=container.name,
        image=container.image or "",
        policy=container.imagePullPolicy or policy.IF_NOT_PRESENT,
        start=start,
    )
