"""A YAML parser's complaint as a sentence that helps.

The parser says where it gave up and what it was doing; the text at that place says more often what
the matter is: a tab, a missing quote, a line that is indented by one space too few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from staticlet.kube.document import UnreadableError
from staticlet.kube.finding import Position

if TYPE_CHECKING:
    import yaml

_INDENT = "check the indentation of this line and of those above it"
_SENTENCES = {
    "mapping values are not allowed in this context": (
        f"a key with ':' is not expected here: {_INDENT}, and quote a text that contains ': '"
    ),
    "did not find expected key": f"expected a key here: {_INDENT}",
    "did not find expected '-' indicator": f"expected a list item ('- ') here: {_INDENT}",
    "block sequence entries are not allowed in this context": (
        f"a list item ('- ') is not expected here: {_INDENT}"
    ),
    "did not find expected ',' or ']'": "expected ',' or ']' here: a list in [] is not closed",
    "did not find expected ',' or '}'": "expected ',' or '}' here: a map in {} is not closed",
    "found undefined tag handle": "this tag is unknown; quote the text if it begins with '!'",
    "found unknown escape character": (
        "unknown escape after '\\': double it, or use single quotes for a text with backslashes"
    ),
    "did not find expected <document start>": (
        "expected the end of the document: text stands beside it at the outermost level"
    ),
}
_NO_START = "found character that cannot start any token"


def explain(error: yaml.YAMLError, text: str, *, offset: int) -> UnreadableError:
    """Turn a parser's error into ours.

    Args:
        error: What the parser raised.
        text: The text it read.
        offset: The number of the text's first line.
    """
    mark = getattr(error, "problem_mark", None)
    context = getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    position = Position(mark.line + offset, mark.column + 1) if mark else None
    opened = Position(context.line + offset, context.column + 1) if context else None
    if problem == _NO_START and mark:
        return UnreadableError(_cannot_start(_character(text, mark)), position)
    if "tab character" in problem:
        return UnreadableError(_TABS, position)
    if (
        getattr(error, "context", "") == "while scanning a quoted scalar"
        and "escape" not in problem
    ):
        return UnreadableError("this quote is never closed", opened)
    if problem == "could not find expected ':'":
        return UnreadableError("expected ':' and a value after this key", opened or position)
    sentence = _SENTENCES.get(problem, f"not valid YAML: {problem}")
    if problem.startswith("did not find expected ',' or") and opened:
        sentence += f" (opened at {opened.line}:{opened.column})"
    return UnreadableError(sentence, position)


_TABS = "tabs may not be used for indentation; use spaces"


def _cannot_start(character: str) -> str:
    if character == "\t":
        return _TABS
    return f"a value may not begin with {character}: quote it"


def _character(text: str, mark: Any) -> str:
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    return line[mark.column] if mark.column < len(line) else "this character"
