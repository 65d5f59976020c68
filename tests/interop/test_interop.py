"""Independent C2SP software accepts our logs as they are served, and refuses forged ones.

``make test-interop`` installs the software; without it these tests are skipped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from cli.demo.service import running_service
from cli.merchant_service import get
from ledger.checkpoint import Checkpoint, sign
from ledger.note import Signer
from ledger.tlog_proof import TlogProof
from tests.interop.served import ORIGIN, SIZE, STEPS, Served, create_merchant
from tests.interop.software import PROVERS, READERS, accepted, refused
from tests.world import FakeClock


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("service")
    with running_service(directory, FakeClock()) as url:
        shop = Served(url, directory, create_merchant(url))
        shop.grow()
        yield shop


@contextmanager
def poisoned(story: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """The log behind a mirror that changes one byte of one resource."""

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = httpx.get(story["url"] + self.path)
            content = bytearray(answer.content)
            if self.path == path:
                content[len(content) // 2] ^= 1
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield {**story, "url": f"http://127.0.0.1:{server.server_port}"}
        finally:
            server.shutdown()


@pytest.mark.parametrize("tool", READERS)
def test_a_log_that_grew_is_accepted(served: Served, tool: str) -> None:
    found = accepted(READERS[tool], served.purchases)
    assert found["checkpoints"] == len(STEPS) + 1
    assert (found["entries"], found["bundles"]) == (SIZE, 3)


@pytest.mark.parametrize("tool", READERS)
def test_an_event_log_is_accepted(served: Served, tool: str) -> None:
    newest = served.events["checkpoints"][-1].partition("\n\n")[0]
    size = Checkpoint.parse(f"{newest}\n").size
    assert accepted(READERS[tool], served.events)["entries"] == size > 1


@pytest.mark.parametrize("tool", PROVERS)
def test_receipts_are_accepted(served: Served, tool: str) -> None:
    assert accepted(PROVERS[tool], served.purchases)["receipts"] == len(STEPS)


@pytest.mark.parametrize("tool", READERS | PROVERS)
def test_another_logs_key_is_refused(served: Served, tool: str) -> None:
    signer = Signer(ORIGIN, bytes(32))
    story = {**served.purchases, "vkey": signer.verifier.vkey}
    refused((READERS | PROVERS)[tool], story)


@pytest.mark.parametrize("tool", READERS)
def test_a_fork_signed_by_the_log_is_refused(served: Served, tool: str) -> None:
    fork = sign(Checkpoint(ORIGIN, STEPS[0], bytes(32)), served.signer(ORIGIN)).decode()
    seen = served.purchases["checkpoints"]
    refused(READERS[tool], {**served.purchases, "checkpoints": [*seen, fork]})


@pytest.mark.parametrize("tool", READERS)
def test_mirror_serves_a_poisoned_resource(served: Served, tool: str) -> None:
    with poisoned(served.purchases, "none") as story:
        accepted(READERS[tool], story)
    for path in ("/tile/0/000", "/tile/0/002.p/45", "/tile/entries/001", "/checkpoint"):
        with poisoned(served.purchases, path) as story:
            refused(READERS[tool], story)


@pytest.mark.parametrize("tool", PROVERS)
def test_a_forged_receipt_is_refused(served: Served, tool: str) -> None:
    first, *rest = served.purchases["receipts"]
    proof = TlogProof.parse(rest[-1]["proof"].encode())
    forgeries = [
        {**rest[-1], "entry": first["entry"]},
        {**rest[-1], "proof": _with(proof, index=proof.index - 1)},
        {**rest[-1], "proof": _with(proof, hashes=proof.hashes[:-1])},
        {**rest[-1], "proof": _with(proof, hashes=(bytes(32), *proof.hashes[1:]))},
    ]
    for forged in forgeries:
        refused(PROVERS[tool], {**served.purchases, "receipts": [first, forged]})


def _with(proof: TlogProof, **changes: Any) -> str:
    return TlogProof(**{**vars(proof), **changes}).serialise().decode()


def test_what_the_service_says_of_its_keys_is_what_signs(served: Served) -> None:
    described = get(served.url, "merchants/acme")
    assert described["purchases_vkey"] == served.purchases["vkey"]
    assert served.signer(ORIGIN).verifier.vkey == served.purchases["vkey"]
