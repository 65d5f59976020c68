"""A merchant's cases at its service: read, moved, and their attachments."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

from aftersales.claims import Case, advance, open_case
from aftersales.steps import MERCHANT, STEP
from cli.attachments import attached
from cli.errors import Failure
from cli.merchant_service import MerchantService
from commitments.errors import Refused, VerificationError
from commitments.wire import encode_base64, parse_base64, parse_hex
from policies.attachments import attachment_digest, seal_attachment
from policies.claim import claim_id, parse_claim
from policies.policy import parse_policy
from sdk.cases import read_case

__all__ = ["MerchantCases", "cases_at"]


class MerchantCases:
    """The cases of one merchant at its service; each has the ``name`` of its claim, its id."""

    def __init__(self, service: MerchantService, merchant: str) -> None:
        self._service = service
        self._merchant = merchant

    def case(self, name: str) -> Case:
        """Folded from the events that the service shows: nobody else makes up a buyer's step."""
        return self._folded(name, self._service.get(f"{self._path(name)}/case"))

    def take(
        self,
        case: Case,
        step: str,
        members: dict[str, Any],
        message: str | None,
        files: list[Path] | None,
    ) -> Case:
        """The case after a step, with what is attached encrypted to the claim's key."""
        contents = attached(files, message)
        if contents and case.body.buyer is None:
            raise Failure("the buyer has left no key: nobody could read it")
        inbox = "" if case.body.buyer is None else case.body.buyer.inbox
        sealed = [seal_attachment(content, case.claim_id, inbox) for content in contents]
        event = {
            "type": STEP,
            "claim_id": case.claim_id,
            "number": case.number,
            "by": MERCHANT,
            "step": step,
            "attachments": [attachment_digest(each) for each in sealed],
            **members,
        }
        body = {"step": event, "attachments": [encode_base64(each) for each in sealed]}
        answer = self._service.post(f"{self._path(case.claim_id)}/steps", body)
        return self._folded(case.claim_id, answer)

    def attachments(self, name: str, by: str) -> list[tuple[int, str]]:
        """Number of the step and digest of what one side has attached, once each."""
        document = self._service.get(f"{self._path(name)}/case")
        self._folded(name, document)  # digests become names of files: only those that are some
        _, *steps = read_case(document)
        taken = [r.event for r in steps if r.event["type"] == STEP and r.event["by"] == by]
        found = {digest: each["number"] for each in taken for digest in each["attachments"]}
        return [(number, digest) for digest, number in found.items()]

    def attachment(self, name: str, digest: str) -> bytes | None:
        """One that the log has the digest of; None when it is erased."""
        try:
            sealed = self._service.octets(f"{self._path(name)}/attachments/{digest}")
        except Refused as refused:
            if refused.code == "erased":
                return None
            raise
        if attachment_digest(sealed) != digest:
            raise VerificationError("not the attachment that the log names", "attachment")
        return sealed

    def erase(self, name: str) -> None:
        """Erase what is attached."""
        self._service.send("DELETE", f"{self._path(name)}/attachments")

    def _path(self, name: str) -> str:
        return f"merchants/{self._merchant}/claims/{parse_hex(name, 'CLAIM_ID', 32).hex()}"

    def _folded(self, name: str, document: Any) -> Case:
        decision, *steps = read_case(document)
        body = parse_claim(decision.event.get("claim"))
        proof = parse_base64(decision.event.get("proof", ""), "proof")
        # The name stands for the claim: with other keys in it, it would have another.
        if claim_id(body, proof) != name or decision.event.get("claim_id") != name:
            raise VerificationError("the service shows another claim", "claim_id")
        path = f"merchants/{self._merchant}/policies/{body.policy}/{body.version}"
        policy = parse_policy(self._service.get(path)["policy"])
        return reduce(advance, (step.event for step in steps), open_case(decision.event, policy))


@contextmanager
def cases_at(url: str, key: str | None, merchant: str) -> Iterator[MerchantCases]:
    """The cases of a merchant at the service at ``url``, for as long as a command takes."""
    with closing(MerchantService(url, key)) as service:
        yield MerchantCases(service, merchant)
