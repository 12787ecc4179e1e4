"""What people and tools do to manifests of running pods: no outage, and no edit is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from staticlet.testing.agent import Agent, Life
from staticlet.testing.until import until

CONFIG = {"fileCheckFrequency": "10m"}
"""The kubelet's own crash back-off: a stop that counts as a crash costs 10, 20, 40 seconds."""

GOOD = """\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
spec:
  hostNetwork: true
  restartPolicy: Always
  terminationGracePeriodSeconds: 2
  containers:
  - name: main
    image: localhost/busybox:1
    command: [sh, -c, "trap 'exit 143' TERM; while true; do sleep 60 & wait $!; done"]
    env:
    - name: WORD
      value: {word}
"""


def good(name: str, word: str = "old") -> str:
    return GOOD.format(name=name, word=word)


def line_of(text: str, part: str) -> int:
    (found,) = (n for n, line in enumerate(text.splitlines(), 1) if part in line)
    return found


def word_of(life: Life) -> str:
    """What the process itself has in its environment."""
    try:
        variables = Path(f"/proc/{life.pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has ended since it was looked up
    # That of a process which is just ending is empty.
    found = next((v for v in variables if v.startswith(b"WORD=")), b"")
    return found.decode().removeprefix("WORD=")


def run(agent: Agent, file: str, name: str) -> Life:
    agent.manifests.put(file, good(name))
    life = agent.until_runs(name)
    assert word_of(life) == "old"
    return life


def replaced(agent: Agent, name: str, before: Life) -> Life:
    """The pod after an edit: new content, a first start, and nothing of the old one."""
    after = agent.until_runs(name, after=before)
    assert word_of(after) == "new"
    assert after.restart_count == 0
    assert before.container_id not in agent.pids()
    return after


def test_a_pod_outlives_a_broken_edit_until_the_mended_one_takes_its_place(agent: Agent) -> None:
    before = run(agent, "broken.yaml", "broken")
    text = good("broken", "new").replace("  name: broken", "  name: [broken")
    agent.manifests.save("broken.yaml", text)
    entry = agent.until_entry("broken.yaml", "Kept")
    (error,) = (f for f in entry["findings"] if f["severity"] == "error")
    assert error["line"] in (4, 5)
    assert error["text"].startswith(f"{agent.manifests.file('broken.yaml')}:{error['line']}:")
    assert [p["name"] for p in entry["pods"]] == ["broken-n1"]
    assert error["text"] in agent.log
    agent.runs_on(before, "broken")
    agent.manifests.save("broken.yaml", good("broken", "new"))
    replaced(agent, "broken", before)
    assert agent.until_entry("broken.yaml", "Accepted")["findings"] == []


def test_a_pod_outlives_an_edit_that_is_no_valid_pod(agent: Agent) -> None:
    before = run(agent, "invalid.yaml", "invalid")
    text = good("invalid", "new").replace("restartPolicy: Always", "restartPolicy: Sometimes")
    agent.manifests.put("invalid.yaml", text)
    entry = agent.until_entry("invalid.yaml", "Kept")
    (error,) = entry["findings"]
    assert (error["line"], error["field"]) == (line_of(text, "Sometimes"), "spec.restartPolicy")
    assert error["column"] == 3
    assert '"Sometimes"' in error["message"]
    assert "OnFailure" in error["message"]
    shown = agent.cli("manifests")
    assert "Kept" in shown
    assert error["text"] in shown
    agent.runs_on(before, "invalid")
    agent.manifests.put("invalid.yaml", good("invalid", "new"))
    replaced(agent, "invalid", before)


def test_a_misspelt_field_is_warned_of_with_the_field_that_was_meant(agent: Agent) -> None:
    text = (
        good("misspelt")
        .replace("    command:", "    comand:")
        .replace("hostNetwork:", "hostNetwrk:")
    )
    text += "    args: [sleep, '600']\n"
    agent.manifests.put("misspelt.yaml", text)
    agent.until_runs("misspelt")
    entry = agent.until_entry("misspelt.yaml", "Accepted")
    told = {f["field"]: f for f in entry["findings"]}
    assert {f["severity"] for f in told.values()} == {"warning"}
    command, network = told["spec.containers[0].comand"], told["spec.hostNetwrk"]
    assert (command["line"], command["column"]) == (line_of(text, "comand"), 5)
    assert (network["line"], network["column"]) == (line_of(text, "hostNetwrk"), 3)
    assert "command" in command["message"]
    assert "hostNetwork" in network["message"]
    assert command["text"] in agent.log


def test_every_document_of_a_file_runs_and_an_edit_of_one_leaves_the_other(agent: Agent) -> None:
    agent.manifests.put("two.yaml", good("first") + "---\n" + good("second"))
    first, second = agent.until_runs("first"), agent.until_runs("second")
    agent.manifests.put("two.yaml", good("first") + "---\n" + good("second", "new"))
    replaced(agent, "second", second)
    agent.runs_on(first, "first")
    agent.manifests.put("two.yaml", good("second", "new"))
    agent.until_gone("first")


def test_a_backup_beside_a_manifest_is_ignored_and_listed(agent: Agent) -> None:
    before = run(agent, "kept.yaml", "kept")
    backups = (
        "kept.yaml.bak",
        "kept.yaml~",
        "#kept.yaml#",
        "kept.yaml.dpkg-old",
    )
    for backup in backups:
        shutil.copyfile(agent.manifests.file("kept.yaml"), agent.manifests.file(backup))
    for backup in backups:
        assert agent.until_entry(backup, "Ignored")["note"]
    agent.runs_on(before, "kept")
    agent.manifests.put("kept.yaml", good("kept", "new"))
    after = replaced(agent, "kept", before)
    agent.manifests.remove("kept.yaml.bak")
    agent.runs_on(after, "kept")


def test_a_second_file_with_the_same_pod_changes_nothing(agent: Agent) -> None:
    before = run(agent, "mine.yaml", "claimed")
    agent.manifests.put("copy.yaml", good("claimed", "stolen"))
    entry = agent.until_entry("copy.yaml", "Conflict")
    (error,) = entry["findings"]
    assert str(agent.manifests.file("mine.yaml")) in error["message"]
    agent.runs_on(before, "claimed")
    agent.manifests.put("mine.yaml", good("claimed", "new"))
    replaced(agent, "claimed", before)


def test_sed_without_a_change_restarts_nothing(agent: Agent) -> None:
    before = run(agent, "sed.yaml", "sed")
    inode = agent.manifests.file("sed.yaml").stat().st_ino
    for _ in range(5):
        agent.manifests.sed("sed.yaml", "s/no-such-word/x/")
    assert agent.manifests.file("sed.yaml").stat().st_ino != inode
    agent.runs_on(before, "sed")
    agent.manifests.sed("sed.yaml", "s/value: old/value: new/")
    replaced(agent, "sed", before)


def test_saving_the_same_content_in_any_way_restarts_nothing(agent: Agent) -> None:
    before = run(agent, "saved.yaml", "saved")
    agent.manifests.save("saved.yaml", good("saved"))
    agent.manifests.put("saved.yaml", good("saved"))
    agent.manifests.save_like_vim("saved.yaml", good("saved"))
    agent.manifests.file("saved.yaml").touch()
    agent.manifests.file("saved.yaml").chmod(0o600)
    agent.manifests.save("saved.yaml", "# a remark\n" + good("saved"))
    agent.runs_on(before, "saved")
    agent.manifests.save_like_vim("saved.yaml", good("saved", "new"))
    replaced(agent, "saved", before)


def test_a_renamed_manifest_restarts_nothing_and_is_followed_by_its_new_name(
    agent: Agent,
) -> None:
    before = run(agent, "a.yaml", "renamed")
    agent.manifests.file("a.yaml").rename(agent.manifests.file("c.yaml"))
    agent.until_entry("c.yaml", "Accepted")
    agent.runs_on(before, "renamed")
    assert agent.entry("a.yaml") == {}
    agent.manifests.put("c.yaml", good("renamed", "new"))
    after = replaced(agent, "renamed", before)
    agent.manifests.file("c.yaml").rename(agent.manifests.file("b.yaml"))
    agent.runs_on(after, "renamed")


def test_half_a_manifest_is_not_acted_on_though_it_would_be_a_valid_one(agent: Agent) -> None:
    before = run(agent, "half.yaml", "half")
    whole = good("half", "new")
    half = whole[: whole.index("    env:")]
    with agent.manifests.file("half.yaml").open("w") as file:
        file.write(half)
        file.flush()
        os.fsync(file.fileno())
        agent.until_entry("half.yaml", "Writing")
        agent.runs_on(before, "half")
        file.write(whole[len(half) :])
    replaced(agent, "half", before)


def test_a_new_manifest_is_not_run_before_it_is_closed(agent: Agent) -> None:
    with agent.manifests.file("growing.yaml").open("w") as file:
        file.write(good("growing"))
        file.flush()
        agent.until_entry("growing.yaml", "Writing")
        agent.until_settled()
        assert agent.pod("growing") == {}
        file.write("    - name: LAST\n      value: line\n")
    life = agent.until_runs("growing")
    assert b"LAST=line" in Path(f"/proc/{life.pid}/environ").read_bytes()


def test_a_swapped_link_is_followed_at_once_as_config_maps_do_it(agent: Agent) -> None:
    manifests = agent.manifests.path
    for version, word in (("..v1", "old"), ("..v2", "new")):
        (manifests / version).mkdir()
        (manifests / version / "linked.yaml").write_text(good("linked", word))
    (manifests / "..data").symlink_to("..v1")
    (manifests / "linked.yaml").symlink_to("..data/linked.yaml")
    before = agent.until_runs("linked")
    (manifests / "..data_tmp").symlink_to("..v2")
    (manifests / "..data_tmp").rename(manifests / "..data")
    replaced(agent, "linked", before)
    shutil.rmtree(manifests / "..v1")


def test_a_directory_that_is_deleted_and_made_again_is_followed_at_once(agent: Agent) -> None:
    run(agent, "site.yaml", "site")
    shutil.rmtree(agent.manifests.path)
    agent.until_gone("site")
    agent.manifests.path.mkdir(mode=0o755)
    agent.manifests.put("site.yaml", good("site", "new"))
    assert word_of(agent.until_runs("site")) == "new"


def test_a_directory_that_is_replaced_by_its_like_restarts_nothing(agent: Agent) -> None:
    before = run(agent, "moved.yaml", "moved")
    old, new = agent.manifests.path.with_name("m.old"), agent.manifests.path.with_name("m.new")
    shutil.copytree(agent.manifests.path, new)
    agent.manifests.path.rename(old)
    new.rename(agent.manifests.path)
    shutil.rmtree(old)
    agent.runs_on(before, "moved")
    agent.manifests.put("moved.yaml", good("moved", "new"))
    replaced(agent, "moved", before)


def test_a_changed_manifest_runs_within_a_moment_and_never_beside_the_old_one(
    agent: Agent,
) -> None:
    before = run(agent, "edit.yaml", "edit")
    agent.manifests.put("edit.yaml", good("edit", "middle"))
    agent.manifests.put("edit.yaml", good("edit", "new"))
    until(
        lambda: (life := agent.life("edit")) is not None and word_of(life) == "new",
        "the newest edit runs",
        story=agent.story,
    )
    assert before.container_id not in agent.pids()
    assert len(agent.owned_of("edit")) == 2


def test_a_file_removed_and_put_back_restarts_its_pod_as_often_as_one_likes(agent: Agent) -> None:
    life = run(agent, "again.yaml", "again")
    for number in range(1, 6):
        agent.manifests.remove("again.yaml")  # and back within a millisecond
        agent.manifests.put("again.yaml", good("again"))
        life = agent.until_runs("again", after=life)
        assert life.restart_count == number


def test_a_file_put_back_after_its_pod_is_gone_starts_it_at_once(agent: Agent) -> None:
    life = run(agent, "later.yaml", "later")
    for number in range(1, 5):
        agent.manifests.remove("later.yaml")
        agent.until_gone("later")
        agent.manifests.put("later.yaml", good("later"))
        life = agent.until_runs("later", after=life)
        assert life.restart_count == number


def test_a_new_name_inside_a_file_stops_the_old_pod(agent: Agent) -> None:
    run(agent, "name.yaml", "former")
    agent.manifests.put("name.yaml", good("latter"))
    agent.until_runs("latter")
    agent.until_gone("former")


def test_a_name_that_yaml_reads_as_a_boolean_is_an_error_that_says_to_quote_it(
    agent: Agent,
) -> None:
    agent.manifests.put("no.yaml", good("n"))
    entry = agent.until_entry("no.yaml", "Refused")
    (error,) = entry["findings"]
    assert (error["line"], error["column"], error["field"]) == (4, 3, "metadata.name")
    assert '"n"' in error["message"]
    assert "quot" in error["message"]
