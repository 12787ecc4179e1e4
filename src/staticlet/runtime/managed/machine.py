"""What this machine can do that a containerd depends on: found by trying, not by versions.

Whatever is tried is tried in namespaces that vanish with the trial: nothing changes here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from staticlet.host import machine as host
from staticlet.runtime.managed import cni

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TRIAL_TIMEOUT_S = 10.0

# What the bridge and portmap plugins ask of iptables, in a network namespace of its own.
IPTABLES_TRIAL = """set -e
nat() { "$0" -w -t nat "$@"; }
nat -N M
nat -A M -d 10.0.0.0/8 -m comment --comment trial -j ACCEPT
nat -A M ! -d 224.0.0.0/4 -m comment --comment trial -j MASQUERADE
nat -A M -m mark --mark 0x2000/0x2000 -j MASQUERADE
nat -A POSTROUTING -s 10.0.0.1 -j M
nat -N D
nat -A D -p tcp -m multiport --destination-ports 80 -m comment --comment trial -j ACCEPT
nat -A D -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:80
nat -A PREROUTING -m addrtype --dst-type LOCAL -j D
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found.

    Attributes:
        oom_adjustable: OOM scores may be lowered: CAP_SYS_RESOURCE.
        apparmor: AppArmor is on and its parser installed.
        overlay: Overlay mounts work on the data directory's file system.
        iptables: The program that works, `iptables` or a variant of it; None when none does.
        cni_bin: The directory with all the network plugins needed; None when none has them.
    """

    oom_adjustable: bool
    apparmor: bool
    overlay: bool
    iptables: Path | None
    cni_bin: Path | None


def look(data_dir: Path) -> Facts:
    """Find out; takes some 50 ms. The data directory must exist."""
    return Facts(
        oom_adjustable=host.has_capability(host.CAP_SYS_RESOURCE),
        apparmor=_apparmor(),
        overlay=_overlay(data_dir),
        iptables=_iptables(),
        cni_bin=cni.plugin_dir((path, _names(path)) for path in cni.BIN_DIRS),
    )


def which(program: str) -> Path | None:
    """Where a program is, also when the caller's PATH leaves out the sbin directories."""
    found = shutil.which(program, path=search_path())
    return Path(found) if found else None


def search_path() -> str:
    """The caller's PATH, completed."""
    own = os.environ.get("PATH", "")
    return f"{own}:{SEARCH_PATH}" if own else SEARCH_PATH


def _apparmor() -> bool:
    try:
        enabled = Path("/sys/module/apparmor/parameters/enabled").read_text().startswith("Y")
    except OSError:
        return False
    return enabled and which("apparmor_parser") is not None


def _overlay(data_dir: Path) -> bool:
    trial = data_dir / f".overlay-trial-{os.getpid()}"
    for name in ("lower", "upper", "work", "merged"):
        (trial / name).mkdir(parents=True)
    options = ",".join(f"{name}dir={trial / name}" for name in ("lower", "upper", "work"))
    mount = ["mount", "-t", "overlay", "overlay", "-o", options, str(trial / "merged")]
    try:
        return _works(["unshare", "-m", *mount])
    finally:
        shutil.rmtree(trial)


def _iptables() -> Path | None:
    for name in ("iptables", "iptables-legacy", "iptables-nft"):
        program = which(name)
        if program and _works(["unshare", "-n", "sh", "-c", IPTABLES_TRIAL, str(program)]):
            return program
    return None


def _works(args: Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            args,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_TIMEOUT_S,
            env={**os.environ, "PATH": search_path()},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _names(path: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in path.iterdir())
    except OSError:
        return frozenset()
