"""`kubectl apply`, `diff`, `edit`, `patch`, `label` and `annotate`."""

from __future__ import annotations

import json

import pytest

from staticlet.testing import apiobjects

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def manifest(name="cm", **data):
    return json.dumps(apiobjects.config_map(name, **data))


def test_apply_creates_changes_and_leaves_alone(each_kubectl):
    apply = ("apply", "-f", "-")
    assert each_kubectl(*apply, stdin=manifest(a="1", b="2")) == "configmap/cm created\n"
    assert each_kubectl(*apply, stdin=manifest(a="1", b="2")) == "configmap/cm unchanged\n"
    each_kubectl("patch", "configmap", "cm", "-p", '{"data":{"other":"kept"}}')
    assert each_kubectl(*apply, stdin=manifest(a="3")) == "configmap/cm configured\n"
    made = each_kubectl.json("get", "configmap", "cm")
    assert made["data"] == {"a": "3", "other": "kept"}
    assert json.loads(made["metadata"]["annotations"][LAST_APPLIED])["data"] == {"a": "3"}


def test_apply_of_a_pod_changes_its_image(kubectl):
    def body(image):
        return json.dumps(apiobjects.pod("web", image=image))

    kubectl("apply", "-f", "-", stdin=body("nginx:1"))
    assert kubectl("apply", "-f", "-", stdin=body("nginx:2")) == "pod/web configured\n"
    assert kubectl("apply", "-f", "-", stdin=body("nginx:2")) == "pod/web unchanged\n"
    changed = apiobjects.pod("web", image="nginx:2")
    changed["spec"]["hostNetwork"] = True
    said = kubectl.refused("apply", "-f", "-", stdin=json.dumps(changed))
    assert 'The Pod "web" is invalid: spec: Forbidden: pod updates may not change fields' in said


def test_prune_removes_what_is_not_applied_any_more(kubectl):
    both = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                apiobjects.config_map("a") | {"metadata": {"name": "a", "labels": {"p": "1"}}},
                apiobjects.config_map("b") | {"metadata": {"name": "b", "labels": {"p": "1"}}},
            ],
        }
    )
    kubectl("apply", "-f", "-", stdin=both)
    one = json.dumps(
        apiobjects.config_map("a") | {"metadata": {"name": "a", "labels": {"p": "1"}}}
    )
    pruned = kubectl(
        *("apply", "-f", "-", "--prune", "-l", "p=1", "--prune-allowlist=core/v1/ConfigMap"),
        stdin=one,
    )
    assert "configmap/b pruned" in pruned
    assert kubectl("get", "configmap", "-l", "p", "-o", "name") == "configmap/a\n"


def test_server_side_apply_has_owners_and_conflicts(each_kubectl):
    apply = ("apply", "--server-side", "-f", "-")
    printed = each_kubectl(*apply, "--field-manager=me", stdin=manifest(a="1"))
    assert printed == "configmap/cm serverside-applied\n"
    other = (*apply, "--field-manager=you")
    said = each_kubectl.refused(*other, stdin=manifest(a="2"))
    assert 'Apply failed with 1 conflict: conflict with "me": .data.a' in said
    each_kubectl(*other, "--force-conflicts", stdin=manifest(a="2"))
    assert each_kubectl.json("get", "configmap", "cm")["data"] == {"a": "2"}
    each_kubectl(*other, "--force-conflicts", stdin=manifest(b="3"))
    assert each_kubectl.json("get", "configmap", "cm")["data"] == {"b": "3"}
    shown = each_kubectl.json("get", "configmap", "cm", "--show-managed-fields")
    managers = {one["manager"]: one for one in shown["metadata"]["managedFields"]}
    assert managers["you"]["operation"] == "Apply"
    assert managers["you"]["fieldsV1"] == {"f:data": {"f:b": {}}}


def test_an_update_takes_fields_from_an_applier(kubectl):
    kubectl("apply", "--server-side", "-f", "-", stdin=manifest(a="1"))
    kubectl("patch", "configmap", "cm", "--type=merge", "-p", '{"data":{"a":"9"}}')
    said = kubectl.refused("apply", "--server-side", "-f", "-", stdin=manifest(a="1"))
    assert 'conflict with "kubectl-patch"' in said
    assert ".data.a" in said


def test_diff_shows_the_change_and_makes_none(each_kubectl):
    each_kubectl("apply", "-f", "-", stdin=manifest(a="1"))
    assert each_kubectl("diff", "-f", "-", stdin=manifest(a="1")) == ""
    said = each_kubectl.run("diff", "-f", "-", stdin=manifest(a="2"), status=1)
    assert '-  a: "1"\n+  a: "2"\n' in said.out
    assert each_kubectl.json("get", "configmap", "cm")["data"] == {"a": "1"}
    new = each_kubectl.run("diff", "--server-side", "-f", "-", stdin=manifest("n"), status=1)
    assert "+kind: ConfigMap" in new.out


def test_edit_sends_what_the_editor_leaves(kubectl):
    kubectl("create", "configmap", "cm", "--from-literal=a=before")
    edited = kubectl("edit", "configmap", "cm", EDITOR="sed -i s/before/after/")
    assert edited == "configmap/cm edited\n"
    assert kubectl.json("get", "configmap", "cm")["data"] == {"a": "after"}
    untouched = kubectl.run("edit", "configmap", "cm", EDITOR="true", status=0)
    assert "Edit cancelled, no changes made." in untouched.out + untouched.err


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", '{"metadata":{"labels":{"a":"b"}}}'),
        ("merge", '{"metadata":{"labels":{"a":"b"}}}'),
        ("json", '[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]'),
    ],
)
def test_patches_of_every_type(each_kubectl, make, kind, patch):
    make("pods", apiobjects.pod("web"))
    printed = each_kubectl("patch", "pod", "web", "--type", kind, "-p", patch)
    assert printed == "pod/web patched\n"
    again = each_kubectl("patch", "pod", "web", "--type", kind, "-p", patch)
    assert again == "pod/web patched (no change)\n"
    assert each_kubectl.json("get", "pod", "web")["metadata"]["labels"] == {"a": "b"}


def test_a_strategic_patch_merges_containers_by_name(kubectl, make):
    make("pods", apiobjects.pod("web"))
    patch = '{"spec":{"containers":[{"name":"c","image":"busybox:2"}]}}'
    kubectl("patch", "pod", "web", "-p", patch)
    container = kubectl.json("get", "pod", "web")["spec"]["containers"][0]
    assert (container["image"], container["terminationMessagePath"]) == (
        "busybox:2",
        "/dev/termination-log",
    )
    kubectl("set", "image", "pod/web", "c=busybox:3")
    assert kubectl.json("get", "pod", "web")["spec"]["containers"][0]["image"] == "busybox:3"


def test_status_is_patched_by_itself(kubectl, make):
    make("pods", apiobjects.pod("web"))
    patch = '{"status":{"phase":"Failed","reason":"Because"},"metadata":{"labels":{"x":"y"}}}'
    kubectl("patch", "pod", "web", "--subresource=status", "--type=merge", "-p", patch)
    whole = kubectl.json("get", "pod", "web")
    assert (whole["status"]["phase"], whole["status"]["reason"]) == ("Failed", "Because")
    plain = '{"status":{"phase":"Running"}}'
    kubectl("patch", "pod", "web", "--type=merge", "-p", plain)
    assert kubectl.json("get", "pod", "web")["status"]["phase"] == "Failed"


def test_a_patch_that_cannot_be_is_refused(kubectl, make):
    make("pods", apiobjects.pod("web"))
    test = '[{"op":"test","path":"/metadata/name","value":"other"}]'
    said = kubectl.refused("patch", "pod", "web", "--type=json", "-p", test)
    assert "Error from server (Invalid)" in said or "is invalid" in said
    said = kubectl.refused("patch", "pod", "web", "-p", '{"spec":{"restartPolicy":"Never"}}')
    assert "pod updates may not change fields other than" in said


def test_labels_and_annotations_come_and_go(each_kubectl, make):
    make("configmaps", apiobjects.config_map("cm"))
    assert each_kubectl("label", "configmap", "cm", "a=1") == "configmap/cm labeled\n"
    said = each_kubectl.refused("label", "configmap", "cm", "a=2")
    assert "'a' already has a value (1), and --overwrite is false" in said
    each_kubectl("label", "--overwrite", "configmap", "cm", "a=2")
    assert each_kubectl("label", "configmap", "cm", "a-") == "configmap/cm unlabeled\n"
    printed = each_kubectl("annotate", "configmap", "cm", "note=some words")
    assert printed == "configmap/cm annotated\n"
    made = each_kubectl.json("get", "configmap", "cm")["metadata"]
    assert "labels" not in made
    assert made["annotations"] == {"note": "some words"}
    each_kubectl("label", "configmap", "--all", "all=yes")
    refused = each_kubectl.refused("label", "configmap", "cm", "bad key=1")
    assert 'The ConfigMap "cm" is invalid: metadata.labels: Invalid value: "bad key"' in refused
