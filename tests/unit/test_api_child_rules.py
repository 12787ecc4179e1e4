"""What `staticlet up` tells its API server, its agent about it, and how it paces restarts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from staticlet.app import apichild, up
from staticlet.config.settings import Settings

UP = up.Up(data_dir=Path("/d"), run_dir=Path("/r"), api_port=6443)


def test_the_first_death_costs_no_time_and_more_of_them_ever_more() -> None:
    assert [apichild.restart_delay_s(number) for number in (1, 2, 3, 4, 7, 8, 9, 2000)] == [
        *(0, 1, 2, 4, 32, 60, 60, 60),
    ]


def test_the_server_is_told_of_node_place_port_and_whose_child_it_is() -> None:
    assert UP.api is not None
    settings = Settings(node_name="n1", verbosity=2, log_format="json")
    command = apichild.command(UP.api, settings, parent=42)
    assert command[1:5] == ["-P", "-m", "staticlet", "api"]
    assert set(command[5:]) == {
        "--state-dir=/d/api",
        "--secure-port=6443",
        "--hostname-override=n1",
        "--v=2",
        "--log-format=json",
        "--parent=42",
    }


def test_the_server_does_not_speak_to_systemd_in_the_name_of_up() -> None:
    own = {"PATH": "/bin", "NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "JOURNAL_STREAM": "1:2"}
    assert apichild.environment(own) == {"PATH": "/bin", "JOURNAL_STREAM": "1:2"}


def test_the_agent_joins_the_server_of_up_and_believes_its_ca() -> None:
    assert up.flags(UP, {})["kubeconfig"] == ["/d/api/node.conf"]
    assert up.joined(UP, Settings(node_name="n1")).client_ca_file == Path("/d/api/pki/ca.crt")


def test_a_client_ca_of_the_configuration_counts_more() -> None:
    settings = Settings(node_name="n1", client_ca_file=Path("/own.crt"))
    assert up.joined(UP, settings) == settings


def test_without_a_server_of_its_own_the_agents_flags_are_as_they_are() -> None:
    without, settings = replace(UP, api_port=None), Settings(node_name="n1")
    assert "kubeconfig" not in up.flags(without, {})
    assert up.flags(without, {"kubeconfig": ["/k"]})["kubeconfig"] == ["/k"]
    assert up.joined(without, settings) == settings
