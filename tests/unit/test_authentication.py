"""Who a request is from: certificates, fixed tokens, service account tokens, nobody."""

import base64
import hashlib
import hmac
import json
from concurrent import futures
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from staticlet.apiserver import calls
from staticlet.apiserver.authn import accounts, authenticator, keys, peer, proof, tokenfile
from staticlet.apiserver.store.port import Key
from staticlet.host import certs
from staticlet.kube import refusal
from staticlet.testing import fake_objects, fakes

TOKENS = """\
s3cret,admin,1,"system:masters,ops"
n0de,system:node:node1,,system:nodes
plain,nobody,7
"""


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture(scope="module")
def rsa_keys():
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


def account(name="robot", uid="uid-robot", **metadata):
    return {
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": "default", "uid": uid, **metadata},
    }


def pod(uid="uid-web", **metadata):
    return {
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "uid": uid, **metadata},
        "spec": {"nodeName": "node1"},
    }


def grant(clock, *, audiences=(accounts.ISSUER,), seconds=600, **bound):
    return accounts.Grant(
        namespace="default",
        account=accounts.Bound(name="robot", uid="uid-robot"),
        audiences=audiences,
        issued=clock.now(),
        expires=clock.now() + timedelta(seconds=seconds),
        **bound,
    )


class World:
    """An authenticator over a few objects, and what issues tokens."""

    def __init__(self, tmp_path, key_pem, *, anonymous=True):
        (tmp_path / "tokens.csv").write_text(TOKENS)
        self.clock = fakes.ManualClock()
        self.objects = fake_objects.FakeObjects([account(), pod()])
        self.tokens = accounts.AccountTokens(keys.read(key_pem, "sa.key"))
        self.authenticator = authenticator.Authenticator(
            clock=self.clock,
            token_file=tokenfile.load(tmp_path / "tokens.csv"),
            accounts=self.tokens,
            anonymous=anonymous,
        )

    def who(self, token=None, *, certificate=None, header=None):
        if token is not None:
            header = f"Bearer {token}"
        return self.authenticator.authenticate(header, certificate, self.objects)

    def refuses(self, *args, **kwargs):
        with pytest.raises(refusal.Refusal) as refused:
            self.who(*args, **kwargs)
        assert refused.value.status() == refusal.unauthorized().status()
        return True


@pytest.fixture
def world(tmp_path, rsa_keys):
    return World(tmp_path, pem(rsa_keys[0]))


def certificate(clock, *, name="alice", organizations=("ops",), hours=1, verified=True):
    return peer.PeerCertificate(
        name=name,
        organizations=organizations,
        not_before=clock.now() - timedelta(hours=1),
        not_after=clock.now() + timedelta(hours=hours),
        verified=verified,
    )


def test_a_certificate_names_the_user_and_its_groups(world):
    user = world.who(certificate=certificate(world.clock))
    assert user == calls.User(name="alice", groups=("ops", "system:authenticated"))


@pytest.mark.parametrize("wrong", [{"hours": 0}, {"verified": False}, {"name": ""}])
def test_a_certificate_that_proves_nothing_is_refused(world, wrong):
    shown = certificate(world.clock, **wrong)
    world.clock.advance(1)
    assert world.refuses(certificate=shown)


def test_a_key_that_is_still_being_made_has_signed_nothing_yet(rsa_keys):
    clock, made = fakes.ManualClock(), futures.Future()
    objects = fake_objects.FakeObjects([account()])
    there = keys.read(pem(rsa_keys[0]), "sa.key")
    token = accounts.AccountTokens(there).issue(grant(clock))
    tokens = accounts.AccountTokens(keys.Coming(made=made))
    with pytest.raises(proof.NotProved):
        tokens.read(token, objects, clock.now())
    made.set_result(there)
    again = tokens.issue(grant(clock))
    for one in (token, again):
        assert tokens.read(one, objects, clock.now()).user.name.endswith(":robot")


def test_a_key_that_could_not_be_made_signs_nothing_and_says_so(rsa_keys):
    clock, made = fakes.ManualClock(), futures.Future()
    made.set_exception(keys.KeyFault("cannot use sa.key"))
    tokens = accounts.AccountTokens(keys.Coming(made=made))
    with pytest.raises(refusal.Refusal, match=r"cannot use sa\.key") as refused:
        tokens.issue(grant(clock))
    assert refused.value.code == 500
    token = accounts.AccountTokens(keys.read(pem(rsa_keys[0]), "other")).issue(grant(clock))
    with pytest.raises(proof.NotProved):
        tokens.read(token, fake_objects.FakeObjects([account()]), clock.now())


def test_the_certificate_that_the_server_shows_to_nodes_lets_nobody_in(world):
    shown = certificate(world.clock, name=certs.KUBELET_CLIENT, organizations=("system:masters",))
    assert world.refuses(certificate=shown)
    assert world.refuses("s3cret", certificate=shown)


def test_one_good_credential_of_two_is_enough(world):
    expired = certificate(world.clock, hours=0)
    assert world.who("junk", certificate=certificate(world.clock)).name == "alice"
    world.clock.advance(1)
    assert world.who("s3cret", certificate=expired).name == "admin"


def test_a_fixed_token_names_user_uid_and_groups(world):
    assert world.who("s3cret") == calls.User(
        name="admin", uid="1", groups=("system:masters", "ops", "system:authenticated")
    )
    assert world.who("n0de").node == "node1"
    assert world.who(header="bearer  plain ").groups == ("system:authenticated",)


def test_without_credentials_one_is_nobody(world):
    assert world.who() == proof.NOBODY
    assert world.who().groups == ("system:unauthenticated",)


def test_without_credentials_one_is_refused_where_nobody_is_not_let_in(tmp_path, rsa_keys):
    assert World(tmp_path, pem(rsa_keys[0]), anonymous=False).refuses()


@pytest.mark.parametrize(
    "header", ["Bearer not-a-token", "Bearer", "Bearer ", "Basic czpjcmV0", "", "s3cret", "\xff"]
)
def test_credentials_that_prove_nothing_are_refused(world, header):
    assert world.refuses(header=header)


def test_a_service_account_is_known_by_its_token(world):
    bound = accounts.Bound(name="web", uid="uid-web")
    token = world.tokens.issue(
        grant(world.clock, pod=bound, node=accounts.Bound(name="node1", uid="uid-node1"))
    )
    user = world.who(token)
    assert user.name == "system:serviceaccount:default:robot"
    assert user.uid == "uid-robot"
    assert user.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    )
    extra = {
        name.removeprefix("authentication.kubernetes.io/"): v for name, v in user.extra.items()
    }
    assert extra.pop("credential-id")[0].startswith("JTI=")
    assert extra == {
        "node-name": ("node1",),
        "node-uid": ("uid-node1",),
        "pod-name": ("web",),
        "pod-uid": ("uid-web",),
    }


def test_a_token_says_what_kube_apiserver_would_write(world):
    token = world.tokens.issue(grant(world.clock, secret=accounts.Bound(name="s", uid="uid-s")))
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.pop("jti")
    issued = int(world.clock.now().timestamp())
    assert claims == {
        "aud": [accounts.ISSUER],
        "exp": issued + 600,
        "iat": issued,
        "iss": accounts.ISSUER,
        "kubernetes.io": {
            "namespace": "default",
            "secret": {"name": "s", "uid": "uid-s"},
            "serviceaccount": {"name": "robot", "uid": "uid-robot"},
        },
        "nbf": issued,
        "sub": "system:serviceaccount:default:robot",
    }
    header = jwt.get_unverified_header(token)
    assert set(header) == {"alg", "kid"}
    assert header["alg"] == "RS256"


def test_a_token_ends_at_its_second_even_when_it_was_seen_before(world):
    token = world.tokens.issue(grant(world.clock, seconds=600))
    world.clock.advance(599)
    assert world.who(token)
    world.clock.advance(1)
    assert world.refuses(token)


def test_a_token_of_the_future_is_refused(world):
    token = world.tokens.issue(grant(world.clock))
    world.clock.advance(-61)
    assert world.refuses(token)


def test_a_token_for_others_is_refused_here(world):
    token = world.tokens.issue(grant(world.clock, audiences=("vault",)))
    assert world.refuses(token)
    proved = world.authenticator.review(token, world.objects, audiences=["vault", "other"])
    assert proved.audiences == ("vault",)


def test_a_token_ends_with_its_account(world):
    token = world.tokens.issue(grant(world.clock))
    assert world.who(token)
    world.objects.put(account(uid="another"))
    assert world.refuses(token)
    world.objects.remove(Key("serviceaccounts", "default", "robot"))
    assert world.refuses(token)


@pytest.mark.parametrize("what", ["pod", "secret", "node"])
def test_a_token_ends_with_what_it_is_bound_to(world, what):
    kind, namespace = what.capitalize(), "" if what == "node" else "default"
    metadata = {"name": "it", "namespace": namespace, "uid": "uid-it"}
    world.objects.put({"kind": kind, "metadata": metadata})
    token = world.tokens.issue(
        grant(world.clock, **{what: accounts.Bound(name="it", uid="uid-it")})
    )
    assert world.who(token)
    world.objects.put({"kind": kind, "metadata": {**metadata, "uid": "another"}})
    assert world.refuses(token)
    world.objects.remove(Key(f"{what}s", namespace, "it"))
    assert world.refuses(token)


def test_a_pods_token_lives_a_minute_longer_than_its_grace(world):
    token = world.tokens.issue(grant(world.clock, pod=accounts.Bound(name="web", uid="uid-web")))
    ends = world.clock.now() + timedelta(seconds=30)
    world.objects.put(pod(deletionTimestamp=ends.strftime("%Y-%m-%dT%H:%M:%SZ")))
    world.clock.advance(90)
    assert world.who(token)
    world.clock.advance(1)
    assert world.refuses(token)


def test_a_token_signed_by_another_key_is_refused(world, rsa_keys):
    other = accounts.AccountTokens(keys.read(pem(rsa_keys[1]), "other"))
    assert world.refuses(other.issue(grant(world.clock)))


def test_a_token_of_another_issuer_is_refused(world, rsa_keys):
    other = accounts.AccountTokens(
        keys.read(pem(rsa_keys[0]), "sa.key"),
        issuer="https://elsewhere",
        audiences=(accounts.ISSUER,),
    )
    assert world.refuses(other.issue(grant(world.clock)))


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_changed_or_unsigned_token_is_refused(world, rsa_keys):
    token = world.tokens.issue(grant(world.clock))
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["kubernetes.io"]["serviceaccount"]["name"] = "root"
    forged = unpadded(json.dumps(claims).encode())
    unsigned = unpadded(b'{"alg":"none"}')
    public = (
        rsa_keys[0]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    confused = unpadded(b'{"alg":"HS256"}')
    mac = hmac.digest(public, f"{confused}.{payload}".encode(), hashlib.sha256)
    for wrong in (
        f"{header}.{forged}.{signature}",
        f"{unsigned}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        f"{confused}.{payload}.{unpadded(mac)}",
        f"{unpadded(b'[' * 10_000)}.{payload}.{signature}",
        f"{header}.{payload}.",
    ):
        assert world.refuses(wrong)


@pytest.mark.parametrize("claims", [b"[]", b"{}", b"\xff", b"[" * 5_000, b'{"exp": "soon"}'])
def test_what_is_well_signed_and_no_token_of_an_account_is_refused(world, rsa_keys, claims):
    token = jwt.PyJWS().encode(claims, rsa_keys[0], algorithm="RS256")
    assert world.refuses(token)


def test_a_new_key_at_the_top_signs_and_the_old_one_still_verifies(tmp_path, rsa_keys):
    path = tmp_path / "sa.key"
    clock = fakes.ManualClock()
    objects = fake_objects.FakeObjects([account()])
    path.write_bytes(pem(rsa_keys[0]))
    old = accounts.AccountTokens(keys.load(path)).issue(grant(clock))
    path.write_bytes(pem(rsa_keys[1]) + pem(rsa_keys[0]))
    rotated = accounts.AccountTokens(keys.load(path))
    new = rotated.issue(grant(clock))
    for token in (old, new):
        assert rotated.read(token, objects, clock.now()).user.uid == "uid-robot"
    path.write_bytes(pem(rsa_keys[1]))
    after = accounts.AccountTokens(keys.load(path))
    assert after.read(new, objects, clock.now())
    with pytest.raises(proof.NotProved):
        after.read(old, objects, clock.now())


def test_keys_are_made_once_and_survive_a_restart(tmp_path):
    path = tmp_path / "pki" / "sa.key"
    clock = fakes.ManualClock()
    objects = fake_objects.FakeObjects([account()])
    token = accounts.AccountTokens(keys.load(path)).issue(grant(clock))
    assert path.stat().st_mode & 0o777 == 0o600
    again = accounts.AccountTokens(keys.load(path))
    assert again.read(token, objects, clock.now()).user.name.endswith(":robot")


def test_a_public_key_verifies_and_signs_nothing(rsa_keys):
    public = (
        rsa_keys[1]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    both = keys.read(pem(rsa_keys[0]) + public, "sa.key")
    assert len(both.verifiers) == 2
    with pytest.raises(keys.KeyFault, match="no private key"):
        keys.read(public, "sa.key")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"-----BEGIN PRIVATE KEY-----\njunk\n-----END PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505  too small on purpose
    ],
)
def test_a_key_file_that_cannot_be_used_is_named_and_left_alone(tmp_path, data):
    path = tmp_path / "sa.key"
    path.write_bytes(data)
    with pytest.raises(keys.KeyFault, match=str(path)):
        keys.load(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,c\nonly,two\n", r":2: has 2 columns"),
        (",user,uid\n", r":1: the token is empty"),
        ("token,,uid\n", r":1: the user is empty"),
        ('a,b,c\n"open,b,c\n', r":2: "),
        ("a b\x01,user,uid\n", r":1: the token cannot be sent"),
        ("ä,user,uid\n", r":1: the token cannot be sent"),
    ],
)
def test_a_bad_line_of_a_token_file_is_named(tmp_path, text, words):
    path = tmp_path / "tokens.csv"
    path.write_text(text)
    with pytest.raises(tokenfile.TokenFileFault, match=f"{path}{words}"):
        tokenfile.load(path)


def test_a_token_file_that_is_not_there_or_not_text_is_named(tmp_path):
    path = tmp_path / "tokens.csv"
    with pytest.raises(tokenfile.TokenFileFault, match="does not exist"):
        tokenfile.load(path)
    path.write_bytes(b"a,b,c\n\xff\xff,b,c\n")
    with pytest.raises(tokenfile.TokenFileFault, match=":2: is not UTF-8"):
        tokenfile.load(path)


def test_blank_lines_a_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "tokens.csv"
    path.write_bytes(b'\xef\xbb\xbf\r\na,user,uid,"one, two"\r\n\r\n')
    read = tokenfile.load(path)
    assert len(read) == 1
    assert read.user("a") == calls.User(name="user", uid="uid", groups=("one", "two"))
    assert read.user("b") is None
