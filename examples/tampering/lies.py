"""Ways in which those who serve or write the logs can lie, and what an audit says to each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commitments.wire import parse_base64
from examples.tampering.shop import Events, Shop
from policies.claim import claim_id, parse_claim

__all__ = ["LIES", "Lie"]

_FORKED, _BROKEN = 5, 1

Change = Callable[[Events], Events]


@dataclass(frozen=True)
class Lie:
    """``what`` somebody does; ``status`` is that of the audit, and ``finds`` is in what it says.

    Whoever only serves the logs changes their files (``spoil``). Whoever has the keys writes other
    events from the start (``rewrite``), or does so when an auditor has ``seen`` the true ones.
    """

    what: str
    finds: str
    status: int = _BROKEN
    spoil: Callable[[Path], None] | None = None
    rewrite: Change = list
    seen: bool = False

    def tell(self, shop: Shop, directory: Path) -> Path:
        """Publish the lie below ``directory``; where its logs are."""
        shop.publish(directory, self.rewrite)
        if self.spoil is not None:
            self.spoil(directory / "logs" / shop.merchant.id)
        return directory / "logs"


# ---- who serves the logs


def _flip_a_bit(logs: Path) -> None:
    bundle = next((logs / "purchases/tile/entries").rglob("000"))
    content = bytearray(bundle.read_bytes())
    content[100] ^= 1
    bundle.write_bytes(content)


def _swap_hashes(logs: Path) -> None:
    tile = logs / "purchases/tile/0/000"
    content = tile.read_bytes()
    tile.write_bytes(content[32:64] + content[:32] + content[64:])


def _sign_for_the_log(logs: Path) -> None:
    note = (logs / "events/checkpoint").read_text()
    text, _, signature = note.rpartition(" ")
    (logs / "events/checkpoint").write_text(f"{text} {signature[::-1]}")


# ---- who has the keys


def _of_type(events: Events, kind: str, **members: Any) -> Iterator[int]:
    for index, event in enumerate(events):
        if event["type"] == kind and members.items() <= event.items():
            yield index


def _without(kind: str, **members: Any) -> Change:
    def change(events: Events) -> Events:
        first = next(_of_type(events, kind, **members))
        return events[:first] + events[first + 1 :]

    return change


def _gone(events: Events) -> Events:
    """And the log has grown since, so that its size tells nothing."""
    return [*_without("claim.decided")(events), *events[-2:]]


def _shown_twice(events: Events) -> Events:
    first = next(_of_type(events, "claim.decided"))
    return [*events, {**events[first], "time": events[-1]["time"]}]


def _another_proof(events: Events) -> Events:
    """The proof of one claim stands in another, as if anything would do."""
    first, second = list(_of_type(events, "claim.decided"))[-2:]
    claim, proof = parse_claim(events[first]["claim"]), events[second]["proof"]
    identifier = claim_id(claim, parse_base64(proof, "proof"))
    events[first] = {**events[first], "proof": proof, "claim_id": identifier}
    return events


def _stricter_policy(events: Events) -> Events:
    """The promise under which claims were approved was another one, the shop says now."""
    first = next(_of_type(events, "policy.published"))
    policy = {**events[first]["policy"], "purchased": {"oldest": "P1Y"}}
    events[first] = {**events[first], "policy": policy}
    return events


def _better_close(events: Events) -> Events:
    last = list(_of_type(events, "log.closed"))[-1]
    events[last] = {**events[last], "root": "00" * 32}
    return events


def _another_secret(events: Events) -> Events:
    first = next(_of_type(events, "ownership.retired"))
    events[first] = {**events[first], "secret": "01" * 32}
    return events


def _prettier_report(events: Events) -> Events:
    first = next(_of_type(events, "report.published"))
    events[first] = {**events[first], "report": {**events[first]["report"], "voids": {}}}
    return events


LIES = (
    Lie("an entry is changed by whoever serves it", "do not lead", spoil=_flip_a_bit),
    Lie("hashes of a tile change places", "do not lead", spoil=_swap_hashes),
    Lie("somebody else signs a checkpoint", "signature", spoil=_sign_for_the_log),
    Lie(
        "an approved claim is gone, after the auditor has seen it",
        "forked",
        status=_FORKED,
        rewrite=_gone,
        seen=True,
    ),
    Lie("a claim is counted twice", "claim-id", rewrite=_shown_twice),
    Lie("a claim is approved without its proof", "proof-invalid", rewrite=_another_proof),
    Lie("a policy said something else all along", "proof-invalid", rewrite=_stricter_policy),
    Lie("a policy was never there", "policy-number", rewrite=_without("policy.published")),
    Lie("a close names a log of the shop's liking", "close-without-effect", rewrite=_better_close),
    Lie("an ownership is ended with a made-up secret", "wrong-secret", rewrite=_another_secret),
    Lie("reasons of voids are left out", "void-number", rewrite=_without("purchase.voided")),
    Lie("a report says something nicer", "report-differs", rewrite=_prettier_report),
    Lie("a step of a case is left out", "step", rewrite=_without("claim.step", step="start")),
)
