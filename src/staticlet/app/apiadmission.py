"""What is admitted, in which order, and which creations are answered without being kept."""

from __future__ import annotations

from collections.abc import Mapping

from staticlet.apiserver.admission import plugin
from staticlet.apiserver.authn import authenticator
from staticlet.apiserver.verbs import backend


def chain() -> plugin.Chain:
    """All admission plugins in their order."""
    return plugin.Chain()


def handlers(
    identity: authenticator.Authenticator,
) -> Mapping[tuple[str, str, str], backend.Handler]:
    """Who answers reviews and requests for tokens."""
    del identity
    return {}
