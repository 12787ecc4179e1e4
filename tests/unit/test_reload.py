"""What of a new configuration takes effect while the agent runs."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest

from staticlet.app import service
from staticlet.config import load, reload
from staticlet.config.settings import Settings
from staticlet.kube.finding import Finding, Severity

OLD = Settings(node_name="n1", static_pod_path=None)
OTHER = {
    "node_ips": ("192.0.2.1",),
    "static_pod_path": Path("/other"),
    "static_pod_url_headers": {"a": ("b",)},
    "socket": Path("/run/other.sock"),
    "resolv_conf": None,
    "cluster_dns": ("192.0.2.53",),
    "log_format": "json",
    "cgroup_driver": "systemd",
}


def other(name):
    """Another value than the one that holds."""
    value = getattr(OLD, name)
    if name in OTHER:
        return OTHER[name]
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case Path():
            return value / "other"
        case _:
            return f"{value}x"


FIELDS = [each.name for each in dataclasses.fields(Settings)]


def test_of_every_setting_it_is_known_whether_it_may_change():
    assert sorted([*reload.LIVE, *reload.FIXED]) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_changes_or_stays_and_is_named(name):
    new = replace(OLD, **{name: other(name)})
    outcome = reload.changes(OLD, new)
    if name in reload.LIVE:
        assert outcome.settings == new
        assert outcome.applied == (reload.LIVE[name],)
        assert outcome.kept == ()
    else:
        assert outcome.settings == OLD
        assert outcome.applied == ()
        assert [one.name for one in outcome.kept] == [reload.FIXED[name]]


def test_nothing_new_changes_nothing():
    outcome = reload.changes(OLD, OLD)
    assert (outcome.settings, outcome.applied, outcome.kept) == (OLD, (), ())


def test_what_stays_is_told_with_both_values():
    new = replace(OLD, runtime_endpoint="unix:///run/x.sock")
    (kept,) = reload.changes(OLD, new).kept
    assert str(kept) == "containerRuntimeEndpoint stays unset (not unix:///run/x.sock)"


def loaded(settings, findings=()):
    return lambda: load.Loaded(settings=settings, values=(), findings=findings, ineffective=())


def test_a_configuration_that_does_not_hold_changes_nothing_and_is_told(caplog):
    def read():
        raise load.ConfigError(
            (Finding(severity=Severity.ERROR, source="kubelet.yaml", message="is bad"),)
        )

    assert service.reloaded(OLD, read) is OLD
    assert [record.message for record in caplog.records] == [
        "kubelet.yaml: is bad",
        "the configuration is not taken: what held before goes on",
    ]


def test_a_directory_that_is_not_there_takes_no_place_of_one_that_is(tmp_path, caplog):
    new = replace(OLD, static_pod_path=tmp_path / "typo", cluster_domain="x")
    assert service.reloaded(OLD, loaded(new)) is OLD
    assert "typo does not exist" in caplog.text
    (tmp_path / "typo").mkdir()
    after = service.reloaded(OLD, loaded(new))
    assert after.static_pod_path == tmp_path / "typo"


def test_all_that_needs_a_new_start_is_named_in_one_line(caplog):
    new = replace(OLD, seccomp_default=True, cgroup_root="/x", cluster_domain="y")
    kept = "cgroupRoot stays unset (not /x); seccompDefault stays False (not True)"
    with caplog.at_level("INFO"):
        after = service.reloaded(OLD, loaded(new))
    assert after == replace(OLD, cluster_domain="y")
    assert [record.message for record in caplog.records] == [
        f"changed, but only with a new start of staticlet: {kept}",
        "configuration read anew; changed: clusterDomain",
    ]


def test_a_root_directory_behind_a_link_is_no_change(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    old = replace(OLD, root_dir=tmp_path / "real")
    assert service.reloaded(old, loaded(replace(old, root_dir=tmp_path / "link"))) == old
