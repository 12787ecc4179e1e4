"""What a real server made of the recorded objects, our kinds and admission make of them too."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from staticlet.kube.patch import merge, strategic
from staticlet.kube.refusal import Refusal
from staticlet.testing import pureapi

DATA = Path(__file__).parents[1] / "data" / "apicheck"
# What other parts decide: decoding, authorization, paths, versions.
ELSEWHERE = {
    "apply (server side)",
    "apply again changes a label",
    "node makes a config map",
    "lease elsewhere",
    "namespace mismatch",
    "node relabels its mirror pod",
    "another's status",
    "rename it",
    "renew with the old version",
    "unknown field strict",
    "wrong kind",
    "wrong version",
    "put with a stale version",
    "patch not json",
    "patch of an unknown type",
    "json patch test fails",
    "patch annotation (json)",
    "let go",
    "yaml body",
    "unsupported media",
    "not json",
    "token for it",
    "token review",
    "false token review",
    "node evicts its mirror pod",
    "bind it",
    "bind it twice",
    "evict a finished pod",
    "node writes its status",
}
RUN = "r1a2b3"
SCENARIOS = ("config", "mirrorpods", "nodes", "pods", "podvalidation", "tables")
PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v1(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?"
)
VOLATILE = ("uid", "creationTimestamp", "resourceVersion", "managedFields")
UID = re.compile(r"<uid-\d+>|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"<time>|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
GENERATED = re.compile(r"-gen-(<5>|[a-z0-9]{5})")


def filled(value, env):
    if isinstance(value, str):
        return re.sub(r"\$\((\w+)\)", lambda match: str(env[match[1]]), value)
    if isinstance(value, dict):
        return {filled(key, env): filled(item, env) for key, item in value.items()}
    return [filled(item, env) for item in value] if isinstance(value, list) else value


def plain(value):
    """Without what differs from run to run."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        value = value.replace(RUN, "RUN")
        for pattern, word in ((UID, "UID"), (TIME, "TIME"), (GENERATED, "-gen-")):
            value = pattern.sub(word, value)
        return "<age>" if re.fullmatch(r"(\d+[smhd])+", value) else value
    return value


def picked(value, path):
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def shown(step, code, body):
    if step.get("pick") and code < 300:
        body = picked(body, step["pick"])
    match step.get("compare", "full"):
        case "status":
            return {"code": code}
        case "error":
            causes = (body.get("details") or {}).get("causes") or []
            return {
                "code": code,
                "reason": body.get("reason"),
                "causes": sorted([one.get("reason", ""), one.get("field", "")] for one in causes),
            }
        case _:
            return {"code": code, "body": plain(body)}


def performed(api, step):
    """Do a step; its code and body."""
    verb, path = step["do"].split(" ", 1)
    at = PATH.fullmatch(urlsplit(path).path)
    where = {
        "group": at["group"] or "",
        "namespace": at["namespace"] or "",
        "user": pureapi.node_user("node1") if step.get("as") == "node" else pureapi.ADMIN,
    }
    try:
        if verb == "POST":
            return 201, api.create(at["plural"], step["body"], **where)
        patch = strategic_of(api, at) if "strategic" in str(step.get("headers")) else merge.apply
        make = (
            (lambda old: patch(old, step["body"])) if verb == "PATCH" else (lambda _: step["body"])
        )
        return 200, api.change(
            at["plural"], at["name"], make, subresource=at["sub"] or "", **where
        )
    except Refusal as refused:
        return refused.code, refused.status()


def strategic_of(api, at):
    kind = pureapi._kind(at["group"] or "", at["plural"])
    return lambda old, patch: strategic.apply(kind.struct, old, patch)


def played(name):
    """Every step of a scenario that is about kinds: its name, what came, what was recorded."""
    golden = json.loads((DATA / "golden" / f"{name}.json").read_text())
    scenario = yaml.safe_load((DATA / "scenarios" / f"{name}.yaml").read_text())
    api, env = pureapi.PureApi(), {"run": RUN}
    for raw in scenario["steps"]:
        if raw["name"] == "node uid":
            key = pureapi.Key("nodes", "", "node1")
            env["nodeuid"] = api.objects[key]["metadata"]["uid"]
        verb = raw.get("do", " ").split()[0] if "do" in raw else ""
        if verb not in ("POST", "PUT", "PATCH") or raw["name"] in ELSEWHERE:
            continue
        env.setdefault("leaserv", "")
        step = filled(raw, env)
        before = dict(api.objects)
        code, body = performed(api, step)
        if "dryRun" in step["do"]:
            api.objects = before
        want = golden[raw["name"]]
        if "body" in want:
            want = {**want, "body": plain(want["body"])}
        yield raw["name"], shown(step, code, body), want


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_recorded_objects_come_out_as_recorded(scenario):
    results = list(played(scenario))
    assert len(results) >= 5
    wrong = {name: (came, want) for name, came, want in results if came != want}
    assert not wrong
