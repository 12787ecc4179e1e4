"""The runtime's network configuration, its plugins, and what those need."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from staticlet.app.doctor import facts
from staticlet.host import kernel
from staticlet.runtime.cri.inspection import Inspection
from staticlet.runtime.managed import cni
from staticlet.runtime.managed import machine as programs

CONF_DIR = "/etc/cni/net.d"
TRIAL_S = 1.0
LOOPBACK = "loopback"


def look(said: Inspection | None) -> facts.Network:
    """What is configured, where the runtime says that it looks."""
    conf_dir = (said.cni_conf_dir if said else "") or CONF_DIR
    bin_dirs = (said.cni_bin_dirs if said else ()) or tuple(map(str, cni.BIN_DIRS))
    files = _files(Path(conf_dir))
    known = facts.Network(
        conf_dir=conf_dir,
        bin_dirs=bin_dirs,
        files=files,
        load_fault=said.cni_fault if said else "",
        forwards=kernel.forwards(),
    )
    if not files:
        return known
    try:
        data = json.loads((Path(conf_dir) / files[0]).read_bytes())
        return _understood(data, known)
    except OSError as fault:
        return _unusable(known, f"it cannot be read: {(fault.strerror or str(fault)).lower()}")
    except ValueError as fault:
        return _unusable(known, f"it is not JSON: {fault}")
    except (LookupError, TypeError, AttributeError):
        return _unusable(known, 'it needs a "name" and a list of "plugins", each with a "type"')


def _files(directory: Path) -> tuple[str, ...]:
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except OSError:
        return ()
    return tuple(name for name in names if name.endswith(cni.SUFFIXES))


def _unusable(known: facts.Network, fault: str) -> facts.Network:
    return replace(known, fault=fault)


def _understood(data: Any, known: facts.Network) -> facts.Network:
    """A list of plugins, or the old form, which is one plugin."""
    entries = data.get("plugins", [data])
    plugins = tuple(dict.fromkeys((*_types(entries), LOOPBACK)))
    needs = any(each["type"] == "portmap" or each.get("ipMasq") is True for each in entries)
    return replace(
        known,
        name=str(data["name"]),
        plugins=plugins,
        present=frozenset(_present(plugins, known.bin_dirs)),
        needs_iptables=needs,
        iptables=iptables_works() if needs else None,
    )


def _types(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        yield str(entry["type"])
        ipam = entry.get("ipam") or {}
        if ipam.get("type"):
            yield str(ipam["type"])


def _present(plugins: Sequence[str], bin_dirs: Sequence[str]) -> Iterator[str]:
    for name in plugins:
        if any(os.access(Path(each) / name, os.X_OK) for each in bin_dirs):
            yield name


def iptables_works() -> bool | None:
    """Try what plugins ask of iptables, in a network namespace that vanishes with the trial.

    None when the trial took too long, or needs rights that we lack.
    """
    program = programs.which("iptables")
    if program is None:
        return False
    if os.geteuid() != 0:
        return None
    trial = ["unshare", "-n", "sh", "-c", programs.IPTABLES_TRIAL, str(program)]
    try:
        done = subprocess.run(
            trial,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_S,
            env={**os.environ, "PATH": programs.search_path()},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode == 0
