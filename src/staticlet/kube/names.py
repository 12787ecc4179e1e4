r"""What Kubernetes accepts as names, labels, ports and addresses.

Every function takes the text and returns what is wrong with it, in the API server's own words,
as a tuple that is empty for good text. Follows apimachinery's `util/validation` and
`api/validate/content`. Lengths count bytes, as there.
"""

from __future__ import annotations

import ipaddress
import re

Messages = tuple[str, ...]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_UNDERSCORE = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_UNDERSCORE = rf"{_LABEL_UNDERSCORE}(\.{_LABEL_UNDERSCORE})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_HEADER = "[-A-Za-z0-9]+"
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_LONGEST_LABEL = 63
_LONGEST_NAME = 253
_LONGEST_PORT_NAME = 15
_LARGEST_ID = 2**32 - 1

_ALPHANUMERIC_ENDS = "and must start and end with an alphanumeric character"
_QUALIFIED_WORDS = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {_ALPHANUMERIC_ENDS}"
)
_IP_WORDS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def dns_label(text: str) -> Messages:
    """An RFC 1123 label: containers, volumes, namespaces, host names."""
    long = _too_long(text, _LONGEST_LABEL)
    if re.fullmatch(_LABEL, text):
        return long
    if re.fullmatch(_SUBDOMAIN, text):
        return (*long, "must not contain dots")
    words = (
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
        + _ALPHANUMERIC_ENDS
    )
    return (*long, _regex(words, _LABEL, "my-name", "123-abc"))


def dns_subdomain(text: str) -> Messages:
    """An RFC 1123 subdomain: pods, nodes, secrets, priority classes."""
    words = (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
        f"'-' or '.', {_ALPHANUMERIC_ENDS}"
    )
    return _matching(text, _SUBDOMAIN, _LONGEST_NAME, words, "example.com")


def dns_subdomain_with_underscore(text: str) -> Messages:
    """An RFC 1123 subdomain that may have underscores: a DNS search path."""
    words = (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
        f"'_', '-' or '.', {_ALPHANUMERIC_ENDS}"
    )
    return _matching(text, _SUBDOMAIN_UNDERSCORE, _LONGEST_NAME, words, "example.com")


def dns_1035_label(text: str) -> Messages:
    """An RFC 1035 label, which begins with a letter: services."""
    words = (
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
        "an alphabetic character, and end with an alphanumeric character"
    )
    return _matching(text, _LABEL_1035, _LONGEST_LABEL, words, "my-name", "abc-123")


def qualified_name(text: str) -> Messages:
    """A label key: a name, before it perhaps a DNS subdomain and a slash."""
    prefix, slash, name = text.rpartition("/")
    explained = _regex(_QUALIFIED_WORDS, _QUALIFIED, "MyName", "my.name", "123-abc")
    if "/" in prefix:
        tail = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return (f"a valid label key {explained}{tail}",)
    found: list[str] = []
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif slash:
        found += [f"prefix part {message}" for message in dns_subdomain(prefix)]
    if not name:
        found.append("name part must be non-empty")
    found += [f"name part {message}" for message in _too_long(name, _LONGEST_LABEL)]
    if not re.fullmatch(_QUALIFIED, name):
        found.append(f"name part {explained}")
    return tuple(found)


def label_value(text: str) -> Messages:
    """The value of a label: at most 63 bytes, may be empty."""
    words = (
        "a valid label must be an empty string or consist of alphanumeric characters, "
        f"'-', '_' or '.', {_ALPHANUMERIC_ENDS}"
    )
    examples = ("MyValue", "my_value", "12345")
    return _matching(text, _LABEL_VALUE, _LONGEST_LABEL, words, *examples)


def env_name(text: str) -> Messages:
    """An environment variable's name: any printable ASCII but `=` (relaxed in 1.30)."""
    found: list[str] = []
    if not text:
        found.append("environment variable name must be non-empty")
    if any(not " " <= char <= "~" or char == "=" for char in text):
        found.append(
            "a valid environment variable name must consist only of printable ASCII characters "
            "other than '='"
        )
    return tuple(found)


def config_key(text: str) -> Messages:
    """A key of a ConfigMap or Secret."""
    words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    examples = ("key.name", "KEY_NAME", "key-name")
    found = _matching(text, _CONFIG_KEY, _LONGEST_NAME, words, *examples)
    if text in (".", ".."):
        return (*found, f"must not be '{text}'")
    return (*found, "must not start with '..'") if text.startswith("..") else found


def port_name(text: str) -> Messages:
    """A port's name as IANA has service names: at most 15 of a-z, 0-9 and single hyphens."""
    found = list(_too_long(text, _LONGEST_PORT_NAME))
    if not re.fullmatch("[-a-z0-9]+", text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        found.append("must not begin or end with a hyphen")
    return tuple(found)


def port_number(number: int) -> Messages:
    """A port number that is not zero."""
    return in_range(number, 1, 65535)


def user_or_group_id(number: int) -> Messages:
    """A numeric user or group."""
    return in_range(number, 0, _LARGEST_ID)


def in_range(number: int, low: int, high: int) -> Messages:
    """A number between two bounds, both allowed."""
    if low <= number <= high:
        return ()
    return (f"must be between {low} and {high}, inclusive",)


def header_name(text: str) -> Messages:
    """The name of an HTTP header."""
    if re.fullmatch(_HEADER, text):
        return ()
    words = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return (_regex(words, _HEADER, "X-Header-Name"),)


def path_segment(text: str) -> Messages:
    """A name that can be one segment of a URL path (roles, bindings)."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return tuple(f"may not contain '{char}'" for char in "/%" if char in text)


def ip_address(text: str) -> Messages:
    """An IPv4 or IPv6 address; no zone, no zeros before an IPv4 number."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return (_IP_WORDS,)
    return (_IP_WORDS,) if getattr(address, "scope_id", None) else ()


def sysctl_name(text: str) -> Messages:
    """The name of a kernel parameter, with dots or slashes between its parts."""
    if len(text) <= _LONGEST_NAME and re.fullmatch(_SYSCTL, text):
        return ()
    return (f"must have at most {_LONGEST_NAME} characters and match regex ^{_SYSCTL}$",)


def byte_length(text: str) -> int:
    """The length as the API server counts it."""
    return len(text.encode("utf-8", "surrogatepass"))


def _matching(text: str, pattern: str, longest: int, words: str, *examples: str) -> Messages:
    long = _too_long(text, longest)
    if re.fullmatch(pattern, text):
        return long
    return (*long, _regex(words, pattern, *examples))


def _too_long(text: str, longest: int) -> Messages:
    return (f"must be no more than {longest} bytes",) if byte_length(text) > longest else ()


def _regex(words: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{words} (e.g. {shown}regex used for validation is '{pattern}')"
