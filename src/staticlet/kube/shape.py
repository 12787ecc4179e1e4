"""The types of Kubernetes as shapes to check plain data against.

Shapes are read off the API structs once and kept. The structs are generated from the OpenAPI
schema and lose a few of Go's distinctions on the way (quantities, 32 from 64 bits, maps of
strings); the tables here bring them back.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from staticlet.kube import fieldpath

if TYPE_CHECKING:
    import msgspec


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of so many bits, signed."""

    bits: int


@dataclass(frozen=True, slots=True)
class IntOrText:
    """A 32-bit number or a string: a port by number or name."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity, written as a string or a number."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as RFC 3339 writes it; `micro` where Kubernetes tells microseconds."""

    micro: bool = False


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes, written in base64."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Not looked into."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one shape."""

    item: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map from strings to one shape."""

    value: Shape


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A struct; its fields are read off when first asked for, since types can contain themselves.

    Attributes:
        struct: The API struct.
    """

    struct: type[msgspec.Struct]

    @property
    def fields(self) -> Mapping[str, Shape]:
        """The shapes of its fields under their names in JSON, in the order of declaration."""
        return _fields(self.struct)


Shape: TypeAlias = (
    Text | Flag | Whole | IntOrText | Amount | Moment | Bytes | Anything | ListOf | MapOf | Record
)

TEXT = Text()
INT32 = Whole(32)
INT64 = Whole(64)
_BY_NAME: dict[str, Shape] = {
    "str": TEXT,
    "bool": Flag(),
    "int": INT32,
    "Quantity": Amount(),
    "IntOrString": IntOrText(),
    "Time": Moment(),
    "MicroTime": Moment(micro=True),
    "FieldsV1": Anything(),
    "RawExtension": Anything(),
    "dict": MapOf(TEXT),
}
_AMOUNTS = MapOf(Amount())
_BLOBS = MapOf(Bytes())
_LISTS = MapOf(ListOf(TEXT))
_INT64_FIELDS = frozenset(
    (
        "activeDeadlineSeconds",
        "defaultUser",
        "deletionGracePeriodSeconds",
        "expirationSeconds",
        "fsGroup",
        "generation",
        "gid",
        "gracePeriodSeconds",
        "observedGeneration",
        "runAsGroup",
        "runAsUser",
        "seconds",
        "sizeBytes",
        "terminationGracePeriodSeconds",
        "tolerationSeconds",
        "uid",
        "user",
    )
)
_OVERRIDES: dict[tuple[str, str], Shape] = {
    ("ResourceRequirements", "limits"): _AMOUNTS,
    ("ResourceRequirements", "requests"): _AMOUNTS,
    ("VolumeResourceRequirements", "limits"): _AMOUNTS,
    ("VolumeResourceRequirements", "requests"): _AMOUNTS,
    ("PodSpec", "overhead"): _AMOUNTS,
    ("PodStatus", "allocatedResources"): _AMOUNTS,
    ("ContainerStatus", "allocatedResources"): _AMOUNTS,
    ("NodeStatus", "allocatable"): _AMOUNTS,
    ("NodeStatus", "capacity"): _AMOUNTS,
    ("NodeSwapStatus", "capacity"): INT64,
    ("Secret", "data"): _BLOBS,
    ("ConfigMap", "binaryData"): _BLOBS,
    ("SubjectAccessReviewSpec", "extra"): _LISTS,
    ("TokenRequestSpec", "attestations"): _LISTS,
    ("UserInfo", "extra"): _LISTS,
    ("PodSecurityContext", "supplementalGroups"): ListOf(INT64),
    ("LinuxContainerUser", "supplementalGroups"): ListOf(INT64),
}
_WRAPPED = re.compile(r"(?P<outer>Optional|List)\[(?P<inner>.*)\]")


@functools.cache
def of(struct: type[msgspec.Struct]) -> Record:
    """The shape of an API struct."""
    return Record(struct)


def typed(record: Record, path: Sequence[str | int]) -> fieldpath.Path:
    """A path of plain keys with the keys of maps told from the fields of records."""
    steps: list[fieldpath.Step] = []
    here: Shape | None = record
    for step in path:
        match here, step:
            case MapOf(value), str():
                steps.append(fieldpath.Key(step))
                here = value
            case ListOf(item), _:
                steps.append(step)
                here = item
            case Record(), str():
                steps.append(step)
                here = here.fields.get(step)
            case _:
                steps.append(step)
                here = None
    return tuple(steps)


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> Mapping[str, Shape]:
    encoded = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    return {
        encoded[name]: _OVERRIDES.get((struct.__name__, name)) or _read(struct, name, annotation)
        for name, annotation in struct.__annotations__.items()
        if name in encoded
    }


def _read(struct: type[msgspec.Struct], name: str, annotation: str) -> Shape:
    """The shape that an annotation such as `Optional[List[core_v1.Volume]]` stands for."""
    match = _WRAPPED.fullmatch(annotation)
    if match:
        inner = _read(struct, name, match["inner"])
        return ListOf(inner) if match["outer"] == "List" else inner
    last = annotation.rpartition(".")[2]
    if last == "int" and name in _INT64_FIELDS:
        return INT64
    if last in _BY_NAME:
        return _BY_NAME[last]
    found: Any = sys.modules[struct.__module__]
    for part in annotation.split("."):
        found = getattr(found, part)
    return of(found)
