"""Variables that come from config maps and secrets."""

import pytest

from staticlet.pods import env, faults
from staticlet.pods.apiobjects import held, variables
from staticlet.testing import apicontent, wantedpods

COLOURS = apicontent.config_map("colours", sky="blue", grass="green")
KEYS = apicontent.secret("keys", door=b"open sesame")
BOTH = apicontent.known(COLOURS, KEYS)


def from_key(kind, name, key, **more):
    return {"name": "X", "valueFrom": {kind: {"name": name, "key": key, **more}}}


def of(known=BOTH, **container):
    pod = apicontent.pod(wantedpods.container(**container))
    return env.environment(pod.pod.spec.containers[0], apicontent.around(pod, known))


def whole(known, *sources):
    pod = apicontent.pod(wantedpods.container(envFrom=list(sources)))
    return variables.whole(pod, pod.pod.spec.containers[0], known)


def test_a_variable_has_the_value_of_its_key():
    assert of(env=[from_key("configMapKeyRef", "colours", "sky")]) == {"X": "blue"}
    assert of(env=[from_key("secretKeyRef", "keys", "door")]) == {"X": "open sesame"}


def test_all_keys_of_an_object_are_variables_with_a_prefix_if_there_is_one():
    assert of(envFrom=[{"configMapRef": {"name": "colours"}}]) == {"sky": "blue", "grass": "green"}
    found = of(envFrom=[{"prefix": "MY_", "secretRef": {"name": "keys"}}])
    assert found == {"MY_door": "open sesame"}


def test_later_sources_win_and_single_variables_win_over_all_sources():
    other = apicontent.config_map("other", sky="grey")
    sources = [{"configMapRef": {"name": name}} for name in ("colours", "other")]
    single = [{"name": "grass", "value": "brown"}]
    found = of(apicontent.known(COLOURS, other), envFrom=sources, env=single)
    assert found == {"sky": "grey", "grass": "brown"}


def test_a_value_may_name_what_comes_from_an_object_and_that_itself_is_not_expanded():
    odd = apicontent.config_map("colours", sky="$(grass)", grass="green")
    sources = [{"configMapRef": {"name": "colours"}}]
    found = of(
        apicontent.known(odd), envFrom=sources, env=[{"name": "A", "value": "$(sky)/$(grass)"}]
    )
    assert found["A"] == "$(grass)/green"


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"env": [from_key("configMapKeyRef", "none", "k")]}, 'configmap "none" not found'),
        ({"env": [from_key("secretKeyRef", "none", "k")]}, 'secret "none" not found'),
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
        ({"envFrom": [{"secretRef": {"name": "none"}}]}, 'secret "none" not found'),
        (
            {"env": [from_key("configMapKeyRef", "colours", "sea")]},
            "couldn't find key sea in ConfigMap default/colours",
        ),
        (
            {"env": [from_key("secretKeyRef", "keys", "gate")]},
            "couldn't find key gate in Secret default/keys",
        ),
    ],
)
def test_what_is_missing_is_said_in_the_kubelets_words(container, words):
    absent = {apicontent.ref(kind, "none"): held.Absent() for kind in held.Kind}
    known = held.Holdings({**BOTH.answers, **absent})
    with pytest.raises(faults.ConfigFault) as caught:
        of(known, **container)
    assert caught.value.message == words
    assert caught.value.reason == "CreateContainerConfigError"


@pytest.mark.parametrize(
    "container",
    [
        {"env": [from_key("configMapKeyRef", "none", "k", optional=True)]},
        {"env": [from_key("secretKeyRef", "none", "k", optional=True)]},
        {"env": [from_key("configMapKeyRef", "colours", "sea", optional=True)]},
        {"envFrom": [{"configMapRef": {"name": "none", "optional": True}}]},
        {"envFrom": [{"secretRef": {"name": "none", "optional": True}}]},
    ],
)
def test_what_is_optional_may_be_missing(container):
    absent = {apicontent.ref(kind, "none"): held.Absent() for kind in held.Kind}
    assert of(held.Holdings({**BOTH.answers, **absent}), **container) == {}


def test_what_is_optional_is_not_left_out_while_nobody_knows_whether_it_is_there():
    unknown = {apicontent.ref(apicontent.SECRET, "keys"): held.Unanswered(why="it is away")}
    with pytest.raises(faults.ConfigFault, match="failed to sync secret cache: it is away"):
        of(held.Holdings(unknown), envFrom=[{"secretRef": {"name": "keys", "optional": True}}])


def test_names_that_are_none_are_left_out_and_told():
    odd = apicontent.config_map("odd", **{"1a": "x", "fine": "y", "0": "z"})
    found = whole(apicontent.known(odd), {"configMapRef": {"name": "odd"}})
    assert found.values == {"fine": "y"}
    (words,) = found.skipped
    assert words == (
        "Keys [0, 1a] from the EnvFrom configMap default/odd were skipped since they are "
        "considered invalid environment variable names."
    )


def test_a_prefix_can_make_a_name_of_a_key_that_is_none():
    odd = apicontent.secret("odd", **{"1a": b"x"})
    found = whole(apicontent.known(odd), {"prefix": "V", "secretRef": {"name": "odd"}})
    assert found == variables.Whole(values={"V1a": "x"})


@pytest.mark.parametrize(
    ("text", "fine"),
    [("A", True), ("a.b-c_1", True), ("-", True), ("", False), (".", False), ("..a", False)],
)
def test_a_name_may_be_what_the_kubelet_takes_for_one(text, fine):
    assert variables.is_name(text) is fine


@pytest.mark.parametrize("value", [b"se\0cret", b"se\xffcret"])
def test_what_no_variable_can_hold_is_refused_without_being_quoted(value):
    known = apicontent.known(apicontent.secret("keys", door=value))
    with pytest.raises(faults.ConfigFault, match="variable X is no UTF-8 text") as caught:
        of(known, env=[from_key("secretKeyRef", "keys", "door")])
    seen = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert "cret" not in seen


SERVER = (held.SERVER, held.Held(data={"KUBERNETES_SERVICE_HOST": b"10.96.0.1"}))


def test_a_pod_is_told_where_the_api_server_is_and_may_say_otherwise():
    assert of(apicontent.known(SERVER)) == {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    own = [{"name": "KUBERNETES_SERVICE_HOST", "value": "$(KUBERNETES_SERVICE_HOST):443"}]
    assert of(apicontent.known(SERVER), env=own) == {"KUBERNETES_SERVICE_HOST": "10.96.0.1:443"}


def test_an_api_server_without_a_service_is_nothing_to_tell_of():
    assert of(apicontent.known((held.SERVER, held.Absent()))) == {}


def test_a_pod_does_not_start_before_it_is_known_where_the_api_server_is():
    unknown = apicontent.known((held.SERVER, held.Unanswered(why="it is away")))
    with pytest.raises(faults.ConfigFault, match="failed to sync service cache: it is away"):
        of(unknown)


def test_no_repr_shows_what_is_in_an_object():
    assert "sesame" not in repr(BOTH)
    assert "sesame" not in repr(whole(BOTH, {"secretRef": {"name": "keys"}}))
