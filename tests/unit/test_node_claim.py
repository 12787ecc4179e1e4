"""Whose a node's name is, judged from what is seen of its Lease."""

from datetime import UTC, datetime, timedelta

from staticlet.node import claim, own

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FREE, UNSURE, TAKEN = claim.Verdict.FREE, claim.Verdict.UNSURE, claim.Verdict.TAKEN


def lease(renewed=NOW, *, agent=None, text=None):
    notes = {} if agent is None else {"annotations": {claim.AGENT: agent}}
    time = (renewed.isoformat() if renewed else None) if text is None else text
    return {"metadata": notes, "spec": {"renewTime": time, "leaseDurationSeconds": 40}}


class Looks:
    """Looks at a Lease, one after the other."""

    def __init__(self, agent="me"):
        self.agent = agent
        self.before = None

    def at(self, seconds, found):
        verdict, self.before = claim.look(
            found,
            self.before,
            agent=self.agent,
            now=NOW + timedelta(seconds=seconds),
            now_s=float(seconds),
        )
        return verdict


def test_a_name_without_a_lease_is_free():
    assert Looks().at(0, None) is FREE


def test_our_own_lease_of_an_earlier_life_is_ours():
    assert Looks().at(0, lease(agent="me")) is FREE


def test_a_lease_that_ran_out_is_nobodys():
    assert Looks().at(0, lease(NOW - timedelta(seconds=41), agent="other")) is FREE
    assert Looks().at(0, lease(None)) is FREE
    assert Looks().at(0, lease(text="gibberish")) is FREE


def test_a_fresh_lease_that_nobody_renews_becomes_free_after_a_while():
    looks = Looks()
    assert looks.at(0, lease()) is UNSURE
    assert looks.at(14, lease()) is UNSURE
    assert looks.at(15, lease()) is FREE


def test_a_lease_that_is_renewed_under_our_eyes_is_taken_until_it_runs_out():
    looks = Looks()
    assert looks.at(0, lease(agent="other")) is UNSURE
    assert looks.at(10, lease(NOW + timedelta(seconds=10), agent="other")) is TAKEN
    assert looks.at(30, lease(NOW + timedelta(seconds=10), agent="other")) is TAKEN
    assert looks.at(40, lease(NOW + timedelta(seconds=40), agent="other")) is TAKEN
    assert looks.at(79, lease(NOW + timedelta(seconds=40), agent="other")) is TAKEN
    assert looks.at(80, lease(NOW + timedelta(seconds=40), agent="other")) is FREE


def test_a_lease_from_the_future_is_watched_and_not_believed():
    looks = Looks()
    ahead = lease(NOW + timedelta(days=1))
    assert looks.at(0, ahead) is UNSURE
    assert looks.at(15, ahead) is FREE


def test_our_mark_does_not_count_when_somebody_else_bears_it_too():
    looks = Looks(agent="")
    assert looks.at(0, lease(agent="me")) is UNSURE
    assert looks.at(10, lease(NOW + timedelta(seconds=10), agent="me")) is TAKEN


def test_strikes_are_forgiven_after_a_time():
    strikes = claim.Strikes().more(1000.0).more(1100.0)
    assert strikes.count == 2
    assert strikes.more(1399.0).count == 3
    assert strikes.more(1401.0).count == 1


def node(uid="u1", version="5", **meta):
    return {"metadata": {"name": "node1", "uid": uid, "resourceVersion": version, **meta}}


def granted():
    made = own.OwnNode("node1")
    made.grant(granted=True)
    return made


def test_nothing_belongs_to_a_node_whose_name_is_not_ours():
    made = own.OwnNode("node1")
    made.take(node())
    assert (made.uid, made.known_uid) == ("", "u1")
    made.grant(granted=True)
    assert made.uid == "u1"


def test_nothing_belongs_to_a_node_that_is_being_deleted():
    made = granted()
    made.take(node(deletionTimestamp="2026-01-01T00:00:00Z"))
    assert (made.uid, made.known_uid, made.going) == ("", "u1", True)


def test_an_older_state_of_a_node_is_passed_over():
    made = granted()
    made.take(node(version="10"))
    made.watched(node(version="9", labels={"a": "b"}))
    assert made.node == node(version="10")
    made.watched(node(uid="u2", version="9"))
    assert made.uid == "u2"


def test_a_watch_that_tells_late_of_the_node_before_does_not_take_ours_away():
    made = granted()
    made.watched(node())
    made.gone()
    made.take(node(uid="u2", version="8"))
    made.watched(None)
    assert made.uid == "u2"
    made.watched(node(uid="u2", version="8"))
    made.watched(None)
    assert made.uid == ""


async def test_every_change_is_told():
    made = own.OwnNode("node1")
    with made.changes.subscribed() as changes:
        for change in (
            lambda: made.take(node()),
            lambda: made.grant(granted=True),
            lambda: made.gone(),
        ):
            change()
            assert await changes.next() == ("node1",)
