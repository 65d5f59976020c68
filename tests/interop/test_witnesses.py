"""Witnesses and logs of different makers work together, and none vouches for a fork.

``make test-interop`` installs the software; without it these tests are skipped.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import Any, NamedTuple

import httpx
import pytest

from cli.demo.service import running_witness
from commitments.clock import system_clock
from commitments.errors import VerificationError
from ledger.add_checkpoint import AddCheckpoint
from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import parse_cosigner
from ledger.merkle import build_consistency, build_root
from ledger.note import Note, Signature, Signer, TypedKey, parse_vkey, verify_note
from ledger.quorum import open_cosigned, parse_quorum
from ledger.tlog_proof import TlogProof
from tests.interop.served import ORIGIN, SIZE, STEPS, Served, create_merchant
from tests.interop.software import (
    LOGS,
    PROVERS,
    READERS,
    ROOT,
    TOOLS,
    AicsWitness,
    accepted,
    kvitto,
    need,
    refused,
    running_kvitto,
)

THEIRS = Signer("log.example/theirs", b"t" * 32)
SIZES = [1, 5, 256, 257, 600]


class Witnessed(NamedTuple):
    """Our logs, grown before the eyes of two witnesses, and a copy of the data from before."""

    served: Served
    aics: AicsWitness
    aics_url: str
    policy: Path
    backup: Path


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    directory = tmp_path_factory.mktemp("witnessed")
    aics = AicsWitness(directory)
    with serving(directory / "data") as url:
        created = create_merchant(url)
    backup = copytree(directory / "data", directory / "backup")
    with ExitStack() as stack:
        ours = stack.enter_context(running_witness(directory, "witness.example", system_clock))
        for log in ("purchases", "events"):
            ours.service.watch(parse_vkey(created[f"{log}_vkey"]))
            aics.watch(created[f"{log}_vkey"])
        aics_url = stack.enter_context(aics.running())
        policy = directory / "witnesses"
        policy.write_text(
            f"witness aics {aics.vkey} {aics_url}\n"
            f"witness ours {ours.vkeys[0]} {ours.url}\n"
            f"witness ours-ml-dsa {ours.vkeys[1]} {ours.url}\n"
            "group all all aics ours ours-ml-dsa\n"
            "quorum all\n"
        )
        url = stack.enter_context(serving(directory / "data", policy))
        served = Served(url, directory / "data", created, aics.vkey, *ours.vkeys)
        served.grow()
        yield Witnessed(served, aics, aics_url, policy, backup)


@contextmanager
def serving(data: Path, policy: Path | None = None) -> Iterator[str]:
    witnesses: list[str | Path] = ["--witnesses", policy] if policy else []
    with running_kvitto("serve", "--name", "kvitto.example", "--data", data, *witnesses) as url:
        yield url


def opened(witnessed: Witnessed, url: str) -> Checkpoint:
    """The checkpoint at ``url``, as a reader sees it who wants all cosignatures."""
    note = httpx.get(f"{url}/logs/acme/purchases/checkpoint").content
    policy = parse_quorum(witnessed.policy.read_bytes())
    return open_cosigned(
        note, parse_vkey(witnessed.served.created["purchases_vkey"]), policy=policy
    )


def test_a_foreign_witness_cosigns_all_that_our_logs_publish(witnessed: Witnessed) -> None:
    known = [parse_cosigner(witnessed.aics.vkey)]
    notes = witnessed.served.purchases["checkpoints"] + witnessed.served.events["checkpoints"]
    for note in notes:
        assert verify_note(note.encode(), known)[1] == known
    assert len(notes) == len(STEPS) + 3
    digest = sha256(ORIGIN.encode()).hexdigest()
    seen = httpx.get(f"{witnessed.aics_url}/{digest}/checkpoint").content
    assert Checkpoint.parse(verify_note(seen, known)[0]) == opened(witnessed, witnessed.served.url)


@pytest.mark.parametrize("tool", ["aics-tlog", "tlog-scales"])
def test_foreign_readers_want_all_cosignatures(witnessed: Witnessed, tool: str) -> None:
    assert accepted(READERS[tool], witnessed.served.purchases)["entries"] == SIZE
    stranger = replace(TypedKey.parse(witnessed.aics.vkey), name="witness.example/stranger").vkey
    story = witnessed.served.purchases
    refused(READERS[tool], {**story, "witnesses": [*story["witnesses"], stranger]})


def test_the_commands_for_auditors_do_what_they_say(witnessed: Witnessed, tmp_path: Path) -> None:
    programs = TOOLS / "aics-tlog/bin"
    need(programs / "aics-tlog")
    text = (ROOT / "docs/ledger.md").read_text("utf-8")
    (block,) = re.findall(r"runs this block .*? -->\n```\n(.*?)```", text, re.DOTALL)
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}

    def run(witness: str) -> int:
        story = witnessed.served.purchases
        real = {"LOG": story["url"], "KEY": story["vkey"], "WITNESS": witness}
        script = re.sub(
            r"^([A-Z]{3,})=.*",
            lambda found: f"{found[1]}={real[found[1]]}",
            block,
            flags=re.MULTILINE,
        )
        shell = ["sh", "-eu", "-c", script]
        return subprocess.run(shell, cwd=tmp_path, env=path, check=False).returncode

    stranger = replace(TypedKey.parse(witnessed.aics.vkey), name="witness.example/stranger").vkey
    assert run(stranger) != 0
    assert list(tmp_path.iterdir()) == []
    assert run(witnessed.aics.vkey) == 0
    assert (tmp_path / "first-visit").read_bytes() == (tmp_path / "second-visit").read_bytes()
    with witnessed.served.log() as log:
        assert (tmp_path / "entry").read_bytes() == log.entry(0)


def test_a_foreign_witness_refuses_a_fork_that_our_log_has_signed(witnessed: Witnessed) -> None:
    head = opened(witnessed, witnessed.served.url)
    signer = witnessed.served.signer(ORIGIN)
    fork = witnessed.served.fork(head.size + 9)
    already = len(witnessed.aics.evidence())
    for size in (head.size, head.size + 9):
        forged = sign(Checkpoint(ORIGIN, size, build_root(fork, size)), signer)
        proof = tuple(build_consistency(fork, head.size, size))
        body = AddCheckpoint(head.size, proof, forged).serialise()
        assert httpx.post(f"{witnessed.aics_url}/add-checkpoint", content=body).status_code == 422
    assert len(witnessed.aics.evidence()) == already + 2
    body = AddCheckpoint(head.size, (), sign(head, signer)).serialise()
    assert httpx.post(f"{witnessed.aics_url}/add-checkpoint", content=body).status_code == 200


def test_a_log_put_back_to_an_old_copy_is_not_cosigned(witnessed: Witnessed) -> None:
    with serving(witnessed.backup, witnessed.policy) as url:
        rolled_back = Served(url, witnessed.backup, witnessed.served.created)
        rolled_back.buy(3)
        note = httpx.get(f"{url}/logs/acme/purchases/checkpoint").content
        assert len(Note.parse(note).signatures) == 1
        with pytest.raises(VerificationError):
            opened(witnessed, url)


def test_receipts_with_cosignatures_of_both_kinds_are_accepted(witnessed: Witnessed) -> None:
    proofbundle = PROVERS["proofbundle"]
    story = witnessed.served.purchases
    assert [TypedKey.parse(vkey).type for vkey in story["witnesses"]] == [4, 4, 6]
    assert accepted(proofbundle, story)["receipts"] == len(STEPS)
    first, second = story["receipts"][:2]
    for vkey in story["witnesses"]:
        own, other = signature_by(second, vkey), signature_by(first, vkey)
        others = [known for known in story["witnesses"] if known != vkey]
        for forgery in (own[:-40] + bytes([own[-40] ^ 1]) + own[-39:], other, bytes(8) + own[8:]):
            forged = with_signature(second, vkey, forgery)
            mixed = {**story, "receipts": [first, forged]}
            accepted(proofbundle, {**mixed, "witnesses": others})
            refused(proofbundle, mixed)


def signature_by(receipt: dict[str, Any], vkey: str) -> bytes:
    note = Note.parse(TlogProof.parse(receipt["proof"].encode()).checkpoint)
    (signature,) = (s for s in note.signatures if s.key_id == TypedKey.parse(vkey).key_id)
    return signature.signature


def with_signature(receipt: dict[str, Any], vkey: str, signature: bytes) -> dict[str, Any]:
    """The receipt with another signature by this key."""
    key = TypedKey.parse(vkey)
    proof = TlogProof.parse(receipt["proof"].encode())
    note = Note.parse(proof.checkpoint)
    kept = [s for s in note.signatures if s.key_id != key.key_id]
    forged = Note(note.text, (*kept, Signature(key.name, key.key_id, signature)))
    changed = replace(proof, checkpoint=forged.serialise())
    return {**receipt, "proof": changed.serialise().decode()}


@pytest.mark.parametrize("tool", LOGS)
def test_our_witness_cosigns_a_log_that_is_not_ours(tool: str, tmp_path: Path) -> None:
    need(LOGS[tool][0])
    data = ["--data", str(tmp_path / "witness")]
    made = kvitto("witness", "keys", "create", "--name", "witness.example/ours", *data)
    kvitto("witness", "watch", THEIRS.verifier.vkey, *data)
    with running_kvitto("witness", "serve", *data) as url:
        story = {
            "url": url,
            "origin": THEIRS.name,
            "seed": (b"t" * 32).hex(),
            "sizes": SIZES,
            "witnesses": made["cosignature_keys"],
        }
        told = accepted(LOGS[tool], story)  # it verifies the cosignatures that it can
        digest = sha256(THEIRS.name.encode()).hexdigest()
        seen = httpx.get(f"{url}/{digest}/checkpoint").content
    keys = [parse_cosigner(vkey) for vkey in made["cosignature_keys"]]
    for note, size in zip(told["cosigned"], SIZES, strict=True):
        text, signed = verify_note(note.encode(), [THEIRS.verifier, *keys])
        assert Checkpoint.parse(text).size == size
        assert signed[:2] == [THEIRS.verifier, keys[0]]
    assert told["statuses"] == [422, 422]
    text, signed = verify_note(seen, [THEIRS.verifier, *keys])
    assert (Checkpoint.parse(text).size, signed) == (SIZES[-1], [THEIRS.verifier, *keys])
