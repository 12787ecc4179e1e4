"""Texts in quotes, as messages of Kubernetes' programs have them."""

from __future__ import annotations

import json


def quoted(text: str) -> str:
    """The text in double quotes; what is not to be printed is escaped."""
    return json.dumps(text, ensure_ascii=False)
