"""What the file source makes of events and scans: one table row or sentence per rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from staticlet.pods.sources import scan
from staticlet.pods.wanted import ManifestState, Snapshot
from staticlet.testing.directory import FakeDirectory, images, manifest

BROKEN = b"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [\n"
INVALID = manifest(extra="  restartPolicy: Sometimes\n")
WEB = {"web-node1": ("nginx:1", 0)}


@pytest.fixture
def place() -> FakeDirectory:
    """A directory with one good manifest that was read."""
    directory = FakeDirectory()
    directory.write("web.yaml", manifest())
    assert images(directory.look()) == WEB
    return directory


def findings(snapshot: Snapshot) -> list[str]:
    return [str(said) for each in snapshot.manifests for said in each.findings]


# Names


def test_only_manifest_endings_count_and_the_rest_is_listed_with_its_reason() -> None:
    place = FakeDirectory()
    for name in ("a.yaml", "b.yml", "c.json", "d.manifest"):
        place.write(name, manifest(name[0]))
    for name in ("a.yaml.bak", "a.yaml~", "sedXyz", "README", "E.YAML", ".hidden.yaml"):
        place.write(name, manifest("never"))
    place.make("sub.yaml", scan.EntryKind.DIRECTORY)
    place.make("pipe.yaml", scan.EntryKind.OTHER)
    snapshot = place.look()
    assert sorted(images(snapshot)) == ["a-node1", "b-node1", "c-node1", "d-node1"]
    ignored = {
        each.origin.rpartition("/")[2]: each.note
        for each in snapshot.manifests
        if each.state is ManifestState.IGNORED
    }
    assert sorted(ignored) == [
        "E.YAML", "README", "a.yaml.bak", "a.yaml~", "pipe.yaml", "sedXyz", "sub.yaml",
    ]  # fmt: skip
    assert "lower case" in ignored["E.YAML"]
    assert "sub-directories" in ignored["sub.yaml"]
    assert ".manifest" in ignored["README"]
    assert "regular file" in ignored["pipe.yaml"]


def test_a_setting_brings_back_every_name_but_dotfiles() -> None:
    place = FakeDirectory(all_file_names=True)
    place.write("plain", manifest("a"))
    place.write("x.bak", manifest("b"))
    place.write(".hidden.yaml", manifest("c"))
    assert sorted(images(place.look())) == ["a-node1", "b-node1"]


# What restarts nothing


def through_a_rename_over(place: FakeDirectory) -> None:
    place.write("sedAbc", manifest())
    place.rename("sedAbc", "web.yaml")


def as_vim_saves(place: FakeDirectory) -> None:
    place.rename("web.yaml", "web.yaml~")
    place.write("web.yaml", manifest())
    place.delete("web.yaml~")


def as_emacs_saves_slowly(place: FakeDirectory) -> None:
    place.rename("web.yaml", "web.yaml~")
    assert images(place.look()) == WEB
    place.begin("web.yaml", b"")
    assert images(place.look(after_s=0.1)) == WEB
    place.begin("web.yaml", manifest())
    place.close("web.yaml")


def by_truncating_and_rewriting(place: FakeDirectory) -> None:
    place.begin("web.yaml", b"")
    assert images(place.look()) == WEB
    place.begin("web.yaml", manifest()[:20])
    assert images(place.look(after_s=30)) == WEB
    place.begin("web.yaml", manifest())
    place.close("web.yaml")


def by_a_rename_to_another_manifest(place: FakeDirectory) -> None:
    place.rename("web.yaml", "other.json")
    assert place.reads == ["web.yaml"]


def by_renames_that_no_event_told(place: FakeDirectory) -> None:
    place.rename("web.yaml", "other.yaml")
    place.forget_events()


def by_moving_another_file_over_it(place: FakeDirectory) -> None:
    place.move_in("web.yaml", b"# edited\n" + manifest())


def by_touching_it(place: FakeDirectory) -> None:
    place.touch("web.yaml")


def by_replacing_the_directory(place: FakeDirectory) -> None:
    place.place = scan.Place.MISSING
    assert images(place.look()) == WEB
    place.place = scan.Place.DIRECTORY
    place.replace_place()


def by_a_rename_to_a_backup_and_back(place: FakeDirectory) -> None:
    place.rename("web.yaml", "web.yaml.off")
    assert images(place.look(after_s=0.1)) == WEB
    place.rename("web.yaml.off", "web.yaml")


@pytest.mark.parametrize(
    "edit",
    [
        through_a_rename_over,
        as_vim_saves,
        as_emacs_saves_slowly,
        by_truncating_and_rewriting,
        by_a_rename_to_another_manifest,
        by_renames_that_no_event_told,
        by_moving_another_file_over_it,
        by_touching_it,
        by_replacing_the_directory,
        by_a_rename_to_a_backup_and_back,
    ],
)
def test_a_save_with_the_same_content_restarts_nothing(
    place: FakeDirectory, edit: Callable[[FakeDirectory], None]
) -> None:
    before = next(each for each in place.state.files.values()).judged.goods[0].pod
    edit(place)
    after = [pod for each in place.look().manifests for pod in each.pods]
    assert [(pod.uid, pod.incarnation, pod.seen) for pod in after] == [
        (before.uid, 0, before.seen)
    ]
    place.settle()
    assert images(place.look(after_s=60)) == WEB


def test_an_unchanged_file_is_never_read_again(place: FakeDirectory) -> None:
    place.look(after_s=20)
    assert place.reads == []
    place.write("b.yaml", manifest("b"))
    place.look()
    assert place.reads == ["b.yaml"]


# What is a removal


def test_a_deleted_file_goes_at_once(place: FakeDirectory) -> None:
    place.delete("web.yaml")
    assert images(place.look()) == {}


def test_a_file_that_is_moved_out_goes_at_once_and_comes_back_as_another_life(
    place: FakeDirectory,
) -> None:
    data = place.move_out("web.yaml")
    assert images(place.look()) == {}
    place.move_in("web.yaml", data)
    assert images(place.look()) == {"web-node1": ("nginx:1", 1)}


def test_a_file_renamed_to_no_manifest_goes_after_a_moment(place: FakeDirectory) -> None:
    place.rename("web.yaml", "web.yaml.off")
    assert images(place.look()) == WEB
    assert place.state.deadline == pytest.approx(place.now + 0.2)
    assert images(place.look(after_s=0.2)) == {}
    place.rename("web.yaml.off", "web.yaml")
    assert images(place.look()) == {"web-node1": ("nginx:1", 1)}


def test_deleting_and_recreating_counts_every_time_even_before_anybody_looked(
    place: FakeDirectory,
) -> None:
    for life in range(1, 6):
        place.delete("web.yaml")
        place.write("web.yaml", manifest())
        assert images(place.look()) == {"web-node1": ("nginx:1", life)}


def test_a_file_lost_without_an_event_goes_after_a_moment(place: FakeDirectory) -> None:
    place.delete("web.yaml")
    place.forget_events()
    assert images(place.look()) == WEB
    assert images(place.look(after_s=0.2)) == {}


def test_a_deletion_seen_in_the_scan_before_its_event_counts_once(place: FakeDirectory) -> None:
    place.delete("web.yaml")
    events, place._changes = place._changes, []
    assert images(place.look()) == WEB
    place._changes = events
    assert images(place.look()) == {}
    place.write("web.yaml", manifest())
    assert images(place.look()) == {"web-node1": ("nginx:1", 1)}


def test_an_inode_used_again_for_another_file_does_not_hide_a_deletion(
    place: FakeDirectory,
) -> None:
    inode = place._files["web.yaml"].inode
    place.delete("web.yaml")
    events, place._changes = place._changes, []
    place.begin("new.yaml", b"half")
    place._files["new.yaml"] = type(place._files["new.yaml"])(
        data=b"half", inode=inode, changed=place._tick(), writing=True
    )
    place.look()
    place._changes = events
    assert images(place.look()) == {}


def test_copying_a_file_and_removing_the_first_restarts_nothing(place: FakeDirectory) -> None:
    place.write("copy.yaml", manifest())
    place.look()
    place.delete("web.yaml")
    assert images(place.look()) == WEB


def test_a_pod_whose_file_was_overwritten_by_a_rename_was_stopped(place: FakeDirectory) -> None:
    place.write("other.yaml", manifest("other"))
    place.look()
    place.rename("other.yaml", "web.yaml")
    assert images(place.look()) == {"other-node1": ("nginx:1", 0)}
    place.write("new.yaml", manifest())
    assert images(place.look())["web-node1"] == ("nginx:1", 1)


def test_a_touched_file_is_read_but_not_judged_again(place: FakeDirectory) -> None:
    before = place.state.files["web.yaml"].judged
    place.touch("web.yaml")
    place.look()
    assert place.reads == ["web.yaml"]
    assert place.state.files["web.yaml"].judged is before


def test_a_changed_name_stops_the_old_pod_at_once(place: FakeDirectory) -> None:
    place.write("web.yaml", manifest("other"))
    assert images(place.look()) == {"other-node1": ("nginx:1", 0)}
    place.write("web.yaml", manifest("web"))
    assert images(place.look()) == {"web-node1": ("nginx:1", 1)}


# Bad files


@pytest.mark.parametrize("bad", [BROKEN, INVALID, b"", b"# nothing\n", b"\xff\xfe\x00", b"a: b"])
def test_a_file_that_turns_bad_keeps_its_last_good_pod(place: FakeDirectory, bad: bytes) -> None:
    place.write("web.yaml", bad)
    snapshot = place.look()
    assert images(snapshot) == WEB
    assert place.shown("web.yaml").state is ManifestState.KEPT
    assert findings(snapshot)
    assert images(place.look(after_s=3600)) == WEB
    place.write("web.yaml", manifest(image="nginx:2"))
    assert images(place.look()) == {"web-node1": ("nginx:2", 0)}
    assert place.shown("web.yaml").state is ManifestState.ACCEPTED
    assert findings(place.look()) == []


def test_a_bad_file_that_is_removed_takes_its_kept_pod_along(place: FakeDirectory) -> None:
    place.write("web.yaml", BROKEN)
    place.look()
    place.delete("web.yaml")
    assert images(place.look()) == {}


def test_a_bad_file_recreated_after_a_removal_keeps_nothing(place: FakeDirectory) -> None:
    place.delete("web.yaml")
    place.write("web.yaml", BROKEN)
    assert images(place.look()) == {}
    assert place.shown("web.yaml").state is ManifestState.REFUSED


def test_a_bad_file_keeps_its_pod_when_it_is_renamed(place: FakeDirectory) -> None:
    place.write("web.yaml", BROKEN)
    place.look()
    place.rename("web.yaml", "b.yaml")
    assert images(place.look()) == WEB
    assert place.shown("b.yaml").state is ManifestState.KEPT
    assert all("b.yaml" in each for each in findings(place.look()))


def test_good_documents_of_a_bad_file_count_and_the_bad_ones_keep_their_last_good(
    place: FakeDirectory,
) -> None:
    place.write("web.yaml", manifest("a") + b"\n---\n" + manifest("b"))
    assert sorted(images(place.look())) == ["a-node1", "b-node1"]
    bad_b = manifest("b", extra="  restartPolicy: Sometimes\n")
    place.write("web.yaml", manifest("a", image="nginx:2") + b"\n---\n" + bad_b)
    assert images(place.look()) == {"a-node1": ("nginx:2", 0), "b-node1": ("nginx:1", 0)}
    assert place.shown("web.yaml").state is ManifestState.KEPT


def test_a_refused_document_that_names_a_kept_pod_does_not_keep_the_others(
    place: FakeDirectory,
) -> None:
    place.write("web.yaml", manifest("a") + b"\n---\n" + manifest("b"))
    place.look()
    place.write("web.yaml", manifest("b", extra="  restartPolicy: Sometimes\n"))
    assert sorted(images(place.look())) == ["b-node1"]


def test_a_refused_document_of_an_unknown_pod_keeps_all_that_ran(place: FakeDirectory) -> None:
    place.write("web.yaml", manifest("new", extra="  restartPolicy: Sometimes\n"))
    assert images(place.look()) == WEB


def test_a_pod_that_stands_twice_in_a_file_runs_once_and_is_told(place: FakeDirectory) -> None:
    place.write("web.yaml", manifest() + b"\n---\n" + manifest(image="nginx:2"))
    snapshot = place.look()
    assert images(snapshot) == WEB
    assert len(findings(snapshot)) == 1


def test_a_file_of_ten_mebibytes_is_bad(place: FakeDirectory) -> None:
    place.write("web.yaml", manifest() + b"#" * (10 << 20))
    assert "10 MiB" in findings(place.look())[0]
    assert images(place.look()) == WEB


# Half-written files


def test_a_half_written_file_that_begins_well_is_not_acted_on(place: FakeDirectory) -> None:
    place.begin("web.yaml", manifest(image="ng"))
    assert images(place.look()) == WEB
    assert place.shown("web.yaml").state is ManifestState.WRITING
    assert images(place.look(after_s=20)) == WEB
    place.begin("web.yaml", manifest(image="nginx:2"))
    place.close("web.yaml")
    assert images(place.look()) == {"web-node1": ("nginx:2", 0)}
    assert place.shown("web.yaml").state is ManifestState.ACCEPTED


def test_a_file_that_is_being_written_at_the_first_look_waits_too() -> None:
    place = FakeDirectory()
    place.begin("web.yaml", manifest(image="ng"))
    place.forget_events()
    snapshot = place.look()
    assert snapshot.ready
    assert images(snapshot) == {}
    place.close("web.yaml")
    assert images(place.look()) == {"web-node1": ("ng", 0)}


def test_an_open_file_is_tried_again_without_an_event(place: FakeDirectory) -> None:
    place.begin("web.yaml", manifest(image="nginx:2"))
    place.look()
    place.close("web.yaml")
    place.forget_events()
    assert place.state.deadline is not None
    assert images(place.look(after_s=1.0)) == {"web-node1": ("nginx:2", 0)}


def test_where_the_file_system_cannot_tell_of_writers_events_do() -> None:
    place = FakeDirectory(leases=False)
    place.begin("web.yaml", manifest(image="ng"))
    assert images(place.look()) == {}
    assert images(place.look(after_s=1)) == {}
    place.close("web.yaml")
    assert images(place.look()) == {"web-node1": ("ng", 0)}


def test_where_the_file_system_cannot_tell_of_writers_an_unwatched_file_settles() -> None:
    place = FakeDirectory(leases=False)
    place.begin("web.yaml", manifest())
    place.forget_events()
    assert images(place.look()) == {}
    assert place.state.deadline is not None
    assert images(place.look(after_s=0.5)) == WEB


# The directory as a whole


def test_a_missing_directory_has_a_moment_then_its_pods_go(place: FakeDirectory) -> None:
    place.place = scan.Place.MISSING
    assert images(place.look()) == WEB
    gone = place.look(after_s=0.3)
    assert images(gone) == {}
    assert "does not exist: create it" in str(gone.findings[0])
    place.place = scan.Place.DIRECTORY
    assert images(place.look()) == {"web-node1": ("nginx:1", 1)}
    assert place.look().findings == ()


def test_an_unreadable_directory_changes_nothing_but_is_told(place: FakeDirectory) -> None:
    place.place, place.fault = scan.Place.UNREADABLE, "cannot be read: input/output error"
    snapshot = place.look()
    assert images(snapshot) == WEB
    assert "input/output error" in str(snapshot.findings[0])


def test_the_first_look_makes_the_source_ready_but_an_unreadable_place_does_not() -> None:
    place = FakeDirectory()
    place.place = scan.Place.UNREADABLE
    assert not place.look().ready
    place.place = scan.Place.MISSING
    assert not place.look().ready
    assert place.look(after_s=0.3).ready
    empty = FakeDirectory()
    assert empty.look().ready


def test_a_place_that_others_can_write_to_is_a_warning_and_its_pods_run() -> None:
    place = FakeDirectory()
    place.mode = 0o777
    place.write("a.yaml", manifest("a"), mode=0o666)
    place.write("b.yaml", manifest("b"), owner=1234)
    snapshot = place.look()
    assert sorted(images(snapshot)) == ["a-node1", "b-node1"]
    assert "0777" in str(snapshot.findings[0])
    assert "0666" in findings(snapshot)[0]
    assert "1234" in findings(snapshot)[1]
    assert place.shown("a.yaml").state is ManifestState.ACCEPTED
