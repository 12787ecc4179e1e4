"""Backing off, saying things once, taking lines, and TLS in words."""

from __future__ import annotations

import logging
import ssl

import pytest

from staticlet.client import backoff, lines, saying, tls
from staticlet.testing import fakes


def test_pauses_double_up_to_the_longest() -> None:
    pauses = backoff.Backoff(lambda: 0.5, base_s=1, most_s=8)
    assert [pauses.next() for _ in range(6)] == [0.5, 1, 2, 4, 4, 4]


def test_a_success_begins_anew() -> None:
    pauses = backoff.Backoff(lambda: 0.5, base_s=1)
    pauses.next()
    pauses.next()
    pauses.reset()
    assert pauses.next() == 0.5


def test_bad_luck_makes_no_storm() -> None:
    assert backoff.Backoff(lambda: 0.0, least_s=0.1).next() == 0.1


def test_what_a_server_asks_for_is_waited_at_least_within_reason() -> None:
    pauses = backoff.Backoff(lambda: 0.5, base_s=1, most_s=1)
    assert pauses.next(10) == 10.5
    assert pauses.next(-3) == 0.5
    assert pauses.next(10**9) == backoff.MOST_RETRY_AFTER_S + 0.5


class Told:
    """A saying, its clock and its lines."""

    def __init__(self, caplog: pytest.LogCaptureFixture, *, patience_s: float = 0.0) -> None:
        caplog.set_level(logging.INFO)
        self.clock = fakes.ManualClock()
        self.it = saying.Saying(
            logging.getLogger("t"), "API server", self.clock, patience_s=patience_s
        )
        self._caplog = caplog

    def after(self, seconds: float, why: str = "") -> list[str]:
        """Let time pass, be lost or back, and take the lines."""
        self._caplog.clear()
        self.clock.advance(seconds)
        if why:
            self.it.lost(why)
        else:
            self.it.back()
        return list(self._caplog.messages)


def test_a_loss_and_a_return_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(caplog)
    assert told.after(0) == []
    assert told.after(0, "refused") == ["API server: refused"]
    assert told.after(1, "refused") == []
    assert told.it.lost_since == 0
    assert told.after(59) == ["API server: works again after 60 s"]
    assert told.after(1) == []
    assert told.it.lost_since is None


def test_a_loss_that_mends_itself_soon_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(caplog, patience_s=3)
    for _ in range(10):
        assert told.after(1, "refused") == []
        assert told.after(2, "no such file") == []
        assert told.it.lost_since is not None
        assert told.after(0.9) == []


def test_a_loss_that_lasts_is_said_with_its_newest_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told(caplog, patience_s=3)
    assert told.after(0, "no such file") == []
    assert told.after(3, "refused") == ["API server: refused"]
    assert told.after(1, "refused") == []
    assert told.after(1, "no answer") == ["API server: now no answer"]
    assert told.after(5) == ["API server: works again after 10 s"]


def test_a_long_loss_is_said_every_five_minutes(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(caplog)
    told.after(0, "refused")
    assert sum(len(told.after(1, "refused")) for _ in range(3000)) == 10
    assert told.after(299, "refused") == []
    assert told.after(1, "refused") == ["API server: still, after 55 min: refused"]


def test_another_reason_is_said(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(caplog)
    told.after(0, "refused")
    assert told.after(1, "no answer") == ["API server: now no answer"]


def test_flapping_is_not_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(caplog)
    said = [line for _ in range(150) for line in (*told.after(1, "cut"), *told.after(1))]
    assert len(said) <= saying.MOST_LINES + 1
    later = [line for _ in range(150) for line in (*told.after(1, "cut"), *told.after(1))]
    assert 1 <= len(later) <= saying.MOST_LINES + 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (42, "42 s"), (300, "5 min"), (12000, "3 h 20 min")],
)
def test_time_spans_are_short(seconds: float, text: str) -> None:
    assert saying.duration(seconds) == text


def test_lines_come_whole_however_they_are_cut() -> None:
    taken = lines.Lines(10)
    got = [line for chunk in (b"ab", b"c\nde", b"\n\n\r\nf") for line in taken.take(chunk)]
    assert got == [b"abc", b"de"]
    assert taken.begun
    assert list(taken.take(b"\n")) == [b"f"]
    assert not taken.begun


def test_a_line_that_is_too_long_is_not_gathered() -> None:
    taken = lines.Lines(10)
    assert list(taken.take(b"x" * 10)) == []
    with pytest.raises(lines.TooLong):
        list(taken.take(b"x"))


def test_a_ca_that_is_none_is_told() -> None:
    for data in (b"", b"nonsense", b"\xff"):
        with pytest.raises(tls.BadAuthority):
            tls.context(authority=data, insecure=False, certificate=None, key=None)


def test_a_certificate_that_is_none_is_told() -> None:
    with pytest.raises(tls.BadCertificate, match="no certificate and private key"):
        tls.context(authority=None, insecure=True, certificate=b"x", key=b"y")


def test_a_tls_fault_is_told_in_words() -> None:
    fault = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] x")
    fault.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    assert tls.words(fault) == "wants a client certificate, and the kubeconfig gives none"
    fault.reason = "SOMETHING_NEW"
    assert tls.words(fault) == "TLS failed: something new"
