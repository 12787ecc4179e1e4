"""Laws of reading manifests: nothing raises, JSON is JSON, defaulting is done once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staticlet.kube import core, defaults, manifest, read, schema, shape
from staticlet.kube.finding import Severity

SOME = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

keys = st.text(max_size=8)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
_PIECES = (
    *("a", "n", ": ", "- ", "\n", "  ", "\t", "{", "}", "[", "]", ",", '"', "'", "&x ", "*x"),
    *("<<: ", "!!int ", "!t ", "|", ">", "#", "? ", "\\", "@", "0x1", "\u2028", "---\n", "...\n"),
    *("%YAML 1.1\n", "kind: Pod\n", "apiVersion: v1\n", "metadata:\n", "name: a\n", "spec:\n"),
)
yaml_like = st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)

edits = st.sampled_from(
    ("", "{}", "[x]", " 5 ", " ~ ", "n", "- ", ": ", "\n", '"', "1.5", "&a *a")
)
MANIFESTS = Path(__file__).parents[1] / "data" / "manifests"
GOOD = tuple(each.read_text() for each in sorted(MANIFESTS.glob("good-[!u]*.*")))

_SPEC_FIELDS = (
    "containers",
    "initContainers",
    "volumes",
    "resources",
    "overhead",
    "hostNetwork",
    "restartPolicy",
    "terminationGracePeriodSeconds",
)


def fitting(wanted: shape.Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Data of a shape, with fields missing at random."""
    match wanted:
        case shape.Flag():
            return st.booleans()
        case shape.Whole():
            return st.integers(0, 70000)
        case shape.IntOrText():
            return st.integers(0, 70000) | st.text(max_size=5)
        case shape.Amount():
            return st.sampled_from(["0", "1", "0.5", "100m", "1Gi", "1024Mi", "1e3", "1u", "-1"])
        case shape.Moment():
            return st.just("2030-01-31T12:00:00Z")
        case shape.ListOf(item):
            return st.lists(fitting(item, depth + 1), max_size=2)
        case shape.MapOf(value):
            return st.dictionaries(
                st.sampled_from(["cpu", "memory", "hugepages-2Mi"]), fitting(value)
            )
        case shape.Record() if depth > 6:
            return st.just({})
        case shape.Record():
            fields = {
                name: st.deferred(lambda each=each: fitting(each, depth + 1))  # type: ignore[misc]
                for name, each in wanted.fields.items()
            }
            return st.fixed_dictionaries({}, optional=fields)
        case _:
            return st.sampled_from(["", "Always", "x:latest", "a"])


pods = st.builds(
    lambda spec: {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec},
    st.fixed_dictionaries(
        {},
        optional={
            name: st.deferred(lambda name=name: fitting(shape.of(core.PodSpec).fields[name], 2))
            for name in _SPEC_FIELDS
        },
    ),
)


@SOME
@given(st.binary(max_size=200) | yaml_like.map(str.encode))
def test_no_bytes_make_the_reader_raise_or_say_nothing(data: bytes) -> None:
    reading = read.read(data, source="x")
    assert reading.pods or reading.findings
    errors = any(each.severity is Severity.ERROR for each in reading.findings)
    assert errors or not reading.refused


@SOME
@given(st.sampled_from(GOOD), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), edits)))
def test_no_edit_of_a_good_manifest_makes_the_reader_raise_or_let_bad_types_through(
    good: str, changes: list[tuple[float, int, str]]
) -> None:
    for place, removed, added in changes:
        at = int(place * len(good))
        good = good[:at] + added + good[at + removed :]
    reading = read.read(good.encode(), source="x")
    assert reading.pods or reading.findings
    for each in reading.pods:
        core.Pod.from_dict(each.raw)
        json.dumps(each.raw, allow_nan=False).encode()


@SOME
@given(plain)
def test_any_plain_data_can_be_checked_and_what_comes_out_fits(data: Any) -> None:
    whole = {"apiVersion": "v1", "kind": "Pod", "spec": data, "metadata": data}
    reading = read.read(json.dumps(whole).encode(), source="x")
    assert all(each.position for each in reading.findings)
    checked = schema.check(whole, core.Pod)
    assert schema.check(checked.value, core.Pod).differences == ()


@SOME
@given(plain, st.sampled_from([None, 1, "\t"]), st.sampled_from(["ascii", "utf-8"]))
def test_json_decodes_as_json(data: Any, indent: int | str | None, charset: str) -> None:
    text = json.dumps({"x": data}, indent=indent, ensure_ascii=charset == "ascii")
    decoded = manifest.decode(text.encode())
    assert decoded.problems == ()
    assert decoded.documents[0].data == json.loads(text)


@SOME
@given(plain)
def test_every_path_of_json_has_a_place_of_its_own_in_the_text(data: Any) -> None:
    text = json.dumps({"x": data}, indent=1)
    lines = text.split("\n")
    document = manifest.decode(text.encode()).documents[0]

    def walk(value: Any, path: tuple[str | int, ...]) -> None:
        place = document.position(path)
        rest = lines[place.line - 1][place.column - 1 :]
        if path and isinstance(path[-1], str):
            assert rest.startswith(json.dumps(path[-1]) + ":")
        children = value.items() if isinstance(value, dict) else ()
        children = enumerate(value) if isinstance(value, list) else children
        for step, child in children:
            walk(child, (*path, step))

    walk(document.data, ())


@SOME
@given(pods)
def test_defaulting_twice_changes_nothing_more(pod: dict[str, Any]) -> None:
    assert schema.check(pod, core.Pod).differences == ()
    before = json.dumps(pod)
    once = defaults.pod(pod)
    assert json.dumps(pod) == before
    assert defaults.pod(once) == once
    assert schema.check(once, core.Pod).differences == ()
