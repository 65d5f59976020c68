"""What a merchant that lies writes into its logs: for each rule a log that breaks just that one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from aftersales.claims import MOST_CLAIMS
from commitments.p256 import P256
from commitments.wire import encode_base64, parse_base64
from ledger.closes import Close, seed_message
from ledger.entries import Void
from ledger.events import LogDeclaration, encode_event, event_time, parse_event_time
from ledger.handover import Handover
from ledger.key_history import KeyHistory, handover_event
from ledger.merkle import EMPTY_ROOT
from ledger.note import Signer
from policies.claim import claim_id, claim_scopes, parse_claim
from policies.transfer import RETIRE_WITHIN, parse_transfer, transfer_id, transfer_scope
from tests.aftersales.cases import BUYER_KEYS, MEMBERS, signed
from tests.auditor.logs import Event, Logs
from tests.world import NOTICE, ORIGIN, REFUND, new_keys, random_scalar
from zk.statement import secret_tag
from zk.transfer import Acceptance, prove_acceptance

__all__ = ["ALLOWED", "LIES", "Lie", "claimed", "transferred"]

Lie = Callable[[Logs, Mapping[str, int]], Logs]
"""From honest logs and secrets that their owners have kept to what breaks one rule."""

DECIDED, STEP = "claim.decided", "claim.step"
_TAG = P256.point_size
_POINT = P256.encode(P256.generator)
_OTHER_POINT = P256.encode(P256.multiply(2, P256.generator))
_SECRET = 7


def claimed(logs: Logs, index: int, tags: tuple[bytes, bytes] | None = None, **body: Any) -> Event:
    """Another claim as that at ``index``, as the last event; with other tags in its proof."""
    event = logs.event(index)
    proof = parse_base64(event["proof"], "proof")
    if tags is not None:
        old = b"".join(bytes.fromhex(tag) for tag in event["tags"])
        proof = proof.replace(old, b"".join(tags))
        event["tags"] = [tag.hex() for tag in tags]
    last = logs.event(logs.find("log.closed", -1))["size"]
    fresh = {"date": logs.later[:10], "size": last, "voided_at": last, "nonce": "ab" * 16}
    new = replace(parse_claim(event["claim"]), **{**fresh, **body})
    event |= {"time": logs.later, "claim": new.document(), "proof": encode_base64(proof)}
    if event["retire_by"] is not None:  # a week later, as the story's policies have it
        week = parse_event_time(logs.later, "time") + timedelta(days=7)
        event["retire_by"] = event_time(week)
    return {**event, "claim_id": claim_id(new, proof)}


def transferred(logs: Logs, index: int, **body: Any) -> Event:
    """Another transfer as that at ``index``, as the last event."""
    event = logs.event(index)
    old = parse_transfer(event["transfer"], P256)
    fresh = {
        "date": logs.later[:10],
        "voided_at": logs.event(logs.find("log.closed", -1))["size"],
        "acceptance": prove_acceptance(P256, ORIGIN, old.blinded, new_keys(), random_scalar),
    }
    new = replace(old, **{**fresh, **body})
    deadline = parse_event_time(logs.later, "time") + RETIRE_WITHIN
    named = transfer_id(new, parse_base64(event["proof"], "proof"))
    event |= {"time": logs.later, "retire_by": event_time(deadline)}
    return {**event, "transfer": new.document(), "transfer_id": named}


def _last(kind: str, **changes: Any) -> Lie:
    """The last event of a type is another."""
    return lambda logs, _: logs.changed(logs.find(kind, -1), lambda event: {**event, **changes})


def _then(event: Event) -> Lie:
    return lambda logs, _: logs.and_then(event)


def _again(kind: str, /, *, nth: int = -1, **changes: Any) -> Lie:
    """An event is there once more, at the end, with other members."""

    def lie(logs: Logs, _: Mapping[str, int]) -> Logs:
        members = {_WORDS.get(name, name): value for name, value in changes.items()}
        return logs.and_then({**logs.event(logs.find(kind, nth)), "time": logs.later, **members})

    return lie


_WORDS = {"day": "from"}  # a member with the name of a word of Python


def _plain(logs: Logs) -> int:
    """The claim of the next owner, which nobody has taken a step of."""
    return logs.find(DECIDED, -1)


def _claim(**changes: Any) -> Lie:
    """Another claim, with tags of its own."""

    def lie(logs: Logs, _: Mapping[str, int]) -> Logs:
        body = {name: value for name, value in changes.items() if name not in _OF_THE_EVENT}
        event = claimed(logs, _plain(logs), (_POINT, _POINT), **body)
        return logs.and_then(event | {n: v for n, v in changes.items() if n in _OF_THE_EVENT})

    return lie


_OF_THE_EVENT = ("decision", "retire_by", "tags", "claim_id")


def _published(**changes: Any) -> Event:
    """The next policy event: a policy of its own, written out."""
    written = {"claims_per_purchase": 1, "ends_ownership": False, "review": False}
    window = {"oldest": "P14D", "newest": "P0D"}
    policy = {**written, **REFUND, "purchased": window, "id": "other", **changes}
    return {"type": "policy.published", "number": 6, "policy": policy}


def _transfer(**body: Any) -> Lie:
    """Another transfer as the one that waits, to another commitment unless one is given."""

    def lie(logs: Logs, _: Mapping[str, int]) -> Logs:
        return logs.and_then(transferred(logs, logs.find("transfer.approved", -1), **body))

    return lie


def _retired(kind: str, whose: str, nth: int, **changes: Any) -> Lie:
    """An owner that could still leave does, long after."""

    def lie(logs: Logs, secrets: Mapping[str, int]) -> Logs:
        event = logs.event(logs.find(kind, nth))
        (named,) = (name for name in event if name in ("claim_id", "transfer_id"))
        secret = P256.encode_scalar(secrets[whose]).hex()
        ended = {"type": "ownership.retired", named: event[named], "secret": secret}
        return logs.and_then({**ended, **changes})

    return lie


def _claimed_again(logs: Logs, _: Mapping[str, int]) -> Logs:
    return logs.and_then(claimed(logs, _plain(logs)))


def _claimed_after_leaving(logs: Logs, _: Mapping[str, int]) -> Logs:
    """Who was refunded claims a repair: the secret tag is that of the published secret."""
    secret = logs.event(logs.find("ownership.retired"))["secret"]
    scope, _serial = claim_scopes(ORIGIN, "warranty-2y", 0)
    tag = secret_tag(P256, scope.text, P256.decode_scalar(bytes.fromhex(secret)))
    assert tag is not None
    return logs.and_then(claimed(logs, _plain(logs), (_POINT, tag)))


def _claimed_without_end(logs: Logs, _: Mapping[str, int]) -> Logs:
    """Claimed and withdrawn, seventeen times."""
    for number in range(MOST_CLAIMS + 1):
        nonce = f"{number:032x}"
        event = claimed(logs, _plain(logs), (_POINT, _POINT), nonce=nonce, buyer=BUYER_KEYS)
        logs = logs.and_then(event)
        withdrawal = {"claim_id": event["claim_id"], "number": 0, "by": "buyer", "attachments": []}
        logs = logs.and_then(signed({"type": STEP, "step": "withdraw", **withdrawal}))
    return logs


def _closed(**changes: Any) -> Lie:
    def lie(logs: Logs, _: Mapping[str, int]) -> Logs:
        last = logs.event(logs.find("log.closed", -1))
        number, size = last["number"] + 1, len(logs.purchases)
        root = logs.root_at(size)
        assert root is not None
        close = Close(number, number, size, root, ()).to_event(ORIGIN, logs.later)
        return logs.and_then({**close, **changes})

    return lie


def _closed_early(_logs: Logs, _: Mapping[str, int], period: int = 20778) -> Logs:
    """A log of days, closed at noon."""
    declaration = LogDeclaration(
        ORIGIN,
        "KVITTO-V01-Shake128_P256",
        64,
        "P1D",
        14,
        (),
        Signer(ORIGIN, b"1" * 32).verifier,
        Signer(f"{ORIGIN}/events", b"2" * 32).verifier,
    )
    noon, empty = "2026-11-21T12:00:00Z", Logs((), ()).root_at(0)
    assert empty is not None
    close = Close(0, period, 0, empty, ()).to_event(ORIGIN, noon)
    return Logs((), ()).inserted(0, declaration.to_event(noon), close)


def _voided_in_another_order(logs: Logs, _: Mapping[str, int]) -> Logs:
    """The reasons of both voids, each in the place of the other, before there is a close."""
    places = [logs.find("purchase.voided", nth) for nth in (0, 1)]
    first, second = map(logs.event, places)
    numbers = ({"number": each["number"], "time": each["time"]} for each in (first, second))
    events = list(logs.events)
    for place, event, number in zip(places, (second, first), numbers, strict=True):
        events[place] = encode_event({**event, **number})
    return logs.with_events(events)


def _declared_elsewhere(event: Event) -> Event:
    """By another merchant, whole."""
    of = {"purchases_vkey": "ledger.example/other", "events_vkey": "ledger.example/other/events"}
    keys = {name: Signer(origin, b"1" * 32).verifier.vkey for name, origin in of.items()}
    return {**event, "origin": "ledger.example/other", **keys}


def _approved_again(logs: Logs, _: Mapping[str, int]) -> Logs:
    """The same body with the same proof."""
    index = logs.find("transfer.approved")
    body = parse_transfer(logs.event(index)["transfer"], P256)
    same = {"voided_at": body.voided_at, "acceptance": body.acceptance}
    return logs.and_then(transferred(logs, index, **same))


def _to_the_same(nth: int) -> Lie:
    """Another transfer to a commitment that one has led to, or leads to."""

    def lie(logs: Logs, _: Mapping[str, int]) -> Logs:
        index = logs.find("transfer.approved", nth)
        acceptance = parse_transfer(logs.event(index)["transfer"], P256).acceptance
        event = transferred(logs, index, acceptance=acceptance, nonce="ab" * 16)
        return logs.and_then(_with_tag(event))

    return lie


def _not_accepted(logs: Logs, _: Mapping[str, int]) -> Logs:
    index = logs.find("transfer.approved")
    acceptance = Acceptance(_POINT, bytes(3 * P256.scalar_size))
    return logs.and_then(_with_tag(transferred(logs, index, acceptance=acceptance)))


def _handed_on_after_leaving(logs: Logs, _: Mapping[str, int]) -> Logs:
    """The proof shows the tag of a secret that was published."""
    secret = P256.decode_scalar(bytes.fromhex(logs.event(logs.find("ownership.retired"))["secret"]))
    event = transferred(logs, logs.find("transfer.approved"))
    commitment = parse_transfer(event["transfer"], P256).acceptance.commitment
    tag = secret_tag(P256, transfer_scope(ORIGIN, commitment).text, secret)
    assert tag is not None
    return logs.and_then(_with_tag(event, tag))


def _with_tag(event: Event, tag: bytes = _POINT) -> Event:
    """An approval of a transfer whose proof shows another tag."""
    proof = parse_base64(event["proof"], "proof").replace(bytes.fromhex(event["tag"]), tag)
    named = transfer_id(parse_transfer(event["transfer"], P256), proof)
    return {**event, "tag": tag.hex(), "proof": encode_base64(proof), "transfer_id": named}


def _owned(logs: Logs, policy: str, serial: bytes = _POINT, **body: Any) -> Logs:
    """Another claim under a policy, by an owner whose secret is known here."""
    index = next(
        i
        for i, e in enumerate(logs.events)
        if f'"policy":"{policy}"'.encode() in e and b"tags" in e
    )
    tag = secret_tag(P256, claim_scopes(ORIGIN, policy, 0)[1].text, _SECRET)
    assert tag is not None
    return logs.and_then(claimed(logs, index, (serial, tag), **{"buyer": BUYER_KEYS, **body}))


def _left(logs: Logs, named: str) -> Logs:
    secret = P256.encode_scalar(_SECRET).hex()
    return logs.and_then({"type": "ownership.retired", "claim_id": named, "secret": secret})


def _refunds(*left: int) -> Lie:
    """One owner has two purchases with one secret, which no wallet does; these refunds are paid."""

    def lie(logs: Logs, _: Mapping[str, int]) -> Logs:
        claims = []
        for serial in (_POINT, _OTHER_POINT):
            logs = _owned(logs, "refund-14d", serial)
            claims.append(logs.event(len(logs.events) - 1)["claim_id"])
        for number in left:
            logs = _left(logs, claims[number])
        return logs

    return lie


def _refunded_after_all(logs: Logs, _: Mapping[str, int]) -> Logs:
    """One claim is withdrawn, and the owner leaves with another."""
    logs = _owned(logs, "refund-14d")
    first = {"claim_id": logs.event(len(logs.events) - 1)["claim_id"], "attachments": []}
    withdraw = {"type": STEP, **first, "number": 0, "by": "buyer", "step": "withdraw"}
    logs = _owned(logs.and_then(signed(withdraw)), "refund-14d", nonce="cd" * 16)
    return _left(logs, logs.event(len(logs.events) - 1)["claim_id"])


def _refunded_after_a_repair(logs: Logs, _: Mapping[str, int]) -> Logs:
    """The first refund has lapsed by the claim for a repair, and the second is not the first."""
    logs = _owned(_owned(logs, "refund-14d"), "warranty-2y")
    logs = _owned(logs, "refund-14d", _OTHER_POINT)
    return _left(logs, logs.event(len(logs.events) - 1)["claim_id"])


def _closed_by_the_next_key(signer: int) -> Lie:
    """A seed witness has changed its key, and signs a close with one of both."""

    def lie(_logs: Logs, _: Mapping[str, int]) -> Logs:
        old, new = keys = [Signer("witness.example", bytes([n]) * 32) for n in (1, 2)]
        logs = (Signer(ORIGIN, b"3" * 32), Signer(f"{ORIGIN}/events", b"4" * 32))
        suite = "KVITTO-V01-Shake128_P256"
        declaration = LogDeclaration(
            ORIGIN, suite, 64, "manual", 1, (old.verifier,), *(each.verifier for each in logs)
        )
        time, root = "2026-11-21T12:00:00Z", EMPTY_ROOT
        handover = handover_event(KeyHistory.declared(declaration), Handover.sign(old, new), time)
        signature = keys[signer].sign(seed_message(ORIGIN, 0, 0, root))
        close = Close(0, 0, 0, root, (signature,)).to_event(ORIGIN, time)
        return Logs((), ()).inserted(0, declaration.to_event(time), handover, close)

    return lie


def _refunded_while_handing_on(logs: Logs, secrets: Mapping[str, int]) -> Logs:
    """The transfer of the same owner waits for that secret, too."""
    secret = secrets["transfer"]
    tag = secret_tag(P256, claim_scopes(ORIGIN, "refund-14d", 0)[1].text, secret)
    assert tag is not None
    event = claimed(logs, logs.find(DECIDED, 5), (_POINT, tag))
    ended = {"claim_id": event["claim_id"], "secret": P256.encode_scalar(secret).hex()}
    return logs.and_then(event).and_then({"type": "ownership.retired", **ended})


def _disputed_too_late(logs: Logs, _: Mapping[str, int]) -> Logs:
    """A claim is declined, another takes its slot, and then the first is to have it again."""
    logs = _owned(logs, "looked-at")
    first = logs.event(len(logs.events) - 1)["claim_id"]
    of = {"type": STEP, "claim_id": first, "attachments": []}
    decline = {**of, "number": 0, "by": "merchant", "step": "decline", **MEMBERS["decline"]}
    logs = _owned(logs.and_then(decline), "looked-at", nonce="cd" * 16)
    dispute = {**of, "number": 1, "by": "buyer", "step": "dispute", **MEMBERS["dispute"]}
    return logs.and_then(signed(dispute))


def _after_leaving(policy: str, step: str) -> Lie:
    """A claim, then a refund, by which the owner leaves, and then another step of the claim."""

    def lie(logs: Logs, _: Mapping[str, int]) -> Logs:
        logs = _owned(logs, policy)
        claim = logs.event(len(logs.events) - 1)["claim_id"]
        number = 0
        if step == "dispute":
            decline = {"by": "merchant", "step": "decline", "number": 0, "attachments": []}
            logs = logs.and_then({"type": STEP, "claim_id": claim, **decline, **MEMBERS["decline"]})
            number = 1
        logs = _owned(logs, "refund-14d")
        logs = _left(logs, logs.event(len(logs.events) - 1)["claim_id"])
        taken = {"claim_id": claim, "number": number, "by": "buyer", "attachments": []}
        event = {"type": STEP, "step": step, **taken, **MEMBERS[step]}
        if step == "redeem":
            event["signed"] = logs.later
        return logs.and_then(signed(event))

    return lie


def _handed_over_twice(logs: Logs, _: Mapping[str, int]) -> Logs:
    return _again("log.witness_key_rotated", number=5)(logs, {})


def _gone_back(logs: Logs, _: Mapping[str, int]) -> Logs:
    """Never by more than five minutes from one event to the next."""
    for number, time in ((2, "21:56:00"), (3, "21:52:00")):
        notice = {**NOTICE, "id": f"another-{number}"}
        event = {**_NOTICE, "number": number, "notice": notice, "time": f"2026-11-21T{time}Z"}
        logs = logs.and_then(event)
    return logs


def _appended(*entries: bytes) -> Lie:
    return lambda logs, _: logs.with_purchases([*logs.purchases, *entries])


def _without(kind: str, nth: int) -> Lie:
    return lambda logs, _: logs.without(logs.find(kind, nth))


_VOID = {"type": "purchase.voided", "number": 2, "index": 11, "voided": 8, "reason": "returned"}
_NOTICE = {"type": "recall.published", "number": 2}
_OTHER_NOTICE = {**_NOTICE, "notice": {**NOTICE, "id": "another"}}

LIES: Mapping[str, Mapping[str, Lie]] = {
    "entry-unreadable": {
        "no form": _appended(b"\x07"),
        "no point": _appended(b"\x01" + b"\x05" * 33),
        "nothing": _appended(b""),
    },
    "commitment-repeated": {"again": lambda logs, _: _appended(logs.purchases[0])(logs, {})},
    "void-entry": {
        "of what comes later": _appended(Void(99).encode()),
        "of a transferred purchase": _appended(Void(12).encode()),
        "twice": _appended(Void(7).encode()),
    },
    "event-unreadable": {
        "no event": lambda logs, _: logs.with_events([*logs.events, b"{}"]),
        "another spelling": lambda logs, _: logs.with_events([*logs.events, logs.events[4] + b" "]),
        "nothing": lambda logs, _: logs.with_events([*logs.events, b""]),
    },
    "event-type": {"unknown": _then({"type": "claim.praised"})},
    "event-time": {
        "goes back": _then({**_OTHER_NOTICE, "time": "2026-11-21T21:54:59Z"}),
        "goes back bit by bit": _gone_back,
        "no time for events": _then({**_OTHER_NOTICE, "time": "9999-12-31T23:59:59Z"}),
    },
    "declaration": {
        "a second one": _again("log.declared"),
        "another merchant's": lambda logs, _: logs.changed(
            0, lambda event: {**event, "origin": "ledger.example/other"}
        ),
        "of another log": lambda logs, _: logs.changed(0, _declared_elsewhere),
        "another suite": lambda logs, _: logs.changed(
            0, lambda event: {**event, "suite": "KVITTO-V01-Shake128_BLS12381"}
        ),
        "none": lambda logs, _: logs.without(0),
    },
    "key-event": {
        "two successors": _handed_over_twice,
        "a gap": _last("log.witness_key_rotated", number=7),
        "a gap before others": lambda logs, _: logs.changed(
            logs.find("log.key_rotated"), lambda event: {**event, "number": 7}
        ),
    },
    "close-without-effect": {
        "another root": _closed(root="ab" * 32),
        "a gap": _closed(number=40),
        "too large": _closed(size=40),
        "shrunk": _closed(size=3),
        "signed by nobody": _closed(signatures=["ab" * 64]),
        "signed by the key of before": _closed_by_the_next_key(0),
    },
    "close-early": {
        "at noon": _closed_early,
        "at the end of all days": partial(_closed_early, period=2**53 - 2),
    },
    "policy-number": {"a gap": _last("policy.withdrawn", number=8)},
    "policy-event": {
        "no ring is as large": _then(_published(smallest_ring=65)),
        "another merchant's": _then(_published(origin="ledger.example/other")),
        "not written out": _then(_published(purchased={"oldest": "P14D"})),
        "no policy": _then({"type": "policy.published", "number": 6, "policy": []}),
        "other members": _then({"type": "policy.published", "number": 6}),
    },
    "policy-version": {"none before it": _then(_published(version=2))},
    "policy-superseded": {
        "goes on": _then(_published(id="refund-14d", version=2)),
        "by nothing new": _again("policy.superseded", number=6, day="2026-11-30"),
    },
    "policy-end": {
        "a day that had come": _again("policy.withdrawn", number=6, day="2026-11-21"),
        "no such version": _again("policy.withdrawn", number=6, version=9),
        "ended by then": _again("policy.withdrawn", number=6, day="2026-12-25"),
    },
    "notice-number": {"a gap": _last("recall.published", number=3)},
    "notice-event": {
        "its id again": _again("recall.published", number=2),
        "no notice": _then({**_NOTICE, "notice": {}}),
        "another merchant's": _then(
            {**_NOTICE, "notice": {**NOTICE, "origin": "ledger.example/other"}}
        ),
    },
    "void-number": {"a gap": _last("purchase.voided", number=5)},
    "void-event": {
        "no reason": _last("purchase.voided", reason="because"),
        "a second reason": _then(_VOID),
        "in another order": _voided_in_another_order,
    },
    "void-of-nothing": {
        "of a purchase": _then({**_VOID, "index": 9}),
        "of another purchase": lambda logs, _: logs.changed(
            logs.find("purchase.voided"), lambda event: {**event, "voided": 3}
        ),
    },
    "void-without-reason": {"left out": _without("purchase.voided", -1)},
    "claim-event": {
        "one tag": _claim(tags=["02" * 33]),
        "another merchant's": _claim(origin="ledger.example/other"),
    },
    "claim-id": {
        "another id": _claim(claim_id="ab" * 32),
        "decided again": _again(DECIDED),
    },
    "claim-date": {
        "two days old": _claim(date="2026-11-19"),
        "tomorrow": _claim(date="2026-11-22"),
    },
    "claim-policy-not-valid": {
        "not published": _claim(policy="warranty-9y"),
        "a version that is not": _claim(version=3),
        "no such remedy": _claim(remedy="store_credit"),
        "no such slot": _claim(number=2),
    },
    "claim-horizon": {
        "no close": _claim(size=11),
        "an old close": _claim(size=12, voided_at=12),
        "no such lane": _claim(lane=1),
        "nothing": _claim(first=13),
    },
    "claim-case": {
        "not to be looked at": _claim(decision="under_review"),
        "a deadline": _claim(retire_by="2026-11-28T00:00:00Z"),
    },
    "tag-mismatch": {
        "other tags": _claim(tags=["02" * 33] * 2),
        "another of a transfer": lambda logs, _: logs.and_then(
            {**transferred(logs, logs.find("transfer.approved", -1)), "tag": "02" * 33}
        ),
    },
    "duplicate-tag": {"once more": _claimed_again, "disputed too late": _disputed_too_late},
    "too-many-claims": {"seventeen": _claimed_without_end},
    "retired-owner": {
        "claims": _claimed_after_leaving,
        "hands on": _handed_on_after_leaving,
        "cashes in": _after_leaving("warranty-2y", "redeem"),
        "takes a slot again": _after_leaving("looked-at", "dispute"),
    },
    "step": {
        "not decided": _again(STEP, claim_id="ab" * 32),
        "not now": _again(STEP, nth=0),
        "not its buyer's": lambda logs, _: logs.changed(
            logs.find(STEP, step="withdraw"), lambda event: {**event, "signature": "ab" * 64}
        ),
    },
    "retirement": {
        "of nothing": _again("ownership.retired", nth=0, claim_id="ab" * 32),
        "of no transfer": _again("ownership.retired", nth=-1, transfer_id="ab" * 32),
        "no secret": _last("ownership.retired", secret="ab"),
    },
    "wrong-secret": {
        "another": lambda logs, _: logs.changed(
            logs.find("ownership.retired"), lambda event: {**event, "secret": "01" * 32}
        ),
        "another's transfer": _last("ownership.retired", secret="01" * 32),
        "no scalar": _last("ownership.retired", secret="ff" * 32),
    },
    "approval-lapsed": {
        "by a claim": _retired(DECIDED, "refund", 6),
        "by an earlier refund": _refunds(1),
        "by a transfer that waits": _refunded_while_handing_on,
        "by an earlier refund that is paid": _refunds(0, 1),
        "too late": _retired("transfer.approved", "transfer", -1, time="2026-11-22T21:30:01Z"),
    },
    "transfer-event": {
        "no tag": _again("transfer.approved", tag=""),
        "a week to leave": _again("transfer.approved", retire_by="2026-11-28T22:10:00Z"),
    },
    "transfer-id": {
        "approved again": _approved_again,
        "another id": lambda logs, _: logs.and_then(
            {**transferred(logs, logs.find("transfer.approved")), "transfer_id": "ab" * 32}
        ),
    },
    "transfer-date": {"two days old": _transfer(date="2026-11-19")},
    "transfer-horizon": {
        "no such lane": _transfer(lane=1),
        "voids may still come": _transfer(size=13),
    },
    "transfer-commitment": {
        "two to one": _to_the_same(-1),
        "to what is there": _to_the_same(0),
    },
    "transfer-acceptance": {"of somebody else": _not_accepted},
    "transfer-entry": {
        "no event": _without("ownership.retired", -1),
        "no entry": _retired("transfer.approved", "transfer", -1),
    },
}
"""By the name of the rule, and of the lie."""

ALLOWED: Mapping[str, Lie] = {
    "a refund after one was withdrawn": _refunded_after_all,
    "a refund after a repair": _refunded_after_a_repair,
    "a close by the next key": _closed_by_the_next_key(1),
}
"""What no service keeps anybody from, and looks like a lie."""
