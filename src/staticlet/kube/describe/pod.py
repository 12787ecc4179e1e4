"""A pod as `kubectl describe pod` shows it, with what became of its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from staticlet.kube import rfc3339, table
from staticlet.kube.describe import container, rows, volume
from staticlet.kube.describe.rows import NONE, Object, Rows


def describe(
    pod: Object,
    *,
    manifest: Object | None,
    events: Sequence[Object],
    now: datetime,
    zone: tzinfo | None = None,
) -> str:
    """The description of one pod.

    Args:
        pod: The pod with its status.
        manifest: Its manifest as the agent lists it; None when there is none any more.
        events: The pod's events, as the API has them, the last at the end.
        now: The time, for ages.
        zone: The time zone of what is printed; None for this machine's.
    """
    out = Rows(zone)
    _head(out, pod)
    _status(out, pod, now)
    spec, status = pod["spec"], pod.get("status") or {}
    inits = spec.get("initContainers") or ()
    if inits:
        container.write(out, "Init Containers", inits, status.get("initContainerStatuses") or ())
    container.write(
        out, "Containers", spec.get("containers") or (), status.get("containerStatuses") or ()
    )
    _conditions(out, status.get("conditions") or ())
    volume.write(out, spec.get("volumes") or ())
    out.add(0, "QoS Class:", status.get("qosClass") or "")
    out.add_lines("Node-Selectors", rows.label_lines(spec.get("nodeSelector")))
    out.add_lines("Tolerations", _tolerations(spec.get("tolerations") or ()))
    _manifest(out, manifest)
    return out.text() + _events(events, now, zone)


def _head(out: Rows, pod: Object) -> None:
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    out.add(0, "Name:", meta["name"])
    out.add(0, "Namespace:", meta.get("namespace") or "default")
    if spec.get("priority") is not None:
        out.add(0, "Priority:", spec["priority"])
    for title, field in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(field):
            out.add(0, f"{title}:", spec[field])
    node = spec.get("nodeName")
    out.add(0, "Node:", f"{node}/{status.get('hostIP') or ''}" if node else NONE)
    if status.get("startTime"):
        out.add(0, "Start Time:", out.time(status["startTime"]))
    out.add_lines("Labels", rows.label_lines(meta.get("labels")))
    out.add_lines("Annotations", rows.annotation_lines(meta.get("annotations")))


def _status(out: Rows, pod: Object, now: datetime) -> None:
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    phase = status.get("phase") or ""
    if meta.get("deletionTimestamp") and phase not in ("Failed", "Succeeded"):
        since = table.human_duration(now - rfc3339.moment(meta["deletionTimestamp"]))
        grace = spec.get("terminationGracePeriodSeconds")
        out.add(0, "Status:", f"Terminating (lasts {since})")
        out.add(0, "Termination Grace Period:", f"{30 if grace is None else grace}s")
    else:
        out.add(0, "Status:", phase)
    for title in ("Reason", "Message"):
        if status.get(title.lower()):
            out.add(0, f"{title}:", status[title.lower()])
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    if profile:
        out.add(0, "SeccompProfile:", profile.get("type") or "")
    out.add(0, "IP:", status.get("podIP") or "")
    ips = [one["ip"] for one in status.get("podIPs") or ()]
    out.add(0, "IPs:", *(() if ips else (NONE,)))
    for ip in ips:
        out.add(1, "IP:", ip)


def _conditions(out: Rows, conditions: Sequence[Object]) -> None:
    if conditions:
        out.add(0, "Conditions:")
        out.add(1, "Type", "Status")
    for one in conditions:
        out.add(1, f"{one['type']} ", f"{one['status']} ")


def _tolerations(given: Sequence[Object]) -> list[str]:
    return [_toleration(one) for one in sorted(given, key=lambda one: str(one.get("key") or ""))]


def _toleration(one: Object) -> str:
    text = str(one.get("key") or "")
    if one.get("value"):
        text += f"={one['value']}"
    if one.get("effect"):
        text += f":{one['effect']}"
    if one.get("operator") == "Exists" and not one.get("value"):
        text = f"{text} op=Exists".strip()
    if one.get("tolerationSeconds") is not None:
        text += f" for {one['tolerationSeconds']}s"
    return text


def _manifest(out: Rows, manifest: Object | None) -> None:
    if manifest is None:
        out.add(0, "Manifest:", NONE)
        return
    out.add(0, "Manifest:")
    out.add(1, "Origin:", manifest["origin"])
    out.add(1, "State:", manifest["state"])
    findings = [
        one["text"] + " [warning]" * (one["severity"] == "warning") for one in manifest["findings"]
    ]
    out.add(1, "Findings:", *(() if findings else (NONE,)))
    for text in findings:
        out.add(2, text)


def _events(events: Sequence[Object], now: datetime, zone: tzinfo | None) -> str:
    out = Rows(zone)
    out.add(0, "Events:", *(() if events else (NONE,)))
    if events:
        out.add(1, "Type", "Reason", "Age", "From", "Message")
        out.add(1, "----", "------", "----", "----", "-------")
    for one in events:
        source = one["source"]["component"]
        out.add(1, one["type"], one["reason"], age(one, now), source, one["message"].strip())
    return out.text()


def age(event: Object, now: datetime) -> str:
    """When an event happened, as kubectl says it: `5s`, `3s (x4 over 2m)`."""
    last = table.human_duration(now - rfc3339.moment(event["lastTimestamp"]))
    if event.get("count", 1) <= 1:
        return last
    first = table.human_duration(now - rfc3339.moment(event["firstTimestamp"]))
    return f"{last} (x{event['count']} over {first})"
