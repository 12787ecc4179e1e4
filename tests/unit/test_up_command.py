"""`staticlet up` starts an API server of its own unless another one is named or none is wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from staticlet.app import service, up
from staticlet.cli import up as command
from staticlet.config.settings import Settings

Told = tuple[up.Up, Settings, service.Service]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Told]:
    """Gives what `up` would be run with, for a command line."""
    told: list[Told] = []

    async def note(wanted: up.Up, settings: Settings, outside: service.Service) -> None:
        told.append((wanted, settings, outside))

    monkeypatch.setattr(command, "_until_signalled", note)
    monkeypatch.setattr(command.logs, "set_up", lambda _: None)

    def start(*arguments: str) -> Told:
        places = (f"--data-dir={tmp_path / 'd'}", f"--run-dir={tmp_path / 'r'}")
        done = CliRunner().invoke(command.command, [*places, *arguments])
        assert done.exit_code == 0, done.output
        return told[-1]

    return start


def test_the_agent_joins_a_server_of_its_own(started: Callable[..., Told], tmp_path: Path) -> None:
    wanted, settings, _ = started("--api-port=16443")
    assert wanted.api is not None
    assert wanted.api.port == 16443
    assert settings.kubeconfig == tmp_path / "d/api/node.conf"
    assert settings.client_ca_file == tmp_path / "d/api/pki/ca.crt"


def test_a_configuration_that_is_read_anew_joins_the_same_server(
    started: Callable[..., Told],
) -> None:
    _, settings, outside = started()
    assert outside.load is not None
    assert outside.load().settings == settings


def test_a_kubeconfig_of_ones_own_is_joined_and_no_server_started(
    started: Callable[..., Told],
) -> None:
    wanted, settings, _ = started("--kubeconfig=/etc/kubernetes/kubelet.conf")
    assert wanted.api is None
    assert settings.kubeconfig == Path("/etc/kubernetes/kubelet.conf")
    assert settings.client_ca_file is None


def test_on_request_the_agent_is_on_its_own(started: Callable[..., Told]) -> None:
    wanted, settings, _ = started("--without-api")
    assert wanted.api is None
    assert settings.kubeconfig is None
