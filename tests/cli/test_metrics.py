"""Metrics of real processes, at an address of their own."""

import socket
from pathlib import Path

import httpx
import pytest

from tests.cli.terminal import Terminal
from tests.serving import serving

REQUESTS = (
    'kvitto_http_request_seconds_count{method="GET",route="/v1/merchants/{merchant}",status="404"}'
)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_metrics_are_served_of_all_processes_and_nowhere_else(tmp_path: Path, workers: str) -> None:
    env = {"KVITTO_METRICS": "127.0.0.1:0", "KVITTO_WORKERS": workers}
    with serving(tmp_path / "data", tmp_path / "log", environment=env) as (_, said):
        for _ in range(5):  # each by whichever process takes the connection
            httpx.get(f"{said['url']}/v1/merchants/nobody", timeout=60)
        shown = httpx.get(said["metrics"]).text
        missing = httpx.get(f"{said['url']}/metrics")
    assert f"{REQUESTS} 5.0" in shown
    assert missing.status_code == 404


def test_without_an_address_there_are_none(tmp_path: Path) -> None:
    with serving(tmp_path / "data", tmp_path / "log") as (_, said):
        assert said.keys() == {"url", "data", "operator_key_file"}


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        terminal = Terminal(tmp_path, {"KVITTO_METRICS": place})
        said = terminal.error("serve", "--port", "0", "--data", tmp_path, status=1)
    assert "metrics: cannot listen on 127.0.0.1" in said["message"]


@pytest.mark.parametrize("place", ["9100", "::1:9100", "[::1]:", ":9100", "host:65536"])
def test_what_is_no_address(tmp_path: Path, place: str) -> None:
    said = Terminal(tmp_path, {"KVITTO_METRICS": place}).error("serve", status=2)
    assert "KVITTO_METRICS" in said["message"]
