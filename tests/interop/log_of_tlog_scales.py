"""A log that tlog-scales makes, and asks a witness for: run by its own Python, told by a story."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from tlog_scales.signing import PlainEd25519Signer, Vkey
from tlog_scales.tlog import Checkpoint
from tlog_scales.utils import b64enc
from tlog_scales.writer import TilesWriter


class Log:
    """Entries by number; from ``fork_at`` on they are others."""

    def __init__(self, root: Path, origin: str, seed: str, fork_at: int | None = None) -> None:
        self.signer = PlainEd25519Signer(origin, bytes.fromhex(seed))
        self.writer = TilesWriter.create(root, origin)
        self.fork_at = fork_at

    def request(self, old: int, size: int) -> tuple[str, str]:
        """The log's checkpoint at ``size``, to which it grows, and a request to cosign it."""
        for number in range(self.writer.size, size):
            forked = self.fork_at is not None and number >= self.fork_at
            self.writer.add_leaf(f"{number}{' forked' * forked}".encode())
        self.writer.commit([self.signer])
        note = (self.writer.root / "checkpoint").read_text()
        # It has no proof from the empty tree.
        hashes = self.writer.reader.get_consistency_proof(old, size).node_hashes if old else []
        lines = [f"old {old}", *map(b64enc, hashes), "", ""]
        return note, "\n".join(lines) + note


def tell(story: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Grow under the eyes of the witness, and then fork: at the same size, and at a larger one."""
    log = Log(directory / "log", story["origin"], story["seed"])
    session = requests.Session()

    def ask(request: str) -> requests.Response:
        return session.post(f"{story['url']}/add-checkpoint", data=request.encode())

    cosigned, old = [], 0
    for size in story["sizes"]:
        note, request = log.request(old, size)
        answer = ask(request)
        if answer.status_code != requests.codes.ok:
            sys.exit(f"refused: {answer.text}")
        cosigned.append(note + answer.text)
        head = Checkpoint.from_text(cosigned[-1])
        for vkey in story["witnesses"]:
            head.verify(Vkey.from_string(vkey))
        old = size
    fork = Log(directory / "fork", story["origin"], story["seed"], fork_at=story["sizes"][0])
    forged = [fork.request(old, size)[1] for size in (old, old + 9)]
    return {"cosigned": cosigned, "statuses": [ask(request).status_code for request in forged]}


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        json.dump(tell(json.load(sys.stdin), Path(directory)), sys.stdout)
