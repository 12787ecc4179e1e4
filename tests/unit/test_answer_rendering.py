"""Answers as bytes: what is stored is sent as it is, and everything else is made from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import yaml

from staticlet.apiserver.http import forms, lines, render
from staticlet.apiserver.resources import registry
from staticlet.apiserver.store.port import Key, Record
from staticlet.apiserver.verbs import answers

NOW = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
MAPS = registry.kinds().find("", "v1", "configmaps")
TABLE = forms.Form(shape=forms.Shape.TABLE)
PARTIAL = forms.Form(shape=forms.Shape.METADATA)


def config_map(name: str, *, revision: int = 7) -> dict[str, Any]:
    meta = {
        "name": name,
        "namespace": "default",
        "resourceVersion": str(revision),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"k": "v"}}


def record(name: str, *, revision: int = 7, encoded: bytes | None = None) -> Record:
    stored = render.encode(config_map(name, revision=revision)) if encoded is None else encoded
    return Record(key=Key("configmaps", "default", name), revision=revision, encoded=stored)


def listed(answer: answers.Many, form: forms.Form = forms.PLAIN) -> Any:
    return json.loads(b"".join(render.many(answer, form, NOW)))


def test_an_object_is_the_very_bytes_that_are_stored():
    stored = record("a")
    assert render.one(answers.One(kind=MAPS, record=stored), forms.PLAIN, NOW) is stored.encoded


def test_items_of_a_list_carry_neither_kind_nor_version():
    answer = answers.Many(kind=MAPS, records=(record("a"), record("b")), revision=9)
    got = listed(answer)
    bare = {name: value for name, value in config_map("b").items() if name in ("metadata", "data")}
    assert got["items"][1] == bare
    assert (got["kind"], got["apiVersion"]) == ("ConfigMapList", "v1")
    assert got["metadata"] == {"resourceVersion": "9"}


def test_items_that_were_written_in_another_order_come_out_the_same():
    turned = dict(reversed(config_map("a").items()))
    odd = record("a", encoded=json.dumps(turned).encode())
    got = listed(answers.Many(kind=MAPS, records=(odd, record("b")), revision=9))
    assert [sorted(item) for item in got["items"]] == [["data", "metadata"]] * 2


def test_an_empty_list_has_items():
    assert listed(answers.Many(kind=MAPS, records=(), revision=9))["items"] == []


def test_a_page_tells_where_the_next_begins():
    answer = answers.Many(kind=MAPS, records=(), revision=9, more="token", remaining=3)
    told = listed(answer)["metadata"]
    assert told == {"resourceVersion": "9", "continue": "token", "remainingItemCount": 3}


def test_a_table_has_a_row_an_object_with_its_metadata():
    got = listed(answers.Many(kind=MAPS, records=(record("a"),), revision=9), TABLE)
    assert [one["name"] for one in got["columnDefinitions"]] == ["Name", "Data", "Age"]
    (row,) = got["rows"]
    assert row["cells"] == ["a", 1, "30s"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"] == config_map("a")["metadata"]


def test_a_table_carries_as_much_of_its_objects_as_is_asked_for():
    answer = answers.One(kind=MAPS, record=record("a"))
    whole = forms.Form(shape=forms.Shape.TABLE, include="Object")
    bare = forms.Form(shape=forms.Shape.TABLE, include="None")
    assert json.loads(render.one(answer, whole, NOW))["rows"][0]["object"] == config_map("a")
    assert json.loads(render.one(answer, bare, NOW))["rows"][0]["object"] is None


def test_metadata_alone_is_taken_out_as_it_is():
    answer = answers.One(kind=MAPS, record=record("a"))
    assert json.loads(render.one(answer, PARTIAL, NOW)) == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": config_map("a")["metadata"],
    }


def test_yaml_says_the_same_with_its_keys_in_order():
    answer = answers.One(kind=MAPS, record=record("a"))
    text = render.one(answer, forms.Form(media=forms.YAML), NOW).decode()
    assert yaml.safe_load(text.replace("2026-01-01T00:00:00Z", "t"))["data"] == {"k": "v"}
    assert text.startswith("apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\n")


def test_indented_json_is_the_same_object():
    answer = answers.One(kind=MAPS, record=record("a"))
    pretty = render.one(answer, forms.Form(pretty=True), NOW)
    assert b'\n  "kind": "ConfigMap"' in pretty
    assert json.loads(pretty) == config_map("a")


def event(kind: str, name: str = "a") -> answers.Event:
    return answers.Event(type=kind, record=record(name))


def test_a_watch_line_holds_the_stored_bytes():
    line = lines.Lines().line(MAPS, event("ADDED"), forms.PLAIN, NOW)
    assert line == b'{"type":"ADDED","object":' + record("a").encoded + b"}\n"


def test_only_the_first_table_of_a_watch_defines_its_columns():
    made = lines.Lines()
    first = json.loads(made.line(MAPS, event("ADDED"), TABLE, NOW, first=True))
    later = json.loads(made.line(MAPS, event("MODIFIED"), TABLE, NOW))
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert later["object"]["columnDefinitions"] is None
    assert later["object"]["rows"][0]["cells"][0] == "a"


def test_watchers_that_want_the_same_share_one_line():
    made = lines.Lines()
    line = made.line(MAPS, event("ADDED"), TABLE, NOW)
    assert made.line(MAPS, event("ADDED"), TABLE, NOW) is line
    assert made.line(MAPS, event("DELETED"), TABLE, NOW) != line


def test_no_more_lines_are_kept_than_wanted():
    made = lines.Lines(kept=1)
    line = made.line(MAPS, event("ADDED"), PARTIAL, NOW)
    made.line(MAPS, event("MODIFIED"), PARTIAL, NOW)
    assert made.line(MAPS, event("ADDED"), PARTIAL, NOW) is not line


def test_a_bookmark_in_a_watch_of_tables_is_a_table():
    meta = {"resourceVersion": "9"}
    mark = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
    told = answers.Event(type="BOOKMARK", object=mark)
    got = json.loads(lines.Lines().line(MAPS, told, TABLE, NOW))["object"]
    assert got["rows"][0]["object"]["metadata"] == meta
    assert json.loads(lines.Lines().line(MAPS, told, forms.PLAIN, NOW))["object"] == mark


def test_an_error_in_a_watch_is_a_status_in_every_form():
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": 410}
    told = answers.Event(type="ERROR", object=status)
    for form in (forms.PLAIN, TABLE, PARTIAL):
        assert json.loads(lines.Lines().line(MAPS, told, form, NOW))["object"] == status
