"""Pods of the API with what they refer to, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from staticlet.kube import core
from staticlet.pods import env, wanted
from staticlet.pods.apiobjects import held
from staticlet.testing import wantedpods

CONFIG_MAP, SECRET, SERVICE = held.Kind.CONFIG_MAP, held.Kind.SECRET, held.Kind.SERVICE


def pod(*containers: dict[str, Any], **spec: Any) -> wanted.WantedPod:
    """A pod of the API."""
    return replace(wantedpods.wanted(*containers, **spec), source=wanted.API)


def ref(kind: held.Kind, name: str) -> held.Ref:
    """A reference of such a pod."""
    return held.Ref(kind=kind, namespace="default", name=name)


def config_map(name: str, **values: str) -> tuple[held.Ref, held.Held]:
    """A config map, with its reference."""
    data = {key: value.encode() for key, value in values.items()}
    return ref(CONFIG_MAP, name), held.Held(data=data)


def secret(name: str, kind: str = "Opaque", **values: bytes) -> tuple[held.Ref, held.Held]:
    """A secret, with its reference."""
    return ref(SECRET, name), held.Held(data=values, type=kind)


def known(*answers: tuple[held.AnyRef, held.Answer]) -> held.Holdings:
    """What is known of objects."""
    return held.Holdings(dict(answers))


def around(
    of: wanted.WantedPod, answers: held.Holdings | Mapping[held.AnyRef, held.Answer]
) -> env.Surroundings:
    """What the variables and volumes of a pod can speak of."""
    holdings = answers if isinstance(answers, held.Holdings) else held.Holdings(answers)
    return env.Surroundings(wanted=of, node=wantedpods.NODE, ips=("10.0.0.5",), held=holdings)


def volume_of(of: wanted.WantedPod) -> core.Volume:
    """The first volume of a pod."""
    return (of.pod.spec.volumes or [])[0] if of.pod.spec else core.Volume(name="")
