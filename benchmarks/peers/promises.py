"""What the project has promised beside its peers, and what was reached."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.measure import Figure
from benchmarks.peers.rounds import Measured

__all__ = ["PROMISES", "Promise"]

_KVITTO, _ALONE = "Kvitto, ring 1,024", "Kvitto, ring 1"
_ANONCREDS, _GROTH16 = "AnonCreds", "Groth16 (groth16py)"


@dataclass(frozen=True)
class Promise:
    """So many times as fast as a peer, at least."""

    what: str
    ours: str
    word: str
    theirs: str
    their_word: str
    at_least: float

    def ratio(self, results: Mapping[str, Measured]) -> Figure | None:
        """The ratio, if both were measured."""
        ours, theirs = results[self.ours], results[self.theirs]
        if ours.failure is not None or theirs.failure is not None:
            return None
        return ours.over(self.word, theirs, self.their_word)


PROMISES = (
    Promise("verify one, ring 1,024, over AnonCreds", _KVITTO, "verify", _ANONCREDS, "verify", 12),
    Promise("verify in batches, ring 1,024, over AnonCreds", _KVITTO, "batch", _ANONCREDS, "verify", 100),
    Promise("verify one, ring 1, over AnonCreds", _ALONE, "verify", _ANONCREDS, "verify", 35),
    Promise("verify in batches, over groth16py one by one", _KVITTO, "batch", _GROTH16, "verify", 1),
    Promise("prove, ring 1,024, over groth16py", _KVITTO, "prove", _GROTH16, "prove", 4),
)
