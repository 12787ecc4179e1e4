"""Bytes to documents: what values mean, where they stand, what is refused and how."""

from __future__ import annotations

import subprocess
import sys

import pytest

from staticlet.kube import manifest
from staticlet.kube.document import LIMIT_BYTES, Decoded, Document
from staticlet.kube.finding import Position


def only(text: str | bytes) -> Document:
    decoded = manifest.decode(text if isinstance(text, bytes) else text.encode())
    assert decoded.problems == ()
    (document,) = decoded.documents
    assert document.problems == ()
    return document


def problem_of(text: str | bytes) -> tuple[str, str]:
    """Place and message of the one problem of a text, of the text or in its one document."""
    decoded = manifest.decode(text if isinstance(text, bytes) else text.encode())
    problems = [*decoded.problems, *(p for each in decoded.documents for p in each.problems)]
    (problem,) = problems
    place = problem.position
    return (f"{place.line}:{place.column}" if place else ""), problem.message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[(word, True) for word in ("y", "Y", "yes", "Yes", "on", "ON", "true", "True", "TRUE")],
        *[(word, False) for word in ("n", "N", "no", "No", "off", "OFF", "false", "False")],
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[(word, word) for word in ("tRue", "yEs", "nULL", "none", "a b", "<<<", "=")],
        ("0", 0),
        ("00", 0),
        ("-17", -17),
        ("+5", 5),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("-0x1f", -31),
        ("0b101", 5),
        ("-0b101", -5),
        ("1_000_000", 1000000),
        ("0x_ff", 255),
        ("08", 8),
        ("0o8", "0o8"),
        ("18446744073709551615", 18446744073709551615),
        ("-9223372036854775808", -9223372036854775808),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-.5", -0.5),
        ("1.0", 1),
        ("1e3", 1000),
        ("1e-3", 0.001),
        ("1e400", "1e400"),
        ("9" * 5000, "9" * 5000),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("_1", "_1"),
        (".e5", ".e5"),
        ("-", "-"),
        ("+", "+"),
        (".", "."),
        ("'n'", "n"),
        ('"5"', "5"),
        ("!!str n", "n"),
        ("!!str 5", "5"),
        ('!!int "5"', 5),
        ("!!float 2", 2),
        ("!!bool yes", True),
        ("!!null ''", None),
        ("!!binary aGk=", "hi"),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("|\n  n\n", "n\n"),
    ],
)
def test_a_yaml_scalar_means_what_it_means_to_kubernetes(written: str, value: object) -> None:
    found = only(f"a: {written}\n").data["a"] if written != "-" else only('a: "-"').data["a"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("y", "true"),
        ("off", "false"),
        ("0x10", "16"),
        ("08", "8"),
        ("1.50", "1.5"),
        ("1e-7", "1e-07"),
        ("'1'", "1"),
        ("2020-01-01", "2020-01-01"),
    ],
)
def test_a_map_key_becomes_a_string_as_the_kubernetes_yaml_library_makes_it(
    written: str, key: str
) -> None:
    assert only(f"{written}: x\n").data == {key: "x"}


def test_aliases_and_merge_keys_stand_for_what_they_name() -> None:
    text = "x: &x {a: 1, b: 2}\nz: {c: *x}\nm:\n  b: 3\n  <<: [*x, {a: 9, d: 4}]\n  a: 5\n"
    assert only(text).data == {
        "x": {"a": 1, "b": 2},
        "z": {"c": {"a": 1, "b": 2}},
        "m": {"b": 2, "a": 5, "d": 4},  # a merge overrides what stands before it
    }


def test_a_merged_key_that_is_overridden_is_no_duplicate() -> None:
    assert only("x: &x {a: 1}\nm: {<<: *x, a: 2}\n").duplicates == ()


def test_a_field_stands_where_its_key_does_and_an_item_where_it_begins() -> None:
    document = only("a: 1\nb:\n  - c: 2\n    d: [x, y]\n")
    assert document.position(()) == Position(1, 1)
    assert document.position(("b",)) == Position(2, 1)
    assert document.position(("b", 0)) == Position(3, 5)
    assert document.position(("b", 0, "c")) == Position(3, 5)
    assert document.position(("b", 0, "d")) == Position(4, 5)
    assert document.position(("b", 0, "d", 1)) == Position(4, 12)


def test_a_field_that_is_missing_stands_where_the_nearest_parent_does() -> None:
    document = only("a:\n  - b: 1\n")
    assert document.position(("a", 0, "name")) == Position(2, 5)
    assert document.position(("a", 7, "name")) == Position(1, 1)
    assert document.position(("x", "y")) == Position(1, 1)


def test_positions_in_json_are_as_exact_as_in_yaml() -> None:
    document = only('{\n\t"a": [\n\t\t{"b": 1, "c"\n : 2}]}')
    assert document.position(("a",)) == Position(2, 2)
    assert document.position(("a", 0)) == Position(3, 3)
    assert document.position(("a", 0, "c")) == Position(3, 12)


def test_columns_count_characters_and_not_bytes() -> None:
    assert only("{ü: 1, a: 2}").position(("a",)) == Position(1, 8)


def test_a_key_given_twice_counts_the_second_time_and_is_reported() -> None:
    for text in ("a:\n  b: 1\n  b: 2\n", '{"a":\n{"b": 1,\n  "b": 2}}'):
        document = only(text)
        assert document.data == {"a": {"b": 2}}
        (duplicate,) = document.duplicates
        assert duplicate.path == ("a", "b")
        assert (duplicate.first.line, duplicate.position) == (2, Position(3, 3))


def test_keys_that_become_equal_strings_are_duplicates() -> None:
    assert [each.path for each in only("1: a\n'1': b\n").duplicates] == [("1",)]


def test_the_text_of_a_plain_scalar_that_is_no_string_is_kept() -> None:
    document = only("a: n\nb: 0644\nc: text\nd: 'n'\n")
    assert [document.text((key,)) for key in "abcd"] == ["n", "0644", None, None]


def test_json_strings_decode_as_json_has_it() -> None:
    document = only('{"a": "\\/\\u00e9\\ud83d\\ude00\\n", "b": "\\ud800x"}')
    assert document.data == {"a": "/é😀\n", "b": "\ufffdx"}


def test_what_opens_like_json_may_be_yaml_in_flow_style() -> None:
    assert only("{apiVersion: v1, labels: {a: 'b',},}").data == {
        "apiVersion": "v1",
        "labels": {"a": "b"},
    }


def test_every_document_counts_and_empty_ones_do_not() -> None:
    decoded = manifest.decode(b"# nothing\n---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n")
    assert [each.data for each in decoded.documents] == [{"a": 1}, {"b": 2}]
    assert decoded.documents[1].position(("b",)) == Position(8, 1)


@pytest.mark.parametrize("text", ["", "\n", "# only words\n", "---\n", "---\n---\n", "\ufeff"])
def test_a_text_without_content_has_no_documents(text: str) -> None:
    assert manifest.decode(text.encode()) == Decoded()


def test_a_broken_document_does_not_hide_those_around_it() -> None:
    decoded = manifest.decode(b"a: 1\n---\nb: 'open\n---\nc: 2\n---\n]\n---\nd: 3\n")
    assert [each.data for each in decoded.documents] == [{"a": 1}, {"c": 2}, {"d": 3}]
    assert [str(each.position) for each in decoded.problems] == [
        str(Position(3, 4)),
        str(Position(7, 1)),
    ]
    assert decoded.documents[2].position(("d",)) == Position(9, 1)


@pytest.mark.parametrize(
    "data",
    [
        "a: ü".encode(),
        b"\xef\xbb\xbf" + "a: ü".encode(),
        "a: ü".encode("utf-16"),
        b"\xfe\xff" + "a: ü".encode("utf-16-be"),
        "a: ü".encode("utf-16-le"),
        "a: ü".encode("utf-16-be"),
        '{"a": "ü"}'.encode("utf-16"),
    ],
)
def test_utf_8_and_utf_16_are_read_with_and_without_a_mark(data: bytes) -> None:
    assert only(data).data == {"a": "ü"}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a:\n\tb: 1\n", "2:1", "tabs may not be used for indentation; use spaces"),
        ("a: @x\n", "1:4", "a value may not begin with @: quote it"),
        ("a: 'x\nb: 1\n", "1:4", "this quote is never closed"),
        ("a: [1, 2\nb: 3\n", "2:2", "a list in [] is not closed (opened at 1:4)"),
        ("a: b: c\n", "1:5", "quote a text that contains ': '"),
        ("a:\n  b: 1\n c: 2\n", "3:2", "check the indentation"),
        ("- a\nb: 1\n", "2:1", "expected a list item"),
        ("a: 1\nb\nc: 2\n", "2:1", "expected ':' and a value after this key"),
        ("a: {{ name }}\n", "1:5", "template"),
        ("a: *b\n", "1:4", "the alias *b has no anchor"),
        ("a: &a [*a]\n", "1:8", "inside its own anchor"),
        ("a: !env X\n", "1:4", "the tag !env is unknown to Kubernetes; remove it"),
        ("a: !!set {}\n", "1:4", "the tag !!set is unknown"),
        ("a: !x!y z\n", "1:4", "tag is unknown"),
        ("a: !!int x\n", "1:4", '"x" does not fit its tag !!int'),
        ("a: !!binary '%'\n", "1:4", "base64"),
        ("a: .inf\n", "1:4", ".inf is a number that JSON cannot hold; quote it"),
        ("~: 1\n", "1:1", "a key may not be null"),
        ("<<: 1\n", "1:1", "needs a map"),
        ('a: "\\q"\n', "1:5", "unknown escape"),
        ("a: \x07\n", "1:4", "U+0007"),
        ("a: \x00\n", "1:4", "U+0000"),
        ('{"a": 1 "b": 2}', "1:9", "expected ',' or '}' here"),
        ('{"a" 1}', "1:6", "expected ':' after the key"),
        ('{"a": tru}', "1:7", "expected a value here"),
        ('{"a": [1, 2}', "1:12", "expected ',' or ']' here"),
        ('{"a": 1', "1:8", "ends too early"),
        ('{"a": "x\n"}', "1:7", "never closed"),
        ('{"a": 1e999}', "1:7", "too large"),
        ('{"a": 1} {"b": 2}', "1:10", "JSON holds one object; put several pods in a List"),
        (b"a: 1\nb: \xff\n", "2:4", "not text in UTF-8: save the file as UTF-8"),
        (b"\xff\xfea\x00\x00\xd8", "1:2", "not text in UTF-16"),
    ],
)
def test_what_cannot_be_read_is_told_with_place_and_remedy(
    text: str | bytes, place: str, words: str
) -> None:
    found, message = problem_of(text)
    assert words in message
    assert found == place


@pytest.mark.parametrize("opening", ["[", "- ", '{"a":', "[{a: "])
def test_deep_nesting_is_refused_before_it_hurts(opening: str) -> None:
    decoded = manifest.decode(opening.encode() * 50_000)
    assert decoded.documents == ()
    assert "nested more than 100 levels deep" in decoded.problems[0].message


def test_deep_nesting_does_not_overflow_the_stack_of_the_process() -> None:
    code = "from staticlet.kube import manifest; print(manifest.decode(b'['*2_000_000).documents)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout) == (0, "()\n")


def test_a_break_at_the_end_of_very_many_documents_is_found_at_once() -> None:
    decoded = manifest.decode(b"---\n" * 400_000 + b"a: 'open\n---\nb: 1\n")
    assert [str(each.position) for each in decoded.problems] == [str(Position(400_001, 4))]
    assert [each.data for each in decoded.documents] == [{"b": 1}]


@pytest.mark.parametrize("text", ["- a\n" * 200_001, "[" + "1," * 200_000 + "1]"])
def test_a_document_of_too_many_values_is_not_read_to_its_end(text: str) -> None:
    assert problem_of(text)[1] == "holds more than 200000 values"


def test_a_billion_laughs_are_counted_and_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcde", "bcdef", strict=True)
    ]
    assert "aliases stand for more than 100000 values" in problem_of("\n".join(lines))[1]


def test_a_manifest_that_reaches_the_limit_is_not_read() -> None:
    assert "10 MiB or larger" in problem_of(b"#" * LIMIT_BYTES)[1]
    assert manifest.decode(b"#" * (LIMIT_BYTES - 1)) == Decoded()


@pytest.mark.parametrize("name", ["web.yaml", "web.yml", "web.json", "web.manifest"])
def test_a_manifest_is_told_by_the_end_of_its_name(name: str) -> None:
    assert manifest.is_manifest(name)


@pytest.mark.parametrize("name", ["web", "web.yaml~", "web.yaml.bak", "sedAbC", "web.YAML"])
def test_other_names_count_only_by_the_kubelets_rule(name: str) -> None:
    assert not manifest.is_manifest(name)
    assert manifest.is_manifest(name, all_names=True)


@pytest.mark.parametrize("name", [".web.yaml.swp", ".yaml"])
def test_a_dotfile_never_counts(name: str) -> None:
    assert not manifest.is_manifest(name)
    assert not manifest.is_manifest(name, all_names=True)
