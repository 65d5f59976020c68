"""deploy/nginx.conf in front of a real service: what it keeps, passes on, and does not write."""

import getpass
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.serving import ROOT, serving

PATIENCE = 30  # seconds
CONFIGURATION = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _certificate(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ledger.example")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    (directory / "tls_certificate").write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    (directory / "tls_key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _configuration(directory: Path, service: str, port: int) -> Path:
    """The same with other places."""
    changes = {
        "api-1:8000": service.removeprefix("http://"),
        "api-2:8000": f"127.0.0.1:{_free_port()}",  # where nobody answers
        "listen 8443": f"listen 127.0.0.1:{port}",
        "listen [::]:8443 ssl;": "",
        "listen 8080": f"listen 127.0.0.1:{_free_port()}",
        "listen [::]:8080;": "",
        "/run/secrets": str(directory),
        "/run/nginx.pid": f"{directory}/nginx.pid",
        "/var/cache/nginx/tiles": f"{directory}/tiles",
        "/dev/stdout": f"{directory}/access",
        "/dev/stderr": f"{directory}/errors",
        "worker_processes auto;": f"worker_processes 1; user {getpass.getuser()};",
    }
    text = CONFIGURATION
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    path = directory / "nginx.conf"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    """A client of nginx, and the directory that it writes to."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    directory, port = tmp_path_factory.mktemp("nginx"), _free_port()
    _certificate(directory)
    env = {"KVITTO_LIMIT_CLAIMS": "2/hour", "KVITTO_LIMIT_EXEMPT": "198.51.100.0/24"}
    with serving(directory / "data", directory / "log", environment=env) as (_, said):
        path = _configuration(directory, said["url"], port)
        command = [NGINX, "-c", str(path), "-p", str(directory)]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        with subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL) as nginx:
            context = ssl.create_default_context(cafile=str(directory / "tls_certificate"))
            context.check_hostname = False
            with httpx.Client(
                verify=context, base_url=f"https://127.0.0.1:{port}", timeout=PATIENCE
            ) as client:
                _await(client)
                key = (directory / "data" / "operator.key").read_text("ascii").strip()
                body = {"id": "acme", "name": "Acme"}
                headers = {"Authorization": f"Bearer {key}"}
                made = client.post("/v1/merchants", json=body, headers=headers)
                assert made.status_code == 201
                yield client, directory
            nginx.terminate()


def _await(client: httpx.Client) -> None:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        with suppress(httpx.TransportError):
            if client.get("/healthz").is_success:
                return
        sleep(0.02)
    raise AssertionError("nginx does not answer")


def test_what_is_asked_of_the_service_comes_through(proxied: tuple[httpx.Client, Path]) -> None:
    client, _ = proxied
    assert client.get("/v1/merchants/acme").json()["id"] == "acme"
    assert client.get("/readyz").status_code == 404


def test_tiles_are_kept_and_checkpoints_are_not(proxied: tuple[httpx.Client, Path]) -> None:
    client, directory = proxied
    tile, checkpoint = "/logs/acme/events/tile/0/000.p/1", "/logs/acme/events/checkpoint"
    for path in (tile, checkpoint):
        first, second = (client.get(path) for _ in range(2))
        assert first.is_success
        assert first.content == second.content
    kept = [line.rsplit(" ", 1)[1] for line in _lines(directory)[-4:]]
    assert kept == ["MISS", "HIT", "-", "-"]


def test_bundles_are_kept_packed_and_unpacked(proxied: tuple[httpx.Client, Path]) -> None:
    client, _ = proxied
    path = "/logs/acme/events/tile/entries/000.p/1"
    for coding in ("gzip", "identity", "gzip", "identity"):
        answer = client.get(path, headers={"Accept-Encoding": coding})
        assert answer.headers.get("content-encoding", "identity") == coding


def test_limits_are_of_who_asks_the_proxy(proxied: tuple[httpx.Client, Path]) -> None:
    client, _ = proxied
    answers = [
        client.post(
            "/v1/merchants/acme/claims", json={}, headers={"X-Forwarded-For": f"192.0.2.{host}"}
        ).status_code
        for host in range(3)
    ]
    assert answers == [400, 400, 429]


def test_the_proxy_writes_no_address_and_no_path(proxied: tuple[httpx.Client, Path]) -> None:
    client, directory = proxied
    client.get("/v1/merchants/canary?canary=1")
    written = "\n".join(_lines(directory)) + (directory / "errors").read_text("utf-8")
    assert written
    for text in ("canary", "acme", "127.0.0.1", "tile"):
        assert text not in written


def _lines(directory: Path) -> list[str]:
    return (directory / "access").read_text("utf-8").splitlines()
