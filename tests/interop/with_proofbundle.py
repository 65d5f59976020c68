"""What proofbundle says of receipts: run by its own Python, with a story on standard input."""

import base64
import json
import sys
from typing import Any

from proofbundle.tlogproof import verify_tlog_proof


def check(story: dict[str, Any]) -> dict[str, int]:
    """Verify the tlog-proof of every receipt, offline, cosigned by every witness."""
    origin = story["vkey"].partition("+")[0]
    witnesses = story["witnesses"]
    for receipt in story["receipts"]:
        result = verify_tlog_proof(
            receipt["proof"],
            base64.b64decode(receipt["entry"]),
            story["vkey"],
            witnesses,
            threshold=len(witnesses),
            expected_origin=origin,
        )
        if not result["ok"]:
            sys.exit("refused: receipt")
    return {"receipts": len(story["receipts"])}


if __name__ == "__main__":
    json.dump(check(json.load(sys.stdin)), sys.stdout)
