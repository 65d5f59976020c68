"""A log that aics-tlog makes, and aics-witness's client asks a witness for: run by their Python."""

import json
import sys
from typing import Any

import aics_tlog
from aics_witness.feeder import WitnessClient, WitnessRejected, merge_cosignatures
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Log:
    """Entries by number; from ``fork_at`` on they are others."""

    def __init__(self, origin: str, seed: bytes, fork_at: int | None = None) -> None:
        self.origin, self.fork_at = origin, fork_at
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self.tree = aics_tlog.MerkleTree()

    def note(self, size: int) -> bytes:
        """The log's checkpoint at ``size``, to which it grows."""
        for number in range(len(self.tree), size):
            forked = self.fork_at is not None and number >= self.fork_at
            self.tree.append(f"{number}{' forked' * forked}".encode())
        checkpoint = aics_tlog.Checkpoint(self.origin, size, self.tree.root(size))
        note = aics_tlog.sign_checkpoint(checkpoint, self.key, self.origin)
        return bytes(note.to_bytes())


def tell(story: dict[str, Any]) -> dict[str, Any]:
    """Grow under the eyes of the witness, and then fork: at the same size, and at a larger one."""
    origin, seed, sizes = story["origin"], bytes.fromhex(story["seed"]), story["sizes"]
    log = Log(origin, seed)
    vkey = aics_tlog.vkey_from_ed25519(origin, log.key.public_key())
    keys = {key.key_type: key for key in map(aics_tlog.parse_vkey, story["witnesses"])}
    witness = WitnessClient(story["url"], keys[4])
    cosigned = []
    for size in sizes:
        note = log.note(size)
        lines = witness.submit(note, log.tree.consistency_proof)  # it verifies them
        merged = merge_cosignatures(note, lines)
        result = aics_tlog.verify_checkpoint(aics_tlog.parse_note(merged), vkey, [keys[4]], 1)
        if not result.ok:
            sys.exit(f"refused: {result.error}")
        cosigned.append(merged.decode())
    statuses = []
    fork = Log(origin, seed, fork_at=sizes[0])
    for size in (sizes[-1], sizes[-1] + 9):
        try:
            witness.submit(fork.note(size), fork.tree.consistency_proof)
        except WitnessRejected as error:
            statuses.append(error.status)
    return {"cosigned": cosigned, "statuses": statuses}


if __name__ == "__main__":
    json.dump(tell(json.load(sys.stdin)), sys.stdout)
