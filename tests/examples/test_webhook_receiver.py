"""The example that receives webhooks, over HTTP."""

import asyncio
import threading
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer

import pytest

from api.webhooks.sending import Outcome, Sender
from api.webhooks.signing import SigningKeys, signed_headers
from examples.webhook_receiver import Receiver
from tests.api.receivers import LOOPBACK

BODY = b'{"data":{"merchant":"acme"},"timestamp":"2026-11-21T12:00:00Z","type":"webhook.test"}'


def test_what_is_genuine_is_taken_once_and_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, other = SigningKeys.create(), SigningKeys.create()
    monkeypatch.setattr(Receiver, "public_key", keys.public_key)
    monkeypatch.setattr(Receiver, "seen", set())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    sender = Sender(LOOPBACK)

    def send(signing: SigningKeys, identifier: str) -> Outcome:
        headers = signed_headers([signing], identifier, datetime.now(UTC), BODY)
        url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
        return asyncio.run(sender.send(url, headers, BODY))

    try:
        assert send(keys, "msg_1") == send(keys, "msg_1") == send(keys, "msg_2") == Outcome(204)
        assert send(other, "msg_3") == Outcome(400, "status")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        sender.close()
    assert capsys.readouterr().out == 'webhook.test {"merchant": "acme"}\n' * 2
