"""Whatever bytes come as protobuf: an object, or a refusal."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube.protobuf import body

_DATA = Path(__file__).parents[1] / "data"
_RECORDED = [
    base64.b64decode(one["body"])
    for name in ("kubectl-bodies.json", "kubelet-bodies.json", "every-field-bodies.json")
    for one in json.loads((_DATA / name).read_text())
]


def _object_or_refusal(sent: bytes) -> None:
    try:
        found = body.decode(sent).object
    except body.BodyError:
        return
    assert found["kind"]
    json.dumps(found)


@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic_are_an_object_or_refused(tail: bytes) -> None:
    _object_or_refusal(b"k8s\x00" + tail)


@given(st.sampled_from(_RECORDED), st.data())
def test_a_recorded_body_with_changed_bytes_is_an_object_or_refused(
    sent: bytes, data: st.DataObject
) -> None:
    broken = bytearray(sent)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(4, len(sent) - 1))] = data.draw(st.integers(0, 255))
    _object_or_refusal(bytes(broken[: data.draw(st.integers(4, len(sent)))]))
