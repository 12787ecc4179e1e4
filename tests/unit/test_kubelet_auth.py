"""Who may ask a kubelet what: rights by path and method, credentials, reviews. Pure."""

from datetime import UTC, datetime

import pytest

from staticlet.client import port
from staticlet.config.settings import Settings
from staticlet.server import kubeletauth as auth
from staticlet.server import kubeletgate
from staticlet.web import tls


@pytest.mark.parametrize(
    ("path", "subresources"),
    [
        ("/pods", ("pods", "proxy")),
        ("/pods/", ("pods", "proxy")),
        ("/podsy", ("proxy",)),
        ("/runningpods/", ("pods", "proxy")),
        ("/healthz", ("healthz", "proxy")),
        ("/healthz/syncloop", ("healthz", "proxy")),
        ("/configz", ("configz", "proxy")),
        ("/metrics", ("metrics",)),
        ("/metrics/cadvisor", ("metrics",)),
        ("/stats/summary", ("stats",)),
        ("/logs/messages", ("log",)),
        ("/checkpoint/a/b/c", ("checkpoint",)),
        ("/containerLogs/default/web/main", ("proxy",)),
        ("/exec/default/web/main", ("proxy",)),
        ("/", ("proxy",)),
        ("/nowhere", ("proxy",)),
    ],
)
def test_a_path_needs_a_right_on_its_own_part_of_the_node(path, subresources):
    assert auth.subresources(path) == subresources


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("GET", "get"),
        ("POST", "create"),
        ("PUT", "update"),
        ("PATCH", "patch"),
        ("DELETE", "delete"),
        ("HEAD", ""),
        ("OPTIONS", ""),
    ],
)
def test_a_method_is_a_verb_or_none(method, verb):
    assert auth.question(auth.NOBODY, method, "/pods").verb == verb


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("Bearer abc rest", "abc"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Basic abc", ""),
        ("", ""),
    ],
)
def test_only_a_bearer_header_has_a_token(header, token):
    assert auth.token(header) == token


def test_a_refusal_names_user_verb_and_rights_as_the_kubelet_does():
    asked = auth.question(auth.User(name="jane"), "GET", "/pods")
    assert asked.forbidden().text == (
        "Forbidden (user=jane, verb=get, resource=nodes, subresource(s)=[pods proxy])\n"
    )
    assert asked.undecided("pods").text == (
        "Authorization error (user=jane, verb=get, resource=nodes, subresource=pods)"
    )


def test_a_review_asks_for_the_node_and_all_that_is_known_of_the_user():
    user = auth.User(name="jane", uid="7", groups=("a", "b"), extra=(("k", ("v",)),))
    asked = auth.question(user, "GET", "/metrics")
    assert auth.access_review(asked, "metrics", node="node1")["spec"] == {
        "resourceAttributes": {
            "verb": "get",
            "version": "v1",
            "resource": "nodes",
            "subresource": "metrics",
            "name": "node1",
        },
        "user": "jane",
        "uid": "7",
        "groups": ["a", "b"],
        "extra": {"k": ["v"]},
    }


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": None},
        {"status": []},
        {"status": {"allowed": "true"}},
        {"status": {"allowed": 1}},
        {"status": {"allowed": False}},
        {"status": {"allowed": True, "denied": True}},
    ],
)
def test_nothing_but_a_clear_yes_permits(answer):
    assert not auth.allowed(answer)
    assert auth.allowed({"status": {"allowed": True}})


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"user": {"username": "jane"}},
        {"authenticated": False, "user": {"username": "jane"}},
        {"authenticated": "yes", "user": {"username": "jane"}},
        {"authenticated": True},
        {"authenticated": True, "user": {"username": ""}},
        {"authenticated": True, "user": {"username": 5}},
        {"authenticated": True, "user": "jane"},
    ],
)
def test_a_token_of_which_an_answer_says_too_little_is_nobodys(status):
    assert auth.reviewed({"status": status}) is None


def test_a_token_is_its_users_with_groups_and_extras():
    told = {"username": "jane", "uid": "7", "groups": ["a", 5], "extra": {"k": ["v"], "l": 1}}
    assert auth.reviewed({"status": {"authenticated": True, "user": told}}) == auth.User(
        name="jane",
        uid="7",
        groups=("a", "system:authenticated"),
        extra=(("k", ("v",)), ("l", ())),
    )


class Time:
    """A clock that a test sets."""

    def __init__(self):
        self.at_s = 0.0

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self):
        return self.at_s


class Reviews:
    """An API server that knows one token and permits what it is told to."""

    server = "https://api"

    def __init__(self):
        self.permits = {("get", "pods")}
        self.asked = []
        self.fault = None

    async def ask(self, method, path, body=None, **_):
        self.asked.append((method, path, body))
        if self.fault is not None:
            raise self.fault
        spec = body["spec"]
        if path == auth.TOKEN_REVIEWS:
            known = spec["token"] == "good"
            user = {"username": "jane"} if known else {}
            return {"status": {"authenticated": known, "user": user}}
        what = spec["resourceAttributes"]
        return {"status": {"allowed": (what["verb"], what["subresource"]) in self.permits}}

    def watch(self, path, *, query, silence_s):
        raise AssertionError("nobody watches reviews")


@pytest.fixture
def reviews():
    return Reviews()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def gate_of(reviews, time):
    def make(*, api=reviews, **given):
        return kubeletgate.Gate(Settings(node_name="node1", **given), api, time)

    return make


async def refused(gate, *, peer=None, header="", method="GET", path="/pods"):
    with pytest.raises(auth.Refused) as caught:
        await gate.admit(peer, header, method, path)
    return caught.value.code


MASTER = tls.Peer(name="api", organizations=("system:masters",), until_s=2e9)


async def test_who_shows_nothing_is_refused(gate_of, reviews):
    assert await refused(gate_of()) == 401
    assert await refused(gate_of(), header="Basic abc") == 401
    assert reviews.asked == []


async def test_a_known_token_may_what_the_api_server_permits(gate_of):
    user = await gate_of().admit(None, "Bearer good", "GET", "/pods")
    assert user.name == "jane"
    assert await refused(gate_of(), header="Bearer good", path="/metrics") == 403
    assert await refused(gate_of(), header="Bearer good", method="POST") == 403
    assert await refused(gate_of(), header="Bearer bad") == 401


async def test_one_right_of_several_suffices_and_the_narrow_one_is_asked_for_first(
    gate_of, reviews
):
    reviews.permits = {("get", "proxy")}
    await gate_of().admit(None, "Bearer good", "GET", "/configz")
    asked = [body["spec"]["resourceAttributes"]["subresource"] for _, _, body in reviews.asked[1:]]
    assert asked == ["configz", "proxy"]


async def test_even_system_masters_is_asked_about(gate_of, reviews):
    reviews.permits = set()
    assert await refused(gate_of(), peer=MASTER) == 403
    groups = reviews.asked[0][2]["spec"]["groups"]
    assert groups == ["system:masters", "system:authenticated"]


async def test_a_certificate_that_has_ended_or_names_nobody_proves_nothing(gate_of):
    past = tls.Peer(name="api", organizations=(), until_s=1.0)
    unnamed = tls.Peer(name="", organizations=("system:masters",), until_s=2e9)
    for peer in (past, unnamed):
        assert await refused(gate_of(authorization_mode="AlwaysAllow"), peer=peer) == 401


async def test_always_allow_still_wants_to_know_who(gate_of):
    gate = gate_of(authorization_mode="AlwaysAllow")
    assert await refused(gate) == 401
    assert (await gate.admit(MASTER, "", "POST", "/exec/a/b/c")).name == "api"


async def test_without_an_api_server_no_token_is_known_and_nothing_is_permitted(gate_of):
    gate = gate_of(api=None)
    assert await refused(gate, header="Bearer good") == 401
    assert await refused(gate, peer=MASTER) == 403


async def test_anonymous_is_somebody_only_where_that_is_said(gate_of):
    gate = gate_of(anonymous_auth=True)
    assert await gate.admit(None, "", "GET", "/pods") == auth.NOBODY
    assert await refused(gate, header="Bearer bad") == 401


async def test_without_the_webhook_a_token_is_no_credential(gate_of, reviews):
    assert await refused(gate_of(webhook_auth=False), header="Bearer good") == 401
    await gate_of(webhook_auth=False, anonymous_auth=True).admit(
        None, "Bearer good", "GET", "/pods"
    )
    assert all(path != auth.TOKEN_REVIEWS for _, path, _ in reviews.asked)


async def test_an_api_server_that_is_away_permits_nothing_and_that_is_not_remembered(
    gate_of, reviews
):
    gate = gate_of()
    reviews.fault = port.Unreachable("connection refused")
    assert await refused(gate, header="Bearer good") == 401
    assert await refused(gate, peer=MASTER) == 500
    reviews.fault = None
    await gate.admit(None, "Bearer good", "GET", "/pods")
    await gate.admit(MASTER, "", "GET", "/pods")


async def test_an_api_server_that_is_away_is_told_once_while_it_is_whoever_asks(
    gate_of, reviews, caplog
):
    gate = gate_of()
    for _ in range(2):
        reviews.fault = port.Unreachable("connection refused")
        for number in range(5):
            assert await refused(gate, header=f"Bearer token{number}") == 401
            assert await refused(gate, peer=MASTER) == 500
        reviews.fault = None
        assert await refused(gate, header="Bearer bad") == 401
    warned = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert warned == ["cannot find out whose a token is: connection refused"] * 2


async def test_answers_count_for_their_time_also_while_the_api_server_is_away(
    gate_of, reviews, time
):
    gate = gate_of()
    await gate.admit(None, "Bearer good", "GET", "/pods")
    assert await refused(gate, header="Bearer good", path="/metrics") == 403
    before = len(reviews.asked)
    reviews.fault = port.Unreachable("connection refused")
    time.at_s = 29.0
    await gate.admit(None, "Bearer good", "GET", "/pods")
    assert await refused(gate, header="Bearer good", path="/metrics") == 403
    assert len(reviews.asked) == before
    time.at_s = 31.0  # a refusal counts for 30 s
    assert await refused(gate, header="Bearer good", path="/metrics") == 500
    time.at_s = 119.0
    await gate.admit(None, "Bearer good", "GET", "/pods")
    time.at_s = 121.0  # a token for two minutes
    assert await refused(gate, header="Bearer good") == 401
    reviews.fault = None
    await gate.admit(None, "Bearer good", "GET", "/pods")
    reviews.fault = port.Unreachable("connection refused")
    time.at_s = 240.0  # and a permission for five, whatever became of the token
    await gate.admit(None, "Bearer good", "GET", "/pods")


async def test_no_more_answers_are_kept_than_there_is_room_for():
    kept = kubeletgate.Kept(most=2)
    for number in range(3):
        kept.put(number, number, until_s=10.0)
    assert [kept.get(number, 0.0) for number in range(3)] == [None, 1, 2]
    assert kept.get(2, 10.0) is None


@pytest.mark.parametrize("header", ["Bearer ab\u00e9", "Bearer a\udcffb", "Bearer a\x7fb"])
async def test_a_token_that_none_can_be_is_not_passed_on(gate_of, reviews, header):
    assert await refused(gate_of(), header=header) == 401
    assert reviews.asked == []
