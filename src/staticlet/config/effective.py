"""The fields of the kubelet's configuration that do something here: defaults, rules, values.

Defaults are the kubelet's, with one difference: `staticPodPath` is /etc/kubernetes/manifests when
nothing sets it nor `staticPodURL`. Set to the empty string, it means no file source. As with the
kubelet, a zero duration of a frequency or a timeout means its default.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from staticlet.config import kubelet, limits, nodetexts, tlsrules
from staticlet.config.kubelet import Struct
from staticlet.config.layer import Stack
from staticlet.kube import duration, fieldpath, names
from staticlet.kube.finding import Finding

DEFAULT_STATIC_POD_PATH = "/etc/kubernetes/manifests"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MASK = "<masked>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field with an effect.

    Attributes:
        path: Where it stands in the configuration.
        default: Its value when nothing sets it.
        zero_is_unset: Whether an empty or zero value counts as not set, as with the kubelet.
        rule: What is wrong with a value, in words; empty when nothing is.
        secret: Whether its value is masked where it is shown.
    """

    path: tuple[str, ...]
    default: Any
    zero_is_unset: bool = False
    rule: Callable[[Any], str] = lambda _: ""
    secret: bool = False

    @property
    def name(self) -> str:
        """The field as people write it: `crashLoopBackOff.maxContainerRestartPeriod`."""
        return ".".join(self.path)


def _endpoint(text: str) -> str:
    if not text or re.match(r"(unix:(//)?)?/[^/]", text):
        return ""
    return f'must be the path of a unix socket, as unix:///run/x.sock, not "{text}"'


def _url(text: str) -> str:
    try:
        parts = urllib.parse.urlsplit(text)
        valid = not text or (parts.scheme in {"http", "https"} and bool(parts.hostname))
    except ValueError:
        valid = False
    return "" if valid else f'must be an http:// or https:// URL with a host, not "{text}"'


def _headers(headers: Mapping[str, list[str]]) -> str:
    for name, values in headers.items():
        wrong = names.header_name(name)
        if wrong:
            return f'"{name}" is not the name of a header: {wrong[0]}'
        if any(_CONTROL.search(value) for value in values):
            return f"the value of {name} holds a line break or another control character"
    return ""


def _address(text: str) -> str:
    return _addresses([text]) if text else ""


def _addresses(texts: list[str]) -> str:
    for text in texts:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return f'"{text}" is not an IP address'
    return ""


FIELDS: tuple[Field, ...] = (
    Field(path=("staticPodPath",), default=DEFAULT_STATIC_POD_PATH),
    Field(path=("staticPodURL",), default="", rule=_url),
    Field(path=("staticPodURLHeader",), default={}, rule=_headers, secret=True),
    Field(path=("fileCheckFrequency",), default="20s", zero_is_unset=True),
    Field(path=("httpCheckFrequency",), default="20s", zero_is_unset=True),
    Field(path=("syncFrequency",), default="1m0s", zero_is_unset=True),
    Field(path=("containerRuntimeEndpoint",), default="", rule=_endpoint),
    Field(path=("imageServiceEndpoint",), default="", rule=_endpoint),
    Field(path=("runtimeRequestTimeout",), default="2m0s", zero_is_unset=True),
    Field(path=("podLogsDir",), default="/var/log/pods", zero_is_unset=True),
    Field(path=("clusterDNS",), default=[], rule=_addresses),
    Field(path=("clusterDomain",), default=""),
    Field(path=("resolvConf",), default="/etc/resolv.conf"),
    Field(path=("serializeImagePulls",), default=True),
    Field(path=("maxParallelImagePulls",), default=1),
    Field(path=("registryPullQPS",), default=5),
    Field(path=("registryBurst",), default=10, zero_is_unset=True),
    Field(path=("crashLoopBackOff", "maxContainerRestartPeriod"), default="5m0s"),
    Field(path=("cgroupDriver",), default="cgroupfs", zero_is_unset=True),
    Field(path=("cgroupRoot",), default=""),
    Field(path=("podPidsLimit",), default=-1),
    Field(path=("cpuCFSQuota",), default=True),
    Field(path=("cpuCFSQuotaPeriod",), default="100ms"),
    Field(path=("seccompDefault",), default=False),
    Field(path=("enableServer",), default=True),
    Field(path=("address",), default="0.0.0.0", zero_is_unset=True, rule=_address),  # noqa: S104
    Field(path=("port",), default=10250, zero_is_unset=True),
    Field(path=("readOnlyPort",), default=0),
    Field(path=("healthzBindAddress",), default="127.0.0.1", zero_is_unset=True, rule=_address),
    Field(path=("healthzPort",), default=10248),
    Field(path=("enableDebuggingHandlers",), default=True),
    Field(path=("tlsCertFile",), default=""),
    Field(path=("tlsPrivateKeyFile",), default=""),
    Field(path=("tlsMinVersion",), default=tlsrules.OLDEST, zero_is_unset=True),
    Field(path=("tlsCipherSuites",), default=[]),
    Field(path=("authentication", "x509", "clientCAFile"), default=""),
    Field(path=("authentication", "anonymous", "enabled"), default=False),
    Field(path=("authentication", "webhook", "enabled"), default=True),
    Field(path=("authentication", "webhook", "cacheTTL"), default="2m0s", zero_is_unset=True),
    Field(path=("authorization", "mode"), default="Webhook", zero_is_unset=True),
    Field(
        path=("authorization", "webhook", "cacheAuthorizedTTL"),
        default="5m0s",
        zero_is_unset=True,
    ),
    Field(
        path=("authorization", "webhook", "cacheUnauthorizedTTL"),
        default="30s",
        zero_is_unset=True,
    ),
    Field(path=("registerNode",), default=True),
    Field(path=("registerWithTaints",), default=[], rule=nodetexts.taint_rule),
    Field(path=("nodeStatusUpdateFrequency",), default="10s", zero_is_unset=True),
    Field(path=("nodeStatusReportFrequency",), default="5m0s", zero_is_unset=True),
    Field(path=("nodeLeaseDurationSeconds",), default=40, zero_is_unset=True),
    Field(path=("nodeStatusMaxImages",), default=50),
    Field(path=("eventRecordQPS",), default=50, zero_is_unset=False),
    Field(path=("eventBurst",), default=100, zero_is_unset=True),
    Field(path=("maxPods",), default=110, zero_is_unset=True),
    Field(path=("podsPerCore",), default=0),
    Field(path=("kubeReserved",), default={}, rule=nodetexts.reserved_rule),
    Field(path=("systemReserved",), default={}, rule=nodetexts.reserved_rule),
    Field(
        path=("evictionHard",),
        default=nodetexts.EVICTION_HARD,
        zero_is_unset=True,
        rule=nodetexts.threshold_rule,
    ),
    Field(path=("mergeDefaultEvictionSettings",), default=False),
    Field(path=("evictionPressureTransitionPeriod",), default="5m0s", zero_is_unset=True),
    *(Field(path=("featureGates", name), default=value) for name, value in limits.GATES.items()),
    Field(path=("logging", "verbosity"), default=0),
    Field(path=("logging", "format"), default="text", zero_is_unset=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What holds for one field.

    Attributes:
        field: The field, in the kubelet's spelling.
        value: Its value, as plain data; durations as Go writes them.
        origin: `default`, a file with line and column, or `flag --name`.
        secret: Whether the value is not for showing.
    """

    field: str
    value: Any
    origin: str
    secret: bool = False

    @property
    def shown(self) -> Any:
        """The value for people: secrets masked, the names of headers left."""
        return masked(self.value) if self.secret else self.value


def masked(value: Any) -> Any:
    """A secret value for people: of headers their names are left."""
    if isinstance(value, Mapping):
        return {name: [_MASK] * len(values) for name, values in value.items()}
    return value


def check(stack: Stack) -> Iterator[Finding]:
    """Yield what is wrong with the values of fields with an effect, beyond `limits`."""
    for field in FIELDS:
        value = stack.get(field.path)
        layer = stack.setter(field.path)
        if value is None or layer is None:
            continue
        message = field.rule(value)
        if message:
            yield layer.error(field.path, message)


def values(stack: Stack) -> tuple[Value, ...]:
    """What holds for every field with an effect; call it once `check` and `limits` are content."""
    defaults = _dependent_defaults(stack)
    return tuple(_value(stack, field, defaults) for field in FIELDS)


def _value(stack: Stack, field: Field, defaults: Mapping[str, Any]) -> Value:
    value, origin = stack.get(field.path), stack.origin(field.path)
    if value is None or (field.zero_is_unset and _is_zero(field.path, value)):
        value, origin = defaults.get(field.name, field.default), "default"
    elif _type(field.path) is kubelet.Scalar.DURATION:
        value = duration.render(duration.parse(value))
    return Value(field=field.name, value=value, origin=origin, secret=field.secret)


def _dependent_defaults(stack: Stack) -> dict[str, Any]:
    """Defaults that hang on other fields."""
    out: dict[str, Any] = {}
    if stack.get(("staticPodURL",)):
        out["staticPodPath"] = ""
    if (stack.get(("maxParallelImagePulls",)) or 1) > 1:
        out["serializeImagePulls"] = False
    if stack.get(("serializeImagePulls",)) is False:
        out["maxParallelImagePulls"] = 0
    update = stack.get(("nodeStatusUpdateFrequency",))
    if update and duration.parse(update):
        out["nodeStatusReportFrequency"] = duration.render(duration.parse(update))
    if limits.gate(stack, "ReduceDefaultCrashLoopBackOffDecay"):
        out["crashLoopBackOff.maxContainerRestartPeriod"] = "1m0s"
    return out


def _is_zero(path: tuple[str, ...], value: Any) -> bool:
    if _type(path) is kubelet.Scalar.DURATION:
        return duration.parse(value) == 0
    return not value


def _type(path: tuple[str, ...]) -> kubelet.Type:
    kind: kubelet.Type = kubelet.CONFIGURATION
    for step in path:
        match kind:
            case kubelet.Struct(fields):
                kind = fields[step]
            case kubelet.MapOf(value):
                kind = value
    return kind


_EFFECTIVE_PATHS = frozenset(
    field.path[:depth] for field in FIELDS for depth in range(1, len(field.path) + 1)
)
_CHECKED_ONLY = frozenset({("runOnce",), ("serverTLSBootstrap",)})
"""Of these `limits` tells."""


def ineffective(stack: Stack) -> Iterator[fieldpath.Path]:
    """Yield the fields that are set but do nothing here, each by its outermost name."""
    yield from _ineffective(stack.data, kubelet.CONFIGURATION, ())


def _ineffective(
    data: Mapping[str, Any], kind: kubelet.Type, path: tuple[str, ...]
) -> Iterator[fieldpath.Path]:
    for name, value in data.items():
        here = (*path, name)
        if here not in _EFFECTIVE_PATHS:
            if here not in _CHECKED_ONLY:
                yield here
            continue
        inner = kind.fields[name] if isinstance(kind, Struct) else kind
        if isinstance(value, Mapping) and _has_effective_parts(here):
            yield from _ineffective(value, inner, here)


def _has_effective_parts(path: tuple[str, ...]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in _EFFECTIVE_PATHS)
