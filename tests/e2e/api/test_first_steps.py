"""The first minute with the server: what one types, and what a cluster would answer."""

from __future__ import annotations

import os
import shlex
import subprocess

from staticlet.testing.kubectl import programs, rows, section
from staticlet.testing.until import until


def test_the_first_commands_do_what_they_do_on_a_cluster(server, tmp_path):
    def typed(command):
        done = subprocess.run(
            shlex.split(command),
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env={
                "PATH": f"{programs()[-1].parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "KUBECONFIG": str(server.kubeconfig),
            },
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout, done.stderr

    assert typed("kubectl get --raw /readyz") == ("ok", "")
    assert typed("kubectl get nodes,pods -A") == ("", "No resources found\n")
    assert typed("kubectl run web --image=x") == ("pod/web created\n", "")
    described, _ = typed("kubectl describe pod web")
    assert section(described, "Status").strip() == "Pending"
    assert section(described, "Node").strip() == "<none>"
    assert "Image:" in section(described, "Containers")
    (row,) = rows(typed("kubectl get nodes,pods -A")[0])
    assert (row["NAMESPACE"], row["NAME"], row["STATUS"]) == ("default", "pod/web", "Pending")
    said, _ = typed("kubectl delete pod web --now")
    assert said.startswith('pod "web" deleted')
    assert typed("kubectl get pods") == ("", "No resources found in default namespace.\n")


def test_a_pod_that_finds_no_node_says_why(kubectl):
    kubectl("run", "lonely", "--image=busybox:1")
    described = until(
        lambda: "FailedScheduling" in (said := kubectl("describe", "pod", "lonely")) and said,
        "an event says that there is no node",
    )
    assert section(described, "Status").split()[0] == "Pending"
    assert "no nodes available to schedule pods" in section(described, "Events")
