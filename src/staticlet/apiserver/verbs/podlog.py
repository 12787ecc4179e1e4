"""Logs of a pod as they are asked for: the options, the container, the kubelet's path. Pure.

Follows `ValidatePodLogOptions`, `LogLocation` and `GenericHttpResponseChecker`, with their words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib import parse

from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.verbs import query
from staticlet.kube import refusal, rfc3339
from staticlet.kube.validate import errors, peek

LOG = refusal.GroupResource("", "pods/log")
_BOTH, _STREAMS = "All", ("Stderr", "Stdout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Kubernetes' PodLogOptions.

    Attributes:
        container: Which container; empty where the pod has but one.
        follow: Go on with what is written later.
        previous: The last life that ended instead of the present one.
        timestamps: Put the time before each line.
        since_s: Only what is so many seconds old at most.
        since: Only what was written then or later.
        tail_lines: Only so many lines of the end.
        limit_bytes: At most so many bytes.
        stream: `Stdout` or `Stderr`; empty for both.
        verify: Whether to look at the kubelet's certificate.
    """

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since_s: int | None = None
    since: datetime | None = None
    tail_lines: int | None = None
    limit_bytes: int | None = None
    stream: str = ""
    verify: bool = True


def options(asked: Mapping[str, str], pod: str) -> Options:
    """Read a query.

    Args:
        asked: The query.
        pod: The pod's name, for the words of a refusal.

    Raises:
        refusal.Refusal: 400, a value cannot be read; 422, it breaks a rule.
    """
    made = Options(
        container=asked.get("container", ""),
        follow=bool(query.flag(asked, "follow")),
        previous=bool(query.flag(asked, "previous")),
        timestamps=bool(query.flag(asked, "timestamps")),
        since_s=query.whole(asked, "sinceSeconds"),
        since=_time(asked.get("sinceTime", "")),
        tail_lines=query.whole(asked, "tailLines"),
        limit_bytes=query.whole(asked, "limitBytes"),
        stream=_stream(asked.get("stream", "")),
        verify=not query.flag(asked, "insecureSkipTLSVerifyBackend"),
    )
    found = [*_wrong(made)]
    if found:
        raise refusal.invalid("", "PodLogOptions", pod, found)
    return made


def _stream(text: str) -> str:
    return "" if text == _BOTH else text


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = rfc3339.moment(text)
    except ValueError as fault:
        shown = query.shown(text)
        raise refusal.bad_request(f"sinceTime: must be a time, found {shown}") from fault
    if moment.tzinfo is None:
        raise refusal.bad_request(f"sinceTime: must name its zone, as in {text[:40]}Z")
    return moment


def _wrong(made: Options) -> errors.Errors:
    yield from errors.not_negative(("tailLines",), made.tail_lines)
    if made.limit_bytes is not None and made.limit_bytes < 1:
        yield errors.invalid(("limitBytes",), made.limit_bytes, "must be greater than 0")
    if made.since_s is not None and made.since is not None:
        words = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        yield errors.forbidden((), words)
    elif made.since_s is not None and made.since_s < 1:
        yield errors.invalid(("sinceSeconds",), made.since_s, "must be greater than 0")
    if made.stream not in ("", *_STREAMS):
        yield errors.unsupported(("stream",), made.stream, (_BOTH, *_STREAMS))
    elif made.stream and made.tail_lines is not None:
        words = "`tailLines` and specific `stream` are mutually exclusive for now"
        yield errors.forbidden((), words)


def container(pod: Object, asked: str) -> str:
    """The container that is meant.

    Raises:
        refusal.Refusal: 400, it has none of that name, or several and none was named.
    """
    name, spec = peek.text(pod["metadata"], "name"), peek.child(pod, "spec")
    plain, inits = _names(spec, "containers"), _names(spec, "initContainers")
    others = _names(spec, "ephemeralContainers")
    if asked:
        if asked not in (*plain, *inits, *others):
            raise refusal.bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(plain) == 1:
        return plain[0]
    words = f"a container name must be specified for pod {name}, choose one of: {_listed(plain)}"
    if inits:
        words += f" or one of the init containers: {_listed(inits)}"
    if others:
        words += f" or one of the ephemeral containers: {_listed(others)}"
    raise refusal.bad_request(words)


def _names(spec: peek.Object, field: str) -> Sequence[str]:
    return [peek.text(one, "name") for one in peek.objects(spec, field)]


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"


def path(namespace: str, pod: str, chosen: str, wanted: Options) -> str:
    """Path and query by which the kubelet is asked."""
    given = {
        "follow": "true" if wanted.follow else "",
        "previous": "true" if wanted.previous else "",
        "timestamps": "true" if wanted.timestamps else "",
        "sinceSeconds": _number(wanted.since_s),
        "sinceTime": rfc3339.text(wanted.since) if wanted.since else "",
        "tailLines": _number(wanted.tail_lines),
        "limitBytes": _number(wanted.limit_bytes),
        "stream": wanted.stream,
    }
    asked = parse.urlencode({name: value for name, value in sorted(given.items()) if value})
    where = "/".join(parse.quote(one, safe="") for one in (namespace, pod, chosen))
    return f"/containerLogs/{where}{'?' if asked else ''}{asked}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def is_answer(code: int) -> bool:
    """Whether a status code ends a request as HTTP knows it: 101 and 999 do not."""
    return 200 <= code <= 599


def refused(code: int, text: str, pod: str) -> refusal.Refusal:
    """What a client is told of a kubelet's refusal."""
    if code == 400:
        return refusal.bad_request(text)
    if code == 500:
        return refusal.internal(text)
    reason, message = _WORDS.get(code, ("", f"the server responded with the status code {code}"))
    if code >= 500 and code not in _WORDS:
        reason = "InternalError"
        message = f"an error on the server ({query.shown(text)}) has prevented the request from"
        message += " succeeding"
    if code == 403:
        message = text
    details = {"name": pod, "kind": LOG.resource}
    if not is_answer(code):
        code = 502
    elif code < 400:
        code = 500  # a kubelet sends nobody elsewhere
    return refusal.Refusal(code, reason, f"{message} ( {LOG} {pod})", details=details)


_WORDS: Mapping[int, tuple[str, str]] = {
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    403: ("Forbidden", ""),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    429: (
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
    ),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
}
