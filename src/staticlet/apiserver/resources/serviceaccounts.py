"""Service accounts: the identities of what runs in pods."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.resources import basic, columns, keyed, kind, traits
from staticlet.kube import core
from staticlet.kube.validate import peek


class ServiceAccounts(basic.Basic):
    """The rules of service accounts: metadata's, and of its secrets only the names are kept."""

    needs_version = True
    returns_deleted = True

    def default(self, obj: kind.Object) -> None:
        """Leave out lists without items."""
        keyed.drop_empty(obj, ("secrets", "imagePullSecrets"))

    def prepare_create(self, obj: kind.Object, call: calls.Call) -> None:
        """Keep the names of its secrets only."""
        super().prepare_create(obj, call)
        _names_only(obj)

    def keep(self, new: kind.Object, old: kind.Object) -> None:
        """Keep the names of its secrets only."""
        del old
        _names_only(new)


def _names_only(obj: kind.Object) -> None:
    if secrets := peek.objects(obj, "secrets"):
        obj["secrets"] = [{"name": peek.text(one, "name")} for one in secrets]


SERVICE_ACCOUNTS = kind.Kind(
    plural="serviceaccounts",
    singular="serviceaccount",
    kind="ServiceAccount",
    short_names=("sa",),
    verbs=traits.ALL,
    struct=core.ServiceAccount,
    strategy=ServiceAccounts(),
    columns=columns.SERVICE_ACCOUNTS,
    subresources=(
        kind.Subresource(
            name="token",
            kind="TokenRequest",
            verbs=traits.CREATE,
            group="authentication.k8s.io",
            version="v1",
        ),
    ),
    hash=traits.version_hash("", "v1", "ServiceAccount"),
)
