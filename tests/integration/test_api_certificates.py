"""The embedded API server's certificates, tried with real TLS and with openssl."""

import shutil
import socket
import ssl
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest

from staticlet.apiserver.authn import peer
from staticlet.host import certfiles, certs, x509
from staticlet.kube import kubeconfig

NOW = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  TLS reads the real clock
WANTED = certs.Wanted(
    host_name="box", bind_address="127.0.0.1", port=6443, node_name="node1", names=("10.1.2.3",)
)


@pytest.fixture
def places(tmp_path):
    return certs.Places(tmp_path / "state")


def access(path):
    return kubeconfig.read(path.read_bytes())


def content(places):
    files = (places.ca, places.ca_key, places.serving, places.admin_conf, places.node_conf)
    return {path.name: path.read_bytes() for path in files}


def handshake(places, shown, *, server_name="localhost", tmp_path):
    """What the server sees of the client (a PeerCertificate), and what the client sees."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(places.serving)
    serving.load_verify_locations(places.ca)
    serving.verify_mode = ssl.CERT_OPTIONAL
    asking = ssl.create_default_context(cadata=shown.authority.decode())
    if shown.certificate:
        (tmp_path / "client.pem").write_bytes(shown.certificate + shown.key)
        asking.load_cert_chain(tmp_path / "client.pem")
    here, there = socket.socketpair()
    here.settimeout(10)
    there.settimeout(10)
    seen = []

    def serve():
        try:
            with serving.wrap_socket(there, server_side=True) as tls:
                seen.append(peer.read(tls.getpeercert(binary_form=True)))
                tls.sendall(b"ok")
        except ssl.SSLError as fault:
            seen.append(fault)
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with here, asking.wrap_socket(here, server_hostname=server_name) as tls:
            tls.recv(2)
    finally:
        thread.join(10)
    return seen[0]


def test_an_administrator_and_the_node_are_known_by_their_certificates(places, tmp_path):
    certs.ensure(places, WANTED, NOW)
    admin = handshake(places, access(places.admin_conf), tmp_path=tmp_path)
    assert (admin.name, admin.organizations) == ("kubernetes-admin", ("system:masters",))
    assert admin.not_before <= NOW < admin.not_after
    node = handshake(places, access(places.node_conf), tmp_path=tmp_path)
    assert (node.name, node.organizations) == ("system:node:node1", ("system:nodes",))


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "::1", "box", "10.1.2.3", "kubernetes.default.svc"],
)
def test_clients_trust_the_server_by_each_of_its_names(places, tmp_path, name):
    certs.ensure(places, WANTED, NOW)
    assert handshake(places, access(places.admin_conf), server_name=name, tmp_path=tmp_path)


def test_another_name_is_not_trusted(places, tmp_path):
    certs.ensure(places, WANTED, NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(places, access(places.admin_conf), server_name="evil.example", tmp_path=tmp_path)


def test_the_servers_own_certificate_opens_no_door(places, tmp_path):
    certs.ensure(places, WANTED, NOW)
    pem = places.serving.read_bytes()
    shown = kubeconfig.Access(
        server="", authority=places.ca.read_bytes(), certificate=pem, key=x509.Key.read(pem).pem
    )
    with pytest.raises(ssl.SSLError):
        handshake(places, shown, tmp_path=tmp_path)


def test_a_certificate_of_another_ca_opens_no_door(places, tmp_path):
    certs.ensure(places, WANTED, NOW)
    foreign = certs.Places(tmp_path / "foreign")
    certs.ensure(foreign, WANTED, NOW)
    shown = kubeconfig.Access(
        server="",
        authority=places.ca.read_bytes(),
        certificate=access(foreign.admin_conf).certificate,
        key=access(foreign.admin_conf).key,
    )
    with pytest.raises(ssl.SSLError):
        handshake(places, shown, tmp_path=tmp_path)


def test_without_a_certificate_the_client_is_nobody(places, tmp_path):
    certs.ensure(places, WANTED, NOW)
    shown = kubeconfig.Access(
        server="", authority=places.ca.read_bytes(), certificate=b"", key=b""
    )
    assert handshake(places, shown, tmp_path=tmp_path) is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_agrees(places, tmp_path):
    long = certs.Wanted(
        host_name="box", bind_address="0.0.0.0", port=6443, node_name="n" * 63 + "." + "m" * 63
    )
    certs.ensure(places, long, NOW)
    client = tmp_path / "client.crt"
    client.write_bytes(access(places.node_conf).certificate)
    for purpose, path in (("sslserver", places.serving), ("sslclient", client)):
        command = ["openssl", "verify", "-x509_strict", "-purpose", purpose]
        done = subprocess.run(
            [*command, "-CAfile", places.ca, path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_a_long_node_name_is_read_back_from_its_certificate(places, tmp_path):
    name = "n" * 63 + "." + "m" * 63
    long = certs.Wanted(host_name="box", bind_address="127.0.0.1", port=6443, node_name=name)
    certs.ensure(places, long, NOW)
    assert certs.ensure(places, long, NOW) == ()
    seen = handshake(places, access(places.node_conf), tmp_path=tmp_path)
    assert seen.name == f"system:node:{name}"


def test_everything_is_readable_by_its_owner_alone(places):
    certs.ensure(places, WANTED, NOW)
    files = [path for path in places.state_dir.rglob("*") if path.is_file()]
    assert len(files) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(places.ca.parent.stat().st_mode) == 0o700


def test_a_second_start_writes_nothing(places):
    assert len(certs.ensure(places, WANTED, NOW)) == 6
    before = content(places)
    assert certs.ensure(places, WANTED, NOW + timedelta(days=300)) == ()
    assert content(places) == before


def test_what_nears_its_end_is_renewed_and_the_ca_stays(places):
    certs.ensure(places, WANTED, NOW)
    before = content(places)
    later = NOW + timedelta(days=340)
    written = certs.ensure(places, WANTED, later)
    assert set(written) == {
        places.serving,
        places.kubelet_client,
        places.admin_conf,
        places.node_conf,
    }
    assert content(places)["ca.crt"] == before["ca.crt"]
    assert x509.Certificate.read(access(places.admin_conf).certificate).lasts(
        later, timedelta(300)
    )


def test_a_ca_at_its_end_is_renewed_with_its_key(places, tmp_path):
    certs.ensure(places, WANTED, NOW - timedelta(days=3649))
    old = access(places.admin_conf)
    assert set(certs.ensure(places, WANTED, NOW)) == {
        places.ca,
        places.serving,
        places.kubelet_client,
        places.admin_conf,
        places.node_conf,
    }
    seen = handshake(places, access(places.admin_conf), tmp_path=tmp_path)
    assert seen.name == "kubernetes-admin"
    assert x509.Certificate.read(old.certificate).issued_by(
        x509.Certificate.read(places.ca.read_bytes())
    )


def test_certificates_made_while_the_clock_was_ahead_are_made_again(places):
    certs.ensure(places, WANTED, NOW + timedelta(days=100))
    assert len(certs.ensure(places, WANTED, NOW)) == 5


def test_another_host_name_renews_the_servers_certificate_alone(places):
    certs.ensure(places, WANTED, NOW)
    other = certs.Wanted(host_name="other", bind_address="127.0.0.1", port=6443, node_name="node1")
    assert certs.ensure(places, other, NOW) == (places.serving,)


def test_another_port_rewrites_the_kubeconfigs_and_keeps_what_was_added(places):
    certs.ensure(places, WANTED, NOW)
    text = places.admin_conf.read_text().replace(
        "    user: kubernetes-admin\n", "    user: kubernetes-admin\n    namespace: mine\n"
    )
    assert "namespace: mine" in text
    places.admin_conf.write_text(text)
    other = certs.Wanted(
        host_name="box", bind_address="127.0.0.1", port=7443, node_name="node1", names=WANTED.names
    )
    assert certs.ensure(places, other, NOW) == (places.admin_conf, places.node_conf)
    assert access(places.admin_conf).server == "https://127.0.0.1:7443"
    assert "namespace: mine" in places.admin_conf.read_text()


def test_another_node_name_makes_another_node_conf(places):
    certs.ensure(places, WANTED, NOW)
    other = certs.Wanted(
        host_name="box", bind_address="127.0.0.1", port=6443, node_name="b", names=WANTED.names
    )
    assert certs.ensure(places, other, NOW) == (places.node_conf,)
    subject = x509.Certificate.read(access(places.node_conf).certificate).subject
    assert subject == x509.Subject(name="system:node:b", groups=("system:nodes",))


@pytest.mark.parametrize(
    "name", ["ca", "ca_key", "serving", "kubelet_client", "admin_conf", "node_conf"]
)
@pytest.mark.parametrize("junk", [b"", b"\xff\xfe junk", b"kind: Config\n", b"a: [", b"x" * 2**21])
def test_a_broken_file_is_named_and_left_alone(places, name, junk):
    certs.ensure(places, WANTED, NOW)
    path = getattr(places, name)
    path.write_bytes(junk)
    before = content(places)
    with pytest.raises(certfiles.CertificateFault, match=str(path)):
        certs.ensure(places, WANTED, NOW)
    assert content(places) == before


@pytest.mark.parametrize("name", ["ca", "serving", "kubelet_client", "admin_conf"])
def test_a_file_of_another_server_is_named_and_left_alone(places, tmp_path, name):
    certs.ensure(places, WANTED, NOW)
    foreign = certs.Places(tmp_path / "foreign")
    certs.ensure(foreign, WANTED, NOW)
    path = getattr(places, name)
    path.write_bytes(getattr(foreign, name).read_bytes())
    before = content(places)
    with pytest.raises(certfiles.CertificateFault, match=str(path)):
        certs.ensure(places, WANTED, NOW)
    assert content(places) == before


def test_a_lost_ca_key_is_said_and_nothing_is_replaced(places):
    certs.ensure(places, WANTED, NOW)
    places.ca_key.unlink()
    with pytest.raises(certfiles.CertificateFault, match="put the right one back"):
        certs.ensure(places, WANTED, NOW)
    assert not places.ca_key.exists()


def test_a_start_that_was_cut_short_goes_on_where_it_stopped(places):
    certs.ensure(places, WANTED, NOW)
    for path in (places.ca, places.node_conf):
        path.unlink()
    assert places.ca in certs.ensure(places, WANTED, NOW)
    assert certs.ensure(places, WANTED, NOW) == ()


def test_a_directory_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(certfiles.CertificateFault, match="file/state/pki"):
        certs.ensure(certs.Places(tmp_path / "file" / "state"), WANTED, NOW)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "https://127.0.0.1:6443"),
        ("0.0.0.0", "https://127.0.0.1:6443"),
        ("::", "https://127.0.0.1:6443"),
        ("fd00::1", "https://[fd00::1]:6443"),
    ],
)
def test_the_url_is_one_that_this_machine_reaches(address, url):
    assert certs.server_url(address, 6443) == url
