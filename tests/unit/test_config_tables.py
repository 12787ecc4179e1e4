"""Good and bad configurations, each with exactly what is said of it."""

from __future__ import annotations

import textwrap

import pytest

from staticlet.config import load

HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def said(tmp_path, text, **flags):
    """What is wrong with a configuration, without the file's path."""
    path = tmp_path / "kubelet.yaml"
    path.write_text(text)
    given = {"config": [str(path)], **{name.replace("_", "-"): [v] for name, v in flags.items()}}
    try:
        load.load(given, host_name="node", directory=tmp_path)
    except load.ConfigError as error:
        return [str(finding).removeprefix(f"{path}:") for finding in error.findings]
    return []


BAD_FIELDS = {
    "a field spelled wrong": (
        "fileCheckFrequenci: 5s",
        ['3:1: fileCheckFrequenci: there is no such field; did you mean "fileCheckFrequency"?'],
    ),
    "another case": (
        "staticPodUrl: http://x/",
        ['3:1: staticPodUrl: there is no such field; did you mean "staticPodURL"?'],
    ),
    "a field that belongs deeper": (
        "maxContainerRestartPeriod: 5s",
        [
            (
                "3:1: maxContainerRestartPeriod: there is no such field;"
                ' did you mean "crashLoopBackOff.maxContainerRestartPeriod"?'
            )
        ],
    ),
    "a field that is none in its parent": (
        "authentication:\n  anonymous:\n    enable: true",
        [
            (
                "5:5: authentication.anonymous.enable: there is no such field;"
                ' did you mean "enabled"?'
            )
        ],
    ),
    "a field like no other": ("zebra: 1", ["3:1: zebra: there is no such field"]),
    "a setting that only a flag has": (
        "rootDir: /x",
        ["3:1: rootDir: is not a field of the configuration: give the flag --root-dir"],
    ),
    "an unknown field of an item": (
        "registerWithTaints:\n- effect: NoSchedule\n  key: a\n  efect: NoSchedule",
        ['6:3: registerWithTaints[0].efect: there is no such field; did you mean "effect"?'],
    ),
    "a duration as a number": (
        "syncFrequency: 20",
        [
            (
                '3:1: syncFrequency: must be a duration in quotes, such as "30s" or "1m30s",'
                ' not the number 20; for 20 seconds write "20s"'
            )
        ],
    ),
    "a duration without a unit": (
        'syncFrequency: "20"',
        [
            (
                '3:1: syncFrequency: "20" has a number without a unit:'
                ' write a number with a unit, such as "30s", "1m30s" or "500ms"'
            )
        ],
    ),
    "days": (
        "imageMaximumGCAge: 7d",
        [
            (
                '3:1: imageMaximumGCAge: "7d" has an unknown unit "d":'
                " the units are ns, us, ms, s, m and h; write days as hours"
            )
        ],
    ),
    "a number for a string": (
        "cgroupRoot: 5",
        ["3:1: cgroupRoot: must be a string, not the number 5; write it in quotes"],
    ),
    "a word that YAML takes for a boolean": (
        "clusterDomain: no",
        [
            "3:1: clusterDomain: must be a string, not the boolean false; write it in quotes",
        ],
    ),
    "a boolean in quotes": (
        'seccompDefault: "true"',
        [
            (
                "3:1: seccompDefault: must be true or false,"
                ' not the string "true"; write it without quotes'
            )
        ],
    ),
    "a number in quotes": (
        'registryBurst: "7"',
        [
            (
                "3:1: registryBurst: must be a whole number between -2147483648 and 2147483647,"
                ' not the string "7"; write it without quotes'
            )
        ],
    ),
    "a fraction for a whole number": (
        "maxPods: 1.5",
        [
            (
                "3:1: maxPods: must be a whole number between -2147483648 and 2147483647,"
                " not the number 1.5"
            )
        ],
    ),
    "a number too large for its type": (
        "registryBurst: 2147483648",
        [
            (
                "3:1: registryBurst: must be a whole number between -2147483648 and 2147483647,"
                " not the number 2147483648"
            )
        ],
    ),
    "a negative verbosity": (
        "logging: {verbosity: -1}",
        [
            (
                "3:11: logging.verbosity: must be a whole number between 0 and 4294967295,"
                " not the number -1"
            )
        ],
    ),
    "a path that cannot be": (
        'staticPodPath: "/a\\0b"',
        ["3:1: staticPodPath: holds a character that no path can have: NUL or half of a pair"],
    ),
    "one value for a list": (
        "clusterDNS: 10.0.0.10",
        ['3:1: clusterDNS: must be a list, not the string "10.0.0.10"'],
    ),
    "null in a list": (
        "clusterDNS: [null]",
        ["3:14: clusterDNS[0]: must be a string, not null"],
    ),
    "a list for a map": (
        "evictionHard: [a]",
        ["3:1: evictionHard: must be a map, not a list"],
    ),
    "a number in a map of strings": (
        "evictionHard:\n  memory.available: 5",
        [
            (
                "4:3: evictionHard[memory.available]: must be a string,"
                " not the number 5; write it in quotes"
            )
        ],
    ),
    "one header value for a list of them": (
        "staticPodURLHeader: {Accept: yaml}",
        ['3:22: staticPodURLHeader[Accept]: must be a list, not the string "yaml"'],
    ),
    "a string for an object": (
        "logging: text",
        ['3:1: logging: must be a map with named fields, not the string "text"'],
    ),
    "a key twice": (
        "maxPods: 5\nmaxPods: 6",
        ["4:1: maxPods: is set twice, first in line 3: remove one"],
    ),
    "run-once mode": (
        "runOnce: true",
        ["3:1: runOnce: run-once mode is no longer supported: remove the field"],
    ),
    "serial pulls, two at once": (
        "serializeImagePulls: true\nmaxParallelImagePulls: 2",
        [
            (
                "4:1: maxParallelImagePulls: may not be 2 while serializeImagePulls is true:"
                " set that to false"
            )
        ],
    ),
    "no pulls": (
        "maxParallelImagePulls: 0",
        ["3:1: maxParallelImagePulls: must be at least 1, not 0"],
    ),
    "a back-off above five minutes": (
        "crashLoopBackOff: {maxContainerRestartPeriod: 301s}",
        [
            (
                "3:20: crashLoopBackOff.maxContainerRestartPeriod:"
                " must be between 1s and 300s, not 301s"
            )
        ],
    ),
    "a back-off below a second": (
        "crashLoopBackOff: {maxContainerRestartPeriod: 999ms}",
        [
            (
                "3:20: crashLoopBackOff.maxContainerRestartPeriod:"
                " must be between 1s and 300s, not 999ms"
            )
        ],
    ),
    "a back-off with its gate off": (
        (
            "featureGates: {KubeletCrashLoopBackOffMax: false}\n"
            "crashLoopBackOff: {maxContainerRestartPeriod: 60s}"
        ),
        [
            (
                "4:20: crashLoopBackOff.maxContainerRestartPeriod:"
                " may not be set while featureGates.KubeletCrashLoopBackOffMax is false"
            )
        ],
    ),
    "a quota period without its gate": (
        "cpuCFSQuotaPeriod: 50ms",
        [
            (
                "3:1: cpuCFSQuotaPeriod: other than 100ms needs a feature gate:"
                " set featureGates.CustomCPUCFSQuotaPeriod to true"
            )
        ],
    ),
    "a quota period out of range": (
        "cpuCFSQuotaPeriod: 2s\nfeatureGates: {CustomCPUCFSQuotaPeriod: true}",
        ["3:1: cpuCFSQuotaPeriod: must be between 1ms and 1s, not 2s"],
    ),
    "one log file": (
        "containerLogMaxFiles: 1",
        ["3:1: containerLogMaxFiles: must be at least 2, not 1"],
    ),
    "a port too high": ("port: 65536", ["3:1: port: must be between 0 and 65535, not 65536"]),
    "a frequency in the past": (
        "fileCheckFrequency: -1s",
        ["3:1: fileCheckFrequency: must not be negative, as -1s is"],
    ),
    "negative pulls a second": (
        "registryPullQPS: -1",
        ["3:1: registryPullQPS: must be at least 0, not -1"],
    ),
    "an unknown cgroup driver": (
        "cgroupDriver: Systemd",
        ['3:1: cgroupDriver: must be one of cgroupfs, systemd, not "Systemd"'],
    ),
    "a URL without a scheme": (
        "staticPodURL: example.com/pods",
        [
            (
                "3:1: staticPodURL: must be an http:// or https:// URL with a host,"
                ' not "example.com/pods"'
            )
        ],
    ),
    "a header value with a line break": (
        'staticPodURLHeader: {Authorization: ["secret\\nx"]}',
        [
            (
                "3:1: staticPodURLHeader: the value of Authorization holds a line break"
                " or another control character"
            )
        ],
    ),
    "an endpoint that is no socket": (
        "containerRuntimeEndpoint: tcp://127.0.0.1:1",
        [
            (
                "3:1: containerRuntimeEndpoint: must be the path of a unix socket,"
                ' as unix:///run/x.sock, not "tcp://127.0.0.1:1"'
            )
        ],
    ),
    "an endpoint with two slashes": (
        "containerRuntimeEndpoint: unix://run/x.sock",
        [
            (
                "3:1: containerRuntimeEndpoint: must be the path of a unix socket,"
                ' as unix:///run/x.sock, not "unix://run/x.sock"'
            )
        ],
    ),
    "a DNS server by name": (
        "clusterDNS: [dns.local]",
        ['3:1: clusterDNS: "dns.local" is not an IP address'],
    ),
}


@pytest.mark.parametrize(("text", "findings"), BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_a_bad_field_is_an_error_with_its_place(tmp_path, text, findings):
    got = said(tmp_path, HEAD + text + "\n")
    assert got == findings


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "reservedMemory:\n- numaNode: 0\n  limits: {memory: 1 Gb}",
            "5:12: reservedMemory[0].limits[memory]: must be a quantity",
        ),
        (
            "staticPodURLHeader: {'X Y': [a]}",
            '3:1: staticPodURLHeader: "X Y" is not the name of a header: ',
        ),
    ],
)
def test_the_words_of_kubernetes_own_rules_come_with_the_place(tmp_path, text, place):
    (got,) = said(tmp_path, HEAD + text + "\n")
    assert got.startswith(place)


BAD_FILES = {
    "an empty file": (
        "",
        [
            (
                " is empty: begin with apiVersion: kubelet.config.k8s.io/v1beta1"
                " and kind: KubeletConfiguration"
            )
        ],
    ),
    "nothing but a comment": (
        "# later\n",
        [
            (
                " is empty: begin with apiVersion: kubelet.config.k8s.io/v1beta1"
                " and kind: KubeletConfiguration"
            )
        ],
    ),
    "a list": (
        "- a\n",
        [
            (
                "1:1: is not a map: begin with apiVersion: kubelet.config.k8s.io/v1beta1"
                " and kind: KubeletConfiguration"
            )
        ],
    ),
    "a Pod": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
        [
            '1:1: apiVersion: is "v1": write apiVersion: kubelet.config.k8s.io/v1beta1',
            '2:1: kind: is "Pod": write kind: KubeletConfiguration',
        ],
    ),
    "no head": (
        "maxPods: 5\nmaxPod: 6\n",
        [
            "1:1: apiVersion: is missing: write apiVersion: kubelet.config.k8s.io/v1beta1",
            "1:1: kind: is missing: write kind: KubeletConfiguration",
            '2:1: maxPod: there is no such field; did you mean "maxPods"?',
        ],
    ),
    "an old version": (
        "apiVersion: kubelet.config.k8s.io/v1alpha1\nkind: KubeletConfiguration\n",
        [
            (
                '1:1: apiVersion: is "kubelet.config.k8s.io/v1alpha1":'
                " write apiVersion: kubelet.config.k8s.io/v1beta1"
            )
        ],
    ),
    "two documents": (
        f"{HEAD}---\n{HEAD}",
        ["4:1: a second document begins here: a configuration file holds one"],
    ),
    "everything at once, in order": (
        HEAD + "port: 70000\nmaxPod: 1\nsyncFrequency: 5\n",
        [
            "3:1: port: must be between 0 and 65535, not 70000",
            '4:1: maxPod: there is no such field; did you mean "maxPods"?',
            (
                '5:1: syncFrequency: must be a duration in quotes, such as "30s" or "1m30s",'
                ' not the number 5; for 5 seconds write "5s"'
            ),
        ],
    ),
}


@pytest.mark.parametrize(("text", "findings"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_reported_whole(tmp_path, text, findings):
    assert said(tmp_path, text) == findings


def test_what_is_not_yaml_says_where(tmp_path):
    got = said(tmp_path, HEAD + "a: [1\nb: 2\n")
    assert len(got) == 1
    line, column, _ = got[0].split(":", 2)
    assert int(line) in (3, 4)
    assert int(column) >= 1


def test_a_file_that_is_missing_or_a_directory_says_so(tmp_path):
    for path, reason in [
        (tmp_path / "none.yaml", "no such file or directory"),
        (tmp_path, "is a directory"),
    ]:
        with pytest.raises(load.ConfigError) as caught:
            load.load({"config": [str(path)]}, host_name="node", directory=tmp_path)
        assert str(caught.value) == f"{path}: cannot be read: {reason}"


GOOD = {
    "the head alone": HEAD,
    "JSON": '{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",'
    ' "maxPods": 5}',
    "null is not set": HEAD + "syncFrequency: null\nclusterDNS: null\n",
    "a whole number written as a float": HEAD + "maxPods: 5.0\n",
    "kubeadm's file": HEAD
    + textwrap.dedent("""\
        authentication:
          anonymous: {enabled: false}
          webhook: {cacheTTL: 0s, enabled: true}
          x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
        authorization:
          mode: Webhook
          webhook: {cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s}
        cgroupDriver: systemd
        clusterDNS: [10.96.0.10]
        clusterDomain: cluster.local
        containerRuntimeEndpoint: ""
        cpuManagerReconcilePeriod: 0s
        crashLoopBackOff: {}
        evictionPressureTransitionPeriod: 0s
        fileCheckFrequency: 0s
        healthzBindAddress: 127.0.0.1
        healthzPort: 10248
        httpCheckFrequency: 0s
        imageMaximumGCAge: 0s
        imageMinimumGCAge: 0s
        logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}}, verbosity: 0}
        memorySwap: {}
        nodeStatusReportFrequency: 0s
        nodeStatusUpdateFrequency: 0s
        resolvConf: /run/systemd/resolve/resolv.conf
        rotateCertificates: true
        runtimeRequestTimeout: 0s
        shutdownGracePeriod: 0s
        shutdownGracePeriodCriticalPods: 0s
        staticPodPath: /etc/kubernetes/manifests
        streamingConnectionIdleTimeout: 0s
        syncFrequency: 0s
        volumeStatsAggPeriod: 0s
        """),
    "the nested types": HEAD
    + textwrap.dedent("""\
        reservedMemory:
        - numaNode: 0
          limits: {memory: 1Gi, hugepages-1Gi: 2}
        shutdownGracePeriodByPodPriority:
        - {priority: 1000, shutdownGracePeriodSeconds: 10}
        registerWithTaints:
        - {key: a, value: b, effect: NoSchedule}
        tracing: {endpoint: "localhost:4317", samplingRatePerMillion: 100}
        logging:
          format: json
          flushFrequency: 5s
          vmodule: [{filePattern: kubelet, verbosity: 4}]
        memorySwap: {swapBehavior: LimitedSwap}
        userNamespaces: {idsPerPod: 65536}
        imagePullCredentialsVerificationPolicy: AlwaysVerify
        featureGates: {MemoryQoS: true}
        memoryThrottlingFactor: 0.8
        kubeReserved: {cpu: 200m}
        evictionHard: {memory.available: 5%}
        """),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_a_good_configuration_is_taken_without_a_word(tmp_path, text):
    assert said(tmp_path, text) == []
