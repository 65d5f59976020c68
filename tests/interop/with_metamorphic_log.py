"""What metamorphic-log says of receipts: run by its own Python, with a story on standard input."""

import base64
import hashlib
import json
import sys
from typing import Any

import metamorphic_log


def check(story: dict[str, Any]) -> dict[str, int]:
    """Verify the checkpoint and inclusion proof of every receipt."""
    for receipt in story["receipts"]:
        proof, _, checkpoint = receipt["proof"].partition("\n\n")
        _, index, *hashes = proof.split("\n")
        leaf = hashlib.sha256(b"\0" + base64.b64decode(receipt["entry"])).digest()
        try:
            metamorphic_log.checkpoint_verify_inclusion(
                checkpoint,
                [story["vkey"]],
                int(index.removeprefix("index ")),
                leaf,
                [base64.b64decode(hash_) for hash_ in hashes],
            )
        except metamorphic_log.VerifyError as error:
            sys.exit(f"refused: {error}")
    return {"receipts": len(story["receipts"])}


if __name__ == "__main__":
    json.dump(check(json.load(sys.stdin)), sys.stdout)
