"""Plain data against the API's types."""

from __future__ import annotations

from typing import Any

import pytest

from staticlet.kube import apitypes, core, fieldpath, schema, shape

QUANTITY = 'must be a quantity such as "500m" or "128Mi", found '


def told(data: Any) -> dict[str, str]:
    """Every difference of a pod from its type: message by field."""
    checked = schema.check(data, core.Pod)
    assert len({each.path for each in checked.differences}) == len(checked.differences)
    return {fieldpath.render(each.path): each.message for each in checked.differences}


def of_container(**fields: Any) -> dict[str, str]:
    found = told({"spec": {"containers": [fields]}})
    return {path.removeprefix("spec.containers[0]."): words for path, words in found.items()}


def test_data_that_fits_comes_out_as_it_is_and_is_shared_with_nobody() -> None:
    data = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "labels": {"b": "c"}, "creationTimestamp": None},
        "spec": {
            "hostNetwork": True,
            "containers": [
                {
                    "name": "a",
                    "command": ["x"],
                    "ports": [{"containerPort": 80}],
                    "readinessProbe": {"httpGet": {"port": "web"}},
                    "livenessProbe": {"tcpSocket": {"port": 80}},
                    "resources": {"limits": {"cpu": "1"}},
                }
            ],
        },
    }
    checked = schema.check(data, core.Pod)
    assert checked.differences == ()
    assert checked.value == {**data, "metadata": {"name": "a", "labels": {"b": "c"}}}
    assert checked.value["spec"]["containers"] is not data["spec"]["containers"]


@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        ({"spec": {"hostNetwrk": 1}}, "spec.hostNetwrk", '"hostNetwork"'),
        ({"spec": {"HostNetwork": 1}}, "spec.HostNetwork", '"hostNetwork"'),
        ({"spec": {"host_network": 1}}, "spec.host_network", '"hostNetwork"'),
        ({"spec": {"image": 1}}, "spec.image", "spec.containers[].image"),
        ({"containers": []}, "containers", "spec.containers"),
        ({"labels": {}}, "labels", "metadata.labels"),
        ({"spec": {"labels": {}}}, "spec.labels", "metadata.labels"),
        ({"metadata": {"hostPID": 1}}, "metadata.hostPID", "spec.hostPID"),
    ],
)
def test_an_unknown_field_is_named_with_the_one_that_was_meant(
    data: Any, path: str, words: str
) -> None:
    assert told(data) == {path: f"unknown field; did you mean {words}?"}


def test_the_field_that_was_meant_is_looked_for_around_a_container() -> None:
    own = "spec.containers[0]"
    assert of_container(comand=1, limits=1, privileged=1, hostPID=1, volumes=1, zzz=1) == {
        "comand": 'unknown field; did you mean "command"?',
        "limits": f"unknown field; did you mean {own}.resources.limits?",
        "privileged": f"unknown field; did you mean {own}.securityContext.privileged?",
        "hostPID": "unknown field; did you mean spec.hostPID?",
        "volumes": "unknown field; did you mean spec.volumes?",
        "zzz": "unknown field",
    }


def test_an_unknown_field_is_left_out() -> None:
    assert schema.check({"spec": {"x": 1, "hostPID": True}}, core.Pod).value == {
        "spec": {"hostPID": True}
    }


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"name": 1}, "name", 'must be a string, found the number 1; quote it: "1"'),
        ({"name": 1.5}, "name", 'must be a string, found the number 1.5; quote it: "1.5"'),
        (
            {"name": True},
            "name",
            'must be a string, found the boolean true; quote it: "true"',
        ),
        ({"name": {}}, "name", "must be a string, found a map"),
        ({"name": []}, "name", "must be a string, found a list"),
        (
            {"tty": "yes"},
            "tty",
            'must be true or false, found the string "yes"; write true without quotes',
        ),
        ({"tty": "x"}, "tty", 'must be true or false, found the string "x"'),
        ({"tty": 1}, "tty", "must be true or false, found the number 1"),
        ({"command": "ls"}, "command", 'must be a list, found the string "ls"; write ["ls"]'),
        (
            {"command": {"a": 1}},
            "command",
            'must be a list, found a map; begin each item with "- "',
        ),
        ({"env": [["x"]]}, "env[0]", 'must be a map, found a list; remove the "- "'),
        ({"resources": "big"}, "resources", 'must be a map, found the string "big"'),
        ({"command": [1]}, "command[0]", 'must be a string, found the number 1; quote it: "1"'),
        (
            {"ports": [{"containerPort": "80"}]},
            "ports[0].containerPort",
            'must be a whole number, found the string "80"; remove the quotes: 80',
        ),
        (
            {"ports": [{"containerPort": 1.5}]},
            "ports[0].containerPort",
            "must be a whole number, found the number 1.5",
        ),
        (
            {"ports": [{"containerPort": 2**31}]},
            "ports[0].containerPort",
            "must be between -2147483648 and 2147483647, found 2147483648",
        ),
        (
            {"livenessProbe": {"httpGet": {"port": True}}},
            "livenessProbe.httpGet.port",
            "must be a number or a name, found the boolean true",
        ),
        ({"resources": {"limits": {"cpu": "much"}}}, "resources.limits[cpu]", QUANTITY + '"much"'),
        (
            {"resources": {"limits": {"memory": "1GB"}}},
            "resources.limits[memory]",
            QUANTITY + '"1GB"; leave out the "b"',
        ),
        (
            {"resources": {"limits": {"cpu": True}}},
            "resources.limits[cpu]",
            QUANTITY + "the boolean true",
        ),
    ],
)
def test_a_wrong_type_is_told_with_what_was_found_and_what_to_do(
    fields: dict[str, Any], path: str, message: str
) -> None:
    assert of_container(**fields) == {path: message}


def test_numbers_of_64_bits_are_told_from_those_of_32() -> None:
    big = 2**40
    spec = {
        "terminationGracePeriodSeconds": big,
        "activeDeadlineSeconds": big,
        "securityContext": {"runAsUser": big, "fsGroup": big, "supplementalGroups": [big]},
        "priority": big,
    }
    assert list(told({"spec": spec})) == ["spec.priority"]


def test_times_are_checked() -> None:
    good = ["2030-01-31T12:00:00Z", "2030-01-31t12:00:00.123456789+01:00"]
    bad = ["2030-01-31", "2030-02-31T12:00:00Z", "soon", 5]
    for value in good:
        assert told({"metadata": {"creationTimestamp": value}}) == {}
    for value in bad:
        (message,) = told({"metadata": {"creationTimestamp": value}}).values()
        assert message.startswith('must be a time such as "2030-01-31T12:00:00Z", found ')


def test_a_label_that_is_no_string_shows_how_it_was_written() -> None:
    checked = schema.check(
        {"metadata": {"labels": {"version": 1.1}}}, core.Pod, text_at=lambda _: "1.10"
    )
    (difference,) = checked.differences
    assert fieldpath.render(difference.path) == "metadata.labels[version]"
    assert difference.message == 'must be a string, found the number 1.10; quote it: "1.10"'


def test_a_boolean_that_was_written_as_a_letter_is_explained() -> None:
    checked = schema.check({"metadata": {"name": False}}, core.Pod, text_at=lambda _: "n")
    assert checked.differences[0].message == (
        'must be a string, found the boolean false (YAML reads n as that); quote it: "n"'
    )


def test_amounts_may_be_numbers_and_come_out_as_strings() -> None:
    data = {
        "spec": {
            "overhead": {"cpu": 1.5},
            "volumes": [{"name": "a", "emptyDir": {"sizeLimit": 1024}}],
        }
    }
    checked = schema.check(data, core.Pod)
    assert checked.differences == ()
    assert checked.value["spec"] == {
        "overhead": {"cpu": "1.5"},
        "volumes": [{"name": "a", "emptyDir": {"sizeLimit": "1024"}}],
    }


def test_null_is_absent_in_a_record_and_empty_in_a_list_or_map() -> None:
    data = {
        "metadata": {"name": None, "labels": {"a": None}},
        "spec": {"containers": [None, {"args": ["x", None]}]},
    }
    checked = schema.check(data, core.Pod)
    assert checked.differences == ()
    assert checked.value == {
        "metadata": {"labels": {"a": ""}},
        "spec": {"containers": [{}, {"args": ["x", ""]}]},
    }


def test_what_has_a_wrong_type_is_left_out_and_indexes_stay_true() -> None:
    data = {"spec": {"hostPID": "x", "containers": ["x", {"args": [1, "y"]}]}}
    assert schema.check(data, core.Pod).value == {
        "spec": {"containers": [{}, {"args": ["", "y"]}]}
    }


def test_every_type_that_a_pod_is_made_of_can_be_read() -> None:
    seen, left = set(), [shape.of(core.Pod)]
    while left:
        record = left.pop()
        if record.struct in seen:
            continue
        seen.add(record.struct)
        for each in record.fields.values():
            inner = each.item if isinstance(each, shape.ListOf) else each
            if isinstance(inner, shape.Record):
                left.append(inner)
    assert len(seen) > 100


def test_bytes_must_be_base64() -> None:
    checked = schema.check({"data": {"good": "YQ==\n", "bad": "!!", "worse": 1}}, core.Secret)
    assert checked.value == {"data": {"good": "YQ=="}}
    assert [str(fieldpath.render(one.path)) for one in checked.differences] == [
        "data[bad]",
        "data[worse]",
    ]


def test_the_extra_of_a_user_is_lists_by_key() -> None:
    spec = {"user": "jane", "extra": {"scopes": ["a", "b"]}}
    assert schema.check({"spec": spec}, apitypes.SubjectAccessReview).differences == ()
    wrong = {"spec": {"user": "jane", "extra": {"scopes": "a"}}}
    (told,) = schema.check(wrong, apitypes.SubjectAccessReview).differences
    assert fieldpath.render(told.path) == "spec.extra[scopes]"
