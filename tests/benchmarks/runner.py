"""A stand-in for a runner. It answers as its argument says, and always sets up."""

import json
import sys
import time

HOW = sys.argv[1]
ANSWERS = {
    "honest": '{"ms": 2.0, "bytes": 100}',
    "slow": '{"ms": 8.0, "bytes": 300}',
    "garbled": "2 ms",
    "list": "[2.0]",
    "without": '{"bytes": 100}',
    "negative": '{"ms": -1}',
    "endless": '{"ms": Infinity}',
    "yes": '{"ms": true}',
    "text": '{"ms": "2.0"}',
    "bytes": '{"ms": 2.0, "bytes": -1}',
    "error": '{"error": "ValueError: a true claim was refused"}',
}

for line in sys.stdin:
    if line == "setup\n" and HOW != "no setup":
        print(json.dumps({"ms": 1.5, "bytes": 7, "versions": {"stand-in": "1"}}), flush=True)
    elif HOW == "silent":
        time.sleep(60)
    elif HOW in ANSWERS:
        print(ANSWERS[HOW], flush=True)
    else:
        print("unanswerable", file=sys.stderr)
        raise SystemExit(3)
