from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from httpx import Client, Response

from api.witness import create_witness_app
from ledger.add_checkpoint import AddCheckpoint
from ledger.checkpoint import Checkpoint, sign
from ledger.closes import day_period
from ledger.fork import Fork, verify_fork
from ledger.handover import parse_handovers
from ledger.merkle import EMPTY_ROOT
from ledger.note import Note, Signer, verify_note
from ledger.seeding import PeriodEnd, SignedEnd
from tests.serving import served
from tests.witness.world import FORK, HONEST, KEYS, LOG, ORIGIN, open_witness
from tests.world import FakeClock

COSIGNERS = [key.verifier for key in KEYS.cosigners]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with (
        open_witness(tmp_path, FakeClock()) as witness,
        served(create_witness_app(witness)) as url,
        Client(base_url=url) as opened,
    ):
        witness.sign_seeds(ORIGIN, "P1D")
        yield opened


def ask(client: Client, request: AddCheckpoint | bytes) -> Response:
    body = request if isinstance(request, bytes) else request.serialise()
    return client.post("/add-checkpoint", content=body)


def test_the_answer_is_signature_lines(client: Client) -> None:
    answer = ask(client, HONEST.request(0, 5))
    assert answer.status_code == 200
    assert answer.text.startswith("\u2014 witness.example/w1 ")
    assert answer.text.count("\n") == 2
    note = HONEST.note(5) + answer.content  # how c2sp tlog-witness tells clients to read it
    assert verify_note(note, COSIGNERS) == (HONEST.checkpoint(5).text(), COSIGNERS)


def test_a_malformed_request_is_400(client: Client) -> None:
    good = HONEST.request(0, 5)
    junk = replace(good, checkpoint=b"junk")
    no_checkpoint = replace(good, checkpoint=Signer(ORIGIN, b"l" * 32).sign_note("a\n").serialise())
    longest = good.serialise() + b"x" * (1 << 20)
    for bad in (b"", b"old 0", junk, no_checkpoint, longest, replace(good, old_size=6)):
        assert ask(client, bad).status_code == 400
    assert ask(client, good).status_code == 200


def test_an_unknown_log_is_404_and_an_untrusted_signature_403(client: Client) -> None:
    other = Signer("ledger.example/other", b"o" * 32)
    unknown = sign(Checkpoint(other.name, 0, EMPTY_ROOT), other)
    assert ask(client, AddCheckpoint(0, (), unknown)).status_code == 404
    stranger = HONEST.note(5, Signer(ORIGIN, b"s" * 32))
    assert ask(client, AddCheckpoint(0, (), stranger)).status_code == 403
    good = Note.parse(HONEST.note(5))
    forged = replace(good.signatures[0], signature=b"s" * 64)
    bad = replace(good, signatures=(forged,)).serialise()
    assert ask(client, AddCheckpoint(0, (), bad)).status_code == 403


def test_a_stale_size_is_409_and_names_ours(client: Client) -> None:
    ask(client, HONEST.request(0, 12))
    answer = ask(client, HONEST.request(5, 20))
    assert answer.status_code == 409
    assert answer.content == b"12\n"
    assert answer.headers["Content-Type"] == "text/x.tlog.size"
    assert ask(client, HONEST.request(12, 20)).status_code == 200


def test_a_fork_is_422(client: Client) -> None:
    with_proof = AddCheckpoint(0, (EMPTY_ROOT,), HONEST.note(12))
    assert ask(client, with_proof).status_code == 422
    ask(client, HONEST.request(0, 12))
    for forged in (
        FORK.request(12, 12),
        FORK.request(12, 20),
        AddCheckpoint(12, (), FORK.note(20)),
    ):
        assert ask(client, forged).status_code == 422


def test_everybody_finds_the_proof_of_a_fork(client: Client) -> None:
    path = f"/{sha256(ORIGIN.encode()).hexdigest()}/fork"
    ask(client, HONEST.request(0, 12))
    assert client.get(path).status_code == 404
    assert ask(client, FORK.request(12, 12)).status_code == 422
    answer = client.get(path)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    shown = verify_fork(Fork.parse(answer.content), [LOG.verifier])
    assert shown == (HONEST.checkpoint(12), FORK.checkpoint(12))
    assert client.get(f"/{'0' * 64}/fork").status_code == 404


def test_monitors_find_the_last_checkpoint(client: Client) -> None:
    path = f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    assert client.get(path).status_code == 404
    ask(client, HONEST.request(0, 12))
    answer = client.get(path)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert verify_note(answer.content, COSIGNERS) == (HONEST.checkpoint(12).text(), COSIGNERS)
    for other in ("0" * 64, path[1:65].upper(), "junk"):
        assert client.get(f"/{other}/checkpoint").status_code == 404
    assert client.get("/add-checkpoint").status_code == 405


def seed_request(period: int, size: int = 5) -> bytes:
    return LOG.sign_note(PeriodEnd(ORIGIN, period, size, b"r" * 32).text()).serialise()


def test_a_close_is_signed_once_and_shown_to_all(client: Client) -> None:
    yesterday = day_period(FakeClock()()) - 1
    answer = client.post("/sign-seed", content=seed_request(yesterday))
    assert answer.status_code == 200
    signed = SignedEnd.parse(answer.text, ORIGIN)
    signed.verify(KEYS.seed_signer.verifier)
    assert client.post("/sign-seed", content=seed_request(yesterday, 6)).text == answer.text
    path = f"/{sha256(ORIGIN.encode()).hexdigest()}/seeds"
    assert client.get(f"{path}/0").text == client.get(f"{path}/{yesterday}").text == answer.text
    assert client.get(f"{path}/{yesterday + 1}").text == ""
    assert client.get(f"{path}/0{yesterday}").status_code == 400
    assert client.get("/junk/seeds/0").status_code == 404


def test_what_is_not_signed_says_why(client: Client) -> None:
    other = Signer("ledger.example/other", b"o" * 32)
    text = PeriodEnd(other.name, 0, 1, b"r" * 32).text()
    for status, body in (
        (400, b"junk"),
        (400, HONEST.note(5)),
        (400, seed_request(0) + b"x" * (1 << 20)),
        (403, Signer(ORIGIN, b"s" * 32).sign_note(text.replace(other.name, ORIGIN)).serialise()),
        (404, other.sign_note(text).serialise()),
        (422, seed_request(day_period(FakeClock()()))),
    ):
        assert client.post("/sign-seed", content=body).status_code == status
    assert client.get("/sign-seed").status_code == 405


def test_everybody_finds_the_handovers(tmp_path: Path) -> None:
    with (
        open_witness(tmp_path) as witness,
        open_witness(tmp_path) as late,
        served(create_witness_app(witness)) as url,
        served(create_witness_app(late)) as url_of_late,
    ):
        witness.sign_seeds(ORIGIN, "manual")
        assert httpx.get(f"{url}/handovers").text == ""
        witness.rotate_keys(lambda _: None)
        answer = httpx.get(f"{url}/handovers")
        assert httpx.get(f"{url_of_late}/handovers").text == ""  # who has old keys shows no new one
        assert answer.headers["Cache-Control"] == "no-store"
        shown = parse_handovers(answer.content)
        assert [handover.old for handover in shown] == [s.verifier for s in KEYS.signers]
        request = LOG.sign_note(PeriodEnd(ORIGIN, 0, 5, b"r" * 32).text()).serialise()
        statuses = [
            httpx.post(f"{each}/sign-seed", content=request).status_code
            for each in (url_of_late, url, url_of_late)
        ]
        assert statuses == [503, 200, 200]  # who has old keys repeats what was signed, no more
