"""Variables of a container that come from config maps and secrets. Pure.

Follows the kubelet's `makeEnvironmentVariables`: what is optional may be absent, names that are
none are left out with an event, and everything else that cannot be had keeps the container from
being made, in the kubelet's words. No value is ever part of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from staticlet.kube import core
from staticlet.pods import wanted
from staticlet.pods.apiobjects import held, references
from staticlet.pods.faults import ConfigFault

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_TITLES = {held.Kind.CONFIG_MAP: "ConfigMap", held.Kind.SECRET: "Secret"}
_PLURALS = {held.Kind.CONFIG_MAP: "configMap", held.Kind.SECRET: "secret"}

SKIPPED = "InvalidEnvironmentVariableNames"
"""The reason of the event that tells of names that are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What all sources of `envFrom` give together.

    Attributes:
        values: The variables; later sources win.
        skipped: For each source with names that are none, the words of the event.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    skipped: tuple[str, ...] = ()


def whole(pod: wanted.WantedPod, container: core.Container, known: held.Holdings) -> Whole:
    """The variables of a container that come from whole objects.

    Raises:
        ConfigFault: One that is not optional cannot be had, or a value can be no variable's.
    """
    values: dict[str, str] = {}
    skipped: list[str] = []
    for ref, prefix, optional in _sources(pod, container):
        found = _get(known, ref, optional=optional)
        if found is None:
            continue
        bad = []
        for key, value in found.data.items():
            name = prefix + key
            if is_name(name):
                values[name] = _text(value, name)
            else:
                bad.append(name)
        if bad:
            skipped.append(
                f"Keys [{', '.join(sorted(bad))}] from the EnvFrom {_PLURALS[ref.kind]} "
                f"{ref.namespace}/{ref.name} were skipped since they are considered invalid "
                "environment variable names."
            )
    return Whole(values=values, skipped=tuple(skipped))


def of_server(known: held.Holdings) -> Mapping[str, str]:
    """The variables by which a pod finds the API server; none where it has no service.

    Raises:
        ConfigFault: It is not known whether it has one.
    """
    found = _get(known, held.SERVER, optional=True)
    return {} if found is None else {key: _text(text, key) for key, text in found.data.items()}


def value(
    pod: wanted.WantedPod, name: str, source: core.EnvVarSource, known: held.Holdings
) -> str | None:
    """The value of a variable that comes from a key of an object; None where it may be absent.

    Raises:
        ConfigFault: It is not optional and cannot be had, or can be no variable's value.
    """
    if source.configMapKeyRef:
        chosen = source.configMapKeyRef
        ref = references.config_map(pod, chosen.name)
        return _of_key(known, ref, chosen.key, name, optional=bool(chosen.optional))
    if source.secretKeyRef:
        secret = source.secretKeyRef
        ref = references.secret(pod, secret.name)
        return _of_key(known, ref, secret.key, name, optional=bool(secret.optional))
    return None


def is_name(text: str) -> bool:
    """Whether a key, with its prefix, can be the name of a variable."""
    return bool(_NAME.fullmatch(text)) and text != "." and not text.startswith("..")


def _sources(
    pod: wanted.WantedPod, container: core.Container
) -> Iterator[tuple[held.Ref, str, bool]]:
    for every in container.envFrom or ():
        prefix = every.prefix or ""
        if every.configMapRef:
            ref = references.config_map(pod, every.configMapRef.name)
            yield ref, prefix, bool(every.configMapRef.optional)
        elif every.secretRef:
            ref = references.secret(pod, every.secretRef.name)
            yield ref, prefix, bool(every.secretRef.optional)


def _get(known: held.Holdings, ref: held.Ref, *, optional: bool) -> held.Held | None:
    try:
        return known.get(ref)
    except held.Lacking as fault:
        if fault.absent and optional:
            return None
        raise ConfigFault(str(fault)) from fault


def _of_key(
    known: held.Holdings, ref: held.Ref, key: str, name: str, *, optional: bool
) -> str | None:
    found = _get(known, ref, optional=optional)
    if found is not None and key in found.data:
        return _text(found.data[key], name)
    if optional:
        return None
    raise ConfigFault(f"couldn't find key {key} in {_TITLES[ref.kind]} {ref.namespace}/{ref.name}")


def _text(content: bytes, name: str) -> str:
    """The value of a variable, which no runtime takes unless it is text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"  # told outside the handler: the decoding error would carry the value along
    if "\0" in text:
        raise ConfigFault(f"the value of variable {name} is no UTF-8 text, or has a NUL in it")
    return text
