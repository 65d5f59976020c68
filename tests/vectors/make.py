"""Makes the project's own vector files: ``python -m tests.vectors.make``.

They freeze what this release does, in the shape of ``kvitto-v01.json``, one file for each
ciphersuite: proofs in them must verify for ever, and making them again must give the same bytes
(fixed entropy, no clock). A difference is a change of the protocol.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from aftersales.versions import VersionFold
from commitments.attributes import ATTRIBUTES, Attributes, batch_scalar, product_scalar, unit_scalar
from commitments.bls12381 import BLS12381
from commitments.domain import claim_session
from commitments.errors import FormatError
from commitments.generators import attribute_generator, generator
from commitments.group import Group
from commitments.p256 import P256
from commitments.purchase import BuyerKeys, Opening, commit, serial_shift
from ledger.closes import Close, seed
from ledger.partition import Partition
from policies.claim import policy_predicates
from policies.policy import parse_policy
from policies.transfer import TransferBody, transfer_scope
from tests.zk.claims import EUR, scalar
from tests.zk.dishonest import Lie, Selector, Shift, forge
from zk.hedged import HedgedScalars
from zk.issuance import prove_request
from zk.prove import prove
from zk.range_proof import digits_of
from zk.statement import (
    Equals,
    OneOf,
    Predicate,
    Range,
    Ring,
    Scope,
    Statement,
    digit_weights,
    tag_base,
)
from zk.transcript import Transcript, derive_session_id
from zk.transfer import Acceptance, blind, prove_acceptance
from zk.verify import verify

FOLDER = Path(__file__).parent
FILES = {P256: "kvitto-own-v01.json", BLS12381: "kvitto-own-v01-bls12381.json"}

ORIGIN = "ledger.example/acme"
ENTROPY = sha256(b"kvitto-own-v01").digest()
DAY = 20_400
KETTLE, LAMP = "04006381333931", "LAMP-3 / blå"
WIDTHS = (0, 1, 2, 5, 7, 8, 365, 490_000, 2**48 - 1)
SIZES = (1, 40, 64, 300)
LABELS = (
    "blinding",
    *(f"attribute/{name}" for name in (*ATTRIBUTES, "serial", "secret")),
    *("range/g/0", "range/h/0", "range/g/31", "one-out-of-many/0", "one-out-of-many/63"),
)


def content(group: Group) -> dict[str, Any]:
    """Everything that stands in the file of a group."""
    return {
        "note": "Made by tests/vectors/make.py of this project; see there.",
        "generators": {label: group.encode(generator(group, label)).hex() for label in LABELS},
        "text_scalars": list(text_scalars(group)),
        "tag_bases": list(tag_bases(group)),
        "digits": [digits(width) for width in WIDTHS],
        "transcript": transcript(group),
        "closes": [close_entry(close) for close in closes()],
        "shuffle_keys": list(shuffle_keys()),
        "rings": list(rings()),
        "purchases": [purchase_entry(group, opening) for opening in openings(group)],
        "requests": [request(group, order) for order in ("order-1", "订单/7")],
        "acceptances": list(acceptances(group)),
        "transfers": list(transfers(group)),
        "policies": list(policies(group)),
        "cases": list(_Cases(group).all()),
        "invalid_statements": list(invalid_statements(group)),
    }


def text_of(group: Group) -> str:
    """The file as text: an entry a line."""
    sections = []
    for name, value in content(group).items():
        if isinstance(value, list):
            lines = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in value)
            sections.append(f' "{name}": [\n  {lines}\n ]')
        else:
            sections.append(f' "{name}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(sections) + "\n}\n"


def text_scalars(group: Group) -> Iterator[dict[str, str]]:
    for name, make, text in [
        ("product", product_scalar, KETTLE),
        ("product", product_scalar, LAMP),
        ("batch", batch_scalar, "L2026-114"),
        ("unit", unit_scalar, "SN-0001"),
    ]:
        value = group.encode_scalar(make(group, text)).hex()
        yield {"attribute": name, "text": text, "scalar": value}


def tag_bases(group: Group) -> Iterator[dict[str, str]]:
    for scope in (*CLAIM, REVIEW):
        point = group.encode(tag_base(group, scope)).hex()
        yield {"kind": scope.kind, "scope": scope.text, "point": point}


def digits(width: int) -> dict[str, Any]:
    weights = digit_weights(width)
    values = sorted({0, min(1, width), width // 2, width})
    return {
        "width": width,
        "weights": weights,
        "values": {str(value): digits_of(value, weights) for value in values},
    }


def transcript(group: Group) -> dict[str, Any]:
    session = claim_session(group)
    sponge = Transcript(group, session)
    sponge.absorb(b"abc")
    return {
        "session_id": derive_session_id(session).hex(),
        "absorb": b"abc".hex(),
        "challenges": [group.encode_scalar(sponge.challenge()).hex() for _ in range(3)],
    }


def closes() -> list[Close]:
    """Their signatures are noise: here only the seed that follows from them counts."""
    return [
        Close(number, DAY + number, size, _noise("root", size), (_noise("signature", size) * 2,))
        for number, size in enumerate(SIZES)
    ]


def close_entry(close: Close) -> dict[str, Any]:
    return {
        "size": close.size,
        "root": close.root.hex(),
        "seed_signatures": [signature.hex() for signature in close.signatures],
        "seed": seed(close).hex(),
    }


def shuffle_keys() -> Iterator[dict[str, Any]]:
    keys = Partition(64, 0, closes())._keys
    for entry in (0, 1, 39, 40, 63, 64, 299):
        yield {"entry": entry, "key": str(keys[entry])}


def rings() -> Iterator[dict[str, Any]]:
    partition = Partition(64, 0, closes())
    for first, size, entry, dropped in [
        (0, 1, 0, 0),
        (0, 40, 7, 0),
        (0, 64, 7, 1),
        (40, 300, 41, 0),
        (1, 300, 299, 2),
    ]:
        lane = partition.lane_of(entry, first, size)
        cell = partition.cell(first, size, lane)
        void, indices = cell[1 : 1 + dropped], [*cell[:1], *cell[1 + dropped :]]
        yield {
            "first": first,
            "size": size,
            "capacity": 64,
            "entry": entry,
            "void": void,
            "lanes": partition.lanes(first, size),
            "lane": lane,
            "members": len(indices),
            "start": indices[:3],
            "end": indices[-1],
            "sha256_of_decimals_joined_by_commas": sha256(
                ",".join(map(str, indices)).encode()
            ).hexdigest(),
        }


def openings(group: Group) -> list[Opening]:
    """17 purchases and one that no ring of the cases holds; for the slow group 3 in all."""
    product, other = product_scalar(group, KETTLE), product_scalar(group, LAMP)
    batch, unit = batch_scalar(group, "L2026-114"), unit_scalar(group, "SN-0001")
    return [
        Opening(
            Attributes(
                product if number % 3 else other,
                DAY + 2 * number,
                1_999 + 500 * number,
                EUR,
                batch if number % 2 else 0,
                unit if number % 5 == 0 else 0,
            ),
            *(scalar(group, "own", name, number) for name in ("serial", "secret", "blinding")),
        )
        for number in range(18 if group is P256 else 3)
    ]


def purchase_entry(group: Group, opening: Opening) -> dict[str, Any]:
    names = {name: getattr(opening.attributes, name) for name in ATTRIBUTES}
    keys = {name: getattr(opening, name) for name in ("serial", "secret", "blinding")}
    return {
        "attributes": {name: group.encode_scalar(value).hex() for name, value in names.items()},
        **{name: group.encode_scalar(value).hex() for name, value in keys.items()},
        "commitment": group.encode(commit(group, opening)).hex(),
    }


def request(group: Group, order: str) -> dict[str, str]:
    names = ("serial_0", "secret", "blinding")
    keys = BuyerKeys(*(scalar(group, "request", name, order) for name in names))
    secrets = [keys.serial_0, keys.secret, keys.blinding]
    random = HedgedScalars(group, secrets, order.encode(), ENTROPY)
    made = prove_request(group, ORIGIN, order, keys, random.scalar)
    shift = serial_shift(group, ORIGIN, order, made.commitment)
    scalars = dict(zip(names, secrets, strict=True))
    return {
        "origin": ORIGIN,
        "order": order,
        **{name: group.encode_scalar(value).hex() for name, value in scalars.items()},
        "B": made.commitment.hex(),
        "narg": made.proof.hex(),
        "t": group.encode_scalar(shift).hex(),
        "serial": group.encode_scalar((keys.serial_0 + shift) % group.order).hex(),
    }


def blinded(group: Group, number: int) -> tuple[bytes, int]:
    """E of the purchase with this number, encoded, and its beta."""
    beta = scalar(group, "own", "beta", number)
    return group.encode(blind(group, openings(group)[number], beta)), beta


def acceptance(group: Group, E: bytes, number: int = 0) -> tuple[Acceptance, BuyerKeys]:
    """What the new owner with this number answers, and its keys."""
    names = ("secret", "blinding")
    keys = BuyerKeys(0, *(scalar(group, "new owner", name, number) for name in names))
    random = HedgedScalars(group, [keys.secret, keys.blinding], E, ENTROPY)
    return prove_acceptance(group, ORIGIN, E, keys, random.scalar), keys


def acceptances(group: Group) -> Iterator[dict[str, Any]]:
    """An acceptance, and what others could make of it."""
    (E, _), (other_E, _) = blinded(group, 1), blinded(group, 2)
    honest, keys = acceptance(group, E)
    other, _ = acceptance(group, E, 1)
    date = attribute_generator(group, "date")
    later = group.add(group.decode(honest.commitment), group.multiply(365, date))
    base = "an acceptance"
    yield {
        "name": base,
        "expected": "accept",
        "origin": ORIGIN,
        "blinded": E.hex(),
        "acceptance": honest.document(),
        "secret": group.encode_scalar(keys.secret).hex(),
        "blinding": group.encode_scalar(keys.blinding).hex(),
    }
    for name, origin, offered, answer, why in [
        ("other origin", "other", E, honest, "bound to: the log"),
        ("other E", ORIGIN, other_E, honest, "bound to: E"),
        ("E negated", ORIGIN, _negated(group, E), honest, "bound to: E"),
        ("E that is no point", ORIGIN, bytes(group.point_size), honest, "decoding"),
        (
            "C_new of another new owner",
            ORIGIN,
            E,
            replace(honest, commitment=other.commitment),
            "bound to: C_new",
        ),
        (
            "C_new a year later",
            ORIGIN,
            E,
            replace(honest, commitment=group.encode(later)),
            "what is added has an attribute in it",
        ),
        ("C_new that is E", ORIGIN, E, replace(honest, commitment=E), "nothing is added"),
        (
            "last scalar plus one",
            ORIGIN,
            E,
            replace(honest, proof=honest.proof[:-1] + bytes([honest.proof[-1] ^ 1])),
            "the equation",
        ),
    ]:
        yield {
            "name": name,
            "expected": "reject",
            "origin": origin,
            "blinded": offered.hex(),
            "acceptance": answer.document(),
            "base": base,
            "why": why,
        }


def transfer_body(group: Group, number: int) -> TransferBody:
    """The transfer of the purchase with this number."""
    E, _ = blinded(group, number)
    return TransferBody(
        origin=ORIGIN,
        date="2026-11-21",
        first=0,
        size=18,
        voided_at=20,
        lane=0,
        blinded=E,
        acceptance=acceptance(group, E)[0],
        nonce=_noise("nonce", number)[:16].hex(),
    )


def transfers(group: Group) -> Iterator[dict[str, Any]]:
    """Bodies with what follows from them."""
    for number in (1, 2):
        body = transfer_body(group, number)
        scope = transfer_scope(ORIGIN, body.acceptance.commitment)
        yield {"body": body.document(), "context": body.context.hex(), "scope": scope.text}


def policies(group: Group) -> Iterator[dict[str, Any]]:
    """Events of policies, and the predicates of a claim under one of their versions."""
    everything = {
        "purchased": {"oldest": "P2Y", "newest": "P1D"},
        "price": {"currency": "EUR", "min": 1_000},
        "products": [KETTLE, LAMP],
        "batches": ["L2026-114"],
    }
    since = {"purchased": {"oldest": "P2Y"}, "covers_from": "2026-01-01"}
    first, second = _published(0, 1), _published(1, 2, claims_per_purchase=3)
    ended = [first, second, _ended(2, 1, "2026-11-23", by=2)]
    early = _ended(1, 1, "2026-11-22", time="2026-11-20T08:00:00Z")
    closed = {"type": "log.closed", "time": "2026-11-22T00:00:09Z"}
    for name, events, version, date in [
        ("all conditions", [_published(0, 1, **everything)], 1, "2026-03-01"),
        (
            "a year before 29 February",
            [_published(0, 1, purchased={"oldest": "P1Y"})],
            1,
            "2028-02-29",
        ),
        ("no condition", [first], 1, "2026-11-22"),
        ("covers_from", [_published(0, 1, covers_from="2026-01-01")], 1, "2026-11-22"),
        ("covers_from within the window", [_published(0, 1, **since)], 1, "2026-11-22"),
        ("covers_from before the window", [_published(0, 1, **since)], 1, "2028-11-22"),
        ("covers_from still to come", [_published(0, 1, **since)], 1, "2025-12-31"),
        ("superseded, a claim of the day before", ended, 1, "2026-11-22"),
        ("superseded, a claim of the day", ended, 1, "2026-11-23"),
        ("what superseded it", ended, 2, "2026-11-23"),
        (
            "superseded, then withdrawn for the same day",
            [*ended, _ended(3, 1, "2026-11-23")],
            1,
            "2026-12-24",
        ),
        (
            "ended within the window",
            [_published(0, 1, **since), _ended(1, 1, "2026-11-23")],
            1,
            "2026-12-24",
        ),
        (
            "ended, nothing left",
            [_published(0, 1, **since), _ended(1, 1, "2026-11-23")],
            1,
            "2028-11-23",
        ),
        ("an end for the day of the event", [first, _ended(1, 1, "2026-11-22")], 1, "2026-12-24"),
        ("an end that is in time", [first, early], 1, "2026-12-24"),
        ("the same behind a later close", [first, closed, early], 1, "2026-12-24"),
        (
            "superseded by what is not there",
            [first, _ended(1, 1, "2026-11-23", by=2)],
            1,
            "2026-12-24",
        ),
    ]:
        fold = VersionFold(ORIGIN)
        for event in events:
            fold.read(event)
        found, day = fold.versions["p", version], dt.date.fromisoformat(date)
        shown = policy_predicates(group, found, day) if found.is_open_on(day) else None
        yield {
            "name": name,
            "origin": ORIGIN,
            "events": events,
            "policy": "p",
            "version": version,
            "end": found.end and found.end.isoformat(),
            "date": date,
            "predicates": shown and [predicate_entry(group, each) for each in shown],
        }


def _published(number: int, version: int, **members: Any) -> dict[str, Any]:
    policy = parse_policy(
        {
            "schema": "kvitto-policy/v1",
            "origin": ORIGIN,
            "id": "p",
            "version": version,
            "kind": "warranty",
            "title": "A promise",
            "smallest_ring": 16,
            "valid_from": "2020-01-01",
            "valid_to": "2035-12-31",
            "remedies": ["repair"],
            "response_time": "P7D",
            **members,
        }
    )
    time = "2026-11-20T08:00:00Z"
    return {
        "type": "policy.published",
        "time": time,
        "number": number,
        "policy": policy.document(),
    }


def _ended(
    number: int,
    version: int,
    first: str,
    by: int | None = None,
    time: str = "2026-11-22T08:00:00Z",
) -> dict[str, Any]:
    """Withdrawn, or superseded ``by`` a version."""
    return {
        "type": "policy.withdrawn" if by is None else "policy.superseded",
        "time": time,
        "number": number,
        "policy": "p",
        "version": version,
        **({} if by is None else {"by": by}),
        "from": first,
    }


CLAIM = (
    Scope("serial", f"claim|{ORIGIN}|warranty-2y|0"),
    Scope("secret", f"claim|{ORIGIN}|warranty-2y|0"),
)
REVIEW = Scope("serial", f"review|{ORIGIN}|kettle")
Entry = dict[str, Any]


class _Cases:
    """The cases of a group: proofs that are accepted, changed ones, and cheats."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.openings = openings(group)
        self.members = [group.encode(commit(group, opening)) for opening in self.openings]
        self.sets = product_scalar(group, KETTLE), product_scalar(group, LAMP)

    def all(self) -> Iterator[Entry]:
        if self.group is P256:
            yield from self.of_p256()
        else:
            yield from self.of_bls12381()

    def statement(
        self,
        ring: Sequence[int],
        predicates: Sequence[Predicate],
        scopes: Sequence[Scope] = CLAIM,
        **changes: Any,
    ) -> Statement:
        size = len(self.openings)
        fields = {
            "origin": ORIGIN,
            "first": 0,
            "size": size,
            "root": _noise("root", "cases"),
            "voided_at": size + 2,
            "lane": 0,
            "context": _noise("context", 0),
            **changes,
        }
        return Statement(
            group=self.group,
            ring=Ring(self.group, [self.members[i] for i in ring]),
            predicates=tuple(predicates),
            scopes=tuple(scopes),
            **fields,
        )

    def of_p256(self) -> Iterator[Entry]:
        kettle, lamp = self.sets
        warranty = (
            Equals("product", kettle),
            Range("date", DAY, DAY + 365),
            Range("price", 1_000, 500_000),
            Equals("currency", EUR),
        )
        bound = self.statement(range(17), warranty)
        yield self.accept("warranty, ring of 17", bound, 4)
        yield self.accept(
            "product set, a secret tag, ring of five",
            self.statement(range(5), [OneOf("product", (lamp, 5, kettle))], CLAIM[1:]),
            3,
        )
        own = self.openings[0].attributes
        yield self.accept(
            "ring of one, everything shown",
            self.statement(
                [0], [Equals(n, v) for n, v in zip(ATTRIBUTES, own.values(), strict=True)], []
            ),
            0,
        )
        yield self.accept("ring of two, only possession", self.statement([6, 7], [], [REVIEW]), 7)
        yield self.accept(
            "every kind, odd widths",
            self.statement(
                range(5),
                [
                    OneOf("product", (*tuple(range(3, 7)), kettle)),
                    Range("date", DAY + 4, DAY + 4),
                    Range("price", 2_998, 2_999),
                    Range("currency", 0, 999),
                    OneOf("batch", (0,)),
                    Equals("unit", 0),
                ],
                (*CLAIM, REVIEW),
            ),
            2,
        )
        moved = self.transfer(range(17), 4)
        yield self.accept("a transfer, ring of 17", moved, 4)
        yield from self.changed("warranty, ring of 17", bound, 4)
        yield from self.misread("warranty, ring of 17", bound, 4)
        yield from self.substituted("a transfer, ring of 17", moved, 4)
        yield from self.cheats()
        yield from self.transfer_cheats()

    def of_bls12381(self) -> Iterator[Entry]:
        kettle, lamp = self.sets
        both = self.statement(
            [0, 1], [OneOf("product", (lamp, kettle)), Range("date", DAY, DAY + 3)], CLAIM[:1]
        )
        name = "ring of two, set and range"
        yield self.accept(name, both, 1)
        yield self.accept("ring of one, a secret tag", self.statement([2], [], CLAIM[1:]), 2)
        yield self.accept("a transfer, ring of two", self.transfer([0, 1], 1), 1)
        honest = self.prove(both, 1)
        other = self.statement([0, 1], both.predicates, CLAIM[:1], context=_noise("context", 1))
        yield self.reject("other context", other, honest, name, "bound to its context")
        size = self.group.point_size
        for title, point in [
            ("head point: the identity", b"\xc0" + bytes(47)),
            ("head point: of order three", b"\x80" + bytes(47)),
            ("head point: not of the subgroup", _outside_the_subgroup()),
        ]:
            proof = honest[:1] + point + honest[1 + size :]
            yield self.reject(title, both, proof, name, "decoding")
        lie = Lie(tags={0: scalar(self.group, "fresh")})
        yield self.cheat("a tag from another serial", "only the tag's equation fails", both, 1, lie)
        yield self.cheat(
            "shows another product, one_of",
            "only the equation of V_product fails",
            both,
            1,
            Lie(committed={"product": lamp}),
        )

    def transfer(
        self, ring: Sequence[int], mine: int, E: bytes | None = None, **changes: Any
    ) -> Statement:
        """The transfer of a purchase; its body is not that of :func:`transfers`."""
        E = E or blinded(self.group, mine)[0]
        answer, _ = acceptance(self.group, E)
        scope = transfer_scope(ORIGIN, answer.commitment)
        return self.statement(ring, [], [scope], **{"blinded": E, **changes})

    def substituted(self, base: str, claim: Statement, mine: int) -> Iterator[Entry]:
        """The proof of one transfer, shown for another, or for none."""
        proof, ring = self.prove(claim, mine), range(17)
        other_E, _ = blinded(self.group, 5)
        scope = transfer_scope(
            ORIGIN, acceptance(self.group, claim.blinded or b"", 1)[0].commitment
        )
        size = self.group.point_size + self.group.scalar_size
        for name, other, shown, why in [
            ("other E", self.transfer(ring, mine, blinded=other_E), proof, "E"),
            ("no E", self.transfer(ring, mine, blinded=None), proof, "the equation of E"),
            ("no E, cut to fit", self.transfer(ring, mine, blinded=None), proof[:-size], "E"),
            ("other C_new", replace(claim, scopes=(scope,)), proof, "C_new"),
            ("other acceptance", replace(claim, context=_noise("context", 1)), proof, "the body"),
            ("delta plus one", claim, proof[:-1] + bytes([proof[-1] ^ 1]), "the equation of E"),
        ]:
            yield self.reject(f"transfer: {name}", other, shown, base, f"bound to: {why}")

    def transfer_cheats(self) -> Iterator[Entry]:
        """What an owner could try to hand over; each breaks the equations it says."""
        group, fresh = self.group, scalar(self.group, "fresh")
        E, beta = blinded(group, 1)
        secret = self.openings[1].secret
        honest = self.transfer(range(5), 1)
        only = "only the equation of E fails"
        for name, why, of, lie in [
            ("hands over a later date", only, self._with(E, "date", 365), Lie()),
            ("hands over a higher price", only, self._with(E, "price", 1), Lie()),
            ("hands over another serial", only, self._with(E, "serial", fresh), Lie()),
            ("hands over its secret too", only, self._with(E, "secret", secret), Lie()),
            (
                "hands over another purchase",
                only,
                self.transfer(range(5), 2),
                Lie(witness={"delta": fresh}),
            ),
            (
                "hands over with the tag of another secret",
                "only the tag's equation fails",
                honest,
                Lie(tags={0: fresh}),
            ),
            (
                "hands over with another secret",
                "only the equations of T and of E fail",
                honest,
                Lie(tags={0: fresh}, witness={"secret": fresh}),
            ),
            (
                "hands over what it has no longer",
                "only the membership equation of the ring fails",
                self.transfer([0, 2, 3], 1),
                Lie(position=1),
            ),
            (
                "errors of T and E that cancel",
                "equal weights would accept",
                honest,
                Lie(nonces={0: Shift(1), 2: Shift(-1)}),
            ),
        ]:
            proof = forge(of, self.openings[1], lie, beta)
            yield self.reject(f"cheat: {name}", of, proof, None, why)

    def _with(self, E: bytes, name: str, by: int) -> Statement:
        """The transfer of an E that has ``by`` more on the generator ``name``."""
        extra = self.group.multiply(by, attribute_generator(self.group, name))
        more = self.group.encode(self.group.add(self.group.decode(E), extra))
        return self.transfer(range(5), 1, more)

    def changed(self, base: str, claim: Statement, mine: int) -> Iterator[Entry]:
        """The proof of one statement, shown for another."""
        proof = self.prove(claim, mine)
        ring, predicates = range(17), claim.predicates
        shorter = self.statement(range(16), predicates)
        backwards = self.statement(ring[::-1], predicates)
        narrow = (predicates[0], Range("date", DAY, DAY + 364), *predicates[2:])
        for name, other, why in [
            ("other context", self.statement(ring, predicates, context=bytes(32)), "context"),
            ("other scope", self.statement(ring, predicates, (REVIEW, CLAIM[1])), "scope"),
            ("kinds swapped", self.statement(ring, predicates, CLAIM[::-1]), "kind of the scope"),
            ("other origin", self.statement(ring, predicates, origin="other"), "the log"),
            ("other first", self.statement(ring, predicates, first=1), "the span"),
            ("other size", self.statement(ring, predicates, size=19), "the checkpoint"),
            ("other root", self.statement(ring, predicates, root=bytes(32)), "the checkpoint"),
            ("other void horizon", self.statement(ring, predicates, voided_at=21), "the horizon"),
            ("other lane", self.statement(ring, predicates, lane=1), "the lane"),
            ("narrower dates", self.statement(ring, narrow), "the range"),
            ("predicate dropped", self.statement(ring, predicates[:3]), "the policy"),
            ("ring without its last member", shorter, "the ring"),
            ("ring in another order", backwards, "the ring"),
        ]:
            yield self.reject(name, other, proof, base, f"bound to: {why}")

    def misread(self, base: str, claim: Statement, mine: int) -> Iterator[Entry]:
        """Bytes that are not the proof."""
        proof = self.prove(claim, mine)
        size, q = self.group.point_size, self.group.order
        head, rest = proof[:1], proof[1 + size :]
        for name, wrong, why in [
            ("truncated", proof[:-1], "length"),
            ("trailing byte", proof + b"\0", "length"),
            ("empty", b"", "length"),
            ("version 2", b"\2" + proof[1:], "version byte"),
            ("last scalar is q", proof[:-32] + q.to_bytes(32, "big"), "not below q"),
            ("last scalar is all ones", proof[:-32] + b"\xff" * 32, "not below q"),
            ("head point: identity as zero bytes", head + bytes(size) + rest, "decoding"),
            ("head point: prefix 04", head + b"\4" + proof[2:], "decoding"),
            ("head point: prefix 00", head + b"\0" + proof[2:], "decoding"),
            ("head point: x above p", head + b"\2" + b"\xff" * 32 + rest, "decoding"),
            ("head point: negated", head + bytes([proof[1] ^ 1]) + proof[2:], "challenges"),
            ("last scalar plus one", proof[:-1] + bytes([proof[-1] ^ 1]), "an equation"),
            ("proof of another member", self.prove(claim, 5)[:-32] + proof[-32:], "an equation"),
        ]:
            yield self.reject(name, claim, wrong, base, why)

    def cheats(self) -> Iterator[Entry]:
        """Each breaks the equations it says and no other."""
        group, (kettle, lamp) = self.group, self.sets
        fresh, half = scalar(group, "fresh"), pow(2, -1, group.order)
        dates = (Equals("product", kettle), Range("date", DAY, DAY + 365))
        claim = self.statement(range(5), dates)
        product = self.statement(range(5), [OneOf("product", (lamp, 7))])
        third = self.statement(range(5), dates, (*CLAIM, REVIEW))
        price = self.statement(range(5), [Range("price", 1_000, 5_000)])
        tag, V = "only the tag's equation fails", "only the equation of {} fails"
        for name, why, of, mine, lie in [
            ("a tag from another serial", tag, claim, 1, Lie(tags={0: fresh})),
            ("a secret-scope tag from another secret", tag, claim, 1, Lie(tags={1: fresh})),
            ("a third tag from another serial", tag, third, 1, Lie(tags={2: fresh})),
            (
                "shows a date that it does not have, range",
                V.format("V_date"),
                claim,
                1,
                Lie(committed={"date": DAY + 100}),
            ),
            (
                "shows a price that it does not have",
                V.format("V_price"),
                price,
                1,
                Lie(committed={"price": 1_000}),
            ),
            (
                "shows another product, one_of",
                V.format("V_product"),
                product,
                1,
                Lie(committed={"product": lamp}),
            ),
            (
                "shows and says another date",
                V.format("T"),
                claim,
                1,
                Lie(committed={"date": DAY + 100}, witness={"date": DAY + 100}),
            ),
            (
                "claims another secret",
                V.format("T"),
                claim,
                1,
                Lie(tags={1: fresh}, witness={"secret": fresh}),
            ),
            (
                "product outside the set",
                "only the membership equation of one_of fails",
                product,
                1,
                Lie(sets={"product": 0}),
            ),
            (
                "commitment outside the ring",
                "only the membership equation of the ring fails",
                claim,
                7,
                Lie(position=3),
            ),
            (
                "a product between two of the set",
                "only the digit equation of one_of fails",
                self.statement(range(5), [OneOf("product", (kettle - 1, kettle + 1))]),
                1,
                Lie(sets={"product": Selector((half, half, 0, 0))}),
            ),
            (
                "a digit that is two",
                "only the range equation fails",
                self.statement([2, 3], [Range("date", DAY, DAY + 3)], []),
                2,
                Lie(digits={"date": [0, 2]}),
            ),
            (
                "date out of the range",
                "only the range equation fails",
                self.statement([2, 3], [Range("date", DAY, DAY + 3)], []),
                3,
                Lie(),
            ),
            (
                "errors that cancel",
                "equal weights would accept",
                claim,
                1,
                Lie(nonces={0: Shift(1), 1: Shift(-1)}),
            ),
            (
                "errors that cancel across parts",
                "equal weights would accept",
                claim,
                1,
                Lie(nonces={0: Shift(1), 3: Shift(-1)}),
            ),
        ]:
            yield self.cheat(name, why, of, mine, lie)
        yield self.average(half)

    def average(self, half: int) -> Entry:
        """Two purchases of the ring, halved: a third with a tag of its own."""
        q, one, two = self.group.order, self.openings[1], self.openings[2]
        attributes = object.__new__(Attributes)
        for name in ATTRIBUTES:
            value = (getattr(one.attributes, name) + getattr(two.attributes, name)) * half % q
            object.__setattr__(attributes, name, value)
        keys = (
            (getattr(one, name) + getattr(two, name)) * half % q
            for name in ("serial", "secret", "blinding")
        )
        mixed = Opening(attributes, *keys)
        claim = self.statement([1, 2], [Range("date", DAY + 3, DAY + 3)], CLAIM[:1])
        lie = Lie(position=Selector((half, half, 0, 0)))
        why = "a selector that is not bits: only the digit equation of the ring fails"
        proof = forge(claim, mixed, lie)
        return self.reject("cheat: the average of two purchases", claim, proof, None, why)

    def prove(self, claim: Statement, mine: int) -> bytes:
        return prove(claim, self.openings[mine], beta=self.beta(claim, mine), entropy=ENTROPY)

    def beta(self, claim: Statement, mine: int) -> int | None:
        return None if claim.blinded is None else blinded(self.group, mine)[1]

    def accept(self, name: str, claim: Statement, mine: int) -> Entry:
        proof = self.prove(claim, mine)
        tags = [tag.hex() for tag in verify(claim, proof).tags]
        entry = {"name": name, "expected": "accept", **self.entry(claim, proof)}
        beta = self.beta(claim, mine)
        if beta is not None:
            entry["beta"] = self.group.encode_scalar(beta).hex()
        return {**entry, "tags": tags} if tags else entry

    def cheat(self, name: str, why: str, claim: Statement, mine: int, lie: Lie) -> Entry:
        proof = forge(claim, self.openings[mine], lie)
        return self.reject(f"cheat: {name}", claim, proof, None, why)

    def reject(
        self, name: str, claim: Statement, proof: bytes, base: str | None, why: str
    ) -> Entry:
        entry = {"name": name, "expected": "reject", **self.entry(claim, proof)}
        return {**entry, **({"base": base} if base else {}), "why": why}

    def entry(self, claim: Statement, proof: bytes) -> Entry:
        return {
            "statement": statement_entry(claim, self.members),
            "encoded_statement_sha256": sha256(claim.encode()).hexdigest(),
            "proof": proof.hex(),
        }


def statement_entry(claim: Statement, members: Sequence[bytes]) -> Entry:
    """A statement as JSON, its ring as indices."""
    return {
        "origin": claim.origin,
        "first": claim.first,
        "size": claim.size,
        "root": claim.root.hex(),
        "voided_at": claim.voided_at,
        "lane": claim.lane,
        "ring": [members.index(member) for member in claim.ring.members],
        "predicates": [predicate_entry(claim.group, p) for p in claim.predicates],
        "scopes": [{"kind": s.kind, "scope": s.text} for s in claim.scopes],
        "context": claim.context.hex(),
        **({"blinded": claim.blinded.hex()} if claim.blinded is not None else {}),
    }


def predicate_entry(group: Group, predicate: Predicate) -> Entry:
    if isinstance(predicate, Range):
        rest: Entry = {"kind": "range", "lo": predicate.lo, "hi": predicate.hi}
    elif isinstance(predicate, Equals):
        rest = {"kind": "equals", "value": group.encode_scalar(predicate.value).hex()}
    else:
        values = [group.encode_scalar(value).hex() for value in predicate.values]
        rest = {"kind": "one_of", "values": values}
    return {"attribute": predicate.attribute, **rest}


def invalid_statements(group: Group) -> Iterator[Entry]:
    """A valid statement with one member replaced; section 5 calls each invalid."""
    cases = _Cases(group)
    valid = statement_entry(cases.statement([0, 1], [Range("date", 1, 2)]), cases.members)
    q = group.order.to_bytes(32, "big").hex()
    date, price = (
        {"attribute": name, "kind": "range", "lo": 0, "hi": 1} for name in ("date", "price")
    )
    one_of = {"attribute": "product", "kind": "one_of"}
    numbered = [{"kind": "serial", "scope": str(number)} for number in range(9)]
    scalars = [group.encode_scalar(number).hex() for number in range(257)]
    for name, field, value in [
        ("predicates out of order", "predicates", [price, date]),
        ("attribute twice", "predicates", [date, date]),
        ("unknown attribute", "predicates", [{**date, "attribute": "colour"}]),
        ("predicate on the secret", "predicates", [{**date, "attribute": "secret"}]),
        ("unknown kind", "predicates", [{**date, "kind": "prefix"}]),
        ("lo above hi", "predicates", [{**date, "lo": 2}]),
        ("negative bound", "predicates", [{**date, "lo": -1}]),
        ("bound of 2^64", "predicates", [{**date, "lo": 2**64, "hi": 2**64}]),
        ("width 2^48", "predicates", [{**price, "hi": 2**48}]),
        (
            "129 digits",
            "predicates",
            [
                {**date, "attribute": n, "hi": hi}
                for n, hi in [("product", 2**48 - 1), ("date", 2**48 - 1), ("price", 2**33 - 1)]
            ],
        ),
        ("value q", "predicates", [{"attribute": "product", "kind": "equals", "value": q}]),
        ("empty set", "predicates", [{**one_of, "values": []}]),
        ("set of 257", "predicates", [{**one_of, "values": scalars}]),
        ("set with a repeated value", "predicates", [{**one_of, "values": scalars[1:2] * 2}]),
        ("set value q", "predicates", [{**one_of, "values": [q]}]),
        ("scope twice", "scopes", numbered[:1] * 2),
        ("nine scopes", "scopes", numbered),
        ("unknown scope kind", "scopes", [{"kind": "owner", "scope": "a"}]),
        ("empty ring", "ring", []),
        ("ring with a repeated commitment", "ring", [0, 1, 0]),
        ("first not below size", "first", valid["size"]),
        ("void horizon below size", "voided_at", valid["size"] - 1),
        ("lane of 65 bits", "lane", 2**64),
        ("root of 31 bytes", "root", "00" * 31),
        ("context of 31 bytes", "context", "00" * 31),
        ("E that is no point", "blinded", "00" * group.point_size),
        ("E that is empty", "blinded", ""),
    ]:
        yield {"name": name, "statement": {**valid, field: value}}


def _negated(group: Group, encoded: bytes) -> bytes:
    return group.encode(group.negate(group.decode(encoded)))


def _noise(*name: object) -> bytes:
    return sha256(repr(name).encode()).digest()


def _outside_the_subgroup() -> bytes:
    """The least x that is on the curve; its points have another order than the group."""
    for x in range(1, 100):
        data = bytes([0x80]) + x.to_bytes(47, "big")
        try:
            BLS12381.decode(data)
        except FormatError as error:
            if "subgroup" in str(error):
                return data
    raise AssertionError


if __name__ == "__main__":
    for file_group, file_name in FILES.items():
        (FOLDER / file_name).write_text(text_of(file_group), "utf-8")
