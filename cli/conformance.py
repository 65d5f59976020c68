"""Running a vector file (``kvitto-v01.json``): whether this implementation agrees with it.

An entry is an item of a list or a member of an object; of ``transcript``, the session id and each
challenge. ``note`` is prose. A section that is not known is a failure, never skipped.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from cli.proof_json import (
    beta_from_json,
    opening_from_json,
    predicate_from_json,
    read_json,
    read_list,
    read_object,
    read_scalar,
    read_text,
    read_whole,
    statement_from_json,
)
from commitments.attributes import batch_scalar, product_scalar, unit_scalar
from commitments.domain import claim_session
from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.generators import generator
from commitments.group import Group
from commitments.purchase import BuyerKeys, Opening, serial_shift
from commitments.sale import parse_day
from commitments.wire import parse_decimal, parse_hex
from ledger.closes import Close, seed
from ledger.partition import Partition, shuffle_key
from policies.claim import policy_predicates
from policies.transfer import parse_transfer, transfer_scope
from zk.hedged import HedgedScalars
from zk.issuance import BuyerRequest, prove_request, verify_request
from zk.prove import prove
from zk.range_proof import digits_of
from zk.statement import Scope, Statement, digit_weights, tag_base
from zk.transcript import Transcript, derive_session_id
from zk.transfer import Acceptance, parse_acceptance, prove_acceptance, verify_acceptance
from zk.verify import verify

__all__ = ["Outcome", "run_vectors"]

_TEXT_SCALARS = {"product": product_scalar, "batch": batch_scalar, "unit": unit_scalar}
_REQUEST = ("origin", "order", "serial_0", "secret", "blinding", "B", "narg", "t", "serial")
_RING = (
    *("first", "size", "capacity", "entry", "void", "lanes", "lane", "members"),
    *("start", "end", "sha256_of_decimals_joined_by_commas"),
)
_CASE = ("name", "expected", "statement", "encoded_statement_sha256", "proof")
_CASE_OPTIONAL = ("tags", "beta", "base", "why")
_ACCEPTANCE = ("name", "expected", "origin", "blinded", "acceptance")
_ACCEPTANCE_OPTIONAL = ("secret", "blinding", "base", "why")
_POLICY = ("name", "origin", "events", "policy", "version", "end", "date", "predicates")
_NO_SERIAL = 0  # a new owner's keys have none of their own
_NO_VOID_WINDOW = 0  # a vector says which entries are void, not when they became so


@dataclass(frozen=True)
class Outcome:
    """One entry of a vector file; ``problem`` says what is wrong, None when it passed."""

    section: str
    name: str
    problem: str | None


def run_vectors(path: Path, group: Group) -> list[Outcome]:
    """Check every entry of every section of the file at ``path``, of the ciphersuite of ``group``.

    Raises
    ------
    FormatError
        the file is not a JSON object.
    OSError
        the file cannot be read.
    """
    content = read_json(path.read_bytes(), "file")
    if not isinstance(content, dict):
        raise FormatError("not a JSON object", "file")
    vectors = _Vectors(group, content)
    return [outcome for section in content for outcome in vectors.run(section)]


class _Mismatch(KvittoError):  # noqa: N818 - the name is what it is
    """An entry that does not hold."""


def _equal(ours: object, stated: object, what: str) -> None:
    if ours != stated:
        raise _Mismatch(f"{what}: not the value in the file")


def _check(condition: object, problem: str) -> None:
    if not condition:
        raise _Mismatch(problem)


@dataclass(frozen=True)
class _Vectors:
    """The content of a file, and for each section a method that checks one of its entries."""

    group: Group
    content: Mapping[str, Any]

    def run(self, section: str) -> Iterator[Outcome]:
        """The outcomes of one section."""
        checks: dict[str, Callable[[Any], None]] = {
            "generators": self._generator,
            "text_scalars": self._text_scalar,
            "tag_bases": self._tag_base,
            "digits": self._digits,
            "transcript": self._transcript,
            "closes": self._close,
            "shuffle_keys": self._shuffle_key,
            "rings": self._ring,
            "purchases": self._purchase,
            "requests": self._request,
            "acceptances": self._acceptance,
            "transfers": self._transfer,
            "policies": self._policy,
            "cases": self._case,
            "invalid_statements": self._invalid_statement,
        }
        if section == "note":
            return
        if section not in checks:
            yield Outcome(section, section, "not a known section")
            return
        try:
            entries = self._entries(section)
        except FormatError as error:
            yield Outcome(section, section, _describe(error))
            return
        for name, entry in entries:
            yield Outcome(section, name, _problem(checks[section], entry))

    def _entries(self, section: str) -> list[tuple[str, Any]]:
        """The entries of a section with their names."""
        content = self.content[section]
        if section == "generators":
            return [(label, label) for label in _members(content, section)]
        if section == "transcript":
            count = len(read_list(_members(content, section).get("challenges"), section))
            return [("session_id", None), *((f"challenge {i}", i) for i in range(count))]
        entries = read_list(content, section)
        return [(_name(entry, f"{section}[{i}]"), entry) for i, entry in enumerate(entries)]

    def _generator(self, label: str) -> None:
        stated = parse_hex(self.content["generators"][label], "point", self.group.point_size)
        _equal(self.group.encode(generator(self.group, label)), stated, "point")

    def _text_scalar(self, entry: Any) -> None:
        entry = read_object(entry, "text_scalar", ("attribute", "text", "scalar"))
        attribute = read_text(entry["attribute"], "attribute")
        _check(attribute in _TEXT_SCALARS, "not an attribute that is text")
        ours = _TEXT_SCALARS[attribute](self.group, read_text(entry["text"], "text"))
        _equal(ours, read_scalar(self.group, entry["scalar"], "scalar"), "scalar")

    def _tag_base(self, entry: Any) -> None:
        entry = read_object(entry, "tag_base", ("kind", "scope", "point"))
        scope = Scope(read_text(entry["kind"], "kind"), read_text(entry["scope"], "scope"))
        stated = parse_hex(entry["point"], "point", self.group.point_size)
        _equal(self.group.encode(tag_base(self.group, scope)), stated, "point")

    def _digits(self, entry: Any) -> None:
        entry = read_object(entry, "digits", ("width", "weights", "values"))
        weights = digit_weights(read_whole(entry["width"], "width"))
        _equal(weights, entry["weights"], "weights")
        for text, digits in _members(entry["values"], "values").items():
            _equal(digits_of(parse_decimal(text, "values"), weights), digits, f"digits of {text}")

    def _transcript(self, index: int | None) -> None:
        entry = self.content["transcript"]
        entry = read_object(entry, "transcript", ("session_id", "absorb", "challenges"))
        session = claim_session(self.group)
        if index is None:
            stated = parse_hex(entry["session_id"], "session_id")
            _equal(derive_session_id(session), stated, "session_id")
            return
        transcript = Transcript(self.group, session)
        transcript.absorb(parse_hex(entry["absorb"], "absorb"))
        *_, ours = (transcript.challenge() for _ in range(index + 1))
        _equal(ours, read_scalar(self.group, entry["challenges"][index], "challenge"), "challenge")

    def _close(self, entry: Any) -> None:
        _equal(seed(_close(entry, 0)), parse_hex(entry["seed"], "seed"), "seed")

    def _shuffle_key(self, entry: Any) -> None:
        entry = read_object(entry, "shuffle_key", ("entry", "key"))
        index = read_whole(entry["entry"], "entry")
        close = next((close for close in self._closes if close.size > index), None)
        if close is None:
            raise _Mismatch("no close after the entry")
        _equal(
            shuffle_key(seed(close), index),
            parse_decimal(read_text(entry["key"], "key"), "key", 2**64 - 1),
            "key",
        )

    def _ring(self, entry: Any) -> None:
        entry = read_object(entry, "ring", _RING)
        first, size, capacity, member = (
            read_whole(entry[name], name) for name in ("first", "size", "capacity", "entry")
        )
        _check(0 <= first < size and capacity > 0, "not a span")
        partition = self._partition(capacity)
        lane = partition.lane_of(member, first, size)
        cell = partition.cell(first, size, lane)
        indices = [i for i in cell if i not in read_list(entry["void"], "void")]
        _equal(partition.lanes(first, size), read_whole(entry["lanes"], "lanes"), "lanes")
        _equal(lane, read_whole(entry["lane"], "lane"), "lane")
        _equal(len(indices), read_whole(entry["members"], "members"), "members")
        _equal([indices[:3], indices[-1:]], [entry["start"], [entry["end"]]], "start or end")
        digest = sha256(",".join(map(str, indices)).encode()).hexdigest()
        _equal(digest, entry["sha256_of_decimals_joined_by_commas"], "indices")

    def _purchase(self, entry: Any) -> None:
        opening_from_json(entry, self.group)  # which makes the commitment and compares it

    def _request(self, entry: Any) -> None:
        entry = read_object(entry, "request", _REQUEST)
        origin, order = (read_text(entry[name], name) for name in ("origin", "order"))
        keys = BuyerKeys(
            *(read_scalar(self.group, entry[k], k) for k in ("serial_0", "secret", "blinding"))
        )
        stated = BuyerRequest(parse_hex(entry["B"], "B"), parse_hex(entry["narg"], "narg"))
        verify_request(self.group, origin, order, stated)
        random = HedgedScalars(self.group, [keys.serial_0, keys.secret, keys.blinding], b"")
        ours = prove_request(self.group, origin, order, keys, random.scalar)
        verify_request(self.group, origin, order, ours)
        _equal(ours.commitment, stated.commitment, "B")
        shift = serial_shift(self.group, origin, order, stated.commitment)
        _equal(shift, read_scalar(self.group, entry["t"], "t"), "t")
        serial = (keys.serial_0 + shift) % self.group.order
        _equal(serial, read_scalar(self.group, entry["serial"], "serial"), "serial")

    def _acceptance(self, entry: Any) -> None:
        entry = read_object(entry, "acceptance", _ACCEPTANCE, _ACCEPTANCE_OPTIONAL)
        if entry["expected"] == "reject":
            _check("secret" not in entry, "a rejected acceptance has no keys")
            _check(entry.get("base") in self._accepted_by_new_owners, "its base is not accepted")
            _check(not self._is_accepted(entry), "accepted")
            return
        _equal(entry["expected"], "accept", "expected")
        _check(self._is_accepted(entry), "not accepted")
        origin, blinded, stated = self._offered(entry)
        scalars = [read_scalar(self.group, entry[name], name) for name in ("secret", "blinding")]
        random = HedgedScalars(self.group, scalars, blinded)
        keys = BuyerKeys(_NO_SERIAL, *scalars)
        ours = prove_acceptance(self.group, origin, blinded, keys, random.scalar)
        verify_acceptance(self.group, origin, blinded, ours)
        _equal(ours.commitment, stated.commitment, "commitment")

    def _offered(self, entry: Any) -> tuple[str, bytes, Acceptance]:
        """The origin, E and the acceptance of an entry."""
        return (
            read_text(entry["origin"], "origin"),
            parse_hex(entry["blinded"], "blinded"),
            parse_acceptance(entry["acceptance"], self.group),
        )

    def _is_accepted(self, entry: Any) -> bool:
        origin, blinded, acceptance = self._offered(entry)
        try:
            verify_acceptance(self.group, origin, blinded, acceptance)
        except (FormatError, VerificationError):
            return False
        return True

    def _transfer(self, entry: Any) -> None:
        entry = read_object(entry, "transfer", ("body", "context", "scope"))
        body = parse_transfer(entry["body"], self.group)
        verify_acceptance(self.group, body.origin, body.blinded, body.acceptance)
        _equal(body.context, parse_hex(entry["context"], "context"), "context")
        scope = transfer_scope(body.origin, body.acceptance.commitment)
        _equal(scope.text, read_text(entry["scope"], "scope"), "scope")

    def _policy(self, entry: Any) -> None:
        from aftersales.versions import VersionFold  # slow to import

        entry = read_object(entry, "policy", _POLICY)
        fold = VersionFold(read_text(entry["origin"], "origin"))
        for event in read_list(entry["events"], "events"):
            fold.read(event)
        version = fold.versions[entry["policy"], entry["version"]]
        _equal(version.end and version.end.isoformat(), entry["end"], "end")
        claimed = parse_day(read_text(entry["date"], "date"))
        if entry["predicates"] is None:
            _check(not version.is_open_on(claimed), "a claim could be made")
            return
        _check(version.is_open_on(claimed), "no claim could be made")
        stated = enumerate(read_list(entry["predicates"], "predicates"))
        predicates = [predicate_from_json(p, self.group, f"predicates[{i}]") for i, p in stated]
        _equal([*policy_predicates(self.group, version, claimed)], predicates, "predicates")

    def _case(self, entry: Any) -> None:
        entry = read_object(entry, "case", _CASE, _CASE_OPTIONAL)
        statement = self._statement(entry["statement"])
        digest = sha256(statement.encode()).hexdigest()
        _equal(digest, entry["encoded_statement_sha256"], "encoded statement")
        proof = parse_hex(entry["proof"], "proof")
        if entry["expected"] == "accept":
            tags = verify(statement, proof).tags
            _equal([tag.hex() for tag in tags], entry.get("tags", []), "tags")
            self._prove_again(statement, beta_from_json(entry, self.group), tags, len(proof))
        elif entry["expected"] == "reject":
            _check("tags" not in entry, "a rejected proof has no tags")
            _check(entry.get("base") in {None, *self._accepted}, "its base is not accepted")
            _check(not _accepts(statement, proof), "accepted")
        else:
            raise FormatError("neither accept nor reject", "expected")

    def _invalid_statement(self, entry: Any) -> None:
        entry = read_object(entry, "invalid_statement", ("name", "statement"), ("why",))
        try:
            self._statement(entry["statement"])
        except FormatError:
            return
        raise _Mismatch("taken for a valid statement")

    def _prove_again(
        self, statement: Statement, beta: int | None, tags: tuple[bytes, ...], length: int
    ) -> None:
        """The same purchase makes a proof here too: as long, accepted, with the same tags."""
        for member in statement.ring.members:
            opening = self._openings[member]
            if _satisfies(opening, statement) and _tags(opening, statement) == tags:
                proof = prove(statement, opening, beta=beta)
                _equal(len(proof), length, "length of a proof made here")
                _equal(verify(statement, proof).tags, tags, "tags of a proof made here")
                return
        raise _Mismatch("no purchase has these tags")

    def _statement(self, value: Any) -> Statement:
        return statement_from_json(value, self.group, list(self._openings))

    def _partition(self, capacity: int) -> Partition:
        if capacity not in self._partitions:
            self._partitions[capacity] = Partition(capacity, _NO_VOID_WINDOW, self._closes)
        return self._partitions[capacity]

    @cached_property
    def _partitions(self) -> dict[int, Partition]:
        return {}

    @cached_property
    def _closes(self) -> list[Close]:
        entries = read_list(self.content.get("closes"), "closes")
        return [_close(entry, number) for number, entry in enumerate(entries)]

    @cached_property
    def _openings(self) -> dict[bytes, Opening]:
        """By commitment, in the order of the file: rings name purchases by their place."""
        entries = read_list(self.content.get("purchases"), "purchases")
        return {
            parse_hex(entry["commitment"], "commitment"): opening_from_json(entry, self.group)
            for entry in entries
        }

    @cached_property
    def _accepted(self) -> set[str]:
        """Names of the cases that are to be accepted and are."""
        return {
            entry["name"]
            for entry in self.content["cases"]
            if entry["expected"] == "accept"
            and _accepts(self._statement(entry["statement"]), parse_hex(entry["proof"], "proof"))
        }

    @cached_property
    def _accepted_by_new_owners(self) -> set[str]:
        """Names of the acceptances that are to be accepted and are."""
        return {
            entry["name"]
            for entry in self.content["acceptances"]
            if entry["expected"] == "accept" and self._is_accepted(entry)
        }


def _problem(check: Callable[[Any], None], entry: Any) -> str | None:
    try:
        check(entry)
    except KvittoError as error:
        return _describe(error)
    except Exception as error:  # noqa: BLE001 - whatever a strange entry provokes, it did not pass
        return f"cannot be checked ({type(error).__name__})"
    return None


def _describe(error: KvittoError) -> str:
    field = error.field if isinstance(error, FormatError) else None
    return f"{field}: {error}" if field else str(error)


def _name(entry: Any, place: str) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else place


def _members(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("not an object", field)
    return value


def _close(entry: Any, number: int) -> Close:
    entry = read_object(entry, "close", ("size", "root", "seed_signatures", "seed"))
    return Close(
        number=number,
        period=number,
        size=read_whole(entry["size"], "size"),
        root=parse_hex(entry["root"], "root"),
        signatures=tuple(
            parse_hex(s, "seed_signatures") for s in read_list(entry["seed_signatures"], "close")
        ),
    )


def _accepts(statement: Statement, proof: bytes) -> bool:
    try:
        verify(statement, proof)
    except (FormatError, VerificationError):
        return False
    return True


def _satisfies(opening: Opening, statement: Statement) -> bool:
    values = opening.values()
    return all(p.admits(values[p.attribute]) for p in statement.predicates)


def _tags(opening: Opening, statement: Statement) -> tuple[bytes, ...]:
    group, values = statement.group, opening.values()
    points = (group.multiply(values[s.kind], tag_base(group, s)) for s in statement.scopes)
    return tuple(map(group.encode, points))
