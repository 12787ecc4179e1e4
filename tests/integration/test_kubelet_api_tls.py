"""The ports of the kubelet's API: certificates, versions and suites of TLS, obstacles."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import ssl
from datetime import timedelta

import aiohttp
import pytest

from staticlet.aio import clock
from staticlet.host import selfsigned, signing, x509
from staticlet.server import kubeletapi, kubelettls
from staticlet.testing import kubeletserved, until
from staticlet.testing.kubeletserved import NOW, Kubelet, Reviews, until_open
from staticlet.web import tls

OTHER_NAMES = ("node1", "localhost")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two certificates for all of these: making them takes a moment."""
    made = []
    for name in ("one", "two"):
        places = selfsigned.Places(tmp_path_factory.mktemp(name))
        selfsigned.write(places, kubeletserved.MADE_FOR, NOW())
        made.append(places)
    return made


@pytest.fixture
def places(tmp_path, pair):
    """The files of a certificate, which a test may replace."""
    own = selfsigned.Places(tmp_path / "pki")
    own.directory.mkdir()
    put(pair[0], own)
    return own


@pytest.fixture
def kubelet(tmp_path, places):
    return Kubelet(tmp_path, places)


def put(other, own, *, halves=("certificate", "key")):
    """Put another certificate, or half of one, where there is one."""
    for half in halves:
        new = getattr(own, half).with_suffix(".new")
        shutil.copyfile(getattr(other, half), new)
        new.replace(getattr(own, half))


async def shown(kubelet):
    """The certificate that is shown."""
    where = ("127.0.0.1", kubelet.settings.port)
    return (await asyncio.to_thread(ssl.get_server_certificate, where)).encode()


async def test_a_certificate_is_made_once_and_kept_for_the_next_start(tmp_path, places):
    kubelet = Kubelet(tmp_path, places, cert_dir=None)
    async with kubelet.serving():
        pass
    places = selfsigned.Places(kubelet.settings.root_dir / "pki")
    first = places.certificate.read_bytes()
    assert x509.Certificate.read(first).names >= {"node1", "localhost", "127.0.0.1"}
    assert places.key.stat().st_mode & 0o777 == 0o600
    async with kubelet.serving():
        pass
    assert places.certificate.read_bytes() == first


async def test_a_certificate_is_made_anew_before_its_end_and_for_other_names(tmp_path):
    now, own = NOW(), selfsigned.Places(tmp_path / "pki")
    assert await selfsigned.ensure(own, OTHER_NAMES, now)
    assert not await selfsigned.ensure(own, OTHER_NAMES, now + timedelta(days=300))
    assert await selfsigned.ensure(own, OTHER_NAMES, now + timedelta(days=340))
    assert await selfsigned.ensure(own, ("node2",), now)


async def test_a_certificate_of_somebody_else_is_left_as_it_is(places):
    for path in (places.certificate, places.key):
        path.write_bytes(path.read_bytes().partition(b"\n")[2])  # without our first line
    before, now = places.certificate.read_bytes(), NOW()
    assert not await selfsigned.ensure(places, ("other",), now + timedelta(days=3650))
    assert places.certificate.read_bytes() == before
    places.certificate.unlink()
    with pytest.raises(selfsigned.CannotMake, match=r"kubelet\.key was not made by staticlet"):
        await selfsigned.ensure(places, OTHER_NAMES, now)


async def test_a_new_certificate_and_a_new_client_ca_are_taken_while_it_runs(
    kubelet, places, pair, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(kubelettls, "LOOK_S", 0.02)

    async def is_new():
        return await shown(kubelet) in pair[1].certificate.read_bytes()

    async with kubelet.serving(api=Reviews()):
        put(pair[1], places)
        await until.soon(is_new, "the new certificate is shown")
        other = signing.Authority.new(x509.Key.new(), name="other", now=NOW())
        file = kubelet.settings.client_ca_file
        file.write_bytes(other.certificate.pem)
        os.utime(file, (0, 5))
        trust = kubelet.trusting(name="api", ca=other)
        opened = "the kubelet's API is served"
        await until.soon(lambda: caplog.text.count(opened) == 2, "it is opened anew")
        assert (await kubelet.ask("/healthz", trust=trust))[0] == 200
        with pytest.raises(aiohttp.ClientError):
            await kubelet.ask("/healthz", trust=kubelet.trusting(name="api"))


async def test_a_given_certificate_is_replaced_half_by_half_without_a_gap(
    tmp_path, places, pair, monkeypatch, caplog
):
    monkeypatch.setattr(kubelettls, "LOOK_S", 0.02)
    given = {"tls_cert_file": places.certificate, "tls_private_key_file": places.key}
    kubelet = Kubelet(tmp_path, places, cert_dir=None, **given)
    caplog.set_level(logging.INFO)
    async with kubelet.serving():
        put(pair[1], places, halves=["certificate"])
        await until.soon(lambda: "going on with the certificate of before" in caplog.text, "told")
        assert await shown(kubelet) in pair[0].certificate.read_bytes()
        put(pair[1], places, halves=["key"])
        await until.soon(lambda: "shows the new certificate" in caplog.text, "the new one")
        assert await shown(kubelet) in pair[1].certificate.read_bytes()
    assert caplog.text.count("going on with the certificate of before") == 1
    assert not (kubelet.settings.root_dir / "pki").exists()


async def test_a_certificate_that_is_replaced_just_after_it_was_read_is_noticed(
    kubelet, places, pair, monkeypatch, caplog
):
    monkeypatch.setattr(kubelettls, "LOOK_S", 0.01)
    caplog.set_level(logging.INFO)
    certificates = kubelettls.Certificates(kubelet.settings, clock.SystemClock())
    context = await certificates.context()
    put(pair[1], places)
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(certificates.keep(context), name="keep")
        await until.soon(lambda: "shows the new certificate" in caplog.text, "the new one")
        keeping.cancel()


async def agreed(kubelet, **wanted):
    """Version and suite that a client and the kubelet's API agree upon."""
    trust = kubelet.trusting()
    if "most" in wanted:
        trust.maximum_version = wanted["most"]
    if "suites" in wanted:
        trust.set_ciphers(wanted["suites"])
    async with asyncio.timeout(until.DEADLINE_S):
        _, writer = await asyncio.open_connection("127.0.0.1", kubelet.settings.port, ssl=trust)
        cipher = writer.get_extra_info("cipher")
        writer.close()
        await writer.wait_closed()
    return cipher[1], cipher[0]


async def test_no_older_version_of_tls_is_offered_than_is_wanted(tmp_path, places):
    older = ssl.TLSVersion.TLSv1_2
    kubelet = Kubelet(tmp_path, places, tls_min_version="VersionTLS13")
    async with kubelet.serving():
        assert (await agreed(kubelet))[0] == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await agreed(kubelet, most=older)
    kubelet = Kubelet(tmp_path, places)
    async with kubelet.serving():
        assert (await agreed(kubelet, most=older))[0] == "TLSv1.2"


async def test_no_other_cipher_suite_is_offered_than_those_of_the_list(tmp_path, places):
    older = ssl.TLSVersion.TLSv1_2
    named = ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_RC4_128_SHA")
    kubelet = Kubelet(tmp_path, places, tls_cipher_suites=named)
    async with kubelet.serving():
        assert await agreed(kubelet, most=older) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")
        assert (await agreed(kubelet))[0] == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await agreed(kubelet, most=older, suites="ECDHE-ECDSA-AES128-GCM-SHA256")
    kubelet = Kubelet(tmp_path, places, tls_cipher_suites=("TLS_AES_128_GCM_SHA256",))
    async with kubelet.serving():
        assert (await agreed(kubelet))[0] == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await agreed(kubelet, most=older)


@pytest.fixture
def tries(monkeypatch):
    """The longest pause after each try to open a port; the pauses themselves are short."""
    made = []

    def pause_s(waited_s, *, most_s):
        made.append(most_s)
        return 0.01

    monkeypatch.setattr(kubeletapi, "pause_s", pause_s)
    return made


async def test_a_port_that_is_taken_is_told_once_and_opened_when_it_is_free(
    kubelet, tries, caplog
):
    caplog.set_level(logging.INFO)
    number = kubelet.settings.healthz_port
    blocked = socket.create_server(("127.0.0.1", number))
    async with kubelet.opening():
        await until_open(kubelet.settings.port)
        await until.soon(lambda: len(tries) > 3, "it was tried again and again")
        blocked.close()
        await until.soon(lambda: "the health check is served" in caplog.text, "it is served")
        assert await kubelet.ask("/healthz", port=number) == (200, "ok")
    assert caplog.text.count("the health check is not served: cannot listen on 127.0.0.1") == 1


async def test_a_client_ca_that_is_being_written_is_waited_for_without_a_word(
    tmp_path, places, tries, caplog
):
    kubelet = Kubelet(tmp_path, places, client_ca_file=tmp_path / "later.crt")
    async with kubelet.opening(api=Reviews()):
        await until.soon(lambda: len(tries) > 3, "it was tried again and again")
        (tmp_path / "later.crt").write_bytes(kubelet.ca.certificate.pem)
        await until_open(kubelet.settings.port)
        assert await kubelet.ask("/healthz", trust=kubelet.trusting(name="api")) == (200, "ok")
    assert "cannot take client certificates" not in caplog.text


async def test_a_client_ca_that_does_not_come_is_told_once(
    tmp_path, places, tries, caplog, monkeypatch
):
    monkeypatch.setattr(kubeletapi, "PATIENCE_S", 0.0)
    kubelet = Kubelet(tmp_path, places, client_ca_file=tmp_path / "later.crt")
    async with kubelet.opening(api=Reviews()):
        await until.soon(lambda: len(tries) > 3, "it was tried again and again")
    said = "the kubelet's API is not served: cannot take client certificates of"
    assert caplog.text.count(said) == 1


async def test_a_certificate_that_cannot_be_made_is_tried_again_more_seldom(
    tmp_path, places, tries, caplog
):
    (tmp_path / "file").touch()
    kubelet = Kubelet(tmp_path, places, cert_dir=tmp_path / "file" / "pki")
    async with kubelet.opening():
        await until.soon(lambda: len(tries) > 1, "it was tried again")
    assert set(tries) == {60.0}
    assert caplog.text.count("the kubelet's API is not served: cannot") == 1


def test_tries_are_frequent_at_first_and_then_every_five_seconds():
    assert kubeletapi.pause_s(0) == 0.1
    assert kubeletapi.pause_s(5) == 1
    assert kubeletapi.pause_s(25) == kubeletapi.pause_s(3600) == 5
    assert kubeletapi.pause_s(3600, most_s=60) == 60


async def test_what_nobody_foresaw_ends_neither_the_agent_nor_the_other_ports(
    kubelet, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(tls, "context", broken)
    number = kubelet.settings.healthz_port
    async with kubelet.opening():
        await until_open(number)
        await until.soon(lambda: "nobody foresaw this" in caplog.text, "it is told")
        assert await kubelet.ask("/healthz", port=number) == (200, "ok")
