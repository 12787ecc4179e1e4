"""What a container sees of its manifest, on a real containerd."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.host import cgroup, machine
from staticlet.pods import (
    containerspec,
    discard,
    disk,
    labels,
    paths,
    podcgroup,
    sandboxspec,
    termination,
)
from staticlet.pods.node import NodeFacts
from staticlet.runtime import port
from staticlet.runtime.cri import channel, images, runtime
from staticlet.testing import builders, wantedpods
from staticlet.testing import containerd as containerd_of_ours

TREES = cgroup.present()
NODE = NodeFacts(
    name="n1",
    ips=("192.0.2.7",),
    memory_bytes=machine.memory_bytes(),
    cpus=machine.cpus(),
    cgroup_version=TREES.version,
    hosts="127.0.0.1 the-node\n",
    resolv_conf="nameserver 192.0.2.53\nsearch lan\n",
)


class Pods:
    """Runs a pod's only container to its end and tells what it said."""

    def __init__(self, connection: channel.Connection, directory: Path) -> None:
        self.runtime = runtime.CriRuntime(connection)
        self.images = images.CriImages(connection)
        self.settings = wantedpods.settings(directory / "root")
        self.uid = uuid.uuid4().hex
        self.sandboxes: list[tuple[str, paths.PodPaths]] = []

    async def run(self, raw: dict[str, Any], **spec: Any) -> tuple[str, port.ContainerStatus]:
        wanted = wantedpods.wanted(raw, uid=self.uid, restartPolicy="Never", **spec)
        where = paths.of(wanted.key, wanted.uid, self.settings)
        both: dict[str, Any] = {"node": NODE, "settings": self.settings}
        disk.prepare_pod(wanted, **both)
        assert podcgroup.ensure(wanted, trees=TREES, **both) == []
        sandbox = sandboxspec.sandbox_config(wanted, attempt=len(self.sandboxes), **both)
        sandbox_id = await self.runtime.run_sandbox(sandbox)
        self.sandboxes.append((sandbox_id, where))
        ips = (await self.runtime.sandbox_status(sandbox_id)).ips
        image = await self.images.image_status(builders.BUSYBOX)
        assert image is not None
        container = wanted.pod.spec.containers[0]
        start: dict[str, Any] = {"restart_count": 0, "ips": ips, **both}
        prepared = disk.prepare_container(wanted, container, **start)
        config = containerspec.container_config(
            wanted, container, image=image, prepared=prepared, **start
        )
        container_id = await self.runtime.create_container(sandbox_id, config, sandbox)
        await self.runtime.start_container(container_id)
        disk.link_log(where, container.name, 0, container_id)
        status = await self._ended(container_id)
        link = where.log_link(container.name, container_id)
        text = b"".join(line.split(b" ", 3)[3] + b"\n" for line in link.read_bytes().splitlines())
        return text.decode(), status

    async def _ended(self, container_id: str) -> port.ContainerStatus:
        async with asyncio.timeout(20):
            while True:
                status = await self.runtime.container_status(container_id)
                if status.state is port.ContainerState.EXITED:
                    return status
                await asyncio.sleep(0.02)

    async def remove(self) -> None:
        for sandbox_id, where in self.sandboxes:
            await self.runtime.stop_sandbox(sandbox_id)
            await self.runtime.remove_sandbox(sandbox_id)
            discard.remove_pod(where)
            left = podcgroup.remove(where.uid, trees=TREES, node=NODE, settings=self.settings)
            assert left == []
            assert not where.directory.exists()


@pytest.fixture
async def pods(containerd: containerd_of_ours.Containerd, tmp_path: Path) -> AsyncIterator[Pods]:
    async with channel.Connection(containerd.endpoint) as connection:
        made = Pods(connection, tmp_path)
        yield made
        await made.remove()


SCRIPT = """
echo "args $1 $2"
echo "env $NAME $UID_ $IP $CPU"
echo "id $(id -u):$(id -g) $(id -G)"
echo "host $(hostname) $(pwd)"
grep -q "web-n1" /etc/hosts && echo hosts
grep -q "192.0.2.53" /etc/resolv.conf && echo resolv
echo x > /data/file && echo data $(stat -c %g /data/file)
echo x > /mem/file && echo mem $(df -k /mem | tail -1 | awk '{print $2}')
cat /conf && echo x 2>/dev/null > /conf || echo readonly
echo "score $(cat /proc/self/oom_score_adj)"
echo "privs $(grep NoNewPrivs /proc/self/status | tr -d '\\t')"
echo "cgroups $(grep -c /kubepods/burstable/pod /proc/self/cgroup)"
printf 'last words' > /dev/termination-log
exit 3
"""


async def test_a_container_sees_its_manifest(pods: Pods, tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/a.conf").write_text("configured\n")
    raw = wantedpods.container(
        command=["sh", "-c", SCRIPT, "sh"],
        args=["$(NAME)", "$$(NAME)"],
        workingDir="/tmp",
        env=[
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "UID_", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {
                "name": "CPU",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}},
            },
        ],
        volumeMounts=[
            {"name": "data", "mountPath": "/data"},
            {"name": "mem", "mountPath": "/mem"},
            {"name": "conf", "mountPath": "/conf", "subPath": "a.conf", "readOnly": True},
        ],
        resources={"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"memory": "32Mi"}},
        securityContext={"runAsUser": 1234, "runAsGroup": 55, "allowPrivilegeEscalation": False},
    )
    text, status = await pods.run(
        raw,
        volumes=[
            {"name": "data", "emptyDir": {}},
            {"name": "mem", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "conf", "hostPath": {"path": str(tmp_path / "conf.d"), "type": "Directory"}},
        ],
        securityContext={"fsGroup": 4242, "runAsNonRoot": True},
    )
    said = dict(line.partition(" ")[::2] for line in text.splitlines())
    ip = said["env"].split()[2]
    score = 1000 - 1000 * 32 * 1024**2 // machine.memory_bytes()
    assert said == {
        "args": "web-n1 $(NAME)",
        "env": f"web-n1 {pods.uid} {ip} 500",
        "id": "1234:55 55 4242",
        "host": "web-n1 /tmp",
        "hosts": "",
        "resolv": "",
        "data": "4242",
        "mem": "1024",
        "configured": "",
        "readonly": "",
        "score": str(score),
        "privs": "NoNewPrivs:1",
        "cgroups": said["cgroups"],
    }
    assert ip.count(".") == 3
    assert int(said["cgroups"]) > 0
    assert status.exit_code == 3
    where = pods.sandboxes[0][1]
    last = termination.read(
        where.termination_log("c", 0), where.log_file("c", 0), policy="File", exit_code=3
    )
    assert last == "last words"


async def test_on_the_host_network_a_container_has_the_nodes_hosts_and_address(pods: Pods) -> None:
    raw = wantedpods.container(
        command=["sh", "-c", "cat /etc/hosts; echo $IP"],
        env=[{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        volumeMounts=[{"name": "v", "mountPath": "/volume", "subPathExpr": "$(IP)"}],
    )
    text, _ = await pods.run(raw, hostNetwork=True, volumes=[{"name": "v", "emptyDir": {}}])
    assert text.startswith(
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1 the-node\n192.0.2.7\n"
    )


async def test_what_is_remembered_in_the_runtime_comes_back(pods: Pods) -> None:
    raw = wantedpods.container(command=["true"])
    await pods.run(raw, hostNetwork=True, terminationGracePeriodSeconds=7)
    mine = labels.owner_selector(pods.settings.root_dir)
    (sandbox,) = await pods.runtime.list_sandboxes(mine)
    (container,) = await pods.runtime.list_containers(mine)
    pod = labels.pod_of(sandbox)
    assert pod is not None
    assert pod.spec.terminationGracePeriodSeconds == 7
    assert labels.grace_period_of(container) == 7
    assert labels.restart_count_of(container) == 0
    others = labels.owner_selector(Path("/somewhere/else"))
    assert list(await pods.runtime.list_sandboxes(others)) == []
