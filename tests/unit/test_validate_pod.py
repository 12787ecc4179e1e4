"""The rules for pods, group by group: what is wrong, where, in which words.

The table of cases, tests/data/podrules.yaml, changes a good pod in one place at a time and lists
all that is then said of it. Here stand the rules that need more of a pod than one place.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from staticlet.kube.validate import pod

FULL = json.loads((Path(__file__).parents[1] / "data" / "fullpod.json").read_text())


def plain(**spec):
    """A plain good pod with these fields of the spec."""
    containers = [{"name": "c", "image": "nginx"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": containers, **spec},
    }


def said(raw):
    return [str(error) for error in pod.check(raw)]


def of_container(**fields):
    """What is said of a pod whose container has these fields, and a volume `v`."""
    container = {"name": "c", "image": "nginx", **fields}
    volumes = [
        {"name": "v", "emptyDir": {}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "d"}},
    ]
    prefix = "spec.containers[0]."
    return [
        line.removeprefix(prefix) for line in said(plain(containers=[container], volumes=volumes))
    ]


def test_a_plain_pod_is_good():
    assert said(plain()) == []


def test_a_pod_that_uses_every_feature_is_good():
    assert said(FULL) == []


def test_checking_changes_nothing():
    before = copy.deepcopy(FULL)
    pod.check(FULL)
    assert before == FULL


def test_annotations_together_are_at_most_256_kibibytes():
    raw = plain()
    raw["metadata"]["annotations"] = {"a": "x" * (256 * 1024 - 1)}
    assert said(raw) == []
    raw["metadata"]["annotations"]["b"] = ""
    assert said(raw) == ["metadata.annotations: Too long: may not be more than 262144 bytes"]


def test_a_label_is_refused_by_key_and_by_value():
    raw = plain()
    raw["metadata"]["labels"] = {"ok": "-bad", "no/no/no": ""}
    first, second = said(raw)
    assert first.startswith('metadata.labels: Invalid value: "-bad": a valid label must be')
    assert second.startswith('metadata.labels: Invalid value: "no/no/no": a valid label key')


def test_too_many_restart_rules_are_counted():
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": list(range(256))}}
    first, *others = of_container(restartPolicy="Never", restartPolicyRules=[rule] * 21)
    assert first == "restartPolicyRules: Too many: 21: must have at most 20 items"
    assert (
        others[0]
        == "restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 items"
    )


def test_init_containers_share_the_names_of_containers():
    lines = said(plain(initContainers=[{"name": "c", "image": "a"}]))
    assert lines == ['spec.initContainers[0].name: Duplicate value: "c"']


def test_only_sidecars_among_init_containers_have_probes_and_hooks():
    extras = {
        "livenessProbe": {"exec": {"command": ["x"]}},
        "lifecycle": {"preStop": {"exec": {"command": ["x"]}}},
    }
    init = {"name": "i", "image": "a", **extras}
    words = "may not be set for init containers without restartPolicy=Always"
    assert said(plain(initContainers=[init])) == [
        f"spec.initContainers[0].lifecycle: Forbidden: {words}",
        f"spec.initContainers[0].livenessProbe: Forbidden: {words}",
    ]
    assert said(plain(initContainers=[{**init, "restartPolicy": "Always"}])) == []


def test_ports_of_a_container_have_names_of_their_own():
    ports = [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]
    assert of_container(ports=ports) == ['ports[1].name: Duplicate value: "a"']


def test_a_host_port_is_taken_once_for_each_protocol_and_address():
    def container(name, **port):
        return {
            "name": name,
            "image": "a",
            "ports": [{"containerPort": 1, "hostPort": 80, **port}],
        }

    first, second = container("a"), container("b", protocol="TCP")
    lines = said(plain(containers=[first, second]))
    assert lines == ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"']
    assert said(plain(containers=[first, container("b", protocol="UDP")])) == []
    assert said(plain(containers=[first, container("b", hostIP="127.0.0.1")])) == []


def test_init_containers_run_one_by_one_so_may_share_a_host_port():
    ports = [{"containerPort": 1, "hostPort": 80}]
    both = [{"name": name, "image": "a", "ports": ports} for name in ("a", "b")]
    assert said(plain(initContainers=both)) == []
    lines = said(plain(initContainers=[{"name": "a", "image": "a", "ports": ports * 2}]))
    assert lines == ['spec.initContainers[0].ports[1].hostPort: Duplicate value: "TCP//80"']


def test_on_the_hosts_network_host_ports_are_container_ports():
    ports = [{"containerPort": 80, "hostPort": 81}, {"containerPort": 82, "hostPort": 82}]
    lines = said(plain(hostNetwork=True, containers=[{"name": "c", "image": "a", "ports": ports}]))
    assert lines == [
        (
            "spec.containers[0].ports[0].hostPort: Invalid value: 81: "
            "must match `containerPort` when `hostNetwork` is true"
        )
    ]


def test_a_source_of_variables_is_exactly_one():
    assert of_container(envFrom=[{}]) == [
        'envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'
    ]
    both = {"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}, "prefix": "a="}
    prefix, many = of_container(envFrom=[both])
    assert prefix.startswith('envFrom[0].prefix: Invalid value: "a="')
    assert many.endswith("may not have more than one field specified at a time")


def test_volumes_have_names_of_their_own():
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "a", "emptyDir": {}}, {"emptyDir": {}}]
    assert said(plain(volumes=volumes)) == [
        'spec.volumes[1].name: Duplicate value: "a"',
        "spec.volumes[2].name: Required value",
    ]


def test_a_mount_of_a_faulty_volume_is_not_called_missing():
    container = {"name": "c", "image": "a", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    lines = said(plain(containers=[container], volumes=[{"name": "v", "hostPath": {}}]))
    assert lines == ["spec.volumes[0].hostPath.path: Required value"]


def test_block_devices_are_claims_and_no_mounts():
    devices = [{"name": "v", "devicePath": "/dev/a"}, {"name": "d", "devicePath": "/dev/../b"}]
    assert of_container(volumeDevices=devices) == [
        (
            'volumeDevices[0].name: Invalid value: "v": can only use volume source type of '
            "PersistentVolumeClaim or Ephemeral for block mode"
        ),
        (
            'volumeDevices[1].devicePath: Invalid value: "/dev/../b": '
            "can not contain backsteps ('..')"
        ),
    ]
    both = of_container(
        volumeDevices=[{"name": "d", "devicePath": "/x"}],
        volumeMounts=[{"name": "d", "mountPath": "/x"}],
    )
    assert len(both) == 4


def test_a_claim_is_used_once_as_a_whole_or_in_parts():
    claims = [{"name": "a"}, {"name": "a", "request": "x"}, {"name": "a"}]
    container = {"name": "c", "image": "a", "resources": {"claims": claims}}
    spec = plain(containers=[container], resourceClaims=[{"name": "a", "resourceClaimName": "b"}])
    assert said(spec) == [
        'spec.containers[0].resources.claims[1]: Duplicate value: "a"',
        'spec.containers[0].resources.claims[2]: Duplicate value: "a"',
    ]


def test_resources_of_the_pod_bound_those_of_its_containers():
    def container(name, amount):
        amounts = {"requests": {"cpu": amount}, "limits": {"cpu": "3"}}
        return {"name": name, "image": "a", "resources": amounts}

    own = {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "ephemeral-storage": "1"}}
    lines = said(plain(containers=[container("a", "1"), container("b", "500m")], resources=own))
    assert lines == [
        (
            'spec.resources.limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": '
            'supported values: "cpu", "hugepages-", "memory"'
        ),
        (
            'spec.resources.requests[cpu]: Invalid value: "1": '
            "must be greater than or equal to aggregate container requests of 1500m"
        ),
        (
            'spec.containers[0].resources.limits[cpu]: Invalid value: "3": '
            "must be less than or equal to pod limits of 2"
        ),
        (
            'spec.containers[1].resources.limits[cpu]: Invalid value: "3": '
            "must be less than or equal to pod limits of 2"
        ),
    ]


def test_a_readiness_probe_may_ask_for_successes_but_ends_nothing():
    probe = {"exec": {"command": ["x"]}, "successThreshold": 2, "terminationGracePeriodSeconds": 1}
    assert of_container(readinessProbe=probe) == [
        (
            "readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: "
            "must not be set for readinessProbes"
        )
    ]


def test_a_sleeping_hook_wakes_before_the_grace_period_ends():
    container = {"name": "c", "image": "a", "lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}
    lines = said(plain(containers=[container], terminationGracePeriodSeconds=30))
    assert lines == [
        (
            "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: "
            "must be non-negative and less than terminationGracePeriodSeconds (30)"
        )
    ]


def test_deprecated_profile_annotations_must_agree_with_the_fields():
    profile = {"type": "RuntimeDefault"}
    raw = plain(securityContext={"seccompProfile": profile, "appArmorProfile": profile})
    raw["metadata"]["annotations"] = {
        "seccomp.security.alpha.kubernetes.io/pod": "unconfined",
        "container.apparmor.security.beta.kubernetes.io/c": "localhost/x",
        "container.apparmor.security.beta.kubernetes.io/ghost": "unconfined",
    }
    assert said(raw) == [
        (
            "metadata.annotations[container.apparmor.security.beta.kubernetes.io/ghost]: "
            'Invalid value: "ghost": container not found'
        ),
        (
            "spec.securityContext.seccompProfile.type: Forbidden: "
            "seccomp type in annotation and field must match"
        ),
        (
            "spec.containers[0].securityContext.appArmorProfile.type: Forbidden: "
            "apparmor type in annotation and field must match"
        ),
    ]


def test_names_of_profiles_and_accounts_have_an_end():
    profile = {"type": "Localhost", "localhostProfile": "x" * 4096}
    account = {"runAsUserName": "d" * 256 + "\\" + "u" * 105, "gmsaCredentialSpec": "x" * 65537}
    long = of_container(securityContext={"appArmorProfile": profile, "windowsOptions": account})
    assert [line.rpartition(": ")[2] for line in long] == [
        "gmsaCredentialSpec size must be under 64 KiB",
        "runAsUserName's Domain length must be under 256 characters",
        "runAsUserName's Domain doesn't match the NetBios nor the DNS format",
        "runAsUserName's User length must not be longer than 104 characters",
        "may not be more than 4095 bytes",
    ]


def test_a_claim_generated_for_the_pod_is_not_claimed_again_and_has_a_good_name():
    template = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}
    volumes = [
        {"name": "a", "ephemeral": {"volumeClaimTemplate": {"spec": template}}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "web-a"}},
    ]
    assert said(plain(volumes=volumes)) == [
        (
            'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "web-a": '
            "must not reference a PVC that gets created for an ephemeral volume"
        )
    ]
    raw = plain(volumes=volumes[:1])
    raw["metadata"]["name"] = "a" * 252
    (line,) = said(raw)
    assert line.endswith("must be no more than 253 bytes")


def test_an_annotated_profile_must_be_one_and_be_the_fields_own():
    context = {"seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}}
    raw = plain(containers=[{"name": "c", "image": "a", "securityContext": context}])
    seccomp = "container.seccomp.security.alpha.kubernetes.io/c"
    app_armor = "container.apparmor.security.beta.kubernetes.io/c"
    raw["metadata"]["annotations"] = {seccomp: "localhost/a.json", app_armor: "runtime/default"}
    assert said(raw) == []
    raw["metadata"]["annotations"] = {seccomp: "localhost/b.json", app_armor: "magic"}
    assert said(raw) == [
        (
            f'metadata.annotations[{app_armor}]: Invalid value: "magic": '
            'invalid AppArmor profile name: "magic"'
        ),
        (
            "spec.containers[0].securityContext.seccompProfile.localhostProfile: Forbidden: "
            "seccomp profile in annotation and field must match"
        ),
    ]
    raw["metadata"]["annotations"] = {seccomp: "magic"}
    assert said(raw)[0].endswith("must be a valid seccomp profile")


def test_a_windows_pod_needs_no_profiles_that_agree():
    raw = plain(os={"name": "windows"})
    raw["metadata"]["annotations"] = {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}
    assert said(raw) == []


def test_what_a_pod_asks_for_covers_its_init_containers_beside_the_sidecars():
    def asking(name, amount, **fields):
        return {"name": name, "image": "a", "resources": {"requests": {"cpu": amount}}, **fields}

    inits = [asking("s", "1", restartPolicy="Always"), asking("i", "2")]
    lines = said(plain(initContainers=inits, resources={"requests": {"cpu": "2"}}))
    assert [line.rpartition(" ")[2] for line in lines] == ["3"]
    assert said(plain(initContainers=inits, resources={"requests": {"cpu": "3"}})) == []


def test_search_paths_are_few_and_short():
    many = said(plain(dnsConfig={"searches": ["a"] * 33}))
    assert [line.rpartition(": ")[2] for line in many] == [
        "must not have more than 32 search paths"
    ]
    long = said(plain(dnsConfig={"searches": [f"{'a' * 60}.b"] * 33}))
    assert "2048 characters" in long[1]


@pytest.mark.parametrize(
    "field", ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"]
)
def test_names_of_other_objects_are_dns_subdomains(field):
    (line,) = said(plain(**{field: "Bad_Name"}))
    assert line.startswith(f'spec.{field}: Invalid value: "Bad_Name": a lowercase RFC 1123')


def test_all_errors_of_a_pod_are_reported_together():
    raw = plain(restartPolicy="Maybe", dnsPolicy="Guess", containers=[{"name": "A"}])
    raw["metadata"]["name"] = "B"
    fields = [line.partition(":")[0] for line in said(raw)]
    assert fields == [
        "metadata.name",
        "spec.containers[0].name",
        "spec.containers[0].image",
        "spec.restartPolicy",
        "spec.dnsPolicy",
    ]


def test_block_devices_have_names_and_paths_of_their_own():
    devices = [{"name": "d", "devicePath": "/x"}, {"name": "d", "devicePath": "/x"}, {"name": "d"}]
    assert of_container(volumeDevices=devices) == [
        'volumeDevices[1].name: Invalid value: "d": must be unique',
        'volumeDevices[1].devicePath: Invalid value: "/x": must be unique',
        'volumeDevices[2].name: Invalid value: "d": must be unique',
        "volumeDevices[2].devicePath: Required value",
    ]


def test_a_pod_that_never_restarts_resizes_without_restarts():
    policy = {"resourceName": "cpu", "restartPolicy": "RestartContainer"}
    container = {"name": "c", "image": "a", "resizePolicy": [policy]}
    lines = said(plain(restartPolicy="Never", containers=[container]))
    assert lines == [
        (
            'spec.containers[0].resizePolicy[0].restartPolicy: Invalid value: "RestartContainer": '
            "must be 'NotRequired' when `restartPolicy` is 'Never'"
        )
    ]
    (unnamed,) = of_container(resizePolicy=[{"restartPolicy": "NotRequired"}])
    assert unnamed == "resizePolicy[0].resourceName: Required value"


def test_a_source_of_variables_is_named():
    assert of_container(envFrom=[{"secretRef": {}}]) == [
        "envFrom[0].secretRef.name: Required value"
    ]


def test_a_token_lives_at_most_two_to_the_thirty_two_seconds():
    token = {"path": "t", "expirationSeconds": 2**32 + 1}
    volume = {"name": "v", "projected": {"sources": [{"serviceAccountToken": token}]}}
    (line,) = said(plain(serviceAccountName="robot", volumes=[volume]))
    assert line.endswith("may not specify a duration larger than 2^32 seconds")
