"""The port's values as CRI messages. Pure.

What the port leaves out (None, empty) is not sent, so that the runtime's own default holds.
"""

from __future__ import annotations

from collections.abc import Mapping

from staticlet.runtime import port
from staticlet.wire import cri_pb2

_MODES = {
    port.NamespaceMode.POD: cri_pb2.POD,
    port.NamespaceMode.CONTAINER: cri_pb2.CONTAINER,
    port.NamespaceMode.NODE: cri_pb2.NODE,
    port.NamespaceMode.TARGET: cri_pb2.TARGET,
}
_PROPAGATIONS = {
    port.Propagation.PRIVATE: cri_pb2.PROPAGATION_PRIVATE,
    port.Propagation.HOST_TO_CONTAINER: cri_pb2.PROPAGATION_HOST_TO_CONTAINER,
    port.Propagation.BIDIRECTIONAL: cri_pb2.PROPAGATION_BIDIRECTIONAL,
}
_PROFILES = {
    port.ProfileType.RUNTIME_DEFAULT: cri_pb2.SecurityProfile.RuntimeDefault,
    port.ProfileType.UNCONFINED: cri_pb2.SecurityProfile.Unconfined,
    port.ProfileType.LOCALHOST: cri_pb2.SecurityProfile.Localhost,
}


def sandbox_config(config: port.SandboxConfig) -> cri_pb2.PodSandboxConfig:
    """CRI PodSandboxConfig."""
    return cri_pb2.PodSandboxConfig(
        metadata=cri_pb2.PodSandboxMetadata(
            name=config.name,
            uid=config.uid,
            namespace=config.namespace,
            attempt=config.attempt,
        ),
        hostname=config.hostname,
        log_directory=config.log_directory,
        dns_config=_dns(config.dns),
        port_mappings=[_port_mapping(mapping) for mapping in config.port_mappings],
        labels=config.labels,
        annotations=config.annotations,
        linux=cri_pb2.LinuxPodSandboxConfig(
            cgroup_parent=config.cgroup_parent,
            sysctls=config.sysctls,
            security_context=cri_pb2.LinuxSandboxSecurityContext(
                namespace_options=_namespaces(config.namespaces),
                selinux_options=_selinux(config.selinux),
                run_as_user=_int64(config.run_as_user),
                run_as_group=_int64(config.run_as_group),
                readonly_rootfs=config.readonly_rootfs,
                supplemental_groups=config.supplemental_groups,
                privileged=config.privileged,
                seccomp=_profile(config.seccomp),
            ),
        ),
    )


def container_config(config: port.ContainerConfig) -> cri_pb2.ContainerConfig:
    """CRI ContainerConfig."""
    return cri_pb2.ContainerConfig(
        metadata=cri_pb2.ContainerMetadata(name=config.name, attempt=config.attempt),
        image=cri_pb2.ImageSpec(
            image=config.image, user_specified_image=config.user_specified_image
        ),
        command=config.command,
        args=config.args,
        working_dir=config.working_dir,
        envs=[cri_pb2.KeyValue(key=key, value=value) for key, value in config.envs],
        mounts=[_mount(mount) for mount in config.mounts],
        devices=[_device(device) for device in config.devices],
        labels=config.labels,
        annotations=config.annotations,
        log_path=config.log_path,
        stdin=config.stdin,
        stdin_once=config.stdin_once,
        tty=config.tty,
        linux=cri_pb2.LinuxContainerConfig(
            resources=_resources(config.resources),
            security_context=_security(config.security),
        ),
    )


def sandbox_filter(labels: Mapping[str, str]) -> cri_pb2.PodSandboxFilter:
    """A filter for sandboxes that carry all these labels."""
    return cri_pb2.PodSandboxFilter(label_selector=labels)


def container_filter(labels: Mapping[str, str]) -> cri_pb2.ContainerFilter:
    """A filter for containers that carry all these labels."""
    return cri_pb2.ContainerFilter(label_selector=labels)


def registry_auth(auth: port.RegistryAuth | None) -> cri_pb2.AuthConfig | None:
    """CRI AuthConfig; None pulls without credentials."""
    if auth is None:
        return None
    return cri_pb2.AuthConfig(
        username=auth.username,
        password=auth.password,
        auth=auth.auth,
        server_address=auth.server_address,
        identity_token=auth.identity_token,
        registry_token=auth.registry_token,
    )


def _dns(dns: port.DnsConfig | None) -> cri_pb2.DNSConfig | None:
    if dns is None:
        return None
    return cri_pb2.DNSConfig(servers=dns.servers, searches=dns.searches, options=dns.options)


def _port_mapping(mapping: port.PortMapping) -> cri_pb2.PortMapping:
    return cri_pb2.PortMapping(
        protocol=mapping.protocol,
        container_port=mapping.container_port,
        host_port=mapping.host_port,
        host_ip=mapping.host_ip,
    )


def _namespaces(namespaces: port.Namespaces) -> cri_pb2.NamespaceOption:
    return cri_pb2.NamespaceOption(
        network=_MODES[namespaces.network],
        pid=_MODES[namespaces.pid],
        ipc=_MODES[namespaces.ipc],
    )


def _mount(mount: port.Mount) -> cri_pb2.Mount:
    return cri_pb2.Mount(
        container_path=mount.container_path,
        host_path=mount.host_path,
        readonly=mount.readonly,
        selinux_relabel=mount.selinux_relabel,
        propagation=_PROPAGATIONS[mount.propagation],
    )


def _device(device: port.Device) -> cri_pb2.Device:
    return cri_pb2.Device(
        container_path=device.container_path,
        host_path=device.host_path,
        permissions=device.permissions,
    )


def _resources(resources: port.Resources) -> cri_pb2.LinuxContainerResources:
    return cri_pb2.LinuxContainerResources(
        cpu_period=resources.cpu_period_us,
        cpu_quota=resources.cpu_quota_us,
        cpu_shares=resources.cpu_shares,
        memory_limit_in_bytes=resources.memory_limit_bytes,
        oom_score_adj=resources.oom_score_adj,
        hugepage_limits=[
            cri_pb2.HugepageLimit(page_size=size, limit=limit)
            for size, limit in resources.hugepage_limits.items()
        ],
        unified=resources.unified,
    )


def _security(security: port.ContainerSecurity) -> cri_pb2.LinuxContainerSecurityContext:
    return cri_pb2.LinuxContainerSecurityContext(
        capabilities=_capabilities(security),
        privileged=security.privileged,
        namespace_options=_namespaces(security.namespaces),
        selinux_options=_selinux(security.selinux),
        run_as_user=_int64(security.run_as_user),
        run_as_username=security.run_as_username,
        run_as_group=_int64(security.run_as_group),
        readonly_rootfs=security.readonly_rootfs,
        supplemental_groups=security.supplemental_groups,
        no_new_privs=security.no_new_privs,
        masked_paths=security.masked_paths,
        readonly_paths=security.readonly_paths,
        seccomp=_profile(security.seccomp),
        apparmor=_profile(security.apparmor),
    )


def _capabilities(security: port.ContainerSecurity) -> cri_pb2.Capability | None:
    if not security.add_capabilities and not security.drop_capabilities:
        return None
    return cri_pb2.Capability(
        add_capabilities=security.add_capabilities, drop_capabilities=security.drop_capabilities
    )


def _selinux(options: port.SELinuxOptions | None) -> cri_pb2.SELinuxOption | None:
    if options is None:
        return None
    return cri_pb2.SELinuxOption(
        user=options.user, role=options.role, type=options.type, level=options.level
    )


def _profile(profile: port.SecurityProfile | None) -> cri_pb2.SecurityProfile | None:
    if profile is None:
        return None
    return cri_pb2.SecurityProfile(
        profile_type=_PROFILES[profile.type], localhost_ref=profile.localhost_ref
    )


def _int64(value: int | None) -> cri_pb2.Int64Value | None:
    return None if value is None else cri_pb2.Int64Value(value=value)
