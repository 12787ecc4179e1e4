"""ConfigMaps: texts and bytes by key."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, columns, keyed, kind, traits
from staticlet.kube import core, names
from staticlet.kube.fieldpath import Key
from staticlet.kube.validate import errors, peek

_MAPS = ("data", "binaryData")


class ConfigMaps(basic.Basic):
    """The rules of config maps (`ValidateConfigMap`)."""

    def default(self, obj: kind.Object) -> None:
        """Leave out maps without entries."""
        keyed.drop_empty(obj, _MAPS)

    def rules(self, obj: kind.Object) -> errors.Errors:
        """Keys are names of files, in one map each; all values together have a limit."""
        texts, binary = peek.text_map(obj, "data"), peek.text_map(obj, "binaryData")
        yield from keyed.keys(obj, "data")
        yield from keyed.keys(obj, "binaryData")
        for field, other in (_MAPS, _MAPS[::-1]):
            for key in peek.child(obj, field):
                if key in peek.child(obj, other):
                    detail = f"duplicate of key present in {other}"
                    yield errors.invalid((field, Key(key)), key, detail)
        size = sum(map(names.byte_length, texts.values()))
        size += sum(map(keyed.decoded_size, binary.values()))
        if size > keyed.LIMIT:
            yield errors.too_long((), keyed.LIMIT)

    def changes(self, new: kind.Object, old: kind.Object) -> errors.Errors:
        """What is immutable stays as it is."""
        yield from keyed.immutable(new, old, _MAPS)


CONFIG_MAPS = kind.Kind(
    plural="configmaps",
    singular="configmap",
    kind="ConfigMap",
    short_names=("cm",),
    verbs=traits.ALL,
    struct=core.ConfigMap,
    strategy=ConfigMaps(),
    columns=columns.CONFIG_MAPS,
    hash=traits.version_hash("", "v1", "ConfigMap"),
)
