"""What a real kube-apiserver denied the node, a user without rights and nobody: word for word.

The steps of the recorded conversations are put as pure calls to authorization and admission, over
the objects that the conversations have made by then.
"""

import json
import pathlib

import pytest
import yaml

from staticlet.apiserver import calls
from staticlet.apiserver.admission import noderestriction, plugin, serviceaccount
from staticlet.apiserver.authn import proof
from staticlet.apiserver.authz import decide, denial
from staticlet.apiserver.http import path
from staticlet.apiserver.resources import registry
from staticlet.apiserver.store.port import Key
from staticlet.kube import refusal
from staticlet.kube.patch import merge
from staticlet.testing import fake_objects, fakes

DATA = pathlib.Path(__file__).parents[1] / "data" / "apicheck"
NODE_UID = "11111111-1111-4111-8111-111111111111"
NAMESPACE = "ns-RUN"
USERS = {
    "admin": calls.User(name="admin", groups=("system:masters", proof.AUTHENTICATED)),
    "node": calls.User(name="system:node:node1", groups=("system:nodes", proof.AUTHENTICATED)),
    "nobody": calls.User(name="nobody", groups=(proof.AUTHENTICATED,)),
    "none": proof.NOBODY,
}
CHAIN = plugin.Chain((serviceaccount.ServiceAccount(), noderestriction.NodeRestriction()))


def pod(name, node, **metadata):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", **metadata},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "x"}]},
    }


def world():
    mirror = {"annotations": {"kubernetes.io/config.mirror": "aaaa"}}
    return fake_objects.FakeObjects(
        [
            {"kind": "Node", "metadata": {"name": "node1", "uid": NODE_UID}},
            {"kind": "Secret", "metadata": {"name": "s", "namespace": NAMESPACE}},
            {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}},
            pod("web-node1", "node1", **mirror),
            pod("foreign", "node2"),
        ]
    )


def steps():
    for scenario in ("mirrorpods", "nodes", "config", "discovery"):
        golden = json.loads((DATA / "golden" / f"{scenario}.json").read_text())
        told = yaml.safe_load((DATA / "scenarios" / f"{scenario}.yaml").read_text())
        for step in told["steps"]:
            if "do" in step and step.get("as", "admin") != "bad":
                yield pytest.param(step, golden[step["name"]], id=f"{scenario}: {step['name']}")


def filled(value):
    text = json.dumps(value).replace("$(run)", "RUN").replace("$(nodeuid)", NODE_UID)
    return json.loads(text.replace("$(leaserv)", "1").replace("$(jwt)", "x"))


def judged(step):
    """The refusal of a step by authorization or admission; None when both let it pass."""
    method, raw = step["do"].split(" ", 1)
    asked = path.ask(method, raw)
    user, objects = USERS[step.get("as", "admin")], world()
    target = path.for_authorization(asked)
    verdict = decide.decide(user, target, objects)
    if not verdict.allowed:
        return denial.words(user, target, verdict.reason)
    if method == "GET" or not target.is_resource:
        return None
    try:
        admit(calls.Call(user=user, target=asked.target, query={}, now=fakes.START), step, objects)
    except refusal.Refusal as refused:
        return refused
    return None


def admit(call, step, objects):
    target, body = call.target, step.get("body")
    kind = registry.kinds().find(target.group, target.version, target.resource)
    if kind is None:
        return
    name = target.name or ((body or {}).get("metadata") or {}).get("name", "")
    record = objects.get(Key(kind.key_resource, target.namespace, name))
    old = record.object() if record else None
    operation = {"create": "CREATE", "delete": "DELETE"}.get(target.verb, "UPDATE")
    if operation != "CREATE" and old is None:
        return  # 404 of the verb, or an object that these recordings do not need
    new = None
    if operation == "CREATE":
        new, old = body, None
    elif operation == "UPDATE":
        new = merge.apply(record.object(), body)
    review = plugin.Review(
        call=call, kind=kind, operation=operation, object=new, old=old, name=name
    )
    CHAIN.mutate(review, objects)
    CHAIN.validate(review, objects)


@pytest.mark.parametrize(("step", "recorded"), list(steps()))
def test_rights_are_as_recorded(step, recorded):
    refused = judged(filled(step))
    if recorded["code"] != 403 or step["name"] == "delete a kept namespace":
        assert refused is None
        return
    assert refused is not None
    assert (refused.code, refused.reason) == (403, "Forbidden")
    status = recorded.get("body")
    if status:
        said = refused.status()
        expected = status["message"].replace("<uid-1>", NODE_UID)
        assert said["message"] == expected.replace(
            "<uid-2>", "00000000-0000-4000-8000-000000000000"
        )
        assert said["details"] == status["details"]
