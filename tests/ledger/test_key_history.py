"""Following the keys of a log, and everything that can be tried against those who do."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.domain import suite_name
from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.p256 import P256
from ledger.checkpoint import Checkpoint, sign
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import LogDeclaration, encode_event, events_origin
from ledger.evidence import EventEvidence
from ledger.handover import Handover
from ledger.key_history import (
    KEY_EVENTS,
    KeyHistory,
    follow_keys,
    handover_event,
    parse_shown_keys,
    read_key_history,
    retirement_event,
    rotation_event,
)
from ledger.merkle import build_inclusion, build_multiproof, build_root, leaf_hash
from ledger.note import Note, Signer, Verifier
from ledger.quorum import Quorum, Witness
from ledger.tlog_proof import TlogProof
from tests.ledger.memory_log import ORIGIN, TIME, LeafReader
from tests.witness.world import KEYS
from witness.keys import WitnessKeys

Event = dict[str, Any]
EVENTS = events_origin(ORIGIN)
P0, P1, P2 = (Signer(ORIGIN, letter * 32) for letter in (b"p", b"q", b"r"))
E0, E1, E2 = (Signer(EVENTS, letter * 32) for letter in (b"e", b"f", b"g"))
THIEF = Signer(EVENTS, b"t" * 32)
NOTE = {"type": "note", "time": TIME}


class Told:
    """An event log in the hands of whoever holds its keys."""

    def __init__(self) -> None:
        declaration = LogDeclaration(
            origin=ORIGIN,
            suite=suite_name(P256).decode(),
            capacity=64,
            period="manual",
            void_window=14,
            seed_witnesses=(),
            purchases=P0.verifier,
            events=E0.verifier,
        )
        self.events: list[Event] = [declaration.to_event(TIME), NOTE]

    @property
    def history(self) -> KeyHistory:
        return read_key_history(event for event in self.events if event["type"] in KEY_EVENTS)

    def rotate(self, old: Signer, new: Signer) -> None:
        self.events += [rotation_event(self.history, old, new.verifier, TIME), NOTE]

    def retire(self, old: Signer) -> None:
        self.events += [retirement_event(self.history, old.verifier, TIME), NOTE]

    def hand_over(self, old: WitnessKeys, new: WitnessKeys) -> None:
        """Of both keys that cosign."""
        for pair in zip(old.cosigners, new.cosigners, strict=True):
            self.events += [handover_event(self.history, Handover.sign(*pair), TIME), NOTE]

    def evidence(self, *signers: Signer) -> EventEvidence:
        """The key events under a checkpoint of now."""
        reader = LeafReader(leaf_hash(encode_event(event)) for event in self.events)
        size = len(self.events)
        indices = [i for i, event in enumerate(self.events) if event["type"] in KEY_EVENTS]
        return EventEvidence(
            tuple((index, self.events[index]) for index in indices),
            tuple(build_multiproof(reader, indices, size)),
            sign(Checkpoint(EVENTS, size, build_root(reader, size)), *signers),
        )

    def receipt(self, index: int, *signers: Signer) -> EventReceipt:
        reader = LeafReader(leaf_hash(encode_event(event)) for event in self.events)
        size = len(self.events)
        note = sign(Checkpoint(EVENTS, size, build_root(reader, size)), *signers)
        hashes = tuple(build_inclusion(reader, index, size))
        return EventReceipt(self.events[index], TlogProof(index, hashes, note))


def chain() -> tuple[Told, list[EventEvidence]]:
    """E0 to E2 and P0 to P1, with the two farewells and the present word."""
    log = Told()
    log.rotate(E0, E1)
    farewells = [log.evidence(E0, E1)]
    log.retire(E0)
    log.rotate(P0, P1)
    log.rotate(E1, E2)
    log.retire(P0)
    farewells.append(log.evidence(E1, E2))
    log.retire(E1)
    return log, [*farewells, log.evidence(E2)]


LOG, SHOWN = chain()


def refused(shown: Sequence[EventEvidence], match: str, *trusted: Signer) -> None:
    with pytest.raises(VerificationError, match=match):
        follow_keys(shown, [signer.verifier for signer in trusted])


# ---- the honest way


@pytest.mark.parametrize("trusted", [E0, E1, E2])
def test_the_present_keys_follow_from_any_key(trusted: Signer) -> None:
    history = follow_keys(SHOWN, [trusted.verifier])
    assert history == LOG.history
    assert history.changes == 6
    assert history.events.in_force == (E2.verifier,)
    assert history.events.keys == (E0.verifier, E1.verifier, E2.verifier)
    assert history.purchases.in_force == (P1.verifier,)


def test_a_log_whose_keys_never_changed() -> None:
    log = Told()
    history = follow_keys([log.evidence(E0)], [E0.verifier])
    assert (history.changes, history.events.in_force) == (0, (E0.verifier,))


def test_both_keys_are_in_force_while_one_takes_over() -> None:
    log = Told()
    log.rotate(E0, E1)
    for known in (E0, E1):
        history = follow_keys([log.evidence(E0, E1)], [known.verifier])
        assert history.events.in_force == (E0.verifier, E1.verifier)


def test_old_receipts_verify_for_those_who_know_the_history() -> None:
    log = Told()
    receipt = log.receipt(1, E0)
    keys = follow_keys(SHOWN, [E2.verifier]).events.keys
    assert verify_event_receipt(receipt, *keys).size == 2
    with pytest.raises(VerificationError):
        verify_event_receipt(receipt, E2.verifier)


def test_the_shown_keys_come_back_as_json() -> None:
    documents = [evidence.document() for evidence in SHOWN]
    assert [EventEvidence.parse(document) for document in documents] == SHOWN


def test_a_quorum_must_have_cosigned_farewells_too() -> None:
    witness = KEYS.cosigners[0]
    policy = Quorum(witnesses=(Witness("w", witness.verifier),), quorum="w")

    def cosigned(evidence: EventEvidence) -> EventEvidence:
        text = evidence.checkpoint.decode().partition("\n\n")[0] + "\n"
        line = witness.cosign(text, 1_800_000_000).line()
        return replace(evidence, checkpoint=evidence.checkpoint + line.encode())

    good = list(map(cosigned, SHOWN))
    assert follow_keys(good, [E0.verifier], policy) == LOG.history
    for index in range(3):
        with pytest.raises(VerificationError, match="quorum"):
            follow_keys([*good[:index], SHOWN[index], *good[index + 1 :]], [E0.verifier], policy)


# ---- attacks on those who follow


def test_a_rotation_that_is_not_in_the_log() -> None:
    log = Told()
    honest = log.evidence(E0)
    log.rotate(E0, THIEF)
    forged = replace(log.evidence(E0), hashes=honest.hashes, checkpoint=honest.checkpoint)
    refused([forged], "multiproof", E0)
    assert follow_keys([honest], [E0.verifier]).changes == 0


def test_a_farewell_signed_by_a_wrong_key() -> None:
    log = Told()
    log.rotate(E0, E1)
    refused([log.evidence(THIEF), *SHOWN[1:]], "none that is trusted", E0)
    good = log.evidence(E0)
    text = good.checkpoint.decode().partition("\n\n")[0] + "\n"
    disguised = replace(THIEF.signature(text), key_id=E0.verifier.key_id)
    forged = replace(good, checkpoint=Note(text, (disguised,)).serialise())
    refused([forged], "signature does not hold", E0)
    assert follow_keys([good], [E0.verifier]).changes == 1


def test_a_key_that_was_never_of_the_log() -> None:
    refused(SHOWN, "none that is trusted", THIEF)
    refused([], "none that is trusted", E0)


def test_a_missing_farewell_is_a_gap() -> None:
    refused([SHOWN[0], SHOWN[2]], "no known key", E0)
    refused([SHOWN[1], SHOWN[2]], "none that is trusted", E0)
    refused([SHOWN[2]], "none that is trusted", E0)


def test_a_missing_event_is_a_gap() -> None:
    """Under a checkpoint of its own, which the server can sign."""
    log = Told()
    log.rotate(P0, P1)
    log.rotate(E0, E1)
    del log.events[2]
    refused([log.evidence(E0, E1)], "not the next one", E0)


def test_one_key_with_two_successors() -> None:
    log = Told()
    log.rotate(E0, E1)
    second = rotation_event(replace(log.history, changes=1), E0, THIEF.verifier, TIME)
    log.events.append(second)
    refused([log.evidence(E0, E1)], "two successors", E0)


def test_two_histories_of_one_log() -> None:
    """A farewell tells one successor, what comes then another."""
    other = Told()
    other.rotate(E0, THIEF)
    other.retire(E0)
    first = Told()
    first.rotate(E0, E1)
    refused([first.evidence(E0, E1), other.evidence(E1)], "two histories", E0)


def test_an_old_chain_is_replayed() -> None:
    """To one who knows the later key; what the earlier keys signed says nothing to it."""
    refused(SHOWN[:1], "none that is trusted", E2)
    assert follow_keys(SHOWN, [E2.verifier]).changes == 6


def test_a_retired_key_signs_on() -> None:
    """Whoever has stolen it cannot use it with a log that says that it is retired."""
    log, shown = chain()
    refused([*shown[:2], log.evidence(E1)], "no known key", E1)
    refused([log.evidence(E0)], "no known key", E0)
    refused([*shown[:2], log.evidence(E0)], "no known key", E0)
    assert follow_keys(shown, [E0.verifier]) == log.history


def test_the_chain_of_another_log() -> None:
    other = Told()
    other.events[0] = {
        **other.events[0],
        "origin": "ledger.example/other",
        "purchases_vkey": Signer("ledger.example/other", b"p" * 32).verifier.vkey,
        "events_vkey": Signer("ledger.example/other/events", b"e" * 32).verifier.vkey,
    }
    # Signed with the key of this log, which the other merchant may hold as well.
    refused([other.evidence(E0)], "no known key", E0)


def test_events_in_another_order() -> None:
    evidence = SHOWN[2]
    shuffled = replace(evidence, events=evidence.events[::-1])
    with pytest.raises(KvittoError):
        follow_keys([shuffled], [E2.verifier])
    without = replace(evidence, events=evidence.events[1:])
    with pytest.raises(KvittoError):
        follow_keys([without], [E2.verifier])


def test_a_declaration_that_is_not_the_first_event() -> None:
    log = Told()
    log.events.insert(0, NOTE)
    with pytest.raises(FormatError, match="in their order"):
        follow_keys([log.evidence(E0)], [E0.verifier])


def test_events_whose_numbers_run_against_the_log() -> None:
    """Shown by their numbers they would make a history; the log has them the other way round."""
    log = Told()
    log.rotate(P0, P1)
    log.rotate(E0, E1)
    log.events[2], log.events[4] = log.events[4], log.events[2]
    evidence = log.evidence(E0)
    declared, second, first = evidence.events
    with pytest.raises(FormatError, match="in their order"):
        follow_keys([replace(evidence, events=(declared, first, second))], [E0.verifier])


# ---- witnesses

W1, W2, W3 = (WitnessKeys(KEYS.name, *[letter * 32] * 3) for letter in (b"1", b"2", b"3"))


def wanted(keys: WitnessKeys, kind: int = 0) -> Quorum:
    return Quorum(witnesses=(Witness("w", keys.cosigners[kind].verifier),), quorum="w")


def cosigned_by(evidence: EventEvidence, *witnesses: WitnessKeys) -> EventEvidence:
    text = evidence.checkpoint.decode().partition("\n\n")[0] + "\n"
    lines = "".join(c.cosign(text, 1_800_000_000).line() for w in witnesses for c in w.cosigners)
    return replace(evidence, checkpoint=evidence.checkpoint + lines.encode())


def changed_witness() -> tuple[Told, list[EventEvidence]]:
    """W1 hands over to W2 and is retired; then E0 hands over to E1, and W2 to W3."""
    log = Told()
    log.hand_over(W1, W2)
    log.rotate(E0, E1)
    farewell = cosigned_by(log.evidence(E0, E1), W2)
    log.retire(E0)
    log.hand_over(W2, W3)
    return log, [farewell, cosigned_by(log.evidence(E1), W3)]


@pytest.mark.parametrize("kind", [0, 1])
def test_the_witnesses_keys_are_followed_with_the_logs(kind: int) -> None:
    log, shown = changed_witness()
    history = follow_keys(shown, [E0.verifier], wanted(W1, kind))
    assert history == log.history
    assert wanted(W1, kind).following(history.witnesses) == wanted(W3, kind)
    for keys in (W2, W3):
        assert follow_keys(shown, [E1.verifier], wanted(keys, kind)) == history
    stranger = WitnessKeys.create(KEYS.name)
    with pytest.raises(VerificationError, match="quorum"):
        follow_keys(shown, [E0.verifier], wanted(stranger, kind))


def test_a_witness_key_that_was_stolen_after_its_retirement() -> None:
    """Who follows does not count it any more, even for a log that its own keys have signed."""
    log, shown = changed_witness()
    stolen = cosigned_by(log.evidence(E1), W1, W2)
    assert follow_keys(shown, [E1.verifier], wanted(W1)) == log.history
    with pytest.raises(VerificationError, match="quorum"):
        follow_keys([shown[0], stolen], [E1.verifier], wanted(W1))


def test_a_handover_is_hidden_from_one_who_has_followed() -> None:
    before = cosigned_by(Told().evidence(E0), W1)
    assert follow_keys([before], [E0.verifier], wanted(W1)).changes == 0
    with pytest.raises(VerificationError, match="quorum"):
        follow_keys([before], [E0.verifier], wanted(W2))


def test_a_handover_that_is_not_in_the_log() -> None:
    """Whoever has stolen an old witness key shows its handover without the log's word."""
    log = Told()
    honest = log.evidence(E0)
    log.hand_over(W1, W2)
    forged = replace(log.evidence(E0), hashes=honest.hashes, checkpoint=honest.checkpoint)
    with pytest.raises(VerificationError, match="multiproof"):
        follow_keys([cosigned_by(forged, W2)], [E0.verifier], wanted(W1))


def test_a_witness_key_with_two_successors_in_the_log() -> None:
    log = Told()
    log.hand_over(W1, W2)
    second = handover_event(log.history, Handover.sign(W1.cosigners[0], W3.cosigners[0]), TIME)
    log.events.append(second)
    refused([log.evidence(E0)], "two successors", E0)


def test_a_handover_out_of_its_place_is_a_gap() -> None:
    log = Told()
    log.hand_over(W1, W2)
    del log.events[2]
    refused([log.evidence(E0)], "not the next one", E0)


def test_who_knows_the_present_key_needs_no_farewell() -> None:
    """Which the witnesses that it asks for may not have cosigned."""
    log, shown = changed_witness()
    without = [replace(shown[0], checkpoint=Told().evidence(E0, E1).checkpoint), shown[1]]
    assert follow_keys(without, [E1.verifier], wanted(W3)) == log.history
    with pytest.raises(VerificationError):
        follow_keys(without, [E0.verifier], wanted(W1))


# ---- the rules


def rotation(**changes: Any) -> Event:
    log = Told()
    return {**rotation_event(log.history, E0, E1.verifier, TIME), **changes}


def signed(old: Signer, new: Verifier, **changes: Any) -> Event:
    """With a signature that fits."""
    return rotation_event(replace(Told().history, **changes), old, new, TIME)


RENAMED = Verifier(ORIGIN, E1.verifier.public_key)


@pytest.mark.parametrize(
    ("event", "match"),
    [
        (signed(E0, E1.verifier, changes=1), "not the next"),
        (rotation(number=True), "not the next"),
        (signed(E0, E1.verifier, origin="ledger.example/other"), "another log"),
        (signed(E1, E2.verifier), "not in force"),
        (signed(E0, RENAMED), "another log"),
        (signed(E0, E0.verifier), "no new key"),
        (signed(E0, Verifier(EVENTS, P0.verifier.public_key)), "no new key"),
        (rotation(signature="00" * 64), "signature"),
        (rotation(signature="00"), "64 bytes"),
        (rotation(signature=signed(E0, E2.verifier)["signature"]), "signature"),
        (rotation(signature=signed(E1, E1.verifier)["signature"]), "signature"),
        (rotation(vkey=None), "not text"),
        (rotation(next_vkey=7), "not text"),
        (rotation(vkey="x"), "without a type"),
        (rotation(extra=1), "fields"),
        ({"type": "log.key_retired", "time": TIME, "origin": ORIGIN, "number": 0,
          "vkey": E0.verifier.vkey}, "no successor"),
        ({"type": "log.closed", "time": TIME}, "log.key_retired"),
    ],
)  # fmt: skip
def test_a_rule_is_broken(event: Event, match: str) -> None:
    before = Told().history
    assert before.after(rotation()).events.in_force == (E0.verifier, E1.verifier)
    with pytest.raises((VerificationError, FormatError), match=match):
        before.after(event)


def test_a_stolen_event_log_key_does_not_replace_the_purchase_logs() -> None:
    """The purchase log's own key must name its successor."""
    mine = Signer(ORIGIN, b"t" * 32)
    honest = rotation_event(Told().history, P0, mine.verifier, TIME)
    forged = {**honest, "signature": E0.sign(b"anything").hex()}
    assert Told().history.after(honest).changes == 1
    with pytest.raises(VerificationError):
        Told().history.after(forged)


def retired_too_early(log: Told) -> None:
    log.retire(E0)


def retired_twice(log: Told) -> None:
    log.rotate(E0, E1)
    log.retire(E0)
    log.retire(E0)


def newest_retired(log: Told) -> None:
    log.rotate(E0, E1)
    log.retire(E1)


def back_to_an_old_key(log: Told) -> None:
    log.rotate(E0, E1)
    log.retire(E0)
    log.rotate(E1, E0)


def a_third_key(log: Told) -> None:
    log.rotate(E0, E1)
    log.rotate(E1, E2)


@pytest.mark.parametrize(
    "story", [retired_too_early, retired_twice, newest_retired, back_to_an_old_key, a_third_key]
)
def test_a_history_that_no_log_can_have(story: Callable[[Told], None]) -> None:
    log = Told()
    story(log)
    with pytest.raises(VerificationError):
        _ = log.history


def test_a_signature_is_no_note() -> None:
    """The keys sign notes too: what they sign as one must not be readable as the other."""
    from ledger.key_history import _message  # noqa: PLC0415 - for this test only

    assert b"\0" in _message(ORIGIN, 0, E0.verifier, E1.verifier)


@pytest.mark.hypothesis
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), st.data())
def test_junk_in_an_event_is_refused(junk: Any, data: Any) -> None:
    event = rotation()
    member = data.draw(st.sampled_from(sorted(set(event) - {"time"})))
    if junk == event[member] and type(junk) is type(event[member]):
        return
    with pytest.raises(KvittoError):
        Told().history.after({**event, member: junk})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.hypothesis
@given(json_values | st.fixed_dictionaries({"history": st.lists(json_values)}))
def test_junk_instead_of_shown_keys_is_refused(junk: Any) -> None:
    try:
        shown = parse_shown_keys(junk)
    except FormatError:
        return
    assert {"history": [evidence.document() for evidence in shown]} == junk


@pytest.mark.hypothesis
@given(st.integers(0, 2), st.sampled_from(["events", "hashes", "checkpoint"]), json_values)
def test_junk_in_shown_keys_is_refused(place: int, member: str, junk: Any) -> None:
    documents = [evidence.document() for evidence in SHOWN]
    documents[place] = {**documents[place], member: junk}
    with pytest.raises(KvittoError):
        follow_keys(parse_shown_keys({"history": documents}), [E0.verifier])
