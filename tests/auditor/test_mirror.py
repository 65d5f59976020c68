"""A mirror against servers that lie and computers that stop: it has what was signed, or says so."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.mirrored_log import DamagedMirror, MirroredLog
from auditor.place import directory_place, service_place
from auditor.state import read_state
from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.wire import canonical_json, parse_json
from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.durable import replace_file
from ledger.fork import Fork, ForkedLog, verify_fork
from ledger.importing import verify_files
from ledger.merkle import build_root
from ledger.monitor import FalseEntries, Head, OlderCheckpoint
from ledger.note import Signer
from ledger.quorum import NotCosigned, parse_quorum
from ledger.served_log import LogBusy, LogUnreachable, NotServed
from ledger.tiles import encode_bundle
from ledger.true_roots import FalseTiles
from tests.auditor import shown_logs
from tests.auditor.shown_logs import (
    EVENTS,
    NEXT,
    PURCHASES,
    SECOND,
    ShownMerchantLogs,
    mirrored,
    on_disk,
)
from tests.ledger.memory_log import ORIGIN
from tests.ledger.served import Files

HONEST = ShownMerchantLogs()
WITNESSES: list[Cosigner] = [
    Ed25519Cosigner("witness.example/w1", b"1" * 32),
    MlDsaCosigner("witness.example/w2", b"2" * 32),
]
BOTH = parse_quorum(
    "".join(f"witness w{n} {w.verifier.vkey}\n" for n, w in enumerate(WITNESSES)).encode()
    + b"group both all w0 w1\nquorum both\n"
)


def asked_of(files: Files, kind: str) -> list[str]:
    prefix = f"logs/acme/{kind}/"
    return [path.removeprefix(prefix) for path in files.asked if path.startswith(prefix)]


@pytest.mark.parametrize("sizes", [(0, 1), (1, 2), (255, 256), (256, 257), (512, 511), (700, 600)])
def test_a_mirror_is_the_log(tmp_path: Path, sizes: tuple[int, int]) -> None:
    files = HONEST.files(*sizes)
    mirror = mirrored(files, tmp_path)
    for kind, log, shown, size in (
        ("purchases", mirror.purchases, HONEST.purchases, sizes[0]),
        ("events", mirror.events, HONEST.events, sizes[1]),
    ):
        assert list(log.entries()) == shown.entries[:size]
        assert list(log.entries(3, 258)) == shown.entries[:size][3:258]
        some = [*range(size - 1, -1, -20), *range(0, size, 100)]
        assert log.entries_at(some) == [shown.entries[index] for index in some]
        assert [log.entry(index) for index in some] == log.entries_at(some)
        assert (log.size, log.root) == (size, build_root(shown.reader, size))
        assert log.root_at(size // 2) == build_root(shown.reader, size // 2)
        assert log.root_at(size + 1) is None
        assert on_disk(tmp_path, kind) == shown.files(size)  # type: ignore[arg-type]
    assert mirror.first_use


def test_a_mirror_can_be_mirrored_and_imported(tmp_path: Path) -> None:
    first = mirrored(HONEST.files(), tmp_path)
    verify_files(tmp_path / "acme/events", EVENTS.verifier)
    verify_files(tmp_path / "acme/purchases", PURCHASES.verifier)
    place = directory_place(tmp_path)
    assert place.ids() == ["acme"]
    assert place.merchant("acme") == first.merchant
    assert place.log("acme", "events").checkpoint() == first.events.head.note


def test_only_what_is_new_is_fetched(tmp_path: Path) -> None:
    mirrored(HONEST.files(300, 20), tmp_path)
    files = HONEST.files(700, 20)
    mirror = mirrored(files, tmp_path)
    assert asked_of(files, "events") == ["checkpoint"]
    fetched = set(asked_of(files, "purchases"))
    assert not {"tile/0/000", "tile/entries/000"} & fetched
    assert {"tile/entries/001", "tile/entries/002.p/188", "tile/0/001"} <= fetched
    assert mirror.tiles == 3  # two of hashes of entries, one above
    assert on_disk(tmp_path, "purchases") == HONEST.purchases.files(700)  # no outgrown partials
    again = HONEST.files(700, 20)
    mirror = mirrored(again, tmp_path)
    assert asked_of(again, "purchases") == ["checkpoint"]
    assert (mirror.tiles, mirror.purchases.size) == (0, 700)


class Stopped(BaseException):
    """As SIGKILL, but that the test goes on."""


def test_a_mirror_goes_on_wherever_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.fetching._PARALLEL", 1)
    mirrored(HONEST.files(300, 2), tmp_path)
    for files_more in range(1, 30):
        left = [files_more]

        def write_some(path: Path, content: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stopped
            replace_file(path, content)

        with monkeypatch.context() as patch:
            patch.setattr("auditor.fetching.replace_file", write_some)
            try:
                mirror = mirrored(HONEST.files(700, 2), tmp_path)
            except Stopped:
                continue
        break
    assert files_more > 1
    assert list(mirror.purchases.entries()) == HONEST.purchases.entries
    assert on_disk(tmp_path, "purchases") == HONEST.purchases.files(700)


def test_what_was_fetched_before_an_interruption_is_not_fetched_again(tmp_path: Path) -> None:
    broken = HONEST.files()
    del broken["logs/acme/purchases/tile/entries/002.p/188"]
    with pytest.raises(NotServed):
        mirrored(broken, tmp_path)
    assert not (tmp_path / "acme/purchases/checkpoint").exists()
    files = HONEST.files()
    mirrored(files, tmp_path)
    asked = asked_of(files, "purchases")
    assert "tile/entries/002.p/188" in asked
    assert "tile/entries/000" not in asked


def test_false_files_that_lie_in_the_mirror_are_fetched(tmp_path: Path) -> None:
    """Somebody, or a run that a lying server has misled, has left them there."""
    for path in ("tile/entries/000", "tile/0/000", "tile/1/000.p/2", "tile/entries/001"):
        file = tmp_path / "acme/purchases" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(HONEST.files()[f"logs/acme/purchases/{path}"][:-1] + b"!")
    mirrored(HONEST.files(), tmp_path)
    assert on_disk(tmp_path, "purchases") == HONEST.purchases.files(700)


# ---- lies


def change(path: str, how: Callable[[bytes], bytes]) -> Callable[[Files], None]:
    def lie(files: Files) -> None:
        files[path] = how(files[path])

    return lie


def without(path: str) -> Callable[[Files], None]:
    def lie(files: Files) -> None:
        del files[path]

    return lie


def signed_as(checkpoint: Checkpoint, signer: Signer) -> Callable[[Files], None]:
    def lie(files: Files) -> None:
        files["logs/acme/purchases/checkpoint"] = sign(checkpoint, signer)

    return lie


def other_keys(files: Files) -> None:
    document = parse_json(files["logs/acme/keys.json"])
    document["history"][0]["events"][0]["event"]["capacity"] = 4096
    files["logs/acme/keys.json"] = canonical_json(document)


def other_origin(files: Files) -> None:
    shown = files["v1/directory"].replace(ORIGIN.encode(), b"ledger.example/else")
    files["v1/directory"] = shown


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


LOG = "logs/acme/purchases/"
BUNDLE, LAST_BUNDLE = LOG + "tile/entries/001", LOG + "tile/entries/002.p/188"
TILE, PARTIAL, ABOVE = LOG + "tile/0/001", LOG + "tile/0/002.p/188", LOG + "tile/1/000.p/2"
ROOT = build_root(HONEST.purchases.reader, 700)
LIES: dict[str, tuple[Callable[[Files], None], type[KvittoError], str]] = {
    "bit of a tile": (change(TILE, flip), FalseTiles, "not what the entries make"),
    "truncated tile": (change(TILE, lambda d: d[:-32]), FalseTiles, "not what the entries make"),
    "longer tile": (change(TILE, lambda d: d + b"x"), FalseTiles, "not what the entries make"),
    "bit of a partial tile": (change(PARTIAL, flip), FalseEntries, "do not lead"),
    "bit of a tile above": (change(ABOVE, flip), FalseEntries, "do not lead"),
    "bit of a bundle": (change(BUNDLE, lambda d: d[:-1] + b"x"), FalseEntries, "do not lead"),
    "no bundle": (change(BUNDLE, lambda _: b"<html>"), FalseEntries, "do not lead"),
    "entry left out": (
        change(LAST_BUNDLE, lambda _: encode_bundle(HONEST.purchases.entries[512:699])),
        FalseEntries,
        "do not lead",
    ),
    "entries swapped": (
        change(BUNDLE, lambda _: encode_bundle(HONEST.purchases.entries[511:255:-1])),
        FalseEntries,
        "do not lead",
    ),
    "missing tile": (without(TILE), NotServed, "tile/0/001 is not"),
    "missing bundle": (without(BUNDLE), NotServed, "entries/001 is not"),
    "missing checkpoint": (without(LOG + "checkpoint"), NotServed, "checkpoint is not"),
    "missing keys": (without("logs/acme/keys.json"), NotServed, "keys.json is not"),
    "false checkpoint": (
        change(LOG + "checkpoint", lambda d: d.replace(b"\n700\n", b"\n699\n")),
        VerificationError,
        "does not hold",
    ),
    "key of somebody else": (
        signed_as(Checkpoint(ORIGIN, 700, ROOT), Signer(ORIGIN, b"x" * 32)),
        VerificationError,
        "no known key",
    ),
    "more entries than there can be": (
        signed_as(Checkpoint(ORIGIN, 1 << 60, ROOT), PURCHASES),
        FormatError,
        "a log of more than",
    ),
    "no note": (change(LOG + "checkpoint", lambda _: b"<html>"), FormatError, "signature lines"),
    "another declaration": (other_keys, VerificationError, "leads to another root"),
    "no keys": (
        change("logs/acme/keys.json", lambda _: b'{"history":[]}'),
        FormatError,
        "declaration is not shown",
    ),
    "logs of somebody else": (other_origin, VerificationError, "of another merchant"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_server_that_lies(tmp_path: Path, name: str) -> None:
    lie, error, message = LIES[name]
    files = HONEST.files()
    lie(files)
    with pytest.raises(error, match=message):
        mirrored(files, tmp_path)
    assert not (tmp_path / "acme/purchases/checkpoint").exists()
    assert mirrored(HONEST.files(), tmp_path).purchases.size == 700  # nothing stays of it


@pytest.mark.parametrize(
    ("signed", "error", "then"),
    [
        (Checkpoint(ORIGIN, 700, b"r" * 32), FalseEntries, ForkedLog),
        (Checkpoint(ORIGIN, 701, ROOT), LogUnreachable, OlderCheckpoint),
    ],
)
def test_what_the_log_itself_has_signed_is_held_against_it(
    tmp_path: Path, signed: Checkpoint, error: type[KvittoError], then: type[KvittoError]
) -> None:
    files = HONEST.files()
    signed_as(signed, PURCHASES)(files)
    with pytest.raises(error):
        mirrored(files, tmp_path)
    with pytest.raises(then):
        mirrored(HONEST.files(), tmp_path)


def test_a_log_that_has_shrunk(tmp_path: Path) -> None:
    mirrored(HONEST.files(700, 20), tmp_path)
    for size in (0, 300, 699):
        with pytest.raises(OlderCheckpoint):
            mirrored(HONEST.files(size, 20), tmp_path)


@pytest.mark.parametrize(("seen", "shown"), [(300, 700), (700, 700), (500, 501)])
def test_a_log_that_has_forked(tmp_path: Path, seen: int, shown: int) -> None:
    mirrored(HONEST.files(seen, 20), tmp_path)
    with pytest.raises(ForkedLog) as caught:
        mirrored(ShownMerchantLogs(forked_purchases=290).files(shown, 20), tmp_path)
    proof = Fork.parse(caught.value.fork.serialise())
    verify_fork(proof, [PURCHASES.verifier])
    assert mirrored(HONEST.files(seen, 20), tmp_path).purchases.size == seen


def test_a_log_that_forks_while_it_is_fetched(tmp_path: Path) -> None:
    interrupted = HONEST.files(700, 20)
    del interrupted[LAST_BUNDLE]
    with pytest.raises(NotServed):
        mirrored(interrupted, tmp_path)
    with pytest.raises(ForkedLog):
        mirrored(ShownMerchantLogs(forked_purchases=290).files(700, 20), tmp_path)


@pytest.mark.parametrize("shown", [291, 400, 512, 699])
def test_a_fork_that_is_smaller_is_proven_by_what_is_here(tmp_path: Path, shown: int) -> None:
    """An entry is taken out and the rest signed again: who does that serves no larger log."""
    mirrored(HONEST.files(700, 20), tmp_path)
    with pytest.raises(ForkedLog) as caught:
        mirrored(ShownMerchantLogs(forked_purchases=290).files(shown, 20), tmp_path)
    small, large = verify_fork(caught.value.fork, [PURCHASES.verifier])
    assert (small.size, large.size) == (shown, 700)
    with pytest.raises(OlderCheckpoint):  # an old one is none
        mirrored(ShownMerchantLogs(forked_purchases=290).files(290, 20), tmp_path)


@pytest.mark.parametrize("shown", [400, 500])
def test_a_smaller_fork_is_proven_while_the_rest_is_still_to_come(
    tmp_path: Path, shown: int
) -> None:
    mirrored(HONEST.files(500, 20), tmp_path)
    interrupted = HONEST.files(700, 20)
    del interrupted[LAST_BUNDLE]
    with pytest.raises(NotServed):
        mirrored(interrupted, tmp_path)
    with pytest.raises(ForkedLog) as caught:
        mirrored(ShownMerchantLogs(forked_purchases=290).files(shown, 20), tmp_path)
    _, large = verify_fork(caught.value.fork, [PURCHASES.verifier])
    assert large.size == 500
    (tmp_path / "acme/purchases/checkpoint").write_bytes(b"damaged")
    with pytest.raises(OlderCheckpoint):
        mirrored(ShownMerchantLogs(forked_purchases=290).files(shown, 20), tmp_path)


@pytest.mark.parametrize(("beside_keys", "shown"), [(200, 600), (600, 600), (600, 400)])
def test_keys_that_are_shown_with_another_history(
    tmp_path: Path, beside_keys: int, shown: int
) -> None:
    files = HONEST.files(20, shown)
    forked = ShownMerchantLogs(forked_events=100).files(20, beside_keys)
    files["logs/acme/keys.json"] = forked["logs/acme/keys.json"]
    for path, data in HONEST.files(20, 600).items():  # of both sizes, for the proof
        files.setdefault(path, data)
    with pytest.raises((ForkedLog, FalseTiles)) as caught:
        mirrored(files, tmp_path)
    assert isinstance(caught.value, ForkedLog) == (shown == 600)


# ---- keys


def test_the_first_key_that_is_shown_is_trusted_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mirrored(HONEST.files(20, 20), tmp_path).first_use
    assert not mirrored(HONEST.files(20, 20), tmp_path).first_use
    other = Signer(f"{ORIGIN}/events", b"i" * 32)
    monkeypatch.setattr(shown_logs, "EVENTS", other)
    declared = {**shown_logs.FIRST, "events_vkey": other.verifier.vkey}
    monkeypatch.setattr(shown_logs, "FIRST", declared)
    impostor = ShownMerchantLogs().files(20, 20)
    with pytest.raises(VerificationError, match="none that is trusted here"):
        mirrored(impostor, tmp_path)
    assert mirrored(impostor, tmp_path / "elsewhere").first_use


def test_keys_that_are_pinned(tmp_path: Path) -> None:
    files = HONEST.files(20, 20)
    other = Signer("ledger.example/other/events", b"x" * 32)
    mirror = mirrored(files, tmp_path, EVENTS.verifier, PURCHASES.verifier, other.verifier)
    assert not mirror.first_use
    with pytest.raises(VerificationError, match="none that is trusted here"):
        mirrored(files, tmp_path / "a", Signer(f"{ORIGIN}/events", b"x" * 32).verifier)
    with pytest.raises(VerificationError, match="none of this log's"):
        mirrored(files, tmp_path / "b", EVENTS.verifier, Signer(ORIGIN, b"x" * 32).verifier)
    with pytest.raises(VerificationError, match="none of this log's"):  # also where one is known
        mirrored(files, tmp_path, Signer(f"{ORIGIN}/events", b"x" * 32).verifier)


def test_a_key_that_follows_another(tmp_path: Path) -> None:
    rotated = ShownMerchantLogs(rotated=True)
    mirrored(HONEST.files(20, 200), tmp_path)
    mirror = mirrored(rotated.files(20, 600), tmp_path)
    assert mirror.keys.events.in_force == (EVENTS.verifier, NEXT.verifier)
    assert read_state(tmp_path / "acme/audit.json").vkeys == (
        EVENTS.verifier.vkey,
        NEXT.verifier.vkey,
    )


# ---- witnesses


def test_cosignatures_are_wanted_and_their_times_kept(tmp_path: Path) -> None:
    with pytest.raises(NotCosigned):
        mirrored(HONEST.files(20, 20), tmp_path, quorum=BOTH)
    with pytest.raises(NotCosigned):
        mirrored(HONEST.files(20, 20, WITNESSES[:1]), tmp_path, quorum=BOTH)
    mirror = mirrored(HONEST.files(20, 20, WITNESSES), tmp_path, quorum=BOTH)
    assert [(s.log, s.size, s.seen) for s in mirror.sightings] == [
        ("events", 20, "2026-11-22T12:00:00Z"),
        ("purchases", 20, "2026-11-22T12:00:00Z"),
    ]
    time = "2026-11-21T08:00:00Z"
    assert SECOND == 1_795_248_000
    assert mirror.sightings[0].cosigned == {w.verifier.name: time for w in WITNESSES}
    assert mirrored(HONEST.files(20, 20, WITNESSES), tmp_path).sightings[:2] == mirror.sightings


@pytest.mark.parametrize("kind", ["events", "purchases"])
def test_each_log_is_to_be_cosigned(tmp_path: Path, kind: str) -> None:
    """It is not enough that what is shown about keys is."""
    files = HONEST.files(20, 20, WITNESSES)
    path = f"logs/acme/{kind}/checkpoint"
    files[path] = HONEST.files(20, 20)[path]
    with pytest.raises(NotCosigned):
        mirrored(files, tmp_path, quorum=BOTH)


def test_witnesses_that_the_service_names_are_believed_by_their_signatures(tmp_path: Path) -> None:
    files = HONEST.files(20, 20, WITNESSES[:1])
    listed = parse_json(files["v1/directory"])
    keys = [w.verifier for w in WITNESSES]
    listed["merchants"][0]["witnesses"] = [{"name": k.name, "vkey": k.vkey} for k in keys]
    files["v1/directory"] = canonical_json(listed)
    mirror = mirrored(files, tmp_path)
    assert list(mirror.sightings[-1].cosigned) == ["witness.example/w1"]
    note = files[LOG + "checkpoint"]
    false = WITNESSES[0].cosign("another text\n1\n2\n", SECOND).line().encode()
    files[LOG + "checkpoint"] = note[: note.rindex("— witness".encode())] + false
    assert mirrored(files, tmp_path / "b").sightings[-1].cosigned == {}


# ---- what is on this computer


def test_a_disk_that_forgets_is_not_taken_for_the_merchant(tmp_path: Path) -> None:
    log = mirrored(HONEST.files(), tmp_path).purchases
    bundle = log.directory / "tile/entries/001"
    bundle.write_bytes(flip(bundle.read_bytes()))
    with pytest.raises(DamagedMirror) as caught:
        list(log.entries())
    assert caught.value.field == str(bundle)
    assert log.entry(700 - 1) == HONEST.purchases.entries[-1]
    with pytest.raises(DamagedMirror):
        log.entry(300)
    bundle.write_bytes(HONEST.files()[BUNDLE][:-1] + b"!")  # as many entries, of the same length
    with pytest.raises(DamagedMirror):
        list(log.entries())
    bundle.unlink()
    assert list(mirrored(HONEST.files(), tmp_path).purchases.entries()) == HONEST.purchases.entries
    last = log.directory / "tile/entries/002.p/188"
    last.write_bytes(last.read_bytes()[:-1] + b"!")
    with pytest.raises(DamagedMirror):  # its places are known from before
        log.entry(700 - 1)
    above = log.directory / "tile/1/000.p/2"
    above.write_bytes(flip(above.read_bytes()))
    with pytest.raises(DamagedMirror):
        MirroredLog(log.directory, log.head)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version":2}', b"[]", b"\xff"])
def test_a_state_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/audit.json").write_bytes(content)
    with pytest.raises(FormatError, match="not the state of an audit"):
        mirrored(HONEST.files(20, 20), tmp_path)


@pytest.mark.parametrize("bad", ["../acme", "", "a/b", "A", 7, None])
def test_names_of_merchants_do_not_lead_out_of_the_directory(bad: object) -> None:
    listed = {"id": bad, "name": "x", "origin": ORIGIN}
    files = Files({"v1/directory": json.dumps({"merchants": [listed]}).encode()})
    with pytest.raises(FormatError):
        service_place(files)


def test_a_directory_has_the_merchant_of_its_name(tmp_path: Path) -> None:
    mirrored(HONEST.files(1, 1), tmp_path)
    (tmp_path / "acme").rename(tmp_path / "other")
    with pytest.raises(FormatError, match="not the merchant of this directory"):
        directory_place(tmp_path).merchant("other")


class Busy(Files):
    """Wants to be asked later, so many times."""

    def __init__(self, times: int, seconds: int) -> None:
        super().__init__(HONEST.files(1, 1))
        self.times, self.seconds = times, seconds

    def read(self, path: str, limit: int) -> bytes:
        self.times -= 1
        if self.times >= 0:
            raise LogBusy(429, self.seconds)
        return super().read(path, limit)


def test_a_busy_service_is_asked_again_when_it_says() -> None:
    slept: list[float] = []
    assert service_place(Busy(3, 60), slept.append).ids() == ["acme"]
    assert slept == [60, 60, 60]


@pytest.mark.parametrize(("times", "seconds", "asked"), [(11, 1, 11), (1, 121, 1)])
def test_nobody_waits_for_ever(times: int, seconds: int, asked: int) -> None:
    files, slept = Busy(times, seconds), list[float]()
    with pytest.raises(LogBusy):
        service_place(files, slept.append)
    assert (files.times, len(slept)) == (times - asked, asked - 1)


def test_nobody_is_listed_twice() -> None:
    files = HONEST.files(1, 1)
    listed = parse_json(files["v1/directory"])
    listed["merchants"] *= 2
    files["v1/directory"] = canonical_json(listed)
    with pytest.raises(FormatError, match="listed twice"):
        service_place(files)


def test_heads_are_kept_as_notes(tmp_path: Path) -> None:
    mirrored(HONEST.files(700, 20), tmp_path)
    seen = read_state(tmp_path / "acme/audit.json").logs["purchases"]
    assert seen.head == Head.of(HONEST.purchases.note(700))
    assert seen.complete == 700
