"""What a runtime says about itself beyond the CRI: its configuration, in a verbose status.

containerd puts its CRI plugin's configuration there as JSON. Another runtime, or another version,
may say less or nothing: what is not said is None or empty, and never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from staticlet.runtime import port
from staticlet.runtime.cri import channel, decode
from staticlet.wire import cri_grpc, cri_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was said.

    Attributes:
        conditions: RuntimeReady and NetworkReady.
        sandbox_image: The image of every sandbox's first process.
        snapshotter: How images are laid over each other.
        systemd_cgroup: Whether systemd makes the cgroups of the default runtime.
        restrict_oom_score_adj: Whether OOM scores are left where they can not be lowered.
        cni_conf_dir: Where it reads the network configuration.
        cni_bin_dirs: Where it looks for network plugins.
        cni_fault: Why it could not load a network configuration.
        root_dir: Where it keeps images and containers.
    """

    conditions: tuple[port.RuntimeCondition, ...] = ()
    sandbox_image: str = ""
    snapshotter: str = ""
    systemd_cgroup: bool | None = None
    restrict_oom_score_adj: bool | None = None
    cni_conf_dir: str = ""
    cni_bin_dirs: tuple[str, ...] = ()
    cni_fault: str = ""
    root_dir: str = ""


async def inspect(connection: channel.Connection, *, timeout_s: float) -> Inspection:
    """Ask a runtime for its verbose status.

    Raises:
        port.RuntimeFault: As every call.
    """
    stub = cri_grpc.RuntimeServiceStub(connection.channel)
    request = cri_pb2.StatusRequest(verbose=True)
    reply = await connection.call(stub.Status, request, timeout_s=timeout_s)
    return understood(decode.conditions(reply), reply.info)


def understood(
    conditions: tuple[port.RuntimeCondition, ...], info: Mapping[str, str]
) -> Inspection:
    """Read a verbose status's `info`."""
    config = _decoded(info.get("config", ""))
    engine = _part(config, "containerd")
    network = _part(config, "cni")
    fault = info.get("lastCNILoadStatus", "")
    return Inspection(
        conditions=conditions,
        sandbox_image=_text(config, "sandboxImage"),
        snapshotter=_text(engine, "snapshotter"),
        systemd_cgroup=_systemd(engine, otherwise=_switch(config, "systemdCgroup")),
        restrict_oom_score_adj=_switch(config, "restrictOOMScoreAdj"),
        cni_conf_dir=_text(network, "confDir"),
        cni_bin_dirs=_bin_dirs(network),
        cni_fault="" if fault == "OK" else fault,
        root_dir=_text(config, "containerdRootDir"),
    )


def _systemd(engine: Mapping[str, Any], *, otherwise: bool | None) -> bool | None:
    """By the options of the default runtime, else by the old setting for all of them."""
    runtime = _part(_part(engine, "runtimes"), _text(engine, "defaultRuntimeName"))
    said = _switch(_part(runtime, "options"), "SystemdCgroup")
    return otherwise if said is None else said


def _bin_dirs(network: Mapping[str, Any]) -> tuple[str, ...]:
    """One directory, or several since containerd 2.1."""
    several = network.get("binDirs")
    if isinstance(several, list):
        return tuple(each for each in several if isinstance(each, str))
    one = _text(network, "binDir")
    return (one,) if one else ()


def _decoded(text: str) -> Mapping[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return {}
    return value if isinstance(value, dict) else {}


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def _text(of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    return value if isinstance(value, str) else ""


def _switch(of: Mapping[str, Any], name: str) -> bool | None:
    value = of.get(name)
    return value if isinstance(value, bool) else None
