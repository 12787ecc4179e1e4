"""What is in a volume that is written from objects."""

import pytest

from staticlet.pods import faults
from staticlet.pods.apiobjects import held, references
from staticlet.pods.volumes import payload
from staticlet.testing import apicontent, wantedpods

COLOURS = apicontent.config_map("colours", sky="blue", grass="green")
KEYS = apicontent.secret("keys", door=b"sesame")
BOTH = apicontent.known(COLOURS, KEYS)
ABSENT = held.Holdings({apicontent.ref(kind, "none"): held.Absent() for kind in held.Kind})


def of(source, known=BOTH, *, container=None, labels=None, annotations=None, **spec):
    pod = apicontent.pod(
        container or wantedpods.container(),
        volumes=[{"name": "v", **source}],
        labels=labels,
        annotations=annotations,
        **spec,
    )
    found = payload.files(apicontent.volume_of(pod), apicontent.around(pod, known))
    return {one.path: (one.content, oct(one.mode), one.owner) for one in found}


def contents(*arguments, **more):
    return {path: content for path, (content, _, _) in of(*arguments, **more).items()}


def test_each_key_is_a_file():
    assert of({"configMap": {"name": "colours"}}) == {
        "sky": (b"blue", "0o644", 0),
        "grass": (b"green", "0o644", 0),
    }
    assert of({"secret": {"secretName": "keys"}}) == {"door": (b"sesame", "0o644", 0)}


def test_binary_values_of_a_config_map_are_files_too():
    both = held.Held(data={"a": b"text"}, binary={"b": b"\xff\0"})
    known = apicontent.known((apicontent.ref(apicontent.CONFIG_MAP, "mixed"), both))
    assert contents({"configMap": {"name": "mixed"}}, known) == {"a": b"text", "b": b"\xff\0"}


def test_items_choose_keys_and_give_them_paths_and_modes():
    items = [{"key": "sky", "path": "above/sky", "mode": 0o400}, {"key": "grass", "path": "low"}]
    found = of({"configMap": {"name": "colours", "items": items, "defaultMode": 0o640}})
    assert found == {"above/sky": (b"blue", "0o400", 0), "low": (b"green", "0o640", 0)}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        ({"projected": {"sources": [{"secret": {"name": "none"}}]}}, 'secret "none" not found'),
        (
            {"configMap": {"name": "colours", "items": [{"key": "sea", "path": "p"}]}},
            "configmap references non-existent config key: sea",
        ),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "gate", "path": "p"}]}},
            "references non-existent secret key: gate",
        ),
        (
            {"projected": {"sources": [{"clusterTrustBundle": {"path": "p"}}]}},
            "projected sources of kind clusterTrustBundle are not supported yet",
        ),
    ],
)
def test_what_is_missing_is_said_in_the_kubelets_words(source, words):
    known = held.Holdings({**BOTH.answers, **ABSENT.answers})
    with pytest.raises(faults.VolumeFault) as caught:
        of(source, known)
    assert caught.value.reason == "FailedMount"
    assert caught.value.message == f'MountVolume.SetUp failed for volume "v" : {words}'


@pytest.mark.parametrize(
    "source",
    [
        {"configMap": {"name": "none", "optional": True}},
        {"secret": {"secretName": "none", "optional": True}},
        {"projected": {"sources": [{"configMap": {"name": "none", "optional": True}}]}},
        {
            "configMap": {
                "name": "colours",
                "items": [{"key": "sea", "path": "p"}],
                "optional": True,
            }
        },
    ],
)
def test_what_is_optional_may_be_missing(source):
    assert of(source, held.Holdings({**BOTH.answers, **ABSENT.answers})) == {}


def test_what_is_optional_is_not_left_out_while_nobody_knows_whether_it_is_there():
    with pytest.raises(faults.VolumeFault, match="failed to sync configmap cache: no API server"):
        of({"configMap": {"name": "none", "optional": True}}, held.NONE)


def test_a_projected_volume_has_what_all_its_sources_have_and_the_last_wins():
    other = apicontent.config_map("other", sky="grey")
    known = held.Holdings({**BOTH.answers, other[0]: other[1]})
    sources = [
        {"configMap": {"name": "colours"}},
        {"configMap": {"name": "other"}},
        {"secret": {"name": "keys", "items": [{"key": "door", "path": "in/door"}]}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    assert contents({"projected": {"sources": sources}}, known) == {
        "sky": b"grey",
        "grass": b"green",
        "in/door": b"sesame",
        "name": b"web-n1",
    }


def test_a_pod_can_be_told_of_itself():
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "one", "fieldRef": {"fieldPath": "metadata.annotations['b']"}, "mode": 0o400},
        {"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu"}},
    ]
    found = of(
        {"downwardAPI": {"items": items}},
        held.NONE,
        container=wantedpods.container(resources={"limits": {"cpu": "2"}}),
        labels={"tier": "web", "app": 'a "b"\n'},
        annotations={"b": "note"},
    )
    assert found == {
        "labels": (b'app="a \\"b\\"\\n"\ntier="web"', "0o644", 0),
        "one": (b"note", "0o400", 0),
        "cpu": (b"2", "0o644", 0),
    }


def test_the_group_of_the_pod_reads_the_files():
    found = of(
        {"secret": {"secretName": "keys", "defaultMode": 0o400}}, securityContext={"fsGroup": 7}
    )
    assert found == {"door": (b"sesame", "0o440", 0)}


TOKEN = {"projected": {"sources": [{"serviceAccountToken": {"path": "token", "audience": "me"}}]}}


def token_of(pod):
    (ref,) = [one for one in references.of(pod) if isinstance(one, held.TokenRef)]
    return ref


def with_token(**spec):
    pod = apicontent.pod(volumes=[{"name": "v", **TOKEN}], **spec)
    ref = token_of(pod)
    return of(TOKEN, apicontent.known((ref, held.Held(data={held.TOKEN: b"t"}))), **spec)


def test_a_token_is_for_all_users_of_the_pod_unless_it_says_who_they_are():
    assert with_token() == {"token": (b"t", "0o644", 0)}
    assert with_token(securityContext={"runAsUser": 5}) == {"token": (b"t", "0o600", 5)}
    assert with_token(securityContext={"fsGroup": 7}) == {"token": (b"t", "0o640", 0)}


def test_a_token_that_cannot_be_had_is_said_to_be_missing():
    pod = apicontent.pod(volumes=[{"name": "v", **TOKEN}])
    ref = token_of(pod)
    known = apicontent.known((ref, held.Unanswered(why='serviceaccounts "x" not found')))
    with pytest.raises(faults.VolumeFault, match=r'failed to fetch token: serviceaccounts "x"'):
        of(TOKEN, known)
