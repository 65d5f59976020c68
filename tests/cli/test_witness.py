import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from commitments.wire import parse_json
from ledger.cosignature import parse_cosigner
from ledger.note import parse_vkey, verify_note
from ledger.seeding import PeriodEnd, SignedEnd
from tests.cli.terminal import Terminal
from tests.witness.world import HONEST, LOG, ORIGIN

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@contextmanager
def running(data: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "cli.main", "witness", "serve", "--json", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data", data], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield parse_json(process.stdout.readline())["url"], process
        finally:
            process.kill()


def test_a_witness_that_is_killed_remembers_what_it_has_said(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    data = ["--data", str(tmp_path / "data")]
    made = terminal.json("witness", "keys", "create", "--name", "witness.example/w1", *data)
    keys = [parse_cosigner(vkey) for vkey in made["cosignature_keys"]]
    kept = tmp_path / "data" / "witness.keys"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    terminal.json("witness", "watch", LOG.verifier.vkey, *data)
    old = 0
    for size in (5, 12):
        with running(tmp_path / "data") as (url, process):
            body = HONEST.request(old, size).serialise()
            answer = httpx.post(f"{url}/add-checkpoint", content=body)
            os.kill(process.pid, signal.SIGKILL)
        assert verify_note(HONEST.note(size) + answer.content, keys)[1] == keys
        old = size
    with running(tmp_path / "data") as (url, _):
        stale = httpx.post(f"{url}/add-checkpoint", content=HONEST.request(0, 5).serialise())
    assert (stale.status_code, stale.text) == (409, "12\n")


def test_a_witness_that_is_killed_signs_no_second_seed(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    data = ["--data", str(tmp_path / "data")]
    made = terminal.json("witness", "keys", "create", "--name", "witness.example/w1", *data)
    watch = ["witness", "watch", LOG.verifier.vkey, "--seeds"]
    assert terminal.json(*watch, "manual", *data) == {"origin": ORIGIN, "seeds": "manual"}
    terminal.run(*watch, "P1D", *data, status=1)
    terminal.run(*watch, "P2D", *data, status=2)
    answers = []
    for size in (5, 12):
        with running(tmp_path / "data") as (url, process):
            request = LOG.sign_note(PeriodEnd(ORIGIN, 0, size, b"r" * 32).text())
            answers.append(httpx.post(f"{url}/sign-seed", content=request.serialise()).text)
            os.kill(process.pid, signal.SIGKILL)
    assert answers[0] == answers[1]
    SignedEnd.parse(answers[0], ORIGIN).verify(parse_vkey(made["seed_key"]))


def test_keys_are_made_once_and_needed(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    data = ["--data", str(tmp_path / "data")]
    terminal.run("witness", "serve", *data, status=1)
    terminal.run("witness", "watch", LOG.verifier.vkey, *data, status=1)
    terminal.run("witness", "keys", "create", "--name", "a b", *data, status=2)
    terminal.run("witness", "keys", "create", "--name", "w", *data)
    before = (tmp_path / "data" / "witness.keys").read_bytes()
    terminal.run("witness", "keys", "create", "--name", "w", *data, status=2)
    assert (tmp_path / "data" / "witness.keys").read_bytes() == before
    terminal.run("witness", "watch", "junk", *data, status=2)


def test_a_witness_that_has_lost_its_memory_does_not_begin_again(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    data = ["--data", str(tmp_path / "data")]
    terminal.run("witness", "keys", "create", "--name", "w", *data)
    terminal.run("witness", "watch", LOG.verifier.vkey, *data)
    for file in (tmp_path / "data").glob("witness.db*"):
        file.unlink()
    terminal.run("witness", "watch", LOG.verifier.vkey, *data, status=1)
    terminal.run("witness", "serve", *data, status=1)
