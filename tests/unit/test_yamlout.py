"""What `staticlet.kube.yamlout` writes."""

from __future__ import annotations

import pytest
import yaml

from staticlet.kube import yamlout


def test_keys_keep_their_order_and_lists_stand_in_block_style():
    data = {"kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"name": "a"}], "x": []}}
    assert yamlout.dump(data) == (
        "kind: Pod\napiVersion: v1\nspec:\n  containers:\n  - name: a\n  x: []\n"
    )


@pytest.mark.parametrize("text", ["n", "Yes", "off", "0o17", "017", "1e3", "12:30", "null", "1_0"])
def test_a_string_that_could_be_read_as_something_else_is_quoted(text):
    assert yamlout.dump({"a": text}) == f'a: "{text}"\n'


def test_several_lines_become_a_literal_block():
    assert yamlout.dump({"a": "one\ntwo\n"}) == "a: |\n  one\n  two\n"


@pytest.mark.parametrize(
    "text", ["a \nb", "a\tb\n", "\n", " a\nb", "", "#", "a: b", "é\n", "\x00"]
)
def test_odd_strings_survive_the_round_trip(text):
    assert yaml.safe_load(yamlout.dump({"a": text})) == {"a": text}


def test_equal_values_are_written_twice_and_not_anchored():
    labels = {"app": "web"}
    assert yamlout.dump({"a": labels, "b": labels}) == "a:\n  app: web\nb:\n  app: web\n"


def test_a_bare_scalar_has_no_document_end():
    assert yamlout.dump(3) == "3\n"


def test_what_is_not_plain_data_is_refused():
    with pytest.raises(TypeError, match="not plain data: object"):
        yamlout.dump({"a": object()})
