"""Names, labels, ports and addresses."""

from __future__ import annotations

import pytest

from staticlet.kube import names

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    r"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
GOOD = {
    names.dns_label: ["a", "a-b", "1", "a" * 63],
    names.dns_subdomain: ["a", "a.b-c.1", "a" * 253],
    names.dns_subdomain_with_underscore: ["_tcp.example.com", "a_b"],
    names.dns_1035_label: ["a1", "a-b"],
    names.qualified_name: ["a", "A_b.c", "example.com/A", "a" * 63],
    names.label_value: ["", "A.b_c-1", "a" * 63],
    names.env_name: ["A", "a b", "1", "%$!", "-"],
    names.config_key: ["a.B_c-1"],
    names.port_name: ["http", "a-1", "a" * 15],
    names.header_name: ["X-Forwarded-For"],
    names.path_segment: ["system:node", "a.b"],
    names.ip_address: ["10.0.0.1", "::1", "2001:db8::ffff"],
    names.sysctl_name: ["net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/x", "a-b_c.d"],
}
BAD = {
    names.dns_label: ["", "A", "-a", "a-", "a" * 64, "a\n"],
    names.dns_subdomain: ["", "A", "a..b", ".a", "a_b", "a" * 254],
    names.dns_subdomain_with_underscore: ["", "a..b", "__a"],
    names.dns_1035_label: ["1a", "", "a.b"],
    names.qualified_name: ["", "/a", "a/", "a/b/c", "a b", "-a", "B/a", "a" * 64],
    names.label_value: ["-a", "a b", "a" * 64, "é"],
    names.env_name: ["", "a=b", "é", "a\tb", "a\n"],
    names.config_key: ["", "a/b", ".", "..", "..a"],
    names.port_name: ["", "1", "A", "a--b", "-a", "a-", "a" * 16],
    names.header_name: ["", "a b", "a:b"],
    names.path_segment: [".", "..", "a/b", "a%b"],
    names.ip_address: ["", "1.2.3", "010.0.0.1", "256.0.0.1", "::g", "fe80::1%eth0", "1.2.3.4/8"],
    names.sysctl_name: ["", "A.b", "a..b", "a" * 254],
}


def cases(table):
    return [(check, text) for check, texts in table.items() for text in texts]


@pytest.mark.parametrize(("check", "text"), cases(GOOD))
def test_good_text_has_nothing_wrong(check, text):
    assert check(text) == ()


@pytest.mark.parametrize(("check", "text"), cases(BAD))
def test_bad_text_has_something_wrong(check, text):
    assert check(text)


@pytest.mark.parametrize(
    ("check", "text", "messages"),
    [
        (names.dns_subdomain, "Bad_Name", (SUBDOMAIN,)),
        (names.dns_label, "Bad", (LABEL,)),
        (names.dns_label, "a.b", ("must not contain dots",)),
        (names.dns_label, "a" * 64, ("must be no more than 63 bytes",)),
        (
            names.port_name,
            "Http--x",
            (
                "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                "must not contain consecutive hyphens",
            ),
        ),
        (
            names.env_name,
            "a=b",
            (
                (
                    "a valid environment variable name must consist only of printable ASCII "
                    "characters other than '='"
                ),
            ),
        ),
        (names.path_segment, "a/b", ("may not contain '/'",)),
    ],
)
def test_the_servers_words_are_used(check, text, messages):
    assert check(text) == messages


def test_a_key_with_two_slashes_is_explained_as_a_whole():
    (message,) = names.qualified_name("a/b/c")
    assert message.startswith("a valid label key must consist of")
    assert message.endswith(
        "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
    )


def test_each_part_of_a_key_is_blamed_by_name():
    messages = names.qualified_name("Bad/-x")
    assert [message.split(" part ")[0] for message in messages] == ["prefix", "name"]


def test_lengths_count_bytes():
    assert "must be no more than 63 bytes" in names.label_value("é" * 32)


def test_a_port_is_a_number_from_one_to_sixty_five_thousand():
    assert names.port_number(1) == names.port_number(65535) == ()
    assert names.port_number(0) == ("must be between 1 and 65535, inclusive",)


def test_a_user_is_a_number_of_thirty_two_bits():
    assert names.user_or_group_id(2**32 - 1) == ()
    assert names.user_or_group_id(-1) == ("must be between 0 and 4294967295, inclusive",)
