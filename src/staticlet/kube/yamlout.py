"""Writes plain data as YAML, the way `kubectl get -o yaml` lays it out.

Block style, two spaces, keys in the order given (sort them first where kubectl does), no anchors.
Strings that another reader could take for something else are quoted, also by the rules of
YAML 1.2: what is printed can be saved as a manifest and means the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

_LOOKS_LIKE_A_NUMBER = re.compile(r"[-+]?(\.?[0-9][0-9_]*([.:eE+\-0-9_]*)|0[xob][0-9a-fA-F_]+)")
_LOOKS_LIKE_A_WORD = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"})


class _Dumper(yaml.SafeDumper):
    """A dumper that repeats equal lists instead of anchoring them."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never write an anchor: two equal values are two values."""
        del data
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None
    if "\n" in text and _fits_a_block(text):
        style = "|"
    elif text.lower() in _LOOKS_LIKE_A_WORD or _LOOKS_LIKE_A_NUMBER.fullmatch(text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _fits_a_block(text: str) -> bool:
    """Whether a literal block keeps the text: no control characters, no blanks at line ends."""
    lines = text.split("\n")
    return all(line == line.rstrip() for line in lines) and text.replace("\n", "").isprintable()


def _mapping(dumper: yaml.SafeDumper, data: Mapping[Any, Any]) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", list(data.items()))


_Dumper.add_representer(str, _string)
_Dumper.add_representer(dict, _mapping)


def dump(data: Any) -> str:
    """Write plain data (what JSON can say: dicts, lists, strings, numbers, booleans, None).

    Returns:
        One YAML document without the `---`, ended by a newline.

    Raises:
        TypeError: something in it is not plain data.
    """
    try:
        text: str = yaml.dump(
            data,
            Dumper=_Dumper,
            default_flow_style=False,
            allow_unicode=True,
            sort_keys=False,
            width=1_000_000,
        )
    except yaml.representer.RepresenterError as error:
        _, value = error.args
        raise TypeError(f"not plain data: {type(value).__name__}") from error
    return text.removesuffix("...\n")
