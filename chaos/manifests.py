"""Contents for manifest files: good ones of every shape, and bad ones of every kind; pure."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from chaos import model
from chaos.model import Content, Shape, Variant
from staticlet.testing import manifestdir, scripted

ROUND = "chaos.test/round"
"""The annotation of a pod, which the sandbox carries too."""

INIT_CONTAINER = "first"

_NOT_RESTARTED = "OnFailure"


def pod(variant: Variant, *, place: str) -> dict[str, Any]:
    """The manifest of a pod. `place` goes into it, so that no two runs share a UID."""
    env = [{"name": "ROUND", "value": str(variant.round)}, {"name": "PLACE", "value": place}]
    wait = scripted.script(env=env)
    options: dict[str, Any] = {}
    match variant.shape:
        case Shape.PLAIN:
            containers = [wait]
        case Shape.NET:
            containers = [wait]
            options = {"host_network": False}
        case Shape.PAIR:
            containers = [wait, scripted.script(name="side", env=env)]
        case Shape.INIT:
            containers = [wait]
            options = {"initContainers": [scripted.script("true", name=INIT_CONTAINER, env=env)]}
        case Shape.DISK:
            mounts = [
                {"name": "fast", "mountPath": "/fast"},
                {"name": "plain", "mountPath": "/part", "subPath": "part"},
            ]
            containers = [{**wait, "volumeMounts": mounts}]
            fast = {"name": "fast", "emptyDir": {"medium": "Memory"}}
            options = {"volumes": [fast, {"name": "plain", "emptyDir": {}}]}
        case Shape.SLOW:
            text = "trap 'sleep 1; exit 0' TERM; while true; do sleep 60 & wait $!; done"
            containers = [scripted.script(text, env=env)]
        case Shape.STUBBORN:
            containers = [scripted.script("trap '' TERM; while true; do sleep 1; done", env=env)]
            options = {"terminationGracePeriodSeconds": 2}
        case Shape.ONCE:
            containers = [scripted.script("true", env=env)]
            options = {"restartPolicy": _NOT_RESTARTED}
    made = scripted.pod(variant.pod, *containers, **options)
    made["metadata"]["annotations"] = {ROUND: str(variant.round)}
    return made


def containers_of(shape: Shape) -> frozenset[str]:
    """The containers that run in a pod of this shape, or ran to their end."""
    return frozenset({"main", "side"} if shape is Shape.PAIR else {"main"})


def good(variants: Sequence[Variant], *, place: str) -> Content:
    """A file whose documents are all good."""
    return Content(
        text=manifestdir.text_of(*(pod(each, place=place) for each in variants)),
        good=tuple(variants),
    )


def half(variants: Sequence[Variant], *, place: str, rng: random.Random) -> Content:
    """A file that was cut off anywhere: JSON, so that no cut of it is a good one."""
    text = json.dumps(pod(variants[0], place=place))
    return Content(text=text[: rng.randrange(1, len(text))], refused=(None,))


def one_bad(variants: Sequence[Variant], bad: str, *, place: str) -> Content:
    """A file of which one document is refused and says whose it is."""
    texts = []
    for each in variants:
        made = pod(each, place=place)
        if each.pod == bad:
            made["spec"]["restartPolicy"] = "Sometimes"
        texts.append(made)
    return Content(
        text=manifestdir.text_of(*texts),
        good=tuple(each for each in variants if each.pod != bad),
        refused=(bad,),
    )


def garbage(rng: random.Random) -> Content:
    """What no reader can take for a pod."""
    texts = (
        "",
        "# nothing yet\n",
        "apiVersion: v1\nkind: [Pod\n",
        "just words\n",
        "apiVersion: v1\n\tkind: Pod\n",
        "{{ .Values.pod }}\n",
        "<<<<<<< HEAD\napiVersion: v1\n=======\n",
    )
    return Content(text=rng.choice(texts), refused=(None,))


def next_round(variant: Variant, number: int, rng: random.Random) -> Variant:
    """The pod changed: another round, now and then another shape."""
    shape = rng.choice([*model.Shape]) if rng.random() < 0.15 else variant.shape
    return Variant(variant.pod, number, shape)
