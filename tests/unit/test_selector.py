"""Label and field selectors: what they select, and what is none, as Kubernetes has it."""

import pytest

from staticlet.kube import fieldselector, selector

WEB = {"app": "web", "tier": "front", "build": "12"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("  ", True),
        ("app=web", True),
        ("app == web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("gone!=web", True),
        ("gone=", False),
        ("app", True),
        ("gone", False),
        ("!gone", True),
        ("! app", False),
        ("app in (web, db)", True),
        ("app in (db)", False),
        ("app notin (db,cache)", True),
        ("app notin (web)", False),
        ("gone notin (web)", True),
        ("app=web,tier in (front,back),!old", True),
        ("app=web,tier=back", False),
        ("build>11", True),
        ("build<12", False),
        ("app>1", False),
        ("gone<5", False),
    ],
)
def test_a_selector_selects_what_kubernetes_would(text, selected):
    assert selector.parse(text).matches(WEB) is selected


def test_words_of_the_grammar_are_keys_and_values_too():
    assert selector.parse("in in (in,notin)").matches({"in": "notin"})
    assert selector.parse("notin").matches({"notin": ""})


def test_a_place_left_empty_is_the_empty_value():
    assert selector.parse("app=").matches({"app": ""})
    assert selector.parse("app in (,web)").matches({"app": ""})
    assert selector.parse("a=,b").matches({"a": "", "b": "x"})


def test_a_pod_without_labels_is_selected_by_what_asks_for_absence_alone():
    assert selector.parse("!app,tier!=back").matches(None)
    assert not selector.parse("app").matches(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("app=web,", "found its end, expected another requirement after ','"),
        (",app", "found ',', expected a label's key or '!'"),
        ("app web", "found 'web', expected one of"),
        ("app=web db", "found 'db', expected ',' or the end"),
        ("app in web", "found 'web', expected '('"),
        ("app in (web", "found its end, expected ',' or ')'"),
        ("app in ()", "at least one value"),
        ("app=(", "found '(', expected a value"),
        ("!", "found its end, expected a label's key"),
        ("-app=web", "is no label's key"),
        ("app=we/b", "is no value of a label"),
        ("app>one", "must be a whole number"),
        ("app>99999999999999999999", "must be a whole number"),
    ],
)
def test_what_is_no_selector_is_refused_with_the_place(text, words):
    with pytest.raises(selector.SelectorError) as refused:
        selector.parse(text)
    assert words in str(refused.value)


POD = {
    "metadata": {"name": "web-n1", "namespace": "default"},
    "spec": {"nodeName": "n1", "hostNetwork": True},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("metadata.name=web-n1", True),
        ("metadata.name=web-n1,status.phase=Running", True),
        ("status.phase!=Running", False),
        ("status.phase==Pending", False),
        ("status.podIP=", True),
        ("spec.hostNetwork=true", True),
        ("metadata.name=a\\,b", False),
    ],
)
def test_fields_select_as_they_do_at_the_api_server(text, selected):
    assert fieldselector.parse(text).matches(POD) is selected


def test_a_backslash_makes_a_sign_part_of_the_value():
    (term,) = fieldselector.parse(r"metadata.name=a\,b\=c\\d").terms
    assert term.value == r"a,b=c\d"


@pytest.mark.parametrize("text", ["status.phase", "=x", "metadata.name=a=b", "metadata.name=a\\x"])
def test_what_is_no_field_selector_is_refused(text):
    with pytest.raises(selector.SelectorError):
        fieldselector.parse(text)


def test_fields_by_which_pods_are_not_selected_are_refused_with_those_by_which_they_are():
    with pytest.raises(selector.SelectorError, match=r"not supported: spec\.x; .*status\.phase"):
        fieldselector.parse("spec.x=1")
