"""From bytes to pods that may run: who is refused, for what, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from staticlet.kube import read
from staticlet.kube.finding import Position, Severity

GOOD = """apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  containers: [{name: a, image: "busybox:1"}]
"""
MOUNTING = "  containers: [{name: a, image: b, volumeMounts: [{name: v, mountPath: /v}]}]\n"


def reading(text: str, *, strict: bool = False) -> read.Reading:
    return read.read(text.encode(), source="web.yaml", strict=strict)


def messages(text: str, *, strict: bool = False) -> list[str]:
    return [str(each) for each in reading(text, strict=strict).findings]


def pod(spec: str, metadata: str = "name: a") -> str:
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{{metadata}}}\nspec:\n{spec}"


def test_a_good_pod_comes_out_defaulted_with_its_places() -> None:
    found = reading("# first\n" + GOOD % "web")
    assert (found.findings, found.refused) == ((), ())
    (only,) = found.pods
    assert only.raw["spec"]["restartPolicy"] == "Always"
    assert "namespace" not in only.raw["metadata"]
    assert (only.document, only.position, only.named_at) == (0, Position(2, 1), Position(4, 12))


def test_status_and_unknown_fields_and_nulls_do_not_come_out() -> None:
    text = GOOD % "web" + "  what: 1\n  hostname: ~\nstatus: {phase: Running}\n"
    (only,) = reading(text).pods
    assert "status" not in only.raw
    assert not {"what", "hostname"} & only.raw["spec"].keys()


def test_a_bad_document_refuses_itself_alone_and_says_who_it_is() -> None:
    bad = GOOD.replace("image", "imag") % "two, namespace: shop"
    found = reading("---\n".join([GOOD % "one", bad, GOOD % "three"]))
    assert [(each.raw["metadata"]["name"], each.document) for each in found.pods] == [
        ("one", 0),
        ("three", 2),
    ]
    assert found.refused == (read.Claim(namespace="shop", name="two"),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only words\n",
        "a: 'open\n",
        "- a\n",
        "{}",
        pod("  containers: []\n", metadata="namespace: shop"),
        pod("  containers: []\n", metadata="name: n"),
        pod("  containers: []\n", metadata="name: a, namespace: 5"),
        "apiVersion: v1\nkind: PodList\nitems: {}\n",
        "apiVersion: v1\nkind: PodList\n",
        "\x00",
    ],
)
def test_who_cannot_be_told_is_refused_as_unknown(text: str) -> None:
    found = reading(text)
    assert found.pods == ()
    assert found.refused == (read.UNKNOWN,)
    assert any(each.severity is Severity.ERROR for each in found.findings)


def test_a_workload_claims_the_pod_of_its_name() -> None:
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    assert reading(text).refused == (read.Claim(namespace="", name="web"),)


def test_a_second_pod_of_one_name_is_an_error_that_names_the_first() -> None:
    found = reading(GOOD % "web" + "---\n" + GOOD % "web, namespace: default")
    assert len(found.pods) == 1
    assert found.refused == ()  # what it claims is there
    (only,) = found.findings
    assert str(only) == (
        "web.yaml:9:12: metadata.name: Duplicate value: the pod default/web stands already on "
        "line 3; rename or remove one of them"
    )


def test_one_name_in_two_namespaces_is_two_pods() -> None:
    assert len(reading(GOOD % "web" + "---\n" + GOOD % "web, namespace: b").pods) == 2


@pytest.mark.parametrize("kind", ["List", "PodList"])
def test_a_list_is_as_good_as_its_pods(kind: str) -> None:
    head = '{"apiVersion": "v1", "kind": "Pod", ' if kind == "List" else "{"
    item = head + '"metadata": {"name": "%s"}, "spec": {"containers": [%s]}}'
    good = item % ("one", '{"name": "a", "image": "b"}')
    bad = item % ("two", '{"name": "a", "image": 5}')
    text = f'{{"apiVersion": "v1", "kind": "{kind}", "items": [\n{good},\n{bad}]}}'
    found = reading(text)
    assert [each.raw["metadata"]["name"] for each in found.pods] == ["one"]
    assert found.pods[0].position == Position(2, 1)
    assert found.refused == (read.Claim(namespace="", name="two"),)
    (message,) = [str(each) for each in found.findings]
    assert message.startswith("web.yaml:3:")
    assert message.endswith(
        ' items[1].spec.containers[0].image: must be a string, found the number 5; quote it: "5"'
    )


def test_a_list_of_no_pods_says_on_purpose_that_none_is_wanted() -> None:
    found = reading("apiVersion: v1\nkind: List\nitems: []\n")
    assert (found.pods, found.refused, found.wants_nothing) == ((), (), True)
    assert [str(each) for each in found.findings] == [
        "web.yaml:3:1: items: the list is empty: no pod is wanted"
    ]
    assert found.findings[0].severity is Severity.WARNING


def test_an_item_of_a_list_must_say_that_it_is_a_pod() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n  spec: {}\nmore: 1\n"
    assert messages(text)[:3] == [
        'web.yaml:4:3: items[0].apiVersion: Required value: write "apiVersion: v1"',
        'web.yaml:4:3: items[0].kind: Required value: write "kind: Pod"',
        "web.yaml:5:3: items[0].spec.containers: Required value",
    ]


def test_unknown_fields_and_duplicate_keys_are_warnings_and_when_strict_errors() -> None:
    text = GOOD % "web" + "  hostNetwrk: true\n  hostPID: true\n  hostPID: false\n"
    mild, strict = reading(text), reading(text, strict=True)
    assert [each.message for each in mild.findings] == [each.message for each in strict.findings]
    assert {each.severity for each in mild.findings} == {Severity.WARNING}
    assert {each.severity for each in strict.findings} == {Severity.ERROR}
    assert len(mild.findings) == 2
    assert len(mild.pods) == 1
    assert strict.pods == ()
    assert strict.refused == (read.Claim(namespace="", name="web"),)


def test_what_is_not_supported_yet_never_refuses_a_pod_even_when_strict() -> None:
    text = GOOD % "web" + "  runtimeClassName: gvisor\n"
    found = reading(text, strict=True)
    assert len(found.pods) == 1
    assert [(each.severity, each.path) for each in found.findings] == [
        (Severity.WARNING, "spec.runtimeClassName")
    ]


def test_findings_come_in_the_order_of_their_places() -> None:
    text = pod("  restartPolicy: Sometimes\n  zz: 1\n  containers:\n  - nam: a\n", "name: A_")
    places = [each.position for each in reading(text).findings]
    assert len(places) == 6
    assert places == sorted(places)  # type: ignore[type-var]  # all have a place


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("  containers: 5\n", "spec.containers"),
        (f"{MOUNTING}  volumes: {{name: v}}\n", "spec.volumes"),
        (f"{MOUNTING}  volumes: [v]\n", "spec.volumes[0]"),
        (
            "  containers: [{name: a, image: b, livenessProbe: {exec: cat}}]\n",
            "spec.containers[0].livenessProbe.exec",
        ),
        (
            "  containers: [{name: a, image: b, resources: {limits: {example.com/a: 0.5}}}]\n",
            "spec.containers[0].resources.limits[example.com/a]",
        ),
        ("  containers: [[]]\n", "spec.containers[0]"),
        ("  containers: [{name: a, image: {{ x }}}]\n", ""),
        ("  containers: [{name: a, image: !x b}]\n", ""),
    ],
)
def test_nothing_is_said_that_only_follows_from_what_was_said(spec: str, path: str) -> None:
    (only,) = reading(pod(spec)).findings
    assert only.path == path


def test_a_wrong_type_does_not_hide_what_else_is_wrong() -> None:
    spec = "  hostNetwork: 5\n  dnsPolicy: Never\n  containers: [{name: A, image: b}]\n"
    assert [each.path for each in reading(pod(spec)).findings] == [
        "spec.hostNetwork",
        "spec.dnsPolicy",
        "spec.containers[0].name",
    ]


def test_a_bad_label_stands_where_it_is_written() -> None:
    text = pod("  containers: [{name: a, image: b}]\n", 'name: a, labels: {ok: x, "a b": c}')
    assert [each.position for each in reading(text).findings] == [Position(3, 37)]


def test_so_many_findings_are_summed_up_and_still_refuse() -> None:
    keys = "".join(f"  zz{number}: 1\n" for number in range(3000))
    found = reading(pod(keys + "  restartPolicy: Sometimes\n  containers: []\n"))
    assert len(found.findings) == 1001
    last = found.findings[-1]
    assert last.severity is Severity.ERROR
    assert last.message == "and 2002 more from here on; mend those above first"


@pytest.mark.parametrize("field", ["apiVersion", "kind", "metadata", "spec"])
@pytest.mark.parametrize("value", ["{}", "[a]", "5", "~", "{a: {b: c}}"])
def test_any_type_may_stand_at_the_top(field: str, value: str) -> None:
    text = GOOD % "web" + "---\n" + GOOD.replace(f"{field}:", f"{field}: {value}\nx:", 1) % "two"
    found = reading(text)
    assert [each.raw["metadata"]["name"] for each in found.pods] == ["web"]
    assert all(each.position for each in found.findings)


def test_a_missing_field_stands_at_its_parent() -> None:
    found = reading(pod("  containers:\n  - image: b\n")).findings
    assert [(each.path, each.position) for each in found] == [
        ("spec.containers[0].name", Position(6, 5))
    ]


def test_generate_name_is_no_name() -> None:
    text = pod("  containers: [{name: a, image: b}]\n", "generateName: web-")
    (only,) = messages(text)
    assert only == (
        "web.yaml:3:1: metadata.name: Required value: generateName is not used for static pods; "
        "write a name"
    )


def test_what_static_pods_may_not_have_is_said_once() -> None:
    spec = "  containers: [{name: a, image: b}]\n  ephemeralContainers: [{name: d, image: b}]\n"
    (only,) = reading(pod(spec)).findings
    assert only.message.startswith("Forbidden: static pods do not support ephemeral containers")


@pytest.mark.parametrize(
    ("container", "field"),
    [
        ({"livenessProbe": {"tcpSocket": {"port": 80}}}, "livenessProbe"),
        ({"readinessProbe": {"tcpSocket": {"port": 80}}}, "readinessProbe"),
        ({"startupProbe": {"tcpSocket": {"port": 80}}}, "startupProbe"),
        ({"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}}, "lifecycle.preStop"),
        ({"restartPolicy": "Never"}, "restartPolicy"),
    ],
)
def test_what_is_not_supported_yet_is_a_warning_at_its_place(
    container: dict[str, Any], field: str
) -> None:
    text = pod(f"  containers: [{json.dumps({'name': 'a', 'image': 'b', **container})}]\n")
    found = reading(text)
    assert len(found.pods) == 1
    (only,) = found.findings
    assert only.severity is Severity.WARNING
    assert only.path == f"spec.containers[0].{field}"
    assert only.message.startswith("not supported yet: ")
