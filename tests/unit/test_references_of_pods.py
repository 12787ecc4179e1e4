"""What pods of the API refer to, and which steps wait for the first answer about it."""

from dataclasses import replace

from staticlet.pods import steps
from staticlet.pods.apiobjects import gate, held, references
from staticlet.testing import apicontent, wantedpods


def key(kind, name):
    return {"name": "X", "valueFrom": {kind: {"name": name, "key": "k"}}}


POD = apicontent.pod(
    wantedpods.container(
        env=[key("configMapKeyRef", "c1"), key("secretKeyRef", "s1")],
        envFrom=[{"configMapRef": {"name": "c2"}}, {"secretRef": {"name": "s2"}}],
    ),
    initContainers=[wantedpods.container("i", env=[key("secretKeyRef", "s3")])],
    imagePullSecrets=[{"name": "s4"}, {"name": ""}],
    serviceAccountName="robot",
    volumes=[
        {"name": "a", "configMap": {"name": "c3"}},
        {"name": "b", "secret": {"secretName": "s5"}},
        {"name": "d", "emptyDir": {}},
        {
            "name": "e",
            "projected": {
                "sources": [
                    {"configMap": {"name": "c4"}},
                    {"secret": {"name": "s6"}},
                    {"serviceAccountToken": {"path": "t", "expirationSeconds": 600}},
                ]
            },
        },
    ],
)


def test_everything_that_a_pod_refers_to_is_found():
    found = references.of(POD)
    named = sorted(one.name for one in found - {held.SERVER} if isinstance(one, held.Ref))
    assert named == ["c1", "c2", "c3", "c4", "s1", "s2", "s3", "s4", "s5", "s6"]
    assert held.SERVER in found
    (token,) = [one for one in found if isinstance(one, held.TokenRef)]
    assert (token.account, token.pod_uid, token.lifetime_s) == ("robot", wantedpods.UID, 600)


def test_a_static_pod_refers_to_nothing_and_one_that_has_ended_needs_nothing():
    assert references.of(replace(POD, source="file")) == frozenset()
    assert references.of(replace(POD, over=True)) == frozenset()


def test_a_pod_with_a_token_wants_to_know_where_the_api_server_is():
    mount = {"name": "t", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    volume = {"name": "t", "secret": {"secretName": "default-token-x"}}
    with_token = apicontent.pod(wantedpods.container(volumeMounts=[mount]), volumes=[volume])
    assert held.SERVER in references.of(with_token)
    assert held.SERVER not in references.of(apicontent.pod(volumes=[volume]))


class Objects:
    def __init__(self, *answers):
        self.known = held.Holdings(dict(enumerate(answers)))

    def of(self, pod):
        return self.known


STOP = steps.Stop(sandbox_id="s", grace_s=1, why="")
START = steps.Start(sandbox_id="s", name="c", restart_count=0, why="")
PLAN = steps.Plan(actions=(STOP, START, steps.RunSandbox(attempt=0, why="")), needs={"c": 0})


def test_what_starts_waits_for_the_first_answer_and_what_stops_does_not():
    found = gate.within(PLAN, POD, Objects(held.Absent(), held.Unanswered()))
    assert found.actions == (STOP,)
    assert not found.needs
    assert found.waits[""].what


def test_nothing_waits_once_there_is_an_answer_or_a_failure():
    objects = Objects(held.Absent(), held.Held(), held.Unanswered(why="it is away"))
    assert gate.within(PLAN, POD, objects) is PLAN


def test_a_static_pod_never_waits():
    static = replace(POD, source="file")
    assert gate.within(PLAN, static, Objects(held.Unanswered())) is PLAN
