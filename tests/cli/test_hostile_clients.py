"""Clients that want to keep a service busy, over real connections."""

import asyncio
import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep
from types import SimpleNamespace

import httpx
import pytest
import uvicorn

from api import bodies
from api.app import create_app
from api.settings import Settings
from cli import bounded_http
from cli.serve import listen, server_options
from commitments.p256 import P256
from issuer.merchants import Merchant, create_merchant
from tests.databases import SEALING, Sqlite, fresh

PATIENCE = 30  # seconds
SHORT = 0.3  # seconds, in the place of the real bounds
Address = tuple[str, int]


@pytest.fixture(scope="module")
def address(sqlite: Sqlite) -> Iterator[Address]:
    """A service that is short of patience."""
    with pytest.MonkeyPatch.context() as patch, fresh(sqlite) as database:
        for name in ("_HEAD_SECONDS", "_MESSAGE_SECONDS", "_STALL_SECONDS"):
            patch.setattr(bounded_http, name, SHORT)
        patch.setattr(bodies, "asyncio", SimpleNamespace(timeout=_impatient))
        app = create_app(Settings("ledger.example", database, "operator", SEALING))
        store, clocks = app.state.service.store, app.state.service.clocks
        create_merchant(store, P256, clocks, Merchant("acme", "Acme", "ledger.example/acme"))
        options = {**server_options(), "log_config": None}
        server = uvicorn.Server(uvicorn.Config(app, **options))
        with listen("127.0.0.1", 0) as listening:
            thread = Thread(target=server.run, args=([listening],))
            thread.start()
            yield listening.getsockname()
            server.should_exit = True
            thread.join()
        assert server.server_state.connections == set()


def _impatient(_: float) -> asyncio.Timeout:
    return asyncio.timeout(SHORT / 2)


@contextmanager
def connected(address: Address) -> Iterator[socket.socket]:
    with socket.create_connection(address, PATIENCE) as client:
        yield client


def heard(client: socket.socket) -> bytes:
    """All that the service says until it closes the connection."""
    said = b""
    while chunk := client.recv(1 << 16):
        said += chunk
    return said


def problem(said: bytes) -> tuple[int, str]:
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    return int(head.split(b" ")[1]), json.loads(body)["type"].rpartition(":")[2]


def healthy(address: Address) -> bool:
    return httpx.get(f"http://{address[0]}:{address[1]}/healthz", timeout=PATIENCE).is_success


def test_a_head_that_trickles(address: Address) -> None:
    with connected(address) as client:
        begun = monotonic()
        said = b""
        client.settimeout(SHORT / 10)
        for byte in b"GET /healthz HTTP/1.1\r\nHost: " + b"x" * 10_000:
            client.send(bytes([byte]))
            try:
                said = client.recv(1 << 16)
                break
            except TimeoutError:
                continue
        assert problem(said) == (408, "too-slow")
        assert monotonic() - begun < PATIENCE
    assert healthy(address)


def test_a_connection_that_says_nothing(address: Address) -> None:
    with connected(address) as client:
        assert _ended(client)


def test_a_second_head_that_trickles(address: Address) -> None:
    """The first request was good; what the server waits with afterwards is another clock."""
    with connected(address) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea")
        said = heard(client)
        assert said.startswith(b"HTTP/1.1 200 OK")
        assert b"408" in said or said.endswith(b'{"status":"ok"}')


def test_hundreds_of_slow_heads_do_not_keep_others_out(address: Address) -> None:
    clients = [socket.create_connection(address, PATIENCE) for _ in range(200)]
    try:
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert healthy(address)
        assert all(problem(heard(client)) == (408, "too-slow") for client in clients)
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(65)) + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nX-Long: " + b"x" * (1 << 16) + b"\r\n\r\n",
        b"GET /" + b"x" * (1 << 16) + b" HTTP/1.1\r\n\r\n",
        b"GET /" + b"x" * (1 << 20),
        b"GET / HTTP/1.1\r\nX-Endless: " + b"x" * (1 << 20),
        b"GET / HTTP/1.1\r\n" + b"x" * (1 << 20),
    ],
    ids=["many", "long value", "long path", "endless path", "endless value", "endless name"],
)
def test_a_head_that_is_too_large(address: Address, head: bytes) -> None:
    with connected(address) as client:
        try:
            client.sendall(head)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            assert problem(_said_before_a_reset(client)) == (431, "head-too-large")
    assert healthy(address)


def test_a_head_as_large_as_allowed(address: Address) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 200) for n in range(60))
    with connected(address) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\n" + fields + b"Connection: close\r\n\r\n")
        assert heard(client).startswith(b"HTTP/1.1 200 OK")


def test_what_is_no_request(address: Address) -> None:
    with connected(address) as client:
        client.sendall(b"EHLO mail.example\r\n\r\n")
        assert problem(heard(client)) == (400, "malformed")


LOOKUP = b"POST /v1/merchants/acme/mailbox/lookups HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"


def test_a_body_that_does_not_come(address: Address) -> None:
    with connected(address) as client:
        client.sendall(LOOKUP + b"\r\n{")
        assert problem(heard(client)) == (408, "too-slow")
    assert healthy(address)


def test_a_body_that_trickles_after_the_answer(address: Address) -> None:
    """The route reads no body and has answered; the connection is not kept for the rest of it."""
    with connected(address) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        deadline = monotonic() + PATIENCE
        try:
            while monotonic() < deadline:
                client.sendall(b"x")
                sleep(SHORT / 10)
        except (BrokenPipeError, ConnectionResetError):
            return
    raise AssertionError("it is still connected")


def test_a_client_that_hangs_up_halfway(address: Address) -> None:
    with connected(address) as client:
        client.sendall(LOOKUP + b"\r\n{")
        client.shutdown(socket.SHUT_WR)
        assert _ended(client)
    assert healthy(address)


def test_a_client_that_takes_no_answer(address: Address) -> None:
    """It asks for much on one connection, and reads nothing."""
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(address)
        try:
            for _ in range(PATIENCE * 10):
                client.sendall(ask * 10)
                sleep(SHORT / 3)
        except (BrokenPipeError, ConnectionResetError):
            return
    raise AssertionError("it is still connected")


def test_a_compressed_body_is_not_unpacked(address: Address) -> None:
    bomb = gzip.compress(b" " * (1 << 25))
    answer = httpx.post(
        f"http://{address[0]}:{address[1]}/v1/merchants/acme/mailbox/lookups",
        content=bomb,
        headers={"Content-Encoding": "gzip"},
    )
    assert (answer.status_code, answer.json()["type"]) == (415, _URN + "unsupported-encoding")
    assert answer.headers["accept-encoding"] == "identity"


_URN = "urn:kvitto:problem:"


def _said_before_a_reset(client: socket.socket) -> bytes:
    said = b""
    try:
        while chunk := client.recv(1 << 16):
            said += chunk
    except ConnectionResetError:  # it has closed before all that was sent was read
        pass
    return said


def _ended(client: socket.socket) -> bool:
    return _said_before_a_reset(client) == b""
