"""`staticlet validate`, on sixty good and bad manifests and by its options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click.testing
import pytest

from staticlet.cli import main

MANIFESTS = Path(__file__).parents[1] / "data" / "manifests"
EXPECTED = MANIFESTS / "expected.txt"
GOOD = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "nginx:1"}]
"""


def validate(*arguments: str | Path, stdin: str | None = None) -> click.testing.Result:
    texts = [str(each) for each in arguments]
    return click.testing.CliRunner().invoke(main.main, ["validate", *texts], input=stdin)


def report(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(validate("-o", "json", *arguments).stdout)
    return found


def expected() -> Mapping[str, list[str]]:
    """The table: below the name of each file its findings, `line:column: severity: field: …`."""
    table: dict[str, list[str]] = {}
    for line in EXPECTED.read_text().splitlines():
        if line.startswith("== "):
            table[line.removeprefix("== ")] = []
        elif line:
            list(table.values())[-1].append(line)
    return table


def as_line(finding: dict[str, Any]) -> str:
    place = f"{finding['line']}:{finding['column']}: " if finding["line"] else ""
    field = f"{finding['field']}: " if finding["field"] else ""
    return f"{place}{finding['severity']}: {field}{finding['message']}"


def test_sixty_manifests_give_exactly_the_expected_findings() -> None:
    files = report(MANIFESTS)["files"]
    found = {
        Path(each["path"]).name: [as_line(finding) for finding in each["findings"]]
        for each in files
    }
    assert found == expected()
    assert len(files) == 60


def test_the_text_says_the_same_with_the_path_in_front() -> None:
    lines = []
    for name, findings in expected().items():
        for line in findings:
            place, severity, rest = line.partition("error: ")
            if not severity:
                place, severity, rest = line.partition("warning: ")
            mark = " [warning]" if severity == "warning: " else ""
            lines.append(f"{MANIFESTS / name}:{place.rstrip() or ''} {rest}{mark}")
    result = validate(MANIFESTS)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == lines


def test_files_that_are_called_good_have_no_errors_and_others_have_findings() -> None:
    for name, findings in expected().items():
        errors = [line for line in findings if "warning: " not in line]
        assert not errors if name.startswith("good-") else findings, name


def test_every_finding_has_a_place_unless_the_file_as_a_whole_is_meant() -> None:
    for name, findings in expected().items():
        for line in findings:
            assert line[0].isdigit() or name == "kind-empty.yaml"


def test_a_good_file_gives_status_zero_and_a_summary_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(GOOD)
    result = validate(tmp_path / "web.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 file, 1 pod, 0 errors, 0 warnings\n"


def test_warnings_alone_give_status_zero_and_when_strict_one(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(GOOD.replace("spec:", "spec:\n  hostNetwrk: true"))
    line = f'{tmp_path}/web.yaml:5:3: spec.hostNetwrk: unknown field; did you mean "hostNetwork"?'
    mild = validate(tmp_path)
    assert (mild.exit_code, mild.stdout) == (0, f"{line} [warning]\n")
    strict = validate("--strict-manifests", tmp_path)
    assert (strict.exit_code, strict.stdout) == (1, f"{line}\n")
    assert strict.stderr == "1 file, 0 pods, 1 error, 0 warnings\n"


def test_standard_input_is_a_dash() -> None:
    result = validate("-", stdin=GOOD.replace("nginx:1", " "))
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:5:28: spec.containers[0].image: ")


def test_only_manifests_of_a_directory_count_unless_all_names_do(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "c.json", "d.manifest", "e.yaml~", "f", ".g.yaml"):
        (tmp_path / name).write_text(GOOD.replace("name: web}", f"name: web-{name[-1]}-x}}"))
    (tmp_path / "sub.yaml").mkdir()
    names = [Path(each["path"]).name for each in report(tmp_path)["files"]]
    assert names == ["a.yaml", "b.yml", "c.json", "d.manifest"]
    names = [Path(each["path"]).name for each in report("--all-file-names", tmp_path)["files"]]
    assert names == ["a.yaml", "b.yml", "c.json", "d.manifest", "e.yaml~", "f"]


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "web.bak").write_text(GOOD)
    (found,) = report(tmp_path / "web.bak")["files"]
    assert found["pods"] == [{"namespace": "default", "name": "web"}]


def test_two_files_that_claim_one_pod_are_an_error_that_names_both(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# first\n" + GOOD)
    (tmp_path / "b.yaml").write_text(GOOD.replace("name: web}", "namespace: default, name: web}"))
    result = validate(tmp_path)
    assert result.exit_code == 1
    assert result.stdout == (
        f"{tmp_path}/b.yaml:3:32: metadata.name: Duplicate value: the pod default/web stands also "
        f"in {tmp_path}/a.yaml:4; rename or remove one of them\n"
    )


def test_one_file_named_twice_does_not_clash_with_itself(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    assert validate(tmp_path, tmp_path / "a.yaml").exit_code == 0


def test_json_tells_files_pods_findings_and_counts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("nginx:1", ""))
    assert report(tmp_path) == {
        "files": [
            {
                "path": f"{tmp_path}/a.yaml",
                "pods": [],
                "findings": [
                    {
                        "severity": "error",
                        "line": 5,
                        "column": 28,
                        "field": "spec.containers[0].image",
                        "message": "Required value",
                    }
                ],
            }
        ],
        "errors": 1,
        "warnings": 0,
    }


@pytest.mark.parametrize("arguments", [[], ["/no/such/file.yaml"], ["-o", "xml", "-"], ["--what"]])
def test_a_wrong_use_gives_status_two(arguments: list[str]) -> None:
    result = validate(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_a_file_that_cannot_be_read_is_an_error_finding() -> None:
    result = validate("/proc/self/mem")
    assert result.exit_code == 1
    assert result.stdout == "/proc/self/mem: cannot be read: Input/output error\n"


def test_an_empty_directory_is_good(tmp_path: Path) -> None:
    result = validate(tmp_path)
    assert (result.exit_code, result.stderr) == (0, "0 files, 0 pods, 0 errors, 0 warnings\n")
