"""Acting as somebody else (`kubectl --as`): the headers, and who may. Pure over the store.

Kubernetes' rules: the right to impersonate is asked for each thing that is taken on: the user or
service account, each group, the uid, each value of an extra.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib import parse

from staticlet.apiserver import calls
from staticlet.apiserver.authn import accounts, proof
from staticlet.apiserver.authz import decide, denial
from staticlet.apiserver.store.port import Objects
from staticlet.kube import refusal

_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whom a request wants to count as.

    Attributes:
        name: The user.
        uid: Its uid.
        groups: Its groups.
        extra: Keys and values, in their order.
    """

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


def impersonate(
    user: calls.User, headers: Iterable[tuple[str, str]], objects: Objects
) -> calls.User:
    """Who a request counts as: the user, or whom the user acts as.

    Args:
        user: Who has proven himself.
        headers: All headers of the request.
        objects: The store.

    Raises:
        refusal.Refusal: 403: the user may not act as that one; 400: the headers make no sense.
    """
    wish = _wish(headers)
    if wish is None:
        return user
    for target in _targets(wish):
        verdict = decide.decide(user, target, objects)
        if not verdict.allowed:
            raise denial.words(user, target, verdict.reason)
    return _become(wish)


def _wish(headers: Iterable[tuple[str, str]]) -> Wish | None:
    given = [(name.lower(), value) for name, value in headers]
    given = [(name, value) for name, value in given if name.startswith(_PREFIX)]
    if not given:
        return None
    if any(not _readable(text) for pair in given for text in pair):
        raise refusal.bad_request("a header of impersonation is not UTF-8")
    name = _first(given, "impersonate-user")
    if not name:
        raise refusal.bad_request(
            "the request wants to act with other groups, another uid or extras, and names no "
            "user: send Impersonate-User too"
        )
    return Wish(
        name=name,
        uid=_first(given, "impersonate-uid"),
        groups=tuple(value for header, value in given if header == "impersonate-group"),
        extra=tuple(
            (parse.unquote(header.removeprefix(_EXTRA)), value)
            for header, value in given
            if header.startswith(_EXTRA)
        ),
    )


def _readable(text: str) -> bool:
    """Whether a header's bytes were UTF-8: those that were not came through as surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _first(given: Iterable[tuple[str, str]], name: str) -> str:
    return next((value for header, value in given if header == name), "")


def _targets(wish: Wish) -> Iterator[calls.Target]:
    """What one must have the right to impersonate."""
    account = _account(wish.name)
    if account:
        namespace, name = account
        yield _target("serviceaccounts", name, namespace=namespace)
    else:
        yield _target("users", wish.name)
    for group in wish.groups:
        yield _target("groups", group)
    for key, value in wish.extra:
        yield _target("userextras", value, group=_AUTHENTICATION, subresource=key)
    if wish.uid:
        yield _target("uids", wish.uid, group=_AUTHENTICATION)


def _target(
    resource: str, name: str, *, namespace: str = "", group: str = "", subresource: str = ""
) -> calls.Target:
    return calls.Target(
        verb="impersonate",
        path="",
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of a service account's user; None for any other user."""
    parts = name.removeprefix(accounts.USER_PREFIX).split(":")
    if not name.startswith(accounts.USER_PREFIX) or len(parts) != 2 or not all(parts):
        return None
    return parts[0], parts[1]


def _become(wish: Wish) -> calls.User:
    groups = wish.groups
    account = _account(wish.name)
    if account and not groups:
        groups = accounts.account_groups(account[0])
    if proof.AUTHENTICATED not in groups and proof.UNAUTHENTICATED not in groups:
        all_of_them = (
            proof.UNAUTHENTICATED if wish.name == proof.ANONYMOUS else proof.AUTHENTICATED
        )
        groups = proof.with_group(groups, all_of_them)
    extra: dict[str, tuple[str, ...]] = {}
    for key, value in wish.extra:
        extra[key] = (*extra.get(key, ()), value)
    return calls.User(name=wish.name, uid=wish.uid, groups=groups, extra=extra)
