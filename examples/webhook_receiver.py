"""A shop's program that is told of events: `python examples/webhook_receiver.py whpk_… [PORT]`.

It verifies each delivery with the webhook's public key (the signature `v1a`), which it may lose:
nobody signs with it. With the secret and the package `standardwebhooks` it is one line less, see
docs/merchants.md.
"""

import base64
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE = 300  # seconds; older deliveries may have been recorded and sent again by somebody


def verify(public_key: str, headers: Mapping[str, str], body: bytes) -> Any:
    """The message, if its signature `v1a` holds; `InvalidSignature` or `ValueError` if not."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError("too old, or from the future")
    signed = f"{message_id}.{timestamp}.".encode() + body
    for signature in headers["webhook-signature"].split(" "):
        version, _, encoded = signature.partition(",")
        try:
            if version == "v1a":
                key.verify(base64.b64decode(encoded), signed)
                return json.loads(body)
        except InvalidSignature:
            continue  # of the key before, while the webhook's keys are replaced
    raise InvalidSignature


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, once it is dealt with, and 400 to everything else."""

    public_key = ""
    seen: set[str] = set()  # noqa: RUF012 - a shop keeps these in its database

    def do_POST(self) -> None:
        """Take one delivery; the same may come several times."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            message = verify(self.public_key, headers, body)
        except (InvalidSignature, KeyError, ValueError):
            self.send_response(400)
        else:
            if headers["webhook-id"] not in self.seen:
                print(message["type"], json.dumps(message["data"]), flush=True)
                self.seen.add(headers["webhook-id"])
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing but what was received."""


if __name__ == "__main__":
    Receiver.public_key = sys.argv[1]
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 8080
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
