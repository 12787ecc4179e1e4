"""Which Kubernetes we behave as: what Nodes and `/version` tell, as clients read it. Pure.

Clients compare versions: theirs must be a semantic version, to which ours is appended as build
metadata, that counts for nothing in a comparison.
"""

from __future__ import annotations

import staticlet

MAJOR, MINOR = "1", "36"
"""The version of Kubernetes whose behaviour is followed."""

VERSION = f"v{MAJOR}.{MINOR}.0+staticlet.{staticlet.__version__}"
"""The version as Kubernetes writes versions."""
