"""Any bytes in any file never stop the source, and never touch what runs from another file."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staticlet.pods import merge
from staticlet.pods.wanted import PodKey
from staticlet.testing.directory import FakeDirectory, manifest

MANIFESTS = Path(__file__).parents[1] / "data" / "manifests"
MODELS = [each.read_bytes() for each in sorted(MANIFESTS.iterdir()) if each.suffix != ".txt"]
MODELS += [manifest("web"), manifest("web", image="other:1"), manifest("other")]
KEY = PodKey("default", "web-node1")

edits = st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=6))
names = st.sampled_from(("a.yaml", "b.json", "zz.yml", "notes.txt"))


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A manifest with some bytes lost, added or replaced; or any bytes at all."""
    data = draw(st.sampled_from(MODELS) | st.binary(max_size=80))
    for place, lost, added in draw(st.lists(edits, max_size=4)):
        at = int(place * len(data))
        data = data[:at] + added + data[at + lost :]
    return data


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(names, spoilt()), min_size=1, max_size=5))
def test_any_bytes_in_other_files_leave_a_running_pod_as_it_is(
    writes: list[tuple[str, bytes]],
) -> None:
    place = FakeDirectory()
    place.write("web.yaml", manifest("web"))
    wanted = merge.merge([place.look()], holders={})
    born = wanted.pods[KEY]
    for name, data in writes:
        place.write(name, data)
        wanted = merge.merge([place.look()], holders=merge.holders(wanted))
        assert wanted.pods[KEY] == born
        assert place.shown("web.yaml").pods == (born,)
