"""Laws of the configuration: no input breaks the loader, and origins tell the truth."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.config import check, effective, kubelet, layer, limits, load

FIELDS = sorted(kubelet.CONFIGURATION.fields)
TEXTS = st.sampled_from(
    ["", "x", "1s", "-1s", "0s", "5m", "http://[", "http://a/", "/x", "unix:///a", "10.0.0.1"]
) | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
NAMES = st.sampled_from(["enabled", "verbosity", "maxContainerRestartPeriod", "webhook", "x"])
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES | TEXTS, inner, max_size=3),
    max_leaves=6,
)
CONFIGURATIONS = st.dictionaries(st.sampled_from(FIELDS) | TEXTS, ANY, max_size=6)


def of_type(kind):
    """Values that fit a type of the kubelet's configuration."""
    match kind:
        case kubelet.ListOf(item):
            return st.lists(of_type(item), max_size=2)
        case kubelet.MapOf(value):
            return st.dictionaries(st.sampled_from(["a", "b"]), of_type(value), max_size=2)
        case kubelet.Struct(fields):
            return st.fixed_dictionaries(
                {}, optional={name: of_type(inner) for name, inner in fields.items()}
            )
        case kubelet.Scalar.BOOL:
            return st.booleans()
        case kubelet.Scalar.PATH:
            return TEXTS.filter(lambda text: "\0" not in text)
        case kubelet.Scalar.STRING | kubelet.Scalar.TIME:
            return TEXTS
        case kubelet.Scalar.QUANTITY:
            return st.sampled_from(["1Gi", "500m", 2])
        case kubelet.Scalar.DURATION | kubelet.Scalar.DURATION_OR_NANOSECONDS:
            return st.sampled_from(["0s", "100ms", "1s", "5m", "-1s"])
        case _:
            return st.integers(0, 1000)


FITTING = st.lists(st.sampled_from(FIELDS), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: of_type(kubelet.CONFIGURATION.fields[name]) for name in names}
    )
)


@given(FITTING)
def test_what_fits_the_kubelets_type_is_kept_without_a_finding(data):
    kept, findings = check.clean(layer.Layer(source="x", data=data))
    assert findings == ()
    assert set(kept.data) == set(data)
    assert check.clean(kept) == (kept, ())


@given(CONFIGURATIONS)
def test_what_is_kept_of_anything_fits(data):
    kept, findings = check.clean(layer.Layer(source="x", data=data))
    assert check.clean(kept) == (kept, ())
    assert findings or set(kept.data) == set(data)


@settings(max_examples=60)
@given(st.binary(max_size=60) | CONFIGURATIONS.map(lambda data: json.dumps(data).encode()))
def test_no_bytes_break_the_loader(content):
    head = json.dumps({"apiVersion": kubelet.API_VERSION, "kind": kubelet.KIND})[:-1].encode()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "k.json")
        path.write_bytes(head + b", " + content[1:] if content[:1] == b"{" else content)
        with contextlib.suppress(load.ConfigError):
            load.load({"config": [str(path)]}, host_name="n", directory=Path(name))


@given(st.lists(FITTING, min_size=1, max_size=4))
def test_an_origin_is_the_last_layer_that_has_the_value(datas):
    layers = [layer.Layer(source=str(n), data=data) for n, data in enumerate(datas)]
    kept = [check.clean(one)[0] for one in layers]
    stack = layer.stack(kept)
    if list(limits.check(stack)) or list(effective.check(stack)):
        return
    for value in effective.values(stack):
        path = tuple(value.field.split("."))
        if value.origin == "default":
            continue
        alone = layer.stack([kept[int(value.origin)]])
        assert alone.get(path) is not None
        later = kept[int(value.origin) + 1 :]
        assert all(layer.stack([one]).get(path) is None for one in later)
