"""What the doctor judges: this machine and this configuration at one moment, as values.

Whatever touches the machine is in `gather`; whatever judges is in `checks`. A part that could not
be gathered is None, and `gaps` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from staticlet.app.doctor.placefacts import Access, Kind, Place, Places
from staticlet.config.settings import Settings
from staticlet.host.listeners import Listener
from staticlet.kube.finding import Finding
from staticlet.pods.wanted import PodKey
from staticlet.runtime import port
from staticlet.runtime.cri.inspection import Inspection


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """How loading the configuration went.

    Attributes:
        errors: Why it does not hold; empty when it does.
        warnings: What is odd about it.
        ineffective: What is set and has no effect here.
    """

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    ineffective: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit of systemd's: its name and those of its properties that matter, as systemd prints."""

    name: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The kernel, and what this process may do.

    Attributes:
        uid: The user that the doctor runs as.
        release: As `uname -r` says.
        pidfd: A process can be watched.
        overlay: Overlay mounts are known to the kernel or its modules.
        namespaces: The kinds of namespace.
        cgroup_version: 1 or 2; 0 where none is mounted.
        cgroup_hybrid: Trees of both versions.
        controllers: The controllers that can be used.
        cgroup_readonly: The trees are mounted read-only.
        capabilities: The effective capabilities, a bit each.
        seccomp: The kernel filters system calls.
        apparmor: AppArmor is on.
        apparmor_parser: Its parser is installed.
        swap_bytes: How much swap there is.
        swap_controlled: Whether the swap of containers can be limited.
        systemd: systemd runs the machine.
        units: Those of ours that systemd knows; None when it did not say.
    """

    uid: int = 0
    release: str = ""
    pidfd: bool = True
    overlay: bool = True
    namespaces: frozenset[str] = frozenset()
    cgroup_version: int = 2
    cgroup_hybrid: bool = False
    controllers: frozenset[str] = frozenset()
    cgroup_readonly: bool = False
    capabilities: int = (1 << 41) - 1
    seccomp: bool = True
    apparmor: bool = False
    apparmor_parser: bool = False
    swap_bytes: int = 0
    swap_controlled: bool = False
    systemd: bool = False
    units: tuple[Unit, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inotify:
    """The limits of inotify, and how much of them is in use by root.

    Attributes:
        watches: Watches that one user may have.
        instances: Instances that one user may have.
        used: Instances that root has; None where it may not be seen.
    """

    watches: int
    instances: int
    used: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The machine's name, its clock and its name service.

    Attributes:
        host_name: As the kernel says.
        resolves: The name stands in /etc/hosts.
        addresses: The machine's addresses that the node would have.
        now: The date.
        synchronised: Something keeps the clock right; None where the kernel does not say.
        resolv_conf: The text of the configured resolv.conf; None where it cannot be read.
        pod_resolv_conf: The text that pods on their own network get.
    """

    host_name: str
    resolves: bool
    addresses: tuple[str, ...] = ()
    now: datetime
    synchronised: bool | None = None
    resolv_conf: str | None = None
    pod_resolv_conf: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """A port of this machine that a manifest wants; an empty address means every one."""

    pod: PodKey
    protocol: str
    port: int
    address: str = ""
    host_network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What the manifest path holds, judged by the code that the agent runs.

    Attributes:
        place: The path.
        parents: The directories that it is found through.
        files: Those that were read.
        ignored: Names that are no manifests'.
        pods: The good pods.
        doubtful: Documents were refused, whose pods may be running from their last good content.
        findings: All that is to be said, errors and warnings.
        ports: The host ports that the pods want.
        unread: How many files were left out for want of time.
    """

    place: Place
    parents: tuple[Access, ...] = ()
    files: tuple[Access, ...] = ()
    ignored: tuple[str, ...] = ()
    pods: frozenset[PodKey] = frozenset()
    doubtful: bool = False
    findings: tuple[Finding, ...] = ()
    ports: tuple[HostPort, ...] = ()
    unread: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A listening socket and the process that has it; pid 0 where that may not be seen."""

    listener: Listener
    pid: int = 0
    program: str = ""
    of_pod: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The container runtime, as far as it could be asked.

    Attributes:
        configured: The endpoint that is configured; empty for none.
        path: The socket; None where none is configured and none is found.
        others: Other sockets of runtimes that this machine has.
        kind: What stands at the path.
        fault: Why it could not be asked; None when it could.
        version: Who it says it is.
        inspection: What it says about itself.
        driver: The cgroup driver that it names.
        sandbox_image_present: None where it is not known which one, or could not be asked.
        sandboxes: Every sandbox.
        owned: The ids of those that are ours.
    """

    configured: str = ""
    path: str | None = None
    others: tuple[str, ...] = ()
    kind: Kind = Kind.SOCKET
    fault: port.RuntimeFault | None = None
    version: port.RuntimeVersion | None = None
    inspection: Inspection | None = None
    driver: str | None = None
    sandbox_image_present: bool | None = None
    sandboxes: tuple[port.Sandbox, ...] | None = None
    owned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The network configuration of the runtime, and what it needs.

    Attributes:
        conf_dir: Where it is looked for.
        bin_dirs: Where plugins are looked for.
        files: The names of configuration files, in the order in which the first one wins.
        fault: Why the first one cannot be used.
        load_fault: Why the runtime could not load it, in its words.
        name: The network's name.
        plugins: Every plugin that it names, each once.
        present: Those of them that are in a plugin directory.
        needs_iptables: It masquerades or forwards host ports.
        iptables: `iptables` works here; None when it was not tried.
        forwards: Packets are forwarded.
    """

    conf_dir: str
    bin_dirs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    fault: str = ""
    load_fault: str = ""
    name: str = ""
    plugins: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()
    needs_iptables: bool = False
    iptables: bool | None = None
    forwards: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAgent:
    """Another kubelet or staticlet; None for what its command line does not say."""

    pid: int
    program: str
    root_dir: str
    manifests: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodDirectory:
    """A directory below `<root>/pods`, by its UID; unmarked ones are not staticlet's."""

    uid: str
    key: PodKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What others have here, and what an earlier life of the agent left."""

    agents: tuple[OtherAgent, ...] = ()
    directories: tuple[PodDirectory, ...] = ()
    mounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The agent of this root directory.

    Attributes:
        socket: Where it would answer.
        socket_exists: Something stands there.
        holder: The pid of who holds the root directory's lock; None for nobody.
        answers: It answered.
        version: What it says it is; empty where it does not say.
        pods: How many pods it has.
        fault: Why it did not answer.
    """

    socket: str
    socket_exists: bool = False
    holder: int | None = None
    answers: bool = False
    version: str = ""
    pods: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything; a part is None when it could not be gathered, and `gaps` says why."""

    configuration: Configuration | None = None
    settings: Settings | None = None
    machine: Machine | None = None
    inotify: Inotify | None = None
    node: Node | None = None
    places: Places | None = None
    manifests: Manifests | None = None
    listeners: tuple[Holder, ...] | None = None
    runtime: Runtime | None = None
    network: Network | None = None
    leftovers: Leftovers | None = None
    agent: Agent | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)
