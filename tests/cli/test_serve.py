"""The service as a process: what it prints, keeps, logs, and refuses."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.cli.terminal import Terminal
from tests.serving import ROOT, serving

PATIENCE = 60  # seconds
_STEP = 0.02  # from one look to the next


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def serve(*arguments: str | Path, **env: str) -> Result:
    """A service that does not come to serving."""
    return CliRunner().invoke(app, ["serve", *map(str, arguments)], env=env)


def test_serves_keeps_its_key_and_logs_routes_only(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    with serving(data, log) as (process, said):
        assert httpx.get(f"{said['url']}/healthz").is_success
        httpx.get(f"{said['url']}/v1/merchants/acme/ring?lane=3")
    assert process.returncode == 130
    key_file = Path(said["operator_key_file"])
    key = key_file.read_text("ascii").strip()
    assert len(key) == 64
    assert [path.stat().st_mode & 0o077 for path in data.iterdir()] == [0] * 4
    lines = log.read_text("utf-8").splitlines()
    assert [line.split(" ")[2:6] for line in lines] == [
        ["INFO", "GET", "/healthz", "200"],
        ["INFO", "GET", "/v1/merchants/{merchant}/ring", "404"],
    ]
    assert key not in f"{said}{lines}"

    with serving(data, log) as (_, again):
        headers = {"Authorization": f"Bearer {key}"}
        merchant = {"id": "acme", "name": "Acme"}
        created = httpx.post(f"{again['url']}/v1/merchants", json=merchant, headers=headers)
        assert created.json()["origin"] == "localhost/acme"


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = serve("--port", str(port), "--data", tmp_path / "data")
    reason = f"cannot listen on 127.0.0.1 port {port}: Address already in use"
    assert (result.exit_code, result.stderr) == (1, f"error: {reason}\n")
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    result = serve("--host", "192.0.2.1", "--port", "0", "--data", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: cannot listen on 192.0.2.1 port 0: ")


def test_no_service_is_named_as_sandboxes_are(tmp_path: Path) -> None:
    for name in ("ledger.example/test", "ledger.example/test/eu"):
        result = serve("--data", tmp_path, "--name", name, "--port", "0")
        assert (result.exit_code, result.stderr) == (2, "error: name: /test/ is for sandboxes\n")
    assert not (tmp_path / "service.name").exists()


def test_a_port_that_does_not_exist(tmp_path: Path) -> None:
    result = serve("--port", "65536", "--data", tmp_path)
    assert (result.exit_code, "there is no such port" in result.stderr) == (2, True)


def test_a_service_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "service.name").write_text("ledger.example\n", "ascii")
    result = serve("--port", "0", "--data", tmp_path, "--name", "other.example")
    assert result.exit_code == 1
    assert "has another name, which cannot change" in result.stderr
    assert serve("--port", "0", "--data", tmp_path, "--name", "two words").exit_code == 2


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("operator.key", b"", 2),
        ("operator.key", b"\xff\xfe", 2),
        ("service.name", b"a\x00b", 2),
        ("kvitto.db", b"not a database" * 100, 1),
    ],
)
def test_damaged_data(tmp_path: Path, name: str, content: bytes, status: int) -> None:
    (tmp_path / name).write_bytes(content)
    result = serve("--port", "0", "--data", tmp_path)
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.startswith(f"error: {tmp_path / name}: ")
    assert (tmp_path / name).read_bytes() == content


def test_data_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = serve("--port", "0", "--data", tmp_path / "file")
    assert (result.exit_code, "File exists" in result.stderr) == (2, True)


def test_optimised_python_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-O", "-m", "cli.main", "serve", "--data", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: refuses python -O")
    assert list(tmp_path.iterdir()) == []


def test_another_database(tmp_path: Path, database: str) -> None:
    with (
        serving(tmp_path / "data", tmp_path / "log", database) as (_, one),
        serving(tmp_path / "data", tmp_path / "log2", database) as (_, two),
    ):
        key = (tmp_path / "data/operator.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        body = {"id": "acme", "name": "Acme"}
        made = httpx.post(f"{one['url']}/v1/merchants", json=body, headers=headers)
        again = httpx.post(f"{two['url']}/v1/merchants", json=body, headers=headers)
        shown = httpx.get(f"{two['url']}/v1/merchants").json()["merchants"]
    assert (made.status_code, again.status_code, len(shown)) == (201, 409, 1)
    assert not (tmp_path / "data/kvitto.db").exists()


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "secret", "postgresql://u:secret@h"])
def test_a_database_of_no_known_kind(tmp_path: Path, url: str) -> None:
    result = serve("--port", "0", "--data", tmp_path, KVITTO_DATABASE=url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: url: " in result.stderr
    assert "secret" not in result.stderr


def test_a_database_that_is_away(tmp_path: Path) -> None:
    url = f"postgresql://u:secret@/d?host={tmp_path}"
    result = serve("--port", "0", "--data", tmp_path, "--database", url)
    assert result.exit_code == 1
    assert result.stderr == "error: the database: cannot be used (OperationalError)\n"


def _children(process: "subprocess.Popen[str]") -> set[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
    return {int(pid) for pid in listed.split() if b"spawn_main" in _command(pid)}


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended since
        return b""


def test_workers_share_the_work_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    workers = ("--workers", "2")
    with serving(tmp_path / "data", tmp_path / "log", arguments=workers) as (process, said):
        url = said["url"]
        assert _healthy(url)
        assert _share_the_cores(process)
        first, second = sorted(_children(process))
        os.kill(first, signal.SIGKILL)
        deadline = monotonic() + PATIENCE
        while len(_children(process) - {first}) < 2:
            assert monotonic() < deadline
            assert _healthy(url)
            sleep(_STEP)
        assert second in _children(process)
        assert _share_the_cores(process)  # and not two of them one
        key = (tmp_path / "data/operator.key").read_text().strip()
        made = httpx.post(
            f"{url}/v1/merchants",
            json={"id": "acme", "name": "Acme"},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert made.status_code == 201
        pids = _children(process)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def _share_the_cores(process: "subprocess.Popen[str]") -> bool:
    """Sooner or later: each keeps to cores of its own, and together they have all."""
    cores = os.sched_getaffinity(0)
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        with suppress(ProcessLookupError):
            kept = [os.sched_getaffinity(pid) for pid in _children(process)]
            if set().union(*kept) == cores and (
                sum(map(len, kept)) == len(cores) or len(cores) == 1
            ):
                return True
        sleep(_STEP)
    return False


def _healthy(url: str) -> bool:
    """Until a worker has started, connections wait; one that is killed breaks those it has."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/healthz", timeout=PATIENCE).status_code == 200
        sleep(_STEP)
    return False


def test_not_a_number_of_workers(tmp_path: Path) -> None:
    for workers in ("0", "65", "+1", "two"):
        error = Terminal(tmp_path).error("serve", "--workers", workers, status=2)
        assert error["type"] == "usage"


def test_who_asks_is_what_a_trusted_proxy_says(tmp_path: Path) -> None:
    env = {"KVITTO_LIMIT_READS": "2/hour", "KVITTO_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(tmp_path / "data", tmp_path / "log", environment=env) as (_, said):

        def ask(address: str) -> int:
            headers = {"X-Forwarded-For": f"127.0.0.1, {address}"}  # the first is the client's lie
            url = f"{said['url']}/v1/merchants"
            return httpx.get(url, headers=headers, timeout=PATIENCE).status_code

        assert [ask("203.0.113.7") for _ in range(3)] == [200, 200, 429]
        assert ask("203.0.113.8") == 200


def test_nobody_else_says_who_asks(tmp_path: Path) -> None:
    env = {
        "KVITTO_LIMIT_READS": "2/hour",
        "KVITTO_TRUSTED_PROXIES": "198.51.100.1",
        "KVITTO_LIMIT_EXEMPT": "198.51.100.0/24",
    }
    with serving(tmp_path / "data", tmp_path / "log", environment=env) as (_, said):
        url, hosts = f"{said['url']}/v1/merchants", ("203.0.113.7", "203.0.113.8", "198.51.100.1")
        headers = [{"X-Forwarded-For": host} for host in hosts]
        answers = [httpx.get(url, headers=each, timeout=PATIENCE).status_code for each in headers]
    assert answers == [200, 200, 429]
