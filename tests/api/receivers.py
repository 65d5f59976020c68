"""Receivers of webhooks on this machine: honest ones over HTTP, and hostile ones by the byte."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any, Self

from api.webhooks.destinations import Destinations
from commitments.wire import parse_json

__all__ = ["LOOPBACK", "Received", "Receiver", "hostile", "silent"]

LOOPBACK = Destinations((ip_network("127.0.0.0/8"),), http=True)
"""What an operator allows who tries webhooks on one machine."""

_PATIENCE = 30  # seconds


@dataclass(frozen=True)
class Received:
    """A request, with its header names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def document(self) -> Any:
        return parse_json(self.body)


class Receiver:
    """Answers with ``status`` and notes what it got."""

    def __init__(self, status: int = 204) -> None:
        self.status: int | Callable[[Received], int] = status
        self.headers: dict[str, str] = {}
        self.got: list[Received] = []
        self._came = threading.Condition()

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(self.path, headers, self.rfile.read(length))
                self.send_response(receiver.take(request))
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def take(self, request: Received) -> int:
        status = self.status(request) if callable(self.status) else self.status
        with self._came:
            self.got.append(request)
            self._came.notify_all()
        return status

    def wait(self, count: int = 1) -> list[Received]:
        """The first requests, once there are so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.got) >= count, _PATIENCE)
        return self.got

    @property
    def indices(self) -> list[int]:
        return [request.document["data"]["index"] for request in self.got]


@contextmanager
def hostile(behave: Callable[[socket.socket], object]) -> Iterator[str]:
    """The URL of a server that does with each connection what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        behave(connection)
                    except OSError:  # the service has hung up
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/hooks"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def silent(connection: socket.socket) -> None:
    """Reads, and says nothing."""
    while connection.recv(4096):
        pass
