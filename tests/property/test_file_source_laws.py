"""Whatever is done to a manifest directory, in the end what runs is what the files say."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.pods.wanted import PodKey
from staticlet.testing.directory import FakeDirectory, images_by_name, manifest

NAMES = ("a.yaml", "b.yaml", "c.json", "a.yaml~", "d.off")
BROKEN = b"kind: [\n"
GOOD = tuple((pod, image) for pod in ("p", "q") for image in ("i:1", "i:2"))
CONTENT = {manifest(pod, image=image): (f"{pod}-node1", image) for pod, image in GOOD}

names = st.sampled_from(NAMES)
contents = st.sampled_from([*CONTENT, BROKEN])
operations = st.one_of(
    st.tuples(st.just("write"), names, contents),
    st.tuples(st.just("begin"), names, contents),
    st.tuples(st.just("close"), names, st.none()),
    st.tuples(st.just("move_in"), names, contents),
    st.tuples(st.just("move_out"), names, st.none()),
    st.tuples(st.just("delete"), names, st.none()),
    st.tuples(st.just("touch"), names, st.none()),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("lose events"), st.none(), st.none()),
    st.tuples(st.just("swap"), st.none(), st.none()),
    st.tuples(st.just("look"), st.none(), st.sampled_from((0.0, 0.1, 0.25, 1.0))),
)


def perform(place: FakeDirectory, operation: tuple[str, str, object], open_: set[str]) -> None:
    """Do one thing, where it can be done."""
    verb, name, more = operation
    files = place._files
    if verb == "look":
        place.look(after_s=float(more))  # type: ignore[arg-type]  a number by construction
    elif verb == "lose events":
        place.forget_events()
    elif verb == "swap":
        place.replace_place()
    elif verb in ("write", "begin", "move_in"):
        open_.discard(name)
        getattr(place, verb)(name, more)
        if verb == "begin":
            open_.add(name)
    elif name not in files or (verb in ("rename", "close") and not open_.isdisjoint({name})):
        if verb == "close" and name in open_:
            place.close(name)
            open_.discard(name)
    elif verb == "rename" and more != name:
        open_.discard(str(more))
        place.rename(name, str(more))
    elif verb in ("move_out", "delete", "touch"):
        open_.discard(name) if verb != "touch" else None
        getattr(place, verb)(name)


@settings(max_examples=300, deadline=None)
@given(st.lists(operations, max_size=25), st.booleans())
def test_in_the_end_what_is_wanted_is_what_the_files_say(
    sequence: list[tuple[str, str, object]],
    leases: bool,  # noqa: FBT001  drawn
) -> None:
    place = FakeDirectory(leases=leases)
    open_: set[str] = set()
    raised: dict[PodKey, int] = {}
    for operation in sequence:
        perform(place, operation, open_)
        for key, count in place.state.incarnations.items():
            assert count >= raised.get(key, 0)
            raised[key] = count
    for name in sorted(open_):
        place.close(name)
    place.settle()
    found = images_by_name(place.look(after_s=10.0))
    for name, stored in place._files.items():
        if not name.endswith((".yaml", ".json")):
            assert found[name] == set()
        elif stored.data in CONTENT:
            assert found[name] == {CONTENT[stored.data]}
        else:
            assert found[name] <= set(CONTENT.values())
    assert found.keys() == place._files.keys()


@settings(max_examples=200, deadline=None)
@given(st.lists(operations, max_size=20))
def test_a_pod_that_was_stopped_and_wanted_again_has_a_new_incarnation(
    sequence: list[tuple[str, str, object]],
) -> None:
    place = FakeDirectory()
    open_: set[str] = set()
    before: dict[PodKey, int] = {}
    gone: dict[PodKey, int] = {}
    for operation in sequence:
        perform(place, operation, open_)
        now = {pod.key: pod.incarnation for each in place.look().manifests for pod in each.pods}
        for key, life in now.items():
            assert key not in gone or life > gone[key]
        gone |= {key: life for key, life in before.items() if key not in now}
        before = now
