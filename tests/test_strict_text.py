"""One spelling for everything that is read: every parser of text, with every way to be lax.

A case is a text with one part left open. It is read with the part as it must be, and refused with
each other spelling of it that some reader in the wild accepts.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.problems import MEDIA_TYPE
from commitments.errors import FormatError
from commitments.wire import canonical_json, encode_base64, parse_json
from ledger.checkpoint import Checkpoint, sign
from ledger.closes import Close
from ledger.events import LogDeclaration, parse_event
from ledger.evidence import EventEvidence
from ledger.fork import Fork
from ledger.monitor import Head
from ledger.note import Note, Signature, Signer, parse_vkey
from ledger.rings import RingEvidence
from ledger.sealing import SealingKey
from ledger.tiles import parse_bundle_path, parse_tile_path
from ledger.tlog_proof import TlogProof
from policies.disclosure import Disclosure, DisclosureBody, parse_disclosure
from sdk.receipts import receipt_order
from sdk.state import Claim, Identity, Merchant, Purchase
from tests.api.shop import SALE, Shop
from tests.databases import Sqlite, fresh
from tests.ledger.memory_log import ORIGIN, TIME, declaration
from tests.world import WARRANTY

ARABIC, FULL_WIDTH, SUPERSCRIPT = "\u0665", "\uff15", "\u00b5\u00b2"

Read = Callable[[Any], object]
"""Reads the whole with the part filled in; ``FormatError`` when it cannot be read."""

NUMBERS = [
    *("", " 5", "5 ", "5\n", "\t5", "5\r", "+5", "-5", "05", "007", "5_0", "1_000", "5,0"),
    *("5.0", "5e0", "0x5", "5\x00", "\x7f5", "NaN", "true", "9" * 30),
    *(ARABIC, FULL_WIDTH, SUPERSCRIPT, f"5{ARABIC}"),
]
COUNTS = ["5", "+5", "1_000", ARABIC, True, False, 5.0, -5, None, [5], {}]
"""Where JSON has a number of its own."""


def hex_spellings(good: str) -> list[str]:
    other = [good.upper(), f"0x{good}", f" {good}", f"{good}\n", f"{good}\x00", good[:-1]]
    return [*other, f"{good[:2]} {good[2:]}", f"{good[:2]}_{good[2:]}", good[:-1] + FULL_WIDTH, ""]


def base64_spellings(good: str) -> list[str]:
    other = [f" {good}", f"{good} ", f"{good}\n", f"{good}\r", f"{good}=", f"{good}\x00", ""]
    inside = [
        f"{good[:4]}{junk}{good[4:]}" for junk in ("\n", " ", "!", "\t", "\x00", "=", "-", "_")
    ]
    without = [good.rstrip("="), good.replace("/", "_").replace("+", "-")]
    body = good.rstrip("=")
    loose = body[:-1] + chr(ord(body[-1]) + 1) + good[len(body) :]  # unused bits that are not zero
    return [*other, *inside, *without, loose]


HASH = b"\xfb\xff" * 16
BASE64, HEX = encode_base64(HASH), HASH.hex()
SIGNER = Signer(ORIGIN, b"k" * 32)
NOTE = sign(Checkpoint(ORIGIN, 5, HASH), SIGNER).decode()
SIGNATURE = NOTE.split(" ")[-1].rstrip("\n")
VKEY = SIGNER.verifier.vkey
_, KEY_ID, KEY = VKEY.split("+", 2)
EVENT = {"type": "x", "time": TIME}
CLOSE = Close(0, 0, 5, HASH, (HASH * 2,)).to_event(ORIGIN, TIME)
DECLARATION = declaration().to_event(TIME)
PROOF = TlogProof(5, (HASH,), NOTE.encode()).serialise().decode()
EVIDENCE = {"events": [{"index": 5, "event": EVENT}], "hashes": [BASE64], "checkpoint": NOTE}
RING = {
    "entries": [BASE64],
    "removals": [[5, 5]],
    "grounds": [],
    "hashes": [BASE64],
    "consistency": [],
}
RECEIPT = {
    "type": "receipt",
    "origin": ORIGIN,
    "order": "o",
    "sale": SALE,
    "index": 5,
    "proof": PROOF,
}
FIRST_MERCHANT = Merchant(
    ORIGIN, "http://shop.example", (VKEY,), (VKEY,), Head(5, HASH, b"")
).document()
MERCHANT = {**FIRST_MERCHANT, "purchases": encode_base64(NOTE.encode())}
KEYS = ["01" * 32] * 3
PURCHASE = {
    **{k: v for k, v in RECEIPT.items() if k != "type"},
    "keys": KEYS,
    "place": [0, 5],
    "box": 5,
    "handed": {"serial": "00" * 32, "beta": "00" * 32, "used": [["warranty", 5]]},
}
IDENTITY = {
    "seed": "ab" * 16,
    "device": 5,
    "counters": {ORIGIN: 5},
    "boxes": {ORIGIN: 5},
    "words_shown": None,
    "backed_up": None,
    "sandbox": False,
}
DISCLOSURE = Disclosure(
    DisclosureBody(ORIGIN, "r", "p", "2026-11-21", HEX[:32], ()), HASH, PROOF, HASH
).document()
CLAIM = {
    "claim_id": HEX,
    "order": "o",
    "body": {
        "type": "claim",
        "origin": ORIGIN,
        "policy": "warranty-2y",
        "version": 5,
        "date": "2026-11-21",
        "number": 5,
        "remedy": "repair",
        "first": 5,
        "size": 5,
        "voided_at": 5,
        "lane": 5,
        "nonce": HEX[:32],
    },
    "proof": BASE64,
    "tags": [HEX],
    "indices": [5],
    "policy": WARRANTY,
    "outcome": None,
    "reason": None,
    "receipt": None,
    "secret_sent": False,
    "steps": [],
}


def member(read: Read, document: dict[str, Any], *path: str | int) -> Read:
    """Reads the document with another value at a place."""

    def replaced(value: Any) -> object:
        changed = place = json.loads(json.dumps(document))
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return read(changed)

    return replaced


def tlog_proof(**parts: str) -> object:
    """A proof in its text form, with a part as it is given."""
    index, hash_, extra = parts.get("index", "5"), parts.get("hash", BASE64), parts.get("extra")
    lines = [f"extra {extra}"] if extra is not None else []
    text = "\n".join(["c2sp.org/tlog-proof@v1", *lines, f"index {index}", hash_, "", NOTE])
    proof = TlogProof.parse(text.encode())
    return Checkpoint.parse(Note.parse(proof.checkpoint).text)


def fork(lines: str) -> object:
    """The proof of a fork, with a root and hashes as they are given."""
    return Fork.parse(f"kvitto-fork/v1\n{lines}\n\n{NOTE}\n{NOTE}".encode())


def checkpoint(text: str) -> object:
    return Checkpoint.parse(Note.parse(f"{text}\n{NOTE.rpartition(chr(10) * 2)[2]}".encode()).text)


NUMBER_READERS: dict[str, Read] = {
    "checkpoint size": lambda n: checkpoint(f"{ORIGIN}\n{n}\n{BASE64}\n"),
    "tlog-proof index": lambda n: tlog_proof(index=n),
    "tile level": lambda n: parse_tile_path(f"tile/{n}/000"),
    "tile width": lambda n: parse_tile_path(f"tile/0/000.p/{n}"),
    "bundle width": lambda n: parse_bundle_path(f"tile/entries/000.p/{n}"),
    "tile index": lambda n: parse_tile_path(f"tile/0/00{n}"),
    "tile index, upper part": lambda n: parse_tile_path(f"tile/0/x00{n}/000"),
    "bundle index": lambda n: parse_bundle_path(f"tile/entries/00{n}"),
    "event day": lambda n: parse_event(
        canonical_json({**EVENT, "time": f"2026-11-2{n}T08:00:00Z"})
    ),
    "event second": lambda n: parse_event(
        canonical_json({**EVENT, "time": f"2026-11-21T08:00:0{n}Z"})
    ),
    "number in JSON": lambda n: parse_json(f'{{"n":[{n}]}}'.encode()),
}
# JSON allows white space around a number; in a day or an index it is a longer number.
ALLOWED = {
    "wallet's proof": {""},
    "disclosure's entry": {""},
    "disclosure's proof": {""},
    "number in JSON": {"", " 5", "5 ", "5\n", "\t5", "5\r", "-5", "5,0", "true"},
}

BASE64_READERS: dict[str, tuple[str, Read]] = {
    "checkpoint root": (BASE64, lambda b: checkpoint(f"{ORIGIN}\n5\n{b}\n")),
    "signature": (SIGNATURE, lambda b: Note.parse(NOTE.replace(SIGNATURE, b).encode())),
    "signature line": (SIGNATURE, lambda b: Signature.parse(f"— {ORIGIN} {b}")),
    "verifier key": (KEY, lambda b: parse_vkey(f"{ORIGIN}+{KEY_ID}+{b}")),
    "tlog-proof hash": (BASE64, lambda b: tlog_proof(hash=b)),
    "tlog-proof extra": (BASE64, lambda b: tlog_proof(extra=b)),
    "event evidence": (BASE64, member(EventEvidence.parse, EVIDENCE, "hashes", 0)),
    "ring hash": (BASE64, member(RingEvidence.from_json, RING, "hashes", 0)),
    "fork root": (BASE64, lambda b: fork(f"root {b}\n{BASE64}")),
    "fork hash": (BASE64, lambda b: fork(f"root {BASE64}\n{b}")),
    "wallet's note": (MERCHANT["purchases"], member(Merchant.parse, MERCHANT, "purchases")),
    "wallet's proof": (BASE64, member(Claim.parse, CLAIM, "proof")),
    "disclosure's entry": (BASE64, member(parse_disclosure, DISCLOSURE, "entry")),
    "disclosure's proof": (BASE64, member(parse_disclosure, DISCLOSURE, "proof")),
}

HEX_READERS: dict[str, tuple[str, Read]] = {
    "key id": (KEY_ID, lambda h: parse_vkey(f"{ORIGIN}+{h}+{KEY}")),
    "close root": (HEX, member(lambda e: Close.from_event(e, ORIGIN), CLOSE, "root")),
    "close signature": (
        HEX * 2,
        member(lambda e: Close.from_event(e, ORIGIN), CLOSE, "signatures", 0),
    ),
    "disclosure's nonce": (
        HEX[:32],
        member(parse_disclosure, DISCLOSURE, "disclosure", "nonce"),
    ),
    "sealing key": (HEX, lambda h: SealingKey.parse(f"{h}\n".encode())),
    "wallet's root": (HEX, member(Merchant.parse, FIRST_MERCHANT, "purchases", 1)),
    "wallet's digest": (HEX, member(Merchant.parse, MERCHANT, "shown_digest")),
    "wallet's claim": (HEX, member(Claim.parse, CLAIM, "claim_id")),
    "wallet's nonce": (HEX[:32], member(Claim.parse, CLAIM, "body", "nonce")),
}

COUNT_READERS: dict[str, Read] = {
    **{
        f"close {name}": member(lambda e: Close.from_event(e, ORIGIN), CLOSE, name)
        for name in ("number", "period", "size")
    },
    "declared window": member(LogDeclaration.from_event, DECLARATION, "void_window"),
    "receipt index": member(receipt_order, RECEIPT, "index"),
    "wallet's size": member(Merchant.parse, FIRST_MERCHANT, "purchases", 0),
    "wallet's count of events": member(Merchant.parse, MERCHANT, "shown"),
    "wallet's count of closes": member(Merchant.parse, MERCHANT, "closes"),
    "wallet's index": member(Purchase.parse, PURCHASE, "index"),
    "wallet's place": member(Purchase.parse, PURCHASE, "place", 1),
    "wallet's used claims": member(Purchase.parse, PURCHASE, "handed", "used", 0, 1),
    "wallet's device": member(Identity.parse, IDENTITY, "device"),
    "wallet's counter": member(Identity.parse, IDENTITY, "counters", ORIGIN),
    "wallet's boxes": member(Identity.parse, IDENTITY, "boxes", ORIGIN),
    "wallet's ring": member(Claim.parse, CLAIM, "indices", 0),
    "event evidence": member(EventEvidence.parse, EVIDENCE, "events", 0, "index"),
    "ring removal": member(RingEvidence.from_json, RING, "removals", 0, 1),
    **{
        f"claim {name}": member(Claim.parse, CLAIM, "body", name)
        for name in ("version", "number", "first", "size", "voided_at", "lane")
    },
}


def refused(read: Read, part: object) -> None:
    with pytest.raises(FormatError):
        read(part)


def spellings(readers: dict[str, Any], bad: Callable[[str, Any], Any]) -> list[Any]:
    return [pytest.param(reader, bad(name, reader), id=name) for name, reader in readers.items()]


@pytest.mark.parametrize(
    ("read", "bad"),
    spellings(NUMBER_READERS, lambda name, _: set(NUMBERS) - ALLOWED.get(name, set())),
)
def test_a_number_has_one_spelling(read: Read, bad: set[str]) -> None:
    assert read("5")
    for number in bad:
        refused(read, number)


@pytest.mark.parametrize(
    ("reader", "bad"),
    spellings(
        BASE64_READERS,
        lambda name, reader: set(base64_spellings(reader[0])) - ALLOWED.get(name, set()),
    ),
)
def test_base64_has_one_spelling(reader: tuple[str, Read], bad: set[str]) -> None:
    good, read = reader
    assert read(good)
    for text in {text for text in bad if text != good}:
        refused(read, text)


@pytest.mark.parametrize(
    ("reader", "bad"), spellings(HEX_READERS, lambda _, reader: hex_spellings(reader[0]))
)
def test_hex_has_one_spelling(reader: tuple[str, Read], bad: list[str]) -> None:
    good, read = reader
    assert read(good)
    for text in {text for text in bad if text != good}:
        refused(read, text)


@pytest.mark.parametrize("read", COUNT_READERS.values(), ids=COUNT_READERS)
def test_a_count_is_a_whole_number_of_json(read: Read) -> None:
    assert read(5)
    for value in COUNTS:
        refused(read, value)


@pytest.mark.parametrize("junk", ["\x00", "\t", "\r", "\x0b", "\x1b[2J", "\x1f"])
def test_control_characters_are_refused_in_notes(junk: str) -> None:
    assert Note.parse(NOTE.encode()).serialise() == NOTE.encode()
    for place in (3, len(ORIGIN), len(ORIGIN) + 3, NOTE.index("—"), len(NOTE) - 9):
        refused(Note.parse, (NOTE[:place] + junk + NOTE[place:]).encode())


class Asked:
    """The service, asked with one part of a request as it is given."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        shop.open_for_claims()
        ring = {"first": "0", "size": "3", "voided_at": "3", "lane": "0"}
        self.queries: dict[str, dict[str, str]] = {"ring": ring, "claims": {"cursor": "0"}}

    def refuses(self, answer: httpx.Response, status: int) -> None:
        assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)


@pytest.fixture(scope="module")
def asked(sqlite: Sqlite) -> Iterator[Asked]:
    with fresh(sqlite) as database, Shop(database) as shop:
        yield Asked(shop)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("ring", "first"),
        ("ring", "size"),
        ("ring", "voided_at"),
        ("ring", "lane"),
        ("claims", "cursor"),
        ("claims", "limit"),
    ],
)
def test_the_service_reads_one_spelling_of_a_number(asked: Asked, path: str, name: str) -> None:
    good = asked.queries[path]
    assert asked.shop.get(path, good).status_code == 200
    for number in NUMBERS:
        asked.refuses(asked.shop.get(path, {**good, name: number}), 400)


def test_the_service_reads_one_spelling_of_a_path(asked: Asked) -> None:
    tile, policy = "/logs/acme/purchases/tile/0/000.p/", "policies/warranty-2y/"
    assert asked.shop.get(f"{tile}3").status_code == 200
    assert asked.shop.get(f"{policy}1").status_code == 200
    for path in ("/logs/acme/purchases/checkpoint", "policies", "/healthz"):
        assert asked.shop.get(path).status_code == 200
        asked.refuses(asked.shop.get(f"{path}%0A"), 404)
    for number in NUMBERS:
        for good, last in ((tile, "3"), (policy, "1")):
            text = quote(number.replace("5", last), safe="")
            asked.refuses(asked.shop.get(f"{good}{text}"), 404)


@pytest.mark.parametrize("value", COUNTS)
def test_the_service_takes_whole_numbers_only(asked: Asked, value: Any) -> None:
    before = asked.shop.state()
    asked.refuses(asked.shop.write("voids", {"index": value, "reason": "returned"}), 400)
    answer = asked.shop.write("sales", {"sales": [{**SALE, "price": value}]})
    if isinstance(value, float):
        asked.refuses(answer, 400)  # there is no fraction in any body
    else:
        (row,) = answer.json()["rows"]
        assert row["status"] == "rejected"
        assert row["problem"]["type"] == "urn:kvitto:problem:malformed"
    assert asked.shop.state() == before


def test_the_service_reads_one_spelling_of_hex_and_base64(asked: Asked) -> None:
    body = asked.shop.purchase_body()
    before = asked.shop.state()
    for name in ("commitment", "proof"):
        for text in set(hex_spellings(body["request"][name])) - {body["request"][name]}:
            bad = {**body, "request": {**body["request"], name: text}}
            asked.refuses(asked.shop.write("purchases", bad), 400)
    for text in set(base64_spellings(BASE64)) - {BASE64, ""}:
        claim = {"claim": CLAIM["body"], "proof": text}
        asked.refuses(asked.shop.post("claims", claim), 400)
    assert asked.shop.state() == before
    assert asked.shop.write("purchases", body).status_code == 201
