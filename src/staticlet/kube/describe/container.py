"""Containers as `kubectl describe pod` shows them."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.kube.describe.rows import NONE, Object, Rows


def write(out: Rows, title: str, specs: Sequence[Object], statuses: Sequence[Object]) -> None:
    """Write all containers of a kind under their title."""
    known = {one["name"]: one for one in statuses}
    out.add(0, f"{title}:")
    for spec in specs:
        status = known.get(spec["name"])
        _basics(out, spec, status)
        out.add_words(2, "Command", spec.get("command") or ())
        out.add_words(2, "Args", spec.get("args") or ())
        if status is not None:
            _state(out, status)
        _amounts(out, "Limits", spec)
        _amounts(out, "Requests", spec)
        _environment(out, spec.get("env") or ())
        _mounts(out, spec.get("volumeMounts") or ())


def _basics(out: Rows, spec: Object, status: Object | None) -> None:
    out.add(1, f"{spec['name']}:")
    if status is not None:
        out.add(2, "Container ID:", status.get("containerID") or "")
    out.add(2, "Image:", spec.get("image") or "")
    if status is not None:
        out.add(2, "Image ID:", status.get("imageID") or "")
    given = spec.get("ports") or ()
    own = [f"{p['containerPort']}/{p.get('protocol') or 'TCP'}" for p in given]
    host = [f"{p.get('hostPort') or 0}/{p.get('protocol') or 'TCP'}" for p in given]
    out.add(2, "Ports:" if len(own) > 1 else "Port:", ", ".join(own) or NONE)
    out.add(2, "Host Ports:" if len(host) > 1 else "Host Port:", ", ".join(host) or NONE)


def _state(out: Rows, status: Object) -> None:
    _one_state(out, "State", status.get("state") or {})
    last = status.get("lastState") or {}
    if last.get("terminated"):
        _one_state(out, "Last State", last)
    out.add(2, "Ready:", bool(status.get("ready")))
    out.add(2, "Restart Count:", status.get("restartCount") or 0)


def _one_state(out: Rows, title: str, state: Object) -> None:
    if running := state.get("running"):
        out.add(2, f"{title}:", "Running")
        out.add(3, "Started:", out.time(running.get("startedAt")))
    elif ended := state.get("terminated"):
        out.add(2, f"{title}:", "Terminated")
        for name, words in (("Reason", ended.get("reason")), ("Message", ended.get("message"))):
            if words:
                out.add(3, f"{name}:", words.rstrip("\n"))
        out.add(3, "Exit Code:", ended.get("exitCode") or 0)
        if ended.get("signal"):
            out.add(3, "Signal:", ended["signal"])
        out.add(3, "Started:", out.time(ended.get("startedAt")))
        out.add(3, "Finished:", out.time(ended.get("finishedAt")))
    else:
        out.add(2, f"{title}:", "Waiting")
        waiting = state.get("waiting") or {}
        for name, words in (
            ("Reason", waiting.get("reason")),
            ("Message", waiting.get("message")),
        ):
            if words:
                out.add(3, f"{name}:", words)


def _amounts(out: Rows, title: str, spec: Object) -> None:
    given = (spec.get("resources") or {}).get(title.lower()) or {}
    if given:
        out.add(2, f"{title}:")
    for name, amount in sorted(given.items()):
        out.add(3, f"{name}:", amount)


def _environment(out: Rows, given: Sequence[Object]) -> None:
    if not given:
        out.add(2, "Environment:", NONE)
        return
    out.add(2, "Environment:")
    for one in given:
        first, *others = _value(one).split("\n")
        out.add(3, f"{one['name']}:", first)
        for line in others:
            out.add(3, "", line)


def _value(one: Object) -> str:
    source = one.get("valueFrom") or {}
    if field := source.get("fieldRef"):
        return f" ({field.get('apiVersion') or 'v1'}:{field['fieldPath']})"
    if resource := source.get("resourceFieldRef"):
        return f" ({resource['resource']})"
    return str(one.get("value") or "")


def _mounts(out: Rows, given: Sequence[Object]) -> None:
    if not given:
        out.add(2, "Mounts:", NONE)
        return
    out.add(2, "Mounts:")
    for mount in sorted(given, key=lambda one: str(one["mountPath"])):
        flags = ["ro" if mount.get("readOnly") else "rw"]
        if mount.get("subPath"):
            flags.append(f'path="{mount["subPath"]}"')
        out.add(3, f"{mount['mountPath']} from {mount['name']} ({','.join(flags)})")
