"""Defaults, file, drop-ins and flags: which value holds, and where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from staticlet.config import load, settings

HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def loaded(tmp_path, text=None, dropins=None, **given):
    """Load a file and drop-ins by name with flags, from `tmp_path`."""
    flags = {name.replace("_", "-"): [v] if isinstance(v, str) else v for name, v in given.items()}
    if text is not None:
        (tmp_path / "kubelet.yaml").write_text(HEAD + text)
        flags["config"] = ["kubelet.yaml"]
    for name, content in (dropins or {}).items():
        path = tmp_path / "conf.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + content)
        flags["config-dir"] = ["conf.d"]
    return load.load(flags, host_name="Node-1", directory=tmp_path)


def refused(tmp_path, *args, **given):
    """The findings of a configuration that is refused."""
    with pytest.raises(load.ConfigError) as caught:
        loaded(tmp_path, *args, **given)
    return [str(finding) for finding in caught.value.findings]


def test_with_nothing_given_the_settings_are_the_defaults(tmp_path):
    got = loaded(tmp_path)
    assert got.settings == settings.Settings(node_name="node-1")
    assert set(got.origins.values()) == {"default", "host name"}
    assert got.ineffective == ()


def test_a_file_wins_over_defaults_a_drop_in_over_the_file_a_flag_over_all(tmp_path):
    got = loaded(
        tmp_path,
        "fileCheckFrequency: 1s\nhttpCheckFrequency: 1s\nsyncFrequency: 1s\n",
        {"10.conf": "httpCheckFrequency: 2s\nsyncFrequency: 2s\n"},
        sync_frequency="3s",
    )
    assert got.settings.file_check_frequency_s == 1
    assert got.settings.http_check_frequency_s == 2
    assert got.settings.sync_frequency_s == 3
    assert got.settings.runtime_request_timeout_s == 120
    assert got.origins["fileCheckFrequency"] == "kubelet.yaml:3:1"
    assert got.origins["httpCheckFrequency"] == "conf.d/10.conf:3:1"
    assert got.origins["syncFrequency"] == "flag --sync-frequency"
    assert got.origins["runtimeRequestTimeout"] == "default"


def test_drop_ins_are_laid_on_in_the_order_of_names_through_directories(tmp_path):
    names = ["20.conf", "10/z.conf", "10/a/b.conf", "05.conf", "3.conf"]
    contents = {name: f"clusterDomain: {name.replace('/', '.')}\n" for name in names}
    assert loaded(tmp_path, dropins=contents).settings.cluster_domain == "3.conf"
    del contents["3.conf"]
    (tmp_path / "conf.d/3.conf").unlink()
    assert loaded(tmp_path, dropins=contents).settings.cluster_domain == "20.conf"
    (tmp_path / "conf.d/20.conf").unlink()
    del contents["20.conf"]
    assert loaded(tmp_path, dropins=contents).settings.cluster_domain == "10.z.conf"


def test_drop_ins_replace_lists_merge_maps_and_delete_with_null(tmp_path):
    got = loaded(
        tmp_path,
        "clusterDNS: [10.0.0.1, 10.0.0.2]\n"
        "staticPodURL: http://a/\nstaticPodURLHeader: {A: [x, u], B: [z]}\n"
        "crashLoopBackOff: {maxContainerRestartPeriod: 20s}\n",
        {
            "1.conf": "clusterDNS: [10.0.0.3]\nstaticPodURLHeader: {A: [w], C: [v]}\n"
            "crashLoopBackOff: null\n"
        },
    )
    assert got.settings.cluster_dns == ("10.0.0.3",)
    assert got.settings.static_pod_url_headers == {"A": ("w",), "B": ("z",), "C": ("v",)}
    assert got.settings.max_container_restart_period_s == 300
    assert got.origins["crashLoopBackOff.maxContainerRestartPeriod"] == "default"


def test_a_deleted_field_takes_its_default_after_all_merging(tmp_path):
    dropins = {"1.conf": "syncFrequency: null\n", "2.conf": "fileCheckFrequency: 7s\n"}
    got = loaded(tmp_path, "syncFrequency: 5s\nfileCheckFrequency: 5s\n", dropins)
    assert got.settings.sync_frequency_s == 60
    assert got.settings.file_check_frequency_s == 7


def test_other_endings_in_the_drop_in_directory_are_skipped_with_a_warning(tmp_path):
    got = loaded(tmp_path, dropins={"a.yaml": "zebra: 1", "README": "x", "b.conf": "maxPods: 1"})
    (warning,) = got.findings
    assert str(warning).endswith("a.yaml: is not read: the name of a drop-in ends in .conf")
    assert warning.severity.value == "warning"


def test_a_drop_in_is_checked_like_the_file(tmp_path):
    assert refused(tmp_path, "maxPods: 1", {"a.conf": "maxPod: 2\n"}) == [
        'conf.d/a.conf:3:1: maxPod: there is no such field; did you mean "maxPods"?'
    ]


def test_an_error_of_the_sum_points_to_the_file_that_said_it_last(tmp_path):
    text = "serializeImagePulls: true\nmaxParallelImagePulls: 1\n"
    assert refused(tmp_path, text, {"a.conf": "maxParallelImagePulls: 3\n"}) == [
        (
            "conf.d/a.conf:3:1: maxParallelImagePulls: may not be 3"
            " while serializeImagePulls is true: set that to false"
        )
    ]


def test_a_missing_drop_in_directory_is_an_error(tmp_path):
    assert refused(tmp_path, config_dir="none.d") == [
        "none.d: cannot list the drop-ins: no such file or directory"
    ]


def test_relative_paths_start_at_the_directory_of_their_file(tmp_path):
    got = loaded(
        tmp_path,
        "resolvConf: ../resolv.conf\npodLogsDir: logs\n",
        {"a/x.conf": "staticPodPath: ./pods/\n"},
        root_dir="root",
        socket="/run/x.sock",
    )
    assert got.settings.resolv_conf == tmp_path.parent / "resolv.conf"
    assert got.settings.pod_logs_dir == tmp_path / "logs"
    assert got.settings.static_pod_path == tmp_path / "conf.d/a/pods"
    assert got.settings.root_dir == tmp_path / "root"
    assert got.settings.socket == Path("/run/x.sock")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("maxPods: 1\n", Path("/etc/kubernetes/manifests")),
        ('staticPodPath: ""\n', None),
        ("staticPodPath: null\n", Path("/etc/kubernetes/manifests")),
        ("staticPodURL: http://a/\n", None),
        ('staticPodURL: ""\n', Path("/etc/kubernetes/manifests")),
        ("staticPodURL: http://a/\nstaticPodPath: /x\n", Path("/x")),
    ],
)
def test_the_manifest_directory_has_a_default_unless_a_source_is_named(tmp_path, text, path):
    assert loaded(tmp_path, text).settings.static_pod_path == path


def test_an_empty_resolver_configuration_means_none(tmp_path):
    assert loaded(tmp_path, 'resolvConf: ""\n').settings.resolv_conf is None


def test_zero_and_empty_mean_the_default_where_the_kubelet_has_it_so(tmp_path):
    text = 'syncFrequency: 0s\nregistryBurst: 0\ncgroupDriver: ""\nregistryPullQPS: 0\n'
    got = loaded(tmp_path, text)
    assert got.settings.sync_frequency_s == 60
    assert got.settings.registry_burst == 10
    assert got.settings.cgroup_driver == "cgroupfs"
    assert got.settings.registry_pull_qps == 0
    assert got.origins["syncFrequency"] == "default"
    assert got.origins["registryPullQPS"] == "kubelet.yaml:6:1"


@pytest.mark.parametrize(
    ("text", "serialize", "most"),
    [
        ("", True, 1),
        ("serializeImagePulls: false\n", False, 0),
        ("maxParallelImagePulls: 1\n", True, 1),
        ("maxParallelImagePulls: 4\n", False, 4),
        ("serializeImagePulls: false\nmaxParallelImagePulls: 2\n", False, 2),
    ],
)
def test_parallel_pulls_and_serial_pulls_agree(tmp_path, text, serialize, most):
    got = loaded(tmp_path, text).settings
    assert (got.serialize_image_pulls, got.max_parallel_image_pulls) == (serialize, most)


@pytest.mark.parametrize(
    ("text", "first_s", "longest_s"),
    [
        ("", 10, 300),
        ("crashLoopBackOff: {maxContainerRestartPeriod: 1m}\n", 10, 60),
        ("crashLoopBackOff: {maxContainerRestartPeriod: 4s}\n", 4, 4),
        ("featureGates: {ReduceDefaultCrashLoopBackOffDecay: true}\n", 1, 60),
        (
            (
                "featureGates: {ReduceDefaultCrashLoopBackOffDecay: true}\n"
                "crashLoopBackOff: {maxContainerRestartPeriod: 5m}\n"
            ),
            1,
            300,
        ),
        ("featureGates: {KubeletCrashLoopBackOffMax: false}\n", 10, 300),
    ],
)
def test_the_back_off_follows_the_kubelets_newest_options(tmp_path, text, first_s, longest_s):
    got = loaded(tmp_path, text).settings
    assert got.initial_container_restart_period_s == first_s
    assert got.max_container_restart_period_s == longest_s


def test_a_quota_period_is_microseconds(tmp_path):
    text = "cpuCFSQuotaPeriod: 20ms\nfeatureGates: {CustomCPUCFSQuotaPeriod: true}\n"
    assert loaded(tmp_path, text).settings.cpu_cfs_quota_period_us == 20_000


@pytest.mark.parametrize("text", ["/run/a.sock", "unix:/run/a.sock", "unix:///run/a.sock"])
def test_an_endpoint_may_be_a_bare_path(tmp_path, text):
    got = loaded(tmp_path, container_runtime_endpoint=text)
    assert got.settings.runtime_endpoint == "unix:///run/a.sock"
    assert got.settings.image_endpoint == ""


def test_fields_and_flags_without_effect_are_named_with_their_place(tmp_path):
    got = loaded(
        tmp_path,
        "oomScoreAdj: 5\nlogging: {vmodule: [], verbosity: 3}\n"
        "featureGates: {MemoryQoS: true, ReduceDefaultCrashLoopBackOffDecay: true}\n"
        "memorySwap: {swapBehavior: NoSwap}\nrunOnce: false\n",
        fail_swap_on="true",
    )
    assert [(one.name, one.origin) for one in got.ineffective] == [
        ("oomScoreAdj", "kubelet.yaml:3:1"),
        ("logging.vmodule", "kubelet.yaml:4:11"),
        ("featureGates.MemoryQoS", "kubelet.yaml:5:16"),
        ("memorySwap", "kubelet.yaml:6:1"),
        ("--fail-swap-on", "command line"),
    ]
    assert got.settings.verbosity == 3


def test_a_header_flag_takes_the_place_of_the_files_headers(tmp_path):
    got = loaded(
        tmp_path,
        "staticPodURL: http://a/\nstaticPodURLHeader: {A: [x]}\n",
        manifest_url_header=["b:hello, c : x:y", "b:again"],
    )
    assert got.settings.static_pod_url_headers == {"b": ("hello", "again"), "c": ("x:y",)}
    shown = next(value.shown for value in got.values if value.field == "staticPodURLHeader")
    assert shown == {"b": ["<masked>", "<masked>"], "c": ["<masked>"]}


def test_feature_gates_of_a_flag_go_on_top_of_those_of_the_file(tmp_path):
    got = loaded(
        tmp_path,
        "featureGates: {ReduceDefaultCrashLoopBackOffDecay: true}\n",
        feature_gates="CustomCPUCFSQuotaPeriod=true",
    )
    assert got.origins["featureGates.CustomCPUCFSQuotaPeriod"] == "flag --feature-gates"
    assert got.origins["featureGates.ReduceDefaultCrashLoopBackOffDecay"] == "kubelet.yaml:3:16"
    assert got.settings.initial_container_restart_period_s == 1


def test_the_last_of_a_repeated_flag_counts_and_lists_add_up(tmp_path):
    got = loaded(tmp_path, v=["1", "4"], cluster_dns=["10.0.0.1,10.0.0.2", "10.0.0.3"])
    assert got.settings.verbosity == 4
    assert got.settings.cluster_dns == ("10.0.0.1", "10.0.0.2", "10.0.0.3")


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        (
            {"file_check_frequency": "-1s"},
            "flag --file-check-frequency: fileCheckFrequency: must not be negative, as -1s is",
        ),
        (
            {"manifest_url_header": "Authorization=secret"},
            (
                "flag --manifest-url-header: a header lacks its colon:"
                " write name:value, as in a:hello,b:again"
            ),
        ),
        ({"strict_manifests": "maybe"}, 'flag --strict-manifests: "maybe" is neither true nor'),
        ({"v": "x"}, 'flag --v: "x" is not a whole number'),
        ({"feature_gates": "A"}, 'flag --feature-gates: "A" lacks its value: write A=true or'),
        ({"runonce": "true"}, "flag --runonce: runOnce: run-once mode is no longer supported"),
        ({"node_ip": "localhost"}, 'flag --node-ip: "localhost" is not an IP address'),
        (
            {"node_ip": "10.0.0.1,10.0.0.2"},
            'flag --node-ip: "10.0.0.1,10.0.0.2" must be one address, or one IPv4 and one IPv6',
        ),
        ({"hostname_override": "a_b"}, 'flag --hostname-override: "a_b" cannot be the name of a'),
        ({"hostname_override": " "}, "flag --hostname-override: the node's name is blank"),
    ],
)
def test_a_bad_flag_is_told_once_and_by_its_name(tmp_path, given, finding):
    (got,) = refused(tmp_path, **given)
    assert got.startswith(finding)


def test_a_secret_header_is_in_no_finding(tmp_path):
    text = 'staticPodURLHeader: {Authorization: ["secret\\nx"]}\n'
    assert "secret" not in "".join(refused(tmp_path, text))


def test_the_nodes_name_is_trimmed_and_in_lower_case(tmp_path):
    assert loaded(tmp_path, hostname_override=" Web-1.Example ").settings.node_name == (
        "web-1.example"
    )


def test_a_host_name_that_cannot_be_a_nodes_name_is_an_error(tmp_path):
    with pytest.raises(load.ConfigError, match=r'"my_host" cannot be the name of a node'):
        load.load({}, host_name="my_host", directory=tmp_path)
    with pytest.raises(load.ConfigError, match="the host name are both empty"):
        load.load({}, host_name="", directory=tmp_path)


def test_both_families_may_be_given_as_addresses_of_the_node(tmp_path):
    assert loaded(tmp_path, node_ip="10.0.0.1, fd00::1").settings.node_ips == (
        "10.0.0.1",
        "fd00::1",
    )


def test_findings_of_several_files_come_in_the_order_of_reading(tmp_path):
    got = refused(
        tmp_path,
        "zebra: 1\n",
        {"b.conf": "zebra: 2\n", "a.conf": "maxPods: x\nzebra: 3\n"},
        node_ip="x",
    )
    assert [finding.split(": ")[0] for finding in got] == [
        "kubelet.yaml:3:1",
        "conf.d/a.conf:3:1",
        "conf.d/a.conf:4:1",
        "conf.d/b.conf:3:1",
        "flag --node-ip",
    ]
