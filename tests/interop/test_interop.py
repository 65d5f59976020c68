"""Independent C2SP software accepts our logs as they are served, and refuses forged ones.

``make test-interop`` installs the software; without it these tests are skipped.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cli.demo.service import OPERATOR_KEY, running_service
from cli.merchant_service import get, post
from commitments.wire import encode_base64
from ledger.checkpoint import Checkpoint, sign
from ledger.note import Signer
from ledger.schema import keys, logs
from ledger.store import Store
from ledger.tiles import TILE_WIDTH, decode_bundle
from ledger.tlog_proof import TlogProof
from tests.api.shop import SALE
from tests.world import WARRANTY, FakeClock, new_keys, new_request

HERE = Path(__file__).parent
TOOLS = Path(__file__).parents[2] / ".interop"
ORIGIN = "kvitto.example/acme"
STEPS = (1, 6, 249, 1, 300)  # a full tile exactly, one entry more, and into the third
SIZE = sum(STEPS)  # 557
PROOFS_ONLY = "proofbundle"

COMMANDS = {
    "aics-tlog": [TOOLS / "aics-tlog/bin/python", HERE / "with_aics_tlog.py"],
    "tlog-scales": [TOOLS / "tlog-scales/bin/python", HERE / "with_tlog_scales.py"],
    PROOFS_ONLY: [TOOLS / "proofbundle/bin/python", HERE / "with_proofbundle.py"],
    "sumdb": [TOOLS / "sumdb"],
}
LOG_READERS = [tool for tool in COMMANDS if tool != PROOFS_ONLY]


def run(tool: str, story: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    command = COMMANDS[tool]
    if not command[0].exists():
        pytest.skip(f"{tool} is not installed: make test-interop")
    told = json.dumps(story)
    return subprocess.run(command, input=told, capture_output=True, text=True, check=False)


def accepted(tool: str, story: dict[str, Any]) -> Any:
    result = run(tool, story)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refused(tool: str, story: dict[str, Any]) -> None:
    result = run(tool, story)
    assert (result.returncode, result.stdout) == (1, ""), result.stderr


class Served:
    """A service with the logs of one merchant, and what was seen of them as they grew."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url, self.directory = url, directory
        merchant = {"id": "acme", "name": "Acme", "period": "manual"}
        self.created = post(url, OPERATOR_KEY, "merchants", merchant)
        self.purchases = self._story("purchases")
        self.events = self._story("events")
        for step in STEPS:
            self._buy(step)
            self._remember(self.purchases)
        for version in range(1, 4):
            self._write("policies", {**WARRANTY, "origin": ORIGIN, "version": version})
            self._remember(self.events)
        for receipt in self.purchases["receipts"]:
            receipt["entry"] = encode_base64(self._entry(receipt["index"]))

    def _story(self, log: str) -> dict[str, Any]:
        vkey = self.created[f"{log}_vkey"]
        url = f"{self.url}/logs/acme/{log}"
        return {"url": url, "vkey": vkey, "checkpoints": [], "receipts": []}

    def _remember(self, story: dict[str, Any]) -> None:
        story["checkpoints"].append(httpx.get(f"{story['url']}/checkpoint").text)

    def _write(self, path: str, body: Any) -> Any:
        return post(self.url, self.created["api_key"], f"merchants/acme/{path}", body)

    def _buy(self, count: int) -> None:
        """One purchase with a receipt, and sales without a buyer for the rest."""
        order = f"order-{count}-{len(self.purchases['receipts'])}"
        request = new_request(order, new_keys(), ORIGIN).document()
        if count > 1:
            self._write("sales", {"sales": [SALE] * (count - 1)})
        receipt = self._write("purchases", {"order": order, "sale": SALE, "request": request})
        shown = {"proof": receipt["proof"], "index": receipt["index"]}
        self.purchases["receipts"].append(shown)

    def _entry(self, index: int) -> bytes:
        number, place = divmod(index, TILE_WIDTH)
        width = min(TILE_WIDTH, SIZE - number * TILE_WIDTH)
        partial = "" if width == TILE_WIDTH else f".p/{width}"
        path = f"tile/entries/{number:03d}{partial}"
        bundle = httpx.get(f"{self.purchases['url']}/{path}").content
        return decode_bundle(bundle, width)[place]

    def signer(self, origin: str) -> Signer:
        """The log's own key, for a service that lies."""
        query = select(keys.c.private_key).join(logs).where(logs.c.origin == origin)
        with Store(f"sqlite:///{self.directory}/kvitto.db") as store, store.read() as connection:
            return Signer(origin, connection.scalars(query).one())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("service")
    with running_service(directory, FakeClock()) as url:
        yield Served(url, directory)


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


@pytest.mark.parametrize("tool", LOG_READERS)
def test_a_log_that_grew_is_accepted(served: Served, tool: str) -> None:
    found = accepted(tool, served.purchases)
    assert found["checkpoints"] == len(STEPS) + 1
    assert (found["entries"], found["bundles"]) == (SIZE, 3)


@pytest.mark.parametrize("tool", LOG_READERS)
def test_an_event_log_is_accepted(served: Served, tool: str) -> None:
    size = len(served.events["checkpoints"]) + 1  # the declaration came before them
    assert accepted(tool, served.events)["entries"] == size


@pytest.mark.parametrize("tool", ["sumdb", PROOFS_ONLY])
def test_receipts_are_accepted(served: Served, tool: str) -> None:
    assert accepted(tool, served.purchases)["receipts"] == len(STEPS)


@pytest.mark.parametrize("tool", COMMANDS)
def test_another_logs_key_is_refused(served: Served, tool: str) -> None:
    signer = Signer(ORIGIN, bytes(32))
    refused(tool, {**served.purchases, "vkey": signer.verifier.vkey})


@pytest.mark.parametrize("tool", LOG_READERS)
def test_a_fork_signed_by_the_log_is_refused(served: Served, tool: str) -> None:
    fork = sign(Checkpoint(ORIGIN, STEPS[0], bytes(32)), served.signer(ORIGIN)).decode()
    seen = served.purchases["checkpoints"]
    refused(tool, {**served.purchases, "checkpoints": [*seen, fork]})


@pytest.mark.parametrize("tool", LOG_READERS)
def test_mirror_serves_a_poisoned_resource(served: Served, tool: str) -> None:
    with poisoned(served.purchases, "none") as story:
        accepted(tool, story)
    for path in ("/tile/0/000", "/tile/0/002.p/45", "/tile/entries/001", "/checkpoint"):
        with poisoned(served.purchases, path) as story:
            refused(tool, story)


@pytest.mark.parametrize("tool", ["sumdb", PROOFS_ONLY])
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
        refused(tool, {**served.purchases, "receipts": [first, forged]})


def _with(proof: TlogProof, **changes: Any) -> str:
    return TlogProof(**{**vars(proof), **changes}).serialise().decode()


def test_what_the_service_says_of_its_keys_is_what_signs(served: Served) -> None:
    described = get(served.url, "merchants/acme")
    assert described["purchases_vkey"] == served.purchases["vkey"]
    assert served.signer(ORIGIN).verifier.vkey == served.purchases["vkey"]
