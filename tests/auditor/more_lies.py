"""Lies that other parts of an audit find than the replay."""

from commitments.wire import encode_base64, parse_base64
from policies.claim import claim_id, parse_claim
from tests.auditor.logs import Event, Logs

__all__ = ["false_proof", "false_report"]


def false_proof(logs: Logs) -> Logs:
    """Of the last claim, of which no other event speaks."""

    def change(event: Event) -> Event:
        proof = bytearray(parse_base64(event["proof"], "proof"))
        proof[-1] ^= 1
        identifier = claim_id(parse_claim(event["claim"]), bytes(proof))
        return {**event, "proof": encode_base64(bytes(proof)), "claim_id": identifier}

    return logs.changed(logs.find("claim.decided", -1), change)


def false_report(logs: Logs) -> Logs:
    """Of the month in which nothing had happened yet."""
    report = {"schema": "kvitto-report/v1", "claims": 0}
    told = {"type": "report.published", "number": 0, "month": "2026-10", "report": report}
    return logs.inserted(len(logs.events), {**told, "time": logs.later})
