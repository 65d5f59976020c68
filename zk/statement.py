"""The statement: what a proof says about one hidden purchase (docs/protocol.md 5).

The verifier builds it; nothing in it is taken from the prover unchecked. A ``Statement`` that
exists is valid: every constructor here raises ``FormatError`` for what section 5 calls invalid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import pairwise

from commitments.attributes import attribute_id
from commitments.domain import suite_name, tag_dst
from commitments.errors import FormatError
from commitments.group import Group, Point
from commitments.wire import le, lp, parse_identifier, require_nfc

__all__ = [
    "Equals",
    "OneOf",
    "Predicate",
    "Range",
    "Ring",
    "Scope",
    "Statement",
    "digit_weights",
    "secret_tag",
    "tag_base",
]

HASH_SIZE = 32
MAX_DIGITS = 128
MAX_SCOPES = 8
MAX_SET = 256
_U64 = 1 << 64
_WIDTH_LIMIT = 1 << 48
_SCOPE_KINDS = {"serial": 1, "secret": 2}
_LONGEST_SCOPE = 1000
_CACHED_BASES = 4096  # one per scope in use, 0.4 ms each to make


@dataclass(frozen=True)
class Equals:
    """The attribute has this public value."""

    attribute: str
    value: int

    def encode(self, group: Group) -> bytes:
        """The predicate's bytes in the encoded statement."""
        return bytes([attribute_id(self.attribute), 1]) + group.encode_scalar(self.value)

    def validate(self, group: Group) -> None:
        """``FormatError`` unless the value is a scalar."""
        _require_scalar(group, self.value, self.attribute)

    def admits(self, value: int) -> bool:
        """Whether ``value`` satisfies the predicate."""
        return value == self.value


@dataclass(frozen=True)
class Range:
    """``lo <= value <= hi``, both public, less than 2^48 apart."""

    attribute: str
    lo: int
    hi: int

    @property
    def width(self) -> int:
        """``hi - lo``."""
        return self.hi - self.lo

    def encode(self, _group: Group) -> bytes:
        """The predicate's bytes in the encoded statement."""
        return bytes([attribute_id(self.attribute), 2]) + le(self.lo, 8) + le(self.hi, 8)

    def validate(self, _group: Group) -> None:
        """``FormatError`` for bounds that are reversed, outside 64 bits or 2^48 apart."""
        if not 0 <= self.lo <= self.hi < _U64:
            raise FormatError("bounds are reversed or outside 64 bits", self.attribute)
        if self.width >= _WIDTH_LIMIT:
            raise FormatError("bounds are 2^48 or more apart", self.attribute)

    def admits(self, value: int) -> bool:
        """Whether ``value`` satisfies the predicate."""
        return self.lo <= value <= self.hi


@dataclass(frozen=True)
class OneOf:
    """The attribute has one of these distinct public values."""

    attribute: str
    values: tuple[int, ...]

    def encode(self, group: Group) -> bytes:
        """The predicate's bytes in the encoded statement."""
        head = bytes([attribute_id(self.attribute), 3]) + le(len(self.values), 4)
        return head + b"".join(map(group.encode_scalar, self.values))

    def validate(self, group: Group) -> None:
        """``FormatError`` for an empty or oversized set, a repeated value or a non-scalar."""
        if not 0 < len(self.values) <= MAX_SET:
            raise FormatError(f"a set has 1 to {MAX_SET} values", self.attribute)
        if len(set(self.values)) != len(self.values):
            raise FormatError("a value occurs twice", self.attribute)
        for value in self.values:
            _require_scalar(group, value, self.attribute)

    def admits(self, value: int) -> bool:
        """Whether ``value`` satisfies the predicate."""
        return value in self.values


Predicate = Equals | Range | OneOf


@dataclass(frozen=True)
class Scope:
    """What a tag is unique for: a kind (``serial`` or ``secret``) and a text."""

    kind: str
    text: str

    def __post_init__(self) -> None:
        if self.kind not in _SCOPE_KINDS:
            raise FormatError("unknown scope kind", "scopes")
        if not 0 < len(self.text) <= _LONGEST_SCOPE:
            raise FormatError("a scope is empty or too long", "scopes")
        require_nfc(self.text, "scopes")

    def encode(self) -> bytes:
        """The scope's bytes in the encoded statement."""
        return bytes([_SCOPE_KINDS[self.kind]]) + lp(self.text.encode("utf-8"))


@lru_cache(maxsize=_CACHED_BASES)
def tag_base(group: Group, scope: Scope) -> Point:
    """``U_k``, the point a scope hashes to (docs/protocol.md 6, part 0)."""
    return group.hash_to_curve(f"{scope.kind}/{scope.text}".encode(), tag_dst(group))


def secret_tag(group: Group, scope_text: str, secret: int) -> bytes | None:
    """``secret * U`` for the secret scope with this text, encoded; None where that is nothing."""
    point = group.multiply(secret, tag_base(group, Scope("secret", scope_text)))
    return None if group.is_identity(point) else group.encode(point)


class Ring:
    """The commitments among which the purchase hides, decoded once and kept.

    Parameters
    ----------
    group
        whose points they are.
    members
        encoded commitments in log order. ``FormatError`` if there is none, if one does not
        decode or if one is there twice.
    points
        the decoded members, where the caller keeps them already.
    """

    def __init__(
        self, group: Group, members: Sequence[bytes], points: Sequence[Point] | None = None
    ) -> None:
        if not members:
            raise FormatError("an empty ring", "ring")
        if len(set(members)) != len(members):
            raise FormatError("a commitment is in the ring twice", "ring")
        self.members = tuple(members)
        self.points = tuple(map(group.decode, members)) if points is None else tuple(points)
        if len(self.points) != len(self.members):
            raise ValueError("as many points as members are needed")
        self.digest = sha256(le(len(members), 8) + b"".join(members)).digest()

    def __len__(self) -> int:
        return len(self.members)


@dataclass(frozen=True)
class Statement:
    """One claim about one member of ``ring``, for ``scopes``, said in ``context``.

    ``first``, ``size``, ``voided_at`` and ``lane`` say which ring it is, ``root`` is the purchase
    log's root at ``size``, ``context`` the SHA-256 of what the proof is bound to. ``blinded`` is
    there in a transfer only: E, encoded, a commitment to the same attributes and serial and to
    no secret.
    """

    group: Group
    origin: str
    first: int
    size: int
    root: bytes
    voided_at: int
    lane: int
    ring: Ring
    predicates: tuple[Predicate, ...]
    scopes: tuple[Scope, ...]
    context: bytes
    blinded: bytes | None = None

    def __post_init__(self) -> None:
        parse_identifier(self.origin, "origin")
        self._validate_horizons()
        self._validate_predicates()
        if len(self.scopes) > MAX_SCOPES or len(set(self.scopes)) != len(self.scopes):
            raise FormatError(f"a scope is repeated or there are over {MAX_SCOPES}", "scopes")
        if self.blinded is not None:
            self._validate_blinded(self.blinded)

    def encode(self) -> bytes:
        """The bytes the transcript begins with; two statements never share them."""
        return b"".join(
            (
                lp(suite_name(self.group)),
                lp(self.origin.encode("ascii")),
                le(self.first, 8),
                le(self.size, 8),
                self.root,
                le(self.voided_at, 8),
                le(self.lane, 8),
                self.ring.digest,
                le(len(self.predicates), 4),
                *(predicate.encode(self.group) for predicate in self.predicates),
                le(len(self.scopes), 4),
                *(scope.encode() for scope in self.scopes),
                self.context,
                b"" if self.blinded is None else lp(self.blinded),
            )
        )

    @cached_property
    def blinded_point(self) -> Point | None:
        """E, decoded, where the statement has one."""
        return None if self.blinded is None else self.group.decode(self.blinded)

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """The range predicates, in order."""
        return tuple(p for p in self.predicates if isinstance(p, Range))

    @cached_property
    def sets(self) -> tuple[OneOf, ...]:
        """The one_of predicates, in order."""
        return tuple(p for p in self.predicates if isinstance(p, OneOf))

    @cached_property
    def committed(self) -> tuple[str, ...]:
        """Attributes that get a commitment of their own: those with a range or a set."""
        return tuple(p.attribute for p in self.predicates if not isinstance(p, Equals))

    @property
    def shown(self) -> dict[str, int]:
        """Attributes whose value is public, with the value."""
        return {p.attribute: p.value for p in self.predicates if isinstance(p, Equals)}

    def _validate_horizons(self) -> None:
        horizons = (self.first, self.size, self.voided_at, self.lane)
        if not all(0 <= horizon < _U64 for horizon in horizons):
            raise FormatError("outside 64 bits", "horizons")
        if self.first >= self.size:
            raise FormatError("not below size", "first")
        if self.voided_at < self.size:
            raise FormatError("below size", "voided_at")
        for name in ("root", "context"):
            if len(getattr(self, name)) != HASH_SIZE:
                raise FormatError(f"not {HASH_SIZE} bytes", name)

    def _validate_blinded(self, blinded: bytes) -> None:
        try:
            self.group.decode(blinded)
        except FormatError:
            raise FormatError("not a point", "blinded") from None

    def _validate_predicates(self) -> None:
        ids = [attribute_id(p.attribute) for p in self.predicates]
        if any(a >= b for a, b in pairwise(ids)):
            raise FormatError("not in ascending attribute order", "predicates")
        for predicate in self.predicates:
            predicate.validate(self.group)
        if sum(p.width.bit_length() for p in self.ranges) > MAX_DIGITS:
            raise FormatError(f"over {MAX_DIGITS} digits in total", "predicates")


def digit_weights(width: int) -> list[int]:
    """Weights whose subset sums are exactly ``[0, width]`` (docs/protocol.md 6, part 3)."""
    digits = width.bit_length()
    if digits == 0:
        return []
    return [1 << i for i in range(digits - 1)] + [width - (1 << (digits - 1)) + 1]


def _require_scalar(group: Group, value: int, field: str) -> None:
    if not 0 <= value < group.order:
        raise FormatError("not a scalar", field)
