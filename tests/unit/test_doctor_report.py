"""The doctor's report: gaps, exit status, text and data."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from staticlet.app.doctor import facts, report, verdict
from staticlet.app.doctor.gather import everything
from staticlet.app.doctor.placefacts import Access
from staticlet.app.doctor.verdict import Level, Verdict
from staticlet.pods.wanted import PodKey
from staticlet.runtime import port
from staticlet.testing import healthy
from staticlet.testing.healthy import FACTS, but

DOCS = Path(__file__).resolve().parents[2] / "docs"
BROKEN = but("machine", uid=1000)
ODD = but("node", synchronised=False)


def levels(state):
    return {line.verdict.level for line in report.examine(state)}


def test_the_exit_status_is_for_scripts():
    for state, plain, strict in ((FACTS, 0, 0), (ODD, 0, 1), (BROKEN, 1, 1)):
        lines = report.examine(state)
        assert report.exit_status(lines, strict=False) == plain
        assert report.exit_status(lines, strict=True) == strict


def test_a_part_that_is_not_known_is_skipped_with_the_reason():
    for part in fields(facts.Facts):
        if part.name == "gaps":
            continue
        gapped = replace(FACTS, **{part.name: None}, gaps={part.name: f"no {part.name} today"})
        skipped = [
            line
            for line in report.examine(gapped)
            if line.verdict.found == f"no {part.name} today"
        ]
        assert skipped, part.name
        assert {line.verdict.level for line in skipped} == {Level.SKIPPED}


def test_nothing_known_is_no_crash_and_nothing_wrong():
    lines = report.examine(facts.Facts())
    assert {line.verdict.level for line in lines} == {Level.SKIPPED}
    assert report.exit_status(lines, strict=True) == 0


def test_text_shows_what_was_found_and_below_it_what_to_do():
    rows = report.text(report.examine(ODD)).splitlines()
    at = next(number for number, row in enumerate(rows) if " clock " in row)
    assert rows[at].startswith("  WARN clock")
    assert rows[at + 1].lstrip().startswith("→ apt-get install systemd-timesyncd")
    assert rows[0] == "configuration"
    assert "machine" in rows


def test_no_name_of_a_file_steers_the_terminal():
    evil = report.Line(
        section="s",
        name="n",
        verdict=Verdict(level=Level.WARN, found="a\x1b[2Jb", details=("c\rd\n",)),
    )
    text = report.text([evil])
    assert "\x1b" not in text
    assert "\r" not in text
    assert "a\\x1b[2Jb" in text
    assert len(text.splitlines()) == 3


def test_the_summary_counts_each_level():
    assert report.summary(report.examine(BROKEN)).startswith("1 wrong, 0 odd, ")
    data = report.data(report.examine(BROKEN))
    assert data["summary"]["fail"] == 1
    assert sum(data["summary"].values()) == len(data["checks"])
    first = data["checks"][0]
    assert list(first) == ["name", "section", "level", "found", "remedy", "details"]


def test_long_details_are_cut_with_their_number():
    shown = verdict.warn("f", "r", *map(str, range(25))).details
    assert shown[-1] == "… and 5 more"
    assert len(shown) == verdict.SHOWN_DETAILS + 1


async def test_what_hangs_or_fails_is_a_gap_and_no_crash():
    async def hang():
        raise TimeoutError

    async def refuse():
        raise PermissionError(13, "Permission denied")

    found = everything._Found()
    await found.add("places", hang())
    await found.add("opened", refuse())
    lines = {line.name: line.verdict for line in report.examine(found.facts())}
    assert lines["disk-space"].found.startswith("looking took too long")
    assert "Permission denied" in lines["inotify"].found


def test_the_documented_example_is_what_is_printed():
    """The words of docs/doctor.md, from the set-up that it describes."""
    not_ready = port.RuntimeCondition(
        type="NetworkReady",
        status=False,
        reason="NetworkPluginNotReady",
        message="Network plugin returns error: cni plugin not initialized",
    )
    manifests = "/etc/kubernetes/manifests"
    stranger = healthy.sandbox(
        PodKey("elsewhere", "stranger"), id="4c1a2f60b7d93e8f", labels={}, annotations={}
    )
    broken = replace(
        FACTS,
        runtime=replace(
            FACTS.runtime,
            inspection=replace(FACTS.runtime.inspection, conditions=(not_ready,)),
            sandboxes=(*FACTS.runtime.sandboxes, stranger),
        ),
        network=facts.Network(conf_dir="/etc/cni/net.d"),
        manifests=replace(
            FACTS.manifests,
            place=healthy.place(manifests, access=Access(path=manifests, owner=0, mode=0o777)),
        ),
    )
    lines = report.examine(broken)
    page = (DOCS / "doctor.md").read_text()
    shown = [line for line in lines if line.verdict.level in (Level.WARN, Level.FAIL)]
    assert [line.name for line in shown] == [
        "network-ready",
        "cni-config",
        "manifest-permissions",
        "foreign-sandboxes",
    ]
    assert f"{report.text(shown)}{report.summary(lines)}\n" in page


def test_the_documented_checks_are_those_that_there_are():
    assert report.documented() in (DOCS / "doctor.md").read_text()
