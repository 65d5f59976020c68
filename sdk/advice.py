"""What a buyer should know before a claim is made; returned, never printed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.note import Verifier
from ledger.rings import Ring
from policies.versions import Version
from sdk.logs import MerchantView
from sdk.state import Claim, Proof

__all__ = ["Advice", "advise", "advise_transfer", "common_members"]


@dataclass(frozen=True)
class Advice:
    """A warning: a stable ``code`` for programs and a ``text`` for people."""

    code: str
    text: str


def common_members(rings: Sequence[Sequence[int]]) -> int:
    """How many log entries all these rings have in common."""
    return len(set.intersection(*map(set, rings))) if rings else 0


def advise(
    view: MerchantView,
    trusted: Collection[Verifier],
    version: Version,
    ring: Ring,
    earlier: Sequence[Proof],
    again: Sequence[Claim],
    now: datetime,
) -> tuple[Advice, ...]:
    """All warnings before a claim over ``ring``.

    ``trusted`` are the seed witnesses that the buyer has named as independent of the merchant;
    ``earlier`` was made with the same purchase, ``again`` are claims among it with the same tags.
    """
    return (
        *_seed(view, trusted),
        *_closes(view, now),
        *_lost(view, ring, earlier),
        *_shown_again(version, ring, again, now),
        *(_ending(ring, earlier) if version.policy.ends_ownership else ()),
        *_waiting(earlier),
    )


def advise_transfer(
    view: MerchantView,
    trusted: Collection[Verifier],
    ring: Ring,
    earlier: Sequence[Proof],
    now: datetime,
) -> tuple[Advice, ...]:
    """All warnings before a transfer over ``ring``; the parameters are those of :func:`advise`."""
    return (
        *_seed(view, trusted),
        *_closes(view, now),
        *_lost(view, ring, earlier),
        *_ending(ring, earlier),
        *_waiting(earlier),
    )


def _seed(view: MerchantView, trusted: Collection[Verifier]) -> Iterator[Advice]:
    witnesses = view.declaration.seed_witnesses
    if not witnesses:
        yield Advice(
            "no-seed-witness",
            "No independent witness signs the log's closes: the merchant could have chosen which "
            "purchases share a ring.",
        )
        return
    # One is enough to spoil the others: whoever has an Ed25519 key can make any number of valid
    # signatures of one message, and so choose among seeds.
    # Keys that have followed each other belong to one witness: both have signed that.
    unknown = [key.name for key in witnesses if not set(view.handovers.chain(key)) & set(trusted)]
    if unknown:
        yield Advice(
            "unknown-seed-witness",
            f"You have not said that you trust {', '.join(unknown)} to sign the log's closes. One "
            "witness that the merchant runs lets it choose which purchases share a ring.",
        )


def _closes(view: MerchantView, now: datetime) -> Iterator[Advice]:
    if view.is_stale(now):
        yield Advice(
            "late-close",
            f"The log's last close is of {view.closes[-1].recorded:%F}: the service may be hiding "
            "newer ones, and this claim then says that the purchase is older.",
        )


def _lost(view: MerchantView, ring: Ring, earlier: Sequence[Proof]) -> Iterator[Advice]:
    # The evidence shows no other cell: what was void there since only a mirror of the log sees.
    used = {index for claim in earlier for index in claim.indices}
    cell = view.partition.cell(ring.first, ring.size, ring.lane)
    lost = used.intersection(cell).difference(ring.indices)
    if lost:
        yield Advice(
            "ring-lost-members",
            f"{len(lost)} purchases among which you hid before have since been declared void. A "
            "merchant could do that to see which buyer comes back.",
        )


def _shown_again(
    version: Version, ring: Ring, again: Sequence[Claim], now: datetime
) -> Iterator[Advice]:
    if not again:
        return
    common = common_members([ring.indices, *(claim.indices for claim in again)])
    days = [now.astimezone(UTC).date(), *(claim.body.day for claim in again)]
    windows = [window for window in map(version.days, days) if window]
    bought = ""
    if windows:
        first, last = max(w[0] for w in windows), min(w[1] for w in windows)
        bought = f", and together they say that it was bought from {first} to {last}"
    yield Advice(
        "tags-shown-again",
        f"This claim shows the same tags as {len(again)} earlier ones of yours; their rings have "
        f"{common} purchases in common{bought}.",
    )


def _ending(ring: Ring, earlier: Sequence[Proof]) -> Iterator[Advice]:
    if earlier:
        common = common_members([ring.indices, *(claim.indices for claim in earlier)])
        yield Advice(
            "claims-become-linked",
            f"Ending the ownership links this to {len(earlier)} earlier claims and transfers of "
            f"yours; their rings have {common} purchases in common.",
        )


def _waiting(earlier: Sequence[Proof]) -> Iterator[Advice]:
    if any(claim.ends_ownership and claim.outcome == "approved" for claim in earlier):
        yield Advice(
            "approval-lapses",
            "Something that was approved still waits for your secret; another claim ends it.",
        )
