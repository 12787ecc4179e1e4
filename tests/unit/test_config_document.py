"""The settings as the KubeletConfiguration that they are."""

import json

import pytest

from staticlet.config import document, effective, load

HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def loaded(tmp_path, text):
    (tmp_path / "config.yaml").write_text(HEAD + text)
    given = {"config": [str(tmp_path / "config.yaml")]}
    return load.load(given, host_name="node1", directory=tmp_path)


def at(made, name):
    for step in name.split("."):
        made = made[step]
    return made


OTHER = """
staticPodPath: /manifests
staticPodURL: http://example.com/pods
staticPodURLHeader: {Authorization: [secret, other]}
syncFrequency: 90s
port: 10350
clusterDNS: [10.96.0.10]
cpuCFSQuotaPeriod: 50ms
featureGates: {CustomCPUCFSQuotaPeriod: true}
authentication: {anonymous: {enabled: true}, webhook: {cacheTTL: 1m}}
registryPullQPS: 7
tlsCertFile: a.crt
tlsPrivateKeyFile: a.key
registerWithTaints: [{key: a, value: b, effect: NoSchedule}]
kubeReserved: {cpu: 200m}
evictionHard: {memory.available: 5%}
"""


def test_the_document_has_the_value_that_holds_of_every_field(tmp_path):
    for text in ("", OTHER):
        found = loaded(tmp_path, text)
        made = document.of(found.settings)
        fields = {field.name for field in effective.FIELDS}
        compared = 0
        for value in found.values:
            if value.field in fields and not value.field.startswith("featureGates."):
                assert at(made, value.field) == value.shown, value.field
                compared += 1
        assert compared > 30


def test_the_document_says_what_it_is_and_no_secret(tmp_path):
    made = document.of(loaded(tmp_path, OTHER).settings)
    assert made["kind"] == "KubeletConfiguration"
    assert made["apiVersion"] == "kubelet.config.k8s.io/v1beta1"
    assert "secret" not in str(made)


def test_the_document_is_a_configuration_that_is_taken(tmp_path):
    for text in ("", OTHER.replace("cpuCFSQuotaPeriod: 50ms", "")):  # which needs its gate
        made = document.of(loaded(tmp_path, text).settings)
        (tmp_path / "again.json").write_text(json.dumps(made))
        given = {"config": [str(tmp_path / "again.json")]}
        again = load.load(given, host_name="node1", directory=tmp_path)
        assert {**document.of(again.settings), "staticPodURLHeader": 0} == {
            **made,
            "staticPodURLHeader": 0,  # masked
        }


def test_half_of_a_certificate_is_an_error(tmp_path):
    with pytest.raises(load.ConfigError, match=r"3:1: tlsCertFile: does not go alone"):
        loaded(tmp_path, "tlsCertFile: a.crt\n")
