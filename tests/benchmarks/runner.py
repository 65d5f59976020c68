"""A stand-in for a runner. It answers as its argument says, and always sets up."""

import json
import sys
import time

HOW = sys.argv[1]
ANSWERS = {
    "honest": '{"ms": 2.0, "worked_ms": 1.0, "bytes": 100}',
    "slow": '{"ms": 8.0, "worked_ms": 5.0, "bytes": 300}',
    "garbled": "2 ms",
    "list": "[2.0]",
    "without": '{"bytes": 100}',
    "idle": '{"ms": 2.0}',
    "negative": '{"ms": -1, "worked_ms": 1}',
    "endless": '{"ms": Infinity, "worked_ms": 1}',
    "yes": '{"ms": true, "worked_ms": 1}',
    "text": '{"ms": "2.0", "worked_ms": 1}',
    "bytes": '{"ms": 2.0, "worked_ms": 1, "bytes": -1}',
    "error": '{"error": "ValueError: a true claim was refused"}',
}


def say(answer: str) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


for line in sys.stdin:
    if line == "setup\n" and HOW != "no setup":
        answer = {"ms": 1.5, "worked_ms": 1.5, "bytes": 7, "versions": {"stand-in": "1"}}
        say(json.dumps(answer))
    elif HOW == "silent":
        time.sleep(60)
    elif HOW in ANSWERS:
        say(ANSWERS[HOW])
    else:
        sys.stderr.write("unanswerable\n")
        raise SystemExit(3)
