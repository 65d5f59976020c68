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
from ledger.handover import parse_handovers
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


def test_keys_change_and_a_killed_witness_goes_on_with_them(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    data = ["--data", str(tmp_path / "data")]
    file = tmp_path / "data" / "witness.keys"
    first = terminal.json("witness", "keys", "create", "--name", "witness.example/w1", *data)
    terminal.json("witness", "watch", LOG.verifier.vkey, *data)
    terminal.run("witness", "keys", "retire", *data, status=1)
    second = terminal.json("witness", "keys", "rotate", *data)
    terminal.run("witness", "keys", "rotate", *data, status=1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    both = file.read_bytes()
    cosigned = []
    for old, size in ((0, 5), (5, 12)):
        with running(tmp_path / "data") as (url, process):
            body = HONEST.request(old, size).serialise()
            cosigned.append(httpx.post(f"{url}/add-checkpoint", content=body).content)
            shown = parse_handovers(httpx.get(f"{url}/handovers").content)
            os.kill(process.pid, signal.SIGKILL)
        if old == 0:
            assert terminal.json("witness", "keys", "retire", *data) == second
    vkeys = [[*made["cosignature_keys"], made["seed_key"]] for made in (first, second)]
    pairs = [(handover.old.vkey, handover.new.vkey) for handover in shown]
    assert pairs == list(zip(*vkeys, strict=True))
    keys = [[parse_cosigner(vkey) for vkey in made[:2]] for made in vkeys]
    for wanted in (*keys, [*keys[1], *keys[0]]):
        assert verify_note(HONEST.note(5) + cosigned[0], wanted)[1] is not None
    assert set(verify_note(HONEST.note(12) + cosigned[1], [*keys[0], *keys[1]])[1]) == set(keys[1])
    terminal.run("witness", "keys", "rotate", *data)
    file.write_bytes(both)  # an old copy
    for command in (["serve"], ["keys", "rotate"], ["keys", "retire"]):
        error = terminal.json("witness", *command, *data, status=1)["error"]
        assert error["type"] == "keys-replaced"


def test_changed_keys_stay_encrypted(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"KVITTO_KEYS_PASSPHRASE": "correct horse"})
    data = ["--data", str(tmp_path / "data")]
    terminal.run("witness", "keys", "create", "--name", "w", *data)
    for command in ("rotate", "retire"):
        terminal.run("witness", "keys", command, *data)
        assert b"ed25519" not in (tmp_path / "data" / "witness.keys").read_bytes()
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = None
    terminal.run("witness", "keys", "rotate", *data, status=1)


KILLED = """
import os, signal, sys
from cli import secret_files, witness_keys
from cli.main import app

def killed(*arguments):
    secret_files.replace_secret(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

witness_keys.replace_secret = killed
app(sys.argv[1:])
"""


def test_a_command_that_is_killed_when_the_new_keys_are_kept(tmp_path: Path) -> None:
    """Nobody has heard of them yet: the next start has the old keys name them."""
    terminal = Terminal(tmp_path)
    data = ["--data", str(tmp_path / "data")]
    first = terminal.json("witness", "keys", "create", "--name", "witness.example/w1", *data)
    for command, handed_over in (("rotate", 3), ("retire", 3)):
        arguments = ["witness", "keys", command, *data]
        killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, check=False)
        assert killed.returncode == -signal.SIGKILL
        with running(tmp_path / "data") as (url, _):
            shown = parse_handovers(httpx.get(f"{url}/handovers").content)
        assert len(shown) == handed_over
        assert [h.old.vkey for h in shown] == [*first["cosignature_keys"], first["seed_key"]]
    second = terminal.json("witness", "keys", "rotate", *data)  # the older ones are gone
    assert shown[2].new.vkey not in (first["seed_key"], second["seed_key"])
