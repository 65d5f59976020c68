"""Event logs with one event changed: by a byte, by a member, by a point or scalar of a proof."""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from commitments.errors import KvittoError
from commitments.wire import canonical_json, encode_base64, parse_base64

__all__ = ["Change", "changes"]

Change = tuple[int, bytes, int]
"""The index of an event, its bytes now, and the index of the claim that is judged."""

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_Q = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_POINT = 33
_NUMBERS = (-1, 0, 1, 2, 63, 64, 4096, 4097, 2**31, 2**48 - 1, 2**48, 2**53 - 1, 2**53, 2**64)
_TEXTS = (
    *("", " ", "A", "a b", " a", "a ", "é", "e\u0301", "\u212b", "\ufeff", "\ud800", "\u0000"),
    *("__proto__", "constructor", "toString", "💩", "\u00a0", "\u2028", "\u0085", "\u200b"),
    *("P0D", "P", "P1Y", "P01D", "P1W", "P99999D", "P9999M", "P999Y", "P1D2Y", "P1.5D", "p1d"),
    *("2026-11-20", "2026-02-29", "2024-02-29", "1969-12-31", "9999-12-31", "0001-01-01"),
    *("2026-11-21T08:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T08:00:60Z", "2026-1-1"),
    *("https://a.example", "HTTP://a", "https:/a", "https://", "ftp://a", "https://a b", "//a"),
    *("https://[::1]/", "https://a:99999/", "https://ä.example/é", "javascript:alert(1)"),
    *("EUR", "eur", "XAU", "JPY", "USD", "4006381333931", "4006381333932", "04006381333931"),
    *("refund", "repair", "store_credit", "warranty", "recall", "approved", "under_review"),
    *("00" * 32, "01" + "00" * 31, "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f", "FF" * 32),
)


def changes(events: Sequence[bytes], claims: Sequence[int], seed: int) -> Iterator[Change]:
    """Ever more of them, the same for a seed."""
    chance = random.Random(seed)
    while True:
        claim = chance.choice(claims)
        before = _depended_on(events, claim)
        kind = chance.random()
        if kind < 0.1:
            index = chance.choice([claim, *before])
            yield index, _spelt_otherwise(chance, events[index]), claim
        elif kind < 0.45:
            index = chance.choice(before)
            yield index, _encode(_changed(chance, json.loads(events[index]))), claim
        elif kind < 0.75:
            event = _changed(chance, json.loads(events[claim]))
            yield claim, _encode(_renamed(event) if chance.random() < 0.8 else event), claim
        else:
            event = json.loads(events[claim])
            proof = _spoilt(chance, bytearray(parse_base64(event["proof"], "proof")))
            yield claim, _encode(_renamed({**event, "proof": encode_base64(proof)})), claim


def _depended_on(events: Sequence[bytes], claim: int) -> list[int]:
    """The events before a claim on which it depends: of the log, and of its policy."""
    name = json.loads(events[claim])["claim"]["policy"]
    parsed = [json.loads(data) for data in events[:claim]]
    return [
        index
        for index, event in enumerate(parsed)
        if event["type"].startswith("log.") or _policy_of(event) == name
    ]


def _policy_of(event: dict[str, Any]) -> Any:
    policy = event.get("policy")
    return policy["id"] if isinstance(policy, dict) else policy


def _spelt_otherwise(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    new = bytes([chance.choice([*range(32, 127), 0, 0xC3, 0xED, 0xFF])])
    return chance.choice(
        [
            data[:place] + new + data[place:],
            data[:place] + data[place + 1 :],
            data[:place] + new + data[place + 1 :],
            data.replace(b",", b', "type":"other",', 1),
            data.replace(b":1", b":1.0", 1),
            data.replace(b":0", b":-0", 1),
            data.replace(b"a", b"\\u0061", 1),
            data + b"\n",
            b"\xef\xbb\xbf" + data,
        ]
    )


def _changed(chance: random.Random, value: Any) -> Any:
    """With one value in it changed, or one member more or less."""
    if isinstance(value, dict) and value and chance.random() < 0.93:
        name = chance.choice(sorted(value))
        if chance.random() < 0.06:
            return {other: value[other] for other in value if other != name}
        return {**value, name: _changed(chance, value[name])}
    if isinstance(value, dict):
        return {**value, chance.choice(["__proto__", "more", "terms", "newest", "buyer"]): None}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        changed = [*value[:place], _changed(chance, value[place]), *value[place + 1 :]]
        return chance.choice([changed, changed, value[:place], [*value, value[place]], value[::-1]])
    return _other(chance, value)


def _other(chance: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return chance.choice([not value, None, 1])
    if isinstance(value, int) and chance.random() < 0.6:
        return value + chance.choice([-1, 1])
    if isinstance(value, str) and value and chance.random() < 0.4:
        place = chance.randrange(len(value))
        return value[:place] + chance.choice("0aZ-é.+/ ") + value[place + 1 :]
    return chance.choice([chance.choice(_TEXTS), chance.choice(_NUMBERS), None, True, [], {}])


def _spoilt(chance: random.Random, proof: bytearray) -> bytes:
    """With another point or scalar somewhere, or other bytes."""
    place = 1 + _POINT * chance.randrange(12)
    scalar = len(proof) - 32 * chance.randrange(1, 12)
    kind = chance.randrange(9)
    if kind == 0:
        proof[place] ^= 1  # the negated point
    elif kind == 1:
        proof[place : place + _POINT] = bytes(_POINT)
    elif kind == 2:
        x = _P + chance.choice([0, 1, 5, 6])
        proof[place : place + _POINT] = bytes([2]) + x.to_bytes(32, "big")
    elif kind == 3:
        proof[place] = chance.choice([0, 4, 5, 6, 7, 0x82])
    elif kind == 4:
        number = chance.choice([0, _Q - 1, _Q, _Q + 1, 2**256 - 1])
        proof[scalar : scalar + 32] = number.to_bytes(32, "big")
    elif kind == 5:
        del proof[chance.randrange(len(proof)) :]
    elif kind == 6:
        proof.extend(proof[-32:])
    elif kind == 7:
        proof[0] = chance.choice([0, 2, 255])
    else:
        proof[chance.randrange(len(proof))] ^= 1 << chance.randrange(8)
    return bytes(proof)


def _renamed(event: dict[str, Any]) -> dict[str, Any]:
    """With the id that belongs to its body and proof, if these have one."""
    with suppress(KvittoError, KeyError, TypeError):
        context = sha256(canonical_json(event["claim"])).digest()
        proof = parse_base64(event["proof"], "proof")
        return {**event, "claim_id": sha256(context + proof).hexdigest()}
    return event


def _encode(value: Any) -> bytes:
    """Its canonical form, or where it has none what comes closest."""
    with suppress(KvittoError, UnicodeError):
        return canonical_json(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
