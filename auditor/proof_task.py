"""A proof that is to be verified again: what its event says it proves."""

from dataclasses import dataclass
from typing import Literal

from policies.claim import ClaimBody
from policies.transfer import TransferBody
from policies.versions import Version

__all__ = ["ProofTask"]


@dataclass(frozen=True)
class ProofTask:
    """The proof in the event at ``index`` of the event log.

    ``version`` is the policy's that a claim names, with its end as the events before say;
    ``tags`` are those that the event shows. Who verifies reads the proof from the event.
    """

    index: int
    kind: Literal["claim", "transfer"]
    body: ClaimBody | TransferBody
    version: Version | None
    tags: tuple[bytes, ...]
