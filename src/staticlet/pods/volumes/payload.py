"""What is in a volume that is written from objects: its files, as a pure function.

Follows the kubelet's configMap, secret, downwardAPI and projected plugins: which keys become which
files with which modes, and the words for what is missing. Of two sources with one path the later
one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from staticlet.host import atomicfiles
from staticlet.kube import core, quoting
from staticlet.pods import env, fields
from staticlet.pods.apiobjects import held, references
from staticlet.pods.faults import ConfigFault, VolumeFault

DEFAULT_MODE = 0o644
_TOKEN_MODE = 0o600
_GROUP_READS = 0o440
_MAPS: Mapping[str, Callable[[core.Pod], Mapping[str, str]]] = {
    "metadata.labels": fields.labels_of,
    "metadata.annotations": fields.annotations_of,
}
_NOT_YET = ("clusterTrustBundle", "podCertificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    key: str
    path: str
    mode: int


def files(volume: core.Volume, around: env.Surroundings) -> tuple[atomicfiles.File, ...]:
    """The files of a configMap, secret, downwardAPI or projected volume.

    Args:
        volume: One of the pod's.
        around: The pod, the machine, and what is known of the API's objects.

    Raises:
        VolumeFault: Something that is not optional cannot be had.
    """
    try:
        found = tuple(_all(volume, around))
    except (held.Lacking, ConfigFault) as fault:
        raise VolumeFault(volume.name, str(fault)) from fault
    if fields.security(around.wanted.pod).fsGroup is None:
        return found
    return tuple(_for_group(one) for one in found)


def _for_group(one: atomicfiles.File) -> atomicfiles.File:
    return atomicfiles.File(
        path=one.path, content=one.content, mode=one.mode | _GROUP_READS, owner=one.owner
    )


def _all(volume: core.Volume, around: env.Surroundings) -> Iterator[atomicfiles.File]:
    pod = around.wanted
    if source := volume.configMap:
        ref = references.config_map(pod, source.name)
        mode = _mode(source.defaultMode)
        yield from _of(ref, source.items, mode, around.held, optional=bool(source.optional))
    elif secret := volume.secret:
        ref = references.secret(pod, secret.secretName)
        mode = _mode(secret.defaultMode)
        yield from _of(ref, secret.items, mode, around.held, optional=bool(secret.optional))
    elif down := volume.downwardAPI:
        yield from _downward(down.items or (), _mode(down.defaultMode), around)
    elif projected := volume.projected:
        mode = _mode(projected.defaultMode)
        for one in projected.sources or ():
            yield from _projected(volume.name, one, mode, around)


def _projected(
    volume: str, one: core.VolumeProjection, mode: int, around: env.Surroundings
) -> Iterator[atomicfiles.File]:
    pod = around.wanted
    if source := one.configMap:
        ref = references.config_map(pod, source.name)
        yield from _of(ref, source.items, mode, around.held, optional=bool(source.optional))
    if secret := one.secret:
        ref = references.secret(pod, secret.name)
        yield from _of(ref, secret.items, mode, around.held, optional=bool(secret.optional))
    if down := one.downwardAPI:
        yield from _downward(down.items or (), mode, around)
    if token := one.serviceAccountToken:
        yield _token(token, mode, around)
    for kind in _NOT_YET:
        if getattr(one, kind, None) is not None:
            raise VolumeFault(volume, f"projected sources of kind {kind} are not supported yet")


def _of(
    ref: held.Ref,
    items: Iterable[core.KeyToPath] | None,
    mode: int,
    known: held.Holdings,
    *,
    optional: bool,
) -> Iterator[atomicfiles.File]:
    """The files of one object: all its keys, or those that are named."""
    try:
        there = known.get(ref)
    except held.Lacking as fault:
        if fault.absent and optional:
            return
        raise
    content = {**there.data, **there.binary}
    if not items:
        chosen = [_Item(key=key, path=key, mode=mode) for key in content]
    else:
        own = (mode if one.mode is None else one.mode for one in items)
        chosen = [
            _Item(key=one.key, path=one.path, mode=bits)
            for one, bits in zip(items, own, strict=True)
        ]
    for one in chosen:
        if one.key in content:
            yield atomicfiles.File(path=one.path, content=content[one.key], mode=one.mode)
        elif not optional:
            raise held.Lacking(_no_key(ref, one.key), absent=True)


def _no_key(ref: held.Ref, key: str) -> str:
    if ref.kind is held.Kind.SECRET:
        return f"references non-existent secret key: {key}"
    return f"configmap references non-existent config key: {key}"


def _downward(
    items: Iterable[core.DownwardAPIVolumeFile], mode: int, around: env.Surroundings
) -> Iterator[atomicfiles.File]:
    for one in items:
        bits = mode if one.mode is None else one.mode
        text = _of_the_pod(one, around)
        yield atomicfiles.File(path=one.path, content=text.encode(errors="replace"), mode=bits)


def _of_the_pod(one: core.DownwardAPIVolumeFile, around: env.Surroundings) -> str:
    pod = around.wanted.pod
    if one.fieldRef and one.fieldRef.fieldPath in _MAPS:
        entries = sorted(_MAPS[one.fieldRef.fieldPath](pod).items())
        return "\n".join(f"{key}={quoting.quoted(value)}" for key, value in entries)
    if one.fieldRef:
        return env.field_value(one.fieldRef.fieldPath, around)
    if one.resourceFieldRef:
        return env.resource_value(one.resourceFieldRef, fields.containers(pod)[0], around)
    return ""


def _token(
    source: core.ServiceAccountTokenProjection, mode: int, around: env.Surroundings
) -> atomicfiles.File:
    """The token's file, which only those may read whom the pod runs as, where it says who."""
    pod = around.wanted
    content = around.held.get(references.token(pod, source)).data[held.TOKEN]
    user = _only_user(pod.pod)
    if user is not None or fields.security(pod.pod).fsGroup is not None:
        mode = _TOKEN_MODE
    return atomicfiles.File(path=source.path, content=content, mode=mode, owner=user or 0)


def _only_user(pod: core.Pod) -> int | None:
    """The user that all containers run as, where the pod says so."""
    default = fields.security(pod).runAsUser
    users = {
        default if own is None else own
        for one in fields.all_containers(pod)
        for own in (fields.container_security(one).runAsUser,)
    }
    return users.pop() if len(users) == 1 else None


def _mode(given: int | None) -> int:
    return DEFAULT_MODE if given is None else given
