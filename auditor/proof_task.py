"""A proof that is to be verified again: what its event says it proves."""

from dataclasses import dataclass

from policies.claim import ClaimBody
from policies.transfer import TransferBody
from policies.versions import Version

__all__ = ["ProofTask"]


@dataclass(frozen=True)
class ProofTask:
    """The proof in the event at ``index`` of the event log, which who verifies reads there.

    ``version`` is the policy's that a claim names, with its end as the events before say; a
    transfer has none.
    """

    index: int
    body: ClaimBody | TransferBody
    version: Version | None = None
