"""What the project has promised beside its peers, and what was reached."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measure import Figure, figure
from benchmarks.peers.catalogue import ANONCREDS, GROTH16, KVITTO, KVITTO_ALONE, Contestant
from benchmarks.peers.rounds import Measured, ratios

__all__ = ["promised"]


@dataclass(frozen=True)
class _Promise:
    """Ours fits at least so many times into theirs. Only for one core, if that is what it says."""

    key: str
    what: str
    ours: Contestant
    word: str
    theirs: Contestant
    their_word: str
    target: str
    per_core: bool = False


_PROMISES = (
    _Promise(
        "anoncreds_verify",
        "verify one at ring 1,024, over AnonCreds",
        KVITTO,
        "verify",
        ANONCREDS,
        "verify",
        "at least 12",
    ),
    _Promise(
        "anoncreds_verify_batch",
        "verify in batches of 64 at ring 1,024, over AnonCreds",
        KVITTO,
        "batch",
        ANONCREDS,
        "verify",
        "at least 100",
    ),
    _Promise(
        "anoncreds_verify_alone",
        "verify one at ring 1, over AnonCreds",
        KVITTO_ALONE,
        "verify",
        ANONCREDS,
        "verify",
        "at least 35",
    ),
    _Promise(
        "groth16py_verify_batch",
        "verify in batches of 64 at ring 1,024, over groth16py one by one",
        KVITTO,
        "batch",
        GROTH16,
        "verify",
        "more than 1",
        per_core=True,
    ),
    _Promise(
        "groth16py_prove",
        "prove at ring 1,024, over groth16py in a tree of 1,024",
        KVITTO,
        "prove",
        GROTH16,
        "prove",
        "at least 4",
    ),
)


def promised(results: Sequence[Measured], *, one_core: bool) -> Iterator[tuple[Figure, Figure]]:
    """The median ratio for each promise of which both sides were measured.

    By the clock, and by the time that processors worked.
    """
    by_name = {result.contestant.name: result for result in results}
    for promise in _PROMISES:
        ours, theirs = by_name[promise.ours.name], by_name[promise.theirs.name]
        if promise.per_core and not one_core:
            continue
        if ours.failure is None and theirs.failure is None:
            times = ratios(ours.times[promise.word], theirs.times[promise.their_word])
            worked = ratios(ours.worked[promise.word], theirs.worked[promise.their_word])
            yield (
                figure(promise.key, promise.what, "x", times, promise.target),
                figure(f"{promise.key}_worked", promise.what, "x", worked, promise.target),
            )
