"""When a certificate ends, read without a library; held to the library."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staticlet.client import validity
from staticlet.host import signing, x509


@pytest.mark.parametrize("days", [1, 365, 20_000, 100_000])
def test_the_end_of_a_certificate_is_read_as_the_library_reads_it(days: int) -> None:
    now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    authority = signing.Authority.new(x509.Key.new(), name="ca", now=now)
    key = x509.Key.new()
    made = authority.client(
        x509.Subject(name="ann", groups=("a", "b")), key, now + timedelta(days=days)
    )
    chain = b"text before\n" + made.pem + authority.certificate.pem
    assert validity.ends(chain) == made.ends


@given(
    st.binary(max_size=300) | st.binary(max_size=60).map(lambda some: b"\x30\x82\x02\x00" + some)
)
def test_what_is_no_certificate_has_no_end(some: bytes) -> None:
    pem = b"-----BEGIN CERTIFICATE-----\n%b\n-----END CERTIFICATE-----\n" % base64.b64encode(some)
    assert validity.ends(pem) is None
    assert validity.ends(some) is None
