"""One POST to a hostile address: it goes nowhere else, ends in time, and reads next to nothing."""

import asyncio
import datetime as dt
import logging
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Self

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.webhooks.destinations import PUBLIC, Destinations
from api.webhooks.sending import Outcome, Sender
from tests.api.receivers import LOOPBACK, Receiver, hostile, silent

HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AA=="}
BODY = b'{"type":"webhook.test"}'
QUICK = 0.4  # seconds
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def true_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which tests/cli, in the same process, does without."""
    monkeypatch.setattr("httpx._transports.default.create_ssl_context", httpx.create_ssl_context)


class Names:
    """A name server that answers as it is told, one list after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers.pop(0)


def send(
    url: str,
    names: Names | None = None,
    destinations: Destinations = LOOPBACK,
    tls: ssl.SSLContext | None = None,
    patience: float = 10,
) -> Outcome:
    sender = Sender(destinations, resolve=names, tls=tls, patience=patience)
    try:
        return asyncio.run(sender.send(url, HEADERS, BODY))
    finally:
        sender.close()


def test_what_a_receiver_gets() -> None:
    with Receiver() as receiver:
        assert send(f"{receiver.url}?key=a%20b") == Outcome(204)
        (got,) = receiver.got
        assert got.path == "/hooks?key=a%20b"
        assert got.body == BODY
        assert got.headers == {
            **HEADERS,
            "host": f"127.0.0.1:{receiver.port}",
            "content-type": "application/json",
            "content-length": str(len(BODY)),
            "user-agent": "kvitto",
            "accept-encoding": "identity",
        }


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_any_2xx_is_success(status: int) -> None:
    with Receiver(status) as receiver:
        assert send(receiver.url) == Outcome(status)


@pytest.mark.parametrize(
    ("status", "error"),
    [(304, "redirect"), (400, "status"), (404, "status"), (410, "gone"), (500, "status")],
)
def test_anything_else_is_failure(status: int, error: str) -> None:
    with Receiver(status) as receiver:
        outcome = send(receiver.url)
        assert (outcome.status, outcome.error) == (status, error)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("120", 120),
        ("999999999", 12 * 3600),
        ("-5", 0),
        ("1e9", 0),
        ("Sun, 06 Nov 1994", 0),
        ("", 0),
    ],
)
def test_a_receiver_asks_to_be_left_alone(asked: str, seconds: int) -> None:
    with Receiver(503) as receiver:
        receiver.headers = {"Retry-After": asked}
        assert send(receiver.url) == Outcome(503, "status", seconds)


# ---- led elsewhere


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_the_metadata_of_the_cloud_is_not_followed(status: int) -> None:
    with Receiver() as inside, Receiver(status) as receiver:
        for location in (inside.url, "http://169.254.169.254/latest/meta-data", "//x", "http://["):
            receiver.headers = {"Location": location}
            assert send(receiver.url) == Outcome(status, "redirect")
        assert inside.got == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.5", "169.254.169.254", "100.64.0.1", "224.0.0.1", "::1", "fd00::1"),
        *("fe80::1%eth0", "::ffff:127.0.0.1", "64:ff9b::a00:5", "2002:7f00:1::"),
    ],
)
def test_a_name_that_resolves_to_an_address_inside(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sender, "_post", None)  # no connection is tried
    for answer in ([address], ["93.184.215.14", address], [address, "93.184.215.14"]):
        names = Names(answer)
        outcome = send("https://shop.example:8443/", names, PUBLIC)
        assert outcome == Outcome(error="forbidden-address")
        assert names.asked == [("shop.example", 8443)]


def test_a_name_that_changes_between_check_and_connection() -> None:
    """Rebinding: what was checked is what is connected to, and nobody is asked a second time."""
    with Receiver() as receiver:
        names = Names(["127.0.0.1"], ["10.0.0.5"])
        assert send(f"http://rebind.example:{receiver.port}/hooks", names) == Outcome(204)
        assert names.asked == [("rebind.example", receiver.port)]
        assert receiver.got[0].headers["host"] == f"rebind.example:{receiver.port}"


def test_the_rules_hold_at_each_attempt() -> None:
    with Receiver() as receiver:
        assert send(receiver.url).error is None
        assert send(receiver.url, destinations=PUBLIC).error == "forbidden-address"
        only_https = Destinations(LOOPBACK.networks)
        assert send(receiver.url, destinations=only_https).error == "forbidden-address"
        assert len(receiver.got) == 1


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver, Receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert send(receiver.url) == Outcome(204)
        assert (len(receiver.got), proxy.got) == (1, [])


def test_the_next_address_of_a_name_is_tried_when_one_is_not_there() -> None:
    with Receiver() as receiver:
        names = Names(["127.0.0.2", "127.0.0.3", "127.0.0.1"])
        assert send(f"http://shop.example:{receiver.port}/", names) == Outcome(204)
        names = Names(["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"])
        outcome = send(f"http://shop.example:{receiver.port}/", names)
        assert outcome == Outcome(error="unreachable")  # no more than three
        assert len(receiver.got) == 1


def test_a_name_that_leads_nowhere() -> None:
    assert send("http://shop.example/", Names([])) == Outcome(error="unresolved")

    async def fails(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    sender = Sender(LOOPBACK, resolve=fails)
    outcome = asyncio.run(sender.send("http://shop.example/", HEADERS, BODY))
    assert outcome == Outcome(error="unresolved")


def test_a_name_server_that_hangs_is_not_waited_for() -> None:
    async def hangs(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    sender = Sender(LOOPBACK, resolve=hangs, patience=QUICK)
    outcome = asyncio.run(sender.send("http://shop.example/", HEADERS, BODY))
    assert outcome == Outcome(error="timeout")


def test_the_systems_names_are_asked_in_threads_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", 1)), (2, 1, 6, "", ("10.0.0.5", 1))],
    )
    assert send("http://localhost:9999/").error == "forbidden-address"


def test_header_injection_by_a_url_that_came_past_the_check() -> None:
    """As a row of the database might hold one."""
    with Receiver() as receiver:
        for path in ("/\r\nX-Injected: 1", "/ HTTP/1.1\r\nX: 1\r\n\r\n", "/%0d%0aX: 1"):
            url = f"http://127.0.0.1:{receiver.port}{path}"
            assert send(url).error == "forbidden-address"
        assert receiver.got == []


# ---- slow, silent, endless


def read(connection: socket.socket) -> None:
    """All of the request: what is left unread when a socket is closed breaks the connection."""
    request = b""
    while not request.endswith(BODY):
        request += connection.recv(4096)


def drip(connection: socket.socket) -> None:
    connection.recv(4096)
    for byte in OK * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def endless_headers(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: " + b"x" * 4096 + b"\r\n")


def endless_hints(connection: socket.socket) -> None:
    connection.recv(4096)
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")


@pytest.mark.parametrize("behave", [drip, silent, endless_headers, endless_hints])
def test_an_answer_that_does_not_end(behave: object) -> None:
    begun = time.monotonic()
    with hostile(behave) as url:  # type: ignore[arg-type]
        assert send(url, patience=QUICK).error in ("timeout", "unreachable")
    assert time.monotonic() - begun < 20 * QUICK


def test_a_huge_answer_is_not_read() -> None:
    sent = 0

    def huge(connection: socket.socket) -> None:
        nonlocal sent
        read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            sent += connection.send(b"x" * 65536)

    with hostile(huge) as url:
        assert send(url) == Outcome(200)
    assert sent < 20 << 20  # what fits into the buffers of two sockets


@pytest.mark.parametrize(
    "answer",
    [
        *(
            b"",
            b"\x00" * 100,
            b"SSH-2.0-OpenSSH\r\n",
            b"HTTP/1.1 200\r\nA\r\n\r\n",
        ),
        *(b"HTTP/1.1 99999 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        *(
            b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n",
        ),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_an_answer_that_is_none(answer: bytes) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with hostile(behave) as url:
        assert send(url, patience=QUICK).error is not None


def test_an_answer_before_the_request_is_read_or_a_port_that_is_closed() -> None:
    with hostile(lambda connection: connection.close()) as url:
        assert send(url).error == "unreachable"
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/") == Outcome(error="unreachable")


def test_nothing_is_logged_of_what_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), Receiver(500) as receiver:
        send(f"{receiver.url}?key=secret")
    assert caplog.text == ""


# ---- TLS


@contextmanager
def tls_receiver(directory: Path, host: str) -> Iterator[tuple[int, ssl.SSLContext]]:
    """The port of a receiver with a certificate for ``host``, and who believes that."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]),
    )
    now = dt.datetime.now(dt.UTC)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = directory / "receiver.pem"
    path.write_bytes(pem + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)

    def behave(connection: socket.socket) -> None:
        with server.wrap_socket(connection, server_side=True) as secured:
            read(secured)
            secured.sendall(OK)

    with hostile(behave) as url:
        port = int(url.split(":")[2].split("/")[0])
        yield port, ssl.create_default_context(cadata=pem.decode())


def test_the_certificate_is_that_of_the_name_and_not_of_the_address(tmp_path: Path) -> None:
    with tls_receiver(tmp_path, "shop.example") as (port, tls):
        url = f"https://shop.example:{port}/hooks"
        assert send(url, Names(["127.0.0.1"]), tls=tls) == Outcome(200)
        other = f"https://other.example:{port}/hooks"
        assert send(other, Names(["127.0.0.1"]), tls=tls) == Outcome(error="tls")
        assert send(f"https://127.0.0.1:{port}/hooks", tls=tls) == Outcome(error="tls")
        assert send(url, Names(["127.0.0.1"])) == Outcome(error="tls")  # nobody vouches for it


def test_a_certificate_for_an_address(tmp_path: Path) -> None:
    with tls_receiver(tmp_path, "127.0.0.1") as (port, tls):
        assert send(f"https://127.0.0.1:{port}/hooks", tls=tls) == Outcome(200)


def test_tls_where_there_is_none() -> None:
    with Receiver() as receiver:
        outcome = send(f"https://127.0.0.1:{receiver.port}/", patience=5)
        assert outcome == Outcome(error="tls")


def test_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Transport:
        def __init__(self, **_: object) -> None: ...

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_: object) -> None: ...

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(f"{request.url} {request.headers['host']}")
            return httpx.Response(204)

    monkeypatch.setattr(httpx, "AsyncHTTPTransport", Transport)
    everywhere = Destinations((ip_network("::/0"),))
    assert send("https://[2606:4700::1111]/x", destinations=everywhere) == Outcome(204)
    assert send("https://shop.example/x", Names(["2606:4700::1111"]), PUBLIC) == Outcome(204)
    assert asked == [
        "https://[2606:4700::1111]/x [2606:4700::1111]",
        "https://[2606:4700::1111]/x shop.example",
    ]
