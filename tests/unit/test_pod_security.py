"""Who a container runs as, and what it may do."""

import dataclasses

import pytest

from staticlet.pods import faults, security
from staticlet.runtime import port
from staticlet.testing import wantedpods

SETTINGS = wantedpods.settings()
ROOT_IMAGE = port.Image(id="sha256:0")
WHERE = f'(pod: "web-n1_default({wantedpods.UID})", container: c)'


def of(context=None, *, image=ROOT_IMAGE, settings=SETTINGS, **spec):
    pod = wantedpods.wanted(wantedpods.container(securityContext=context), **spec)
    return security.container_security(
        pod, pod.pod.spec.containers[0], image=image, settings=settings
    )


def refusal(context=None, **more):
    with pytest.raises(faults.ConfigFault) as caught:
        of(context, **more)
    assert caught.value.reason == "CreateContainerConfigError"
    return caught.value.message


def test_a_container_is_unconfined_unless_somebody_says_otherwise():
    assert of().seccomp.type is port.ProfileType.UNCONFINED
    default = dataclasses.replace(SETTINGS, seccomp_default=True)
    assert of(settings=default).seccomp.type is port.ProfileType.RUNTIME_DEFAULT
    pod = {"seccompProfile": {"type": "RuntimeDefault"}}
    assert of(securityContext=pod).seccomp.type is port.ProfileType.RUNTIME_DEFAULT
    own = {"seccompProfile": {"type": "Unconfined"}}
    assert of(own, securityContext=pod).seccomp.type is port.ProfileType.UNCONFINED


def test_a_local_seccomp_profile_is_below_the_root_directory():
    found = of({"seccompProfile": {"type": "Localhost", "localhostProfile": "web/a.json"}})
    assert found.seccomp.type is port.ProfileType.LOCALHOST
    assert found.seccomp.localhost_ref == "/var/lib/staticlet/seccomp/web/a.json"


@pytest.mark.parametrize("name", ["../a.json", "/etc/a.json", "web/../../a.json", ""])
def test_a_local_seccomp_profile_never_leaves_its_directory(name):
    refusal({"seccompProfile": {"type": "Localhost", "localhostProfile": name}})


def test_the_containers_user_wins_over_the_pods_and_that_over_the_images():
    image = port.Image(id="i", uid=9)
    pod = {"runAsUser": 5, "runAsGroup": 6}
    assert of(image=image).run_as_user == 9
    assert of(image=image, securityContext=pod).run_as_user == 5
    assert of({"runAsUser": 0}, image=image, securityContext=pod).run_as_user == 0
    assert of(securityContext=pod).run_as_group == 6


def test_an_image_without_a_user_runs_as_root_and_one_with_a_name_under_that_name():
    assert (of().run_as_user, of().run_as_username) == (0, "")
    named = of(image=port.Image(id="i", username="web"))
    assert (named.run_as_user, named.run_as_username) == (None, "web")
    chosen = of({"runAsUser": 3}, image=port.Image(id="i", username="web"))
    assert (chosen.run_as_user, chosen.run_as_username) == (3, "")


def test_a_container_that_must_not_be_root_is_refused_in_the_kubelets_words():
    strict = {"runAsNonRoot": True}
    assert refusal({**strict, "runAsUser": 0}) == (
        f"container's runAsUser breaks non-root policy {WHERE}"
    )
    assert refusal(strict) == f"container has runAsNonRoot and image will run as root {WHERE}"
    assert refusal(strict, image=port.Image(id="i", username="web")) == (
        "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is "
        f"non-root {WHERE}"
    )
    assert "runAsNonRoot" in refusal(securityContext=strict)


def test_a_container_that_must_not_be_root_and_is_not_is_accepted():
    strict = {"runAsNonRoot": True}
    assert of(strict, image=port.Image(id="i", uid=7)).run_as_user == 7
    assert of({**strict, "runAsUser": 8}).run_as_user == 8
    assert of({"runAsNonRoot": False}, securityContext=strict).run_as_user == 0


def test_capabilities_and_privileges_are_handed_on():
    found = of(
        {
            "privileged": False,
            "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
        }
    )
    assert (found.add_capabilities, found.drop_capabilities) == (("NET_ADMIN",), ("ALL",))
    assert found.no_new_privs
    assert found.readonly_rootfs
    assert not of().no_new_privs
    assert not of({"allowPrivilegeEscalation": True}).no_new_privs


def test_paths_are_masked_unless_the_container_wants_proc_bare():
    assert "/proc/kcore" in of().masked_paths
    assert "/proc/sys" in of().readonly_paths
    bare = of({"procMount": "Unmasked"})
    assert (bare.masked_paths, bare.readonly_paths) == ((), ())


def test_the_group_of_the_volumes_comes_before_the_other_groups():
    found = of(securityContext={"fsGroup": 7, "supplementalGroups": [8, 9]})
    assert found.supplemental_groups == (7, 8, 9)


def test_apparmor_is_left_to_the_runtime_until_a_profile_is_named():
    assert of().apparmor is None
    named = of({"appArmorProfile": {"type": "Localhost", "localhostProfile": "web"}}).apparmor
    assert (named.type, named.localhost_ref) == (port.ProfileType.LOCALHOST, "web")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, port.Namespaces()),
        ({"hostNetwork": True}, port.Namespaces(network=port.NamespaceMode.NODE)),
        ({"hostIPC": True}, port.Namespaces(ipc=port.NamespaceMode.NODE)),
        ({"hostPID": True}, port.Namespaces(pid=port.NamespaceMode.NODE)),
        ({"shareProcessNamespace": True}, port.Namespaces(pid=port.NamespaceMode.POD)),
    ],
)
def test_namespaces_are_the_pods_own_unless_it_shares_them(spec, expected):
    assert security.namespaces(wantedpods.wanted(**spec).pod) == expected
