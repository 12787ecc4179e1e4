"""What `describe`, `get events` and `why` print, letter by letter."""

from datetime import UTC, datetime

from staticlet.kube import eventtable, storytable, tabbed
from staticlet.kube.describe import pod as describing

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

WEB = {
    "metadata": {
        "name": "web-node1",
        "namespace": "default",
        "labels": {"tier": "front", "app": "web"},
        "annotations": {
            "kubernetes.io/config.source": "file",
            "example.com/notes": "first\nsecond",
        },
    },
    "spec": {
        "nodeName": "node1",
        "priority": 2000001000,
        "priorityClassName": "system-node-critical",
        "initContainers": [{"name": "prepare", "image": "busybox:1", "args": ["true"]}],
        "containers": [
            {
                "name": "main",
                "image": "nginx:1",
                "command": ["sh", "-c", "nginx\nsleep 1"],
                "ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 443}],
                "env": [
                    {"name": "MODE", "value": "fast"},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                "resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "100m"}},
                "volumeMounts": [
                    {"name": "site", "mountPath": "/srv", "readOnly": True},
                    {"name": "cache", "mountPath": "/cache", "subPath": "a"},
                ],
            },
            {"name": "side", "image": "busybox:1"},
        ],
        "volumes": [
            {"name": "site", "hostPath": {"path": "/srv/web", "type": "Directory"}},
            {"name": "cache", "emptyDir": {}},
        ],
        "tolerations": [{"effect": "NoExecute", "operator": "Exists"}],
    },
    "status": {
        "phase": "Running",
        "startTime": "2026-01-01T11:00:00Z",
        "hostIP": "192.0.2.7",
        "podIP": "10.0.0.2",
        "podIPs": [{"ip": "10.0.0.2"}],
        "qosClass": "Burstable",
        "conditions": [{"type": "Initialized", "status": "True"}],
        "initContainerStatuses": [
            {
                "name": "prepare",
                "containerID": "containerd://aa",
                "imageID": "sha256:1",
                "ready": True,
                "restartCount": 0,
                "state": {
                    "terminated": {
                        "exitCode": 0,
                        "reason": "Completed",
                        "startedAt": "2026-01-01T11:00:01Z",
                        "finishedAt": "2026-01-01T11:00:02Z",
                    }
                },
            }
        ],
        "containerStatuses": [
            {
                "name": "main",
                "containerID": "containerd://bb",
                "imageID": "sha256:2",
                "ready": True,
                "restartCount": 1,
                "state": {"running": {"startedAt": "2026-01-01T11:30:00Z"}},
                "lastState": {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "OOMKilled",
                        "startedAt": "2026-01-01T11:00:03Z",
                        "finishedAt": "2026-01-01T11:29:00Z",
                    }
                },
            },
            {
                "name": "side",
                "containerID": None,
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}},
            },
        ],
    },
}
MANIFEST = {
    "origin": "/m/web.yaml",
    "state": "Kept",
    "findings": [{"text": "/m/web.yaml:3:1: is bad", "severity": "error"}],
}


def event(reason, message, *, kind="Normal", count=1, first="11:59:00", last="11:59:30"):
    return {
        "metadata": {"name": "web-node1.1", "namespace": "default"},
        "involvedObject": {
            "kind": "Pod",
            "name": "web-node1",
            "fieldPath": "spec.containers{main}",
        },
        "type": kind,
        "reason": reason,
        "message": message,
        "count": count,
        "source": {"component": "staticlet", "host": "node1"},
        "firstTimestamp": f"2026-01-01T{first}Z",
        "lastTimestamp": f"2026-01-01T{last}Z",
    }


EVENTS = [
    event("Started", "Container started", first="11:59:30"),
    event("BackOff", "Back-off restarting", kind="Warning", count=3, first="11:50:00"),
]


def test_a_description_is_laid_out_as_kubectls():
    text = describing.describe(WEB, manifest=MANIFEST, events=EVENTS, now=NOW, zone=UTC)
    assert (
        text
        == """\
Name:                 web-node1
Namespace:            default
Priority:             2000001000
Priority Class Name:  system-node-critical
Node:                 node1/192.0.2.7
Start Time:           Thu, 01 Jan 2026 11:00:00 +0000
Labels:               app=web
                      tier=front
Annotations:          example.com/notes:
                        first
                        second
                      kubernetes.io/config.source: file
Status:               Running
IP:                   10.0.0.2
IPs:
  IP:  10.0.0.2
Init Containers:
  prepare:
    Container ID:  containerd://aa
    Image:         busybox:1
    Image ID:      sha256:1
    Port:          <none>
    Host Port:     <none>
    Args:
      true
    State:          Terminated
      Reason:       Completed
      Exit Code:    0
      Started:      Thu, 01 Jan 2026 11:00:01 +0000
      Finished:     Thu, 01 Jan 2026 11:00:02 +0000
    Ready:          True
    Restart Count:  0
    Environment:    <none>
    Mounts:         <none>
Containers:
  main:
    Container ID:  containerd://bb
    Image:         nginx:1
    Image ID:      sha256:2
    Ports:         80/TCP, 443/TCP
    Host Ports:    8080/TCP, 0/TCP
    Command:
      sh
      -c
      nginx
      sleep 1
    State:          Running
      Started:      Thu, 01 Jan 2026 11:30:00 +0000
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Thu, 01 Jan 2026 11:00:03 +0000
      Finished:     Thu, 01 Jan 2026 11:29:00 +0000
    Ready:          True
    Restart Count:  1
    Limits:
      memory:  64Mi
    Requests:
      cpu:  100m
    Environment:
      MODE:  fast
      IP:     (v1:status.podIP)
    Mounts:
      /cache from cache (rw,path="a")
      /srv from site (ro)
  side:
    Container ID:
    Image:          busybox:1
    Image ID:
    Port:           <none>
    Host Port:      <none>
    State:          Waiting
      Reason:       ErrImagePull
      Message:      no such image
    Ready:          False
    Restart Count:  0
    Environment:    <none>
    Mounts:         <none>
Conditions:
  Type          Status
  Initialized   True
Volumes:
  site:
    Type:          HostPath (bare host directory volume)
    Path:          /srv/web
    HostPathType:  Directory
  cache:
    Type:        EmptyDir (a temporary directory that shares a pod's lifetime)
    Medium:
    SizeLimit:   <unset>
QoS Class:       Burstable
Node-Selectors:  <none>
Tolerations:     :NoExecute op=Exists
Manifest:
  Origin:  /m/web.yaml
  State:   Kept
  Findings:
    /m/web.yaml:3:1: is bad
Events:
  Type     Reason   Age                From       Message
  ----     ------   ----               ----       -------
  Normal   Started  30s                staticlet  Container started
  Warning  BackOff  30s (x3 over 10m)  staticlet  Back-off restarting
"""
    )


def test_a_pod_that_is_leaving_says_for_how_long_and_what_there_is_not_is_said():
    leaving = {
        "metadata": {
            "name": "p",
            "namespace": "default",
            "deletionTimestamp": "2026-01-01T11:59:55Z",
        },
        "spec": {"containers": [], "terminationGracePeriodSeconds": 0},
        "status": {"phase": "Running"},
    }
    lines = describing.describe(leaving, manifest=None, events=(), now=NOW, zone=UTC).splitlines()
    words = [" ".join(line.split()) for line in lines]
    assert "Status: Terminating (lasts 5s)" in words
    assert "Termination Grace Period: 0s" in words
    assert words[-2:] == ["Manifest: <none>", "Events: <none>"]
    assert "IPs: <none>" in words
    assert "Node: <none>" in words
    assert "Volumes: <none>" in words


def test_long_annotations_are_cut():
    pod = {
        "metadata": {"name": "p", "annotations": {"a": "x" * 200}},
        "spec": {"containers": []},
    }
    text = describing.describe(pod, manifest=None, events=(), now=NOW, zone=UTC)
    assert "  " + "x" * 138 + "...\n" in text


def test_a_wide_cell_widens_only_the_lines_around_it():
    lines = [("a", "1"), ("a long one", "2"), ("alone",), ("b", "3"), ("", "4")]
    assert tabbed.align(lines) == "a           1\na long one  2\nalone\nb  3\n   4\n"


def test_events_are_shown_in_kubectls_columns():
    assert eventtable.render(EVENTS, NOW, wide=False, with_namespace=False) == (
        "LAST SEEN           TYPE      REASON    OBJECT          MESSAGE\n"
        "30s                 Normal    Started   pod/web-node1   Container started\n"
        "30s (x3 over 10m)   Warning   BackOff   pod/web-node1   Back-off restarting\n"
    )
    wide = eventtable.render(EVENTS[:1], NOW, wide=True, with_namespace=True).splitlines()
    heading, row = wide
    assert heading == (
        "NAMESPACE   LAST SEEN   TYPE     REASON    OBJECT          SUBOBJECT               "
        "SOURCE             MESSAGE             FIRST SEEN   COUNT   NAME"
    )
    assert row == (
        "default     30s         Normal   Started   pod/web-node1   spec.containers{main}   "
        "staticlet, node1   Container started   30s          1       web-node1.1"
    )


def test_a_story_is_told_with_times_and_reasons():
    decisions = [
        {
            "time": "2026-01-01T11:00:00Z",
            "lastTime": "2026-01-01T11:00:00Z",
            "count": 1,
            "what": "making its sandbox",
            "why": "its manifest is new here: /m/web.yaml",
        },
        {
            "time": "2026-01-01T11:50:00Z",
            "lastTime": "2026-01-01T11:59:57Z",
            "count": 4,
            "what": "waiting to restart container main",
            "why": "exited 137 (OOMKilled),\nback-off 20s",
            "until": "2026-01-01T12:00:17.5Z",
        },
    ]
    assert storytable.render(decisions, NOW, zone=UTC) == (
        "TIME       AGE                DECISION                            BECAUSE\n"
        "11:00:00   60m                making its sandbox                  "
        "its manifest is new here: /m/web.yaml\n"
        "11:50:00   3s (x4 over 10m)   waiting to restart container main   "
        "exited 137 (OOMKilled), back-off 20s, until 12:00:17\n"
    )
