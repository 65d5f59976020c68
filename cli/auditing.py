"""What ``kvitto audit`` does for each merchant, and what it says of all."""

import fcntl
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from auditor.audit import AuditResult, audit
from auditor.findings import SEVERITIES, Disagreement
from auditor.gathering import gather
from auditor.mirror import STATE_FILE, Progress, mirror_merchant
from auditor.place import Place
from cli.errors import Failure, error_document
from cli.output import Advance, bar
from commitments.clock import system_clock
from commitments.errors import KvittoError, VerificationError
from commitments.p256 import P256
from ledger.durable import replace_file
from ledger.events import is_events_origin, purchases_origin
from ledger.fork import ForkedLog
from ledger.note import Note, Verifier
from ledger.quorum import Quorum
from ledger.served_log import LogUnreachable

__all__ = [
    "Audited",
    "Bars",
    "Options",
    "alone",
    "audit_merchant",
    "default_mirror",
    "require_pinned",
    "vanished",
]

_HOME = Path("~/.kvitto/audit")
_MOST_EVIDENCE = 20  # files for one rule; a log with more has other troubles
_BROKEN, _UNREACHABLE, _FORKED = 1, 4, 5


@dataclass(frozen=True)
class Options:
    """How to audit; ``home`` is where the mirrors of a place are."""

    home: Path
    evidence: Path | None
    pinned: Sequence[Verifier]
    quorum: Quorum
    engine: str
    sample: int | None
    jobs: int


@dataclass
class Audited:
    """A merchant: what the audit says of it, or why it says nothing.

    ``first_use`` is the key of its event log where that was taken on trust.
    """

    merchant: str
    origin: str | None = None
    first_use: str | None = None
    result: AuditResult | None = None
    error: Exception | None = None
    evidence: list[Path] = field(default_factory=list)

    def status(self, fail_on: str | None) -> int:
        """The exit status for it alone."""
        if isinstance(self.error, ForkedLog):
            return _FORKED
        if isinstance(self.error, LogUnreachable):
            return _UNREACHABLE
        return 0 if self._holds(fail_on) else _BROKEN

    def problem(self) -> dict[str, Any] | None:
        """Why it could not be audited, as errors are told."""
        if self.error is None:
            return None
        forked = {"type": "forked"} if isinstance(self.error, ForkedLog) else {}
        return {**error_document(self.error), **forked}

    def _holds(self, fail_on: str | None) -> bool:
        if self.error is not None or self.result is None or self.result.disagreements:
            return False
        counting = SEVERITIES[SEVERITIES.index(fail_on) :] if fail_on else ()
        return not any(finding.severity in counting for finding in self.result.findings)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "merchant": self.merchant,
            "origin": self.origin,
            "trusted_on_first_use": self.first_use,
            "error": self.problem(),
            **(self.result.document() if self.result else {}),
            "evidence": [str(path) for path in self.evidence],
        }


def default_mirror(place: str) -> Path:
    """Where the mirrors of a place are kept: readable, and of this place only."""
    named = re.sub(r"^https?://", "", place)
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", named).strip("-.")[-60:]
    return _HOME / f"{readable}-{sha256(place.encode()).hexdigest()[:8]}"


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """``Failure`` if another process audits into the same mirror."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another audit is at work in {home}") from None
        yield


def require_pinned(place: Place, ids: Iterable[str], pinned: Iterable[Verifier]) -> None:
    """``Failure`` for a key of no log here: whoever names it believes that it is looked at."""
    origins = set()
    for merchant_id in ids:
        with suppress(KvittoError):  # its own audit says so
            origins.add(place.merchant(merchant_id).origin)
    for key in pinned:
        if purchases_origin(key.name) not in origins:
            raise Failure(f"no log that is audited here is {key.name}, whose key was given")


def vanished(place: Place, home: Path) -> list[Audited]:
    """The merchants whose logs were here before, and are not shown any more."""
    ids = place.ids()
    known = sorted(path.parent.name for path in home.glob(f"*/{STATE_FILE}"))
    why = "its logs were audited before, and are not listed any more"
    return [Audited(each, error=VerificationError(why)) for each in known if each not in ids]


def audit_merchant(place: Place, merchant_id: str, options: Options) -> Audited:
    """Audit one merchant. What is wrong with it is in the answer, and stops no other's audit."""
    audited = Audited(merchant_id)
    try:
        _audit(place, audited, options)
    except ForkedLog as forked:
        audited.error = forked
        audited.evidence.append(_keep_fork(forked, _evidence_home(audited, options)))
    except OSError:  # of this computer
        raise
    except Exception as error:  # noqa: BLE001 - what a lying log makes of us, others do not suffer
        audited.error = error
    return audited


def _audit(place: Place, audited: Audited, options: Options) -> None:
    merchant = place.merchant(audited.merchant)
    audited.origin = merchant.origin
    with Bars(merchant.id) as progress:
        mirror = mirror_merchant(
            place,
            merchant,
            options.home / merchant.id,
            clock=system_clock,
            progress=progress,
            pinned=options.pinned,
            quorum=options.quorum,
        )
        if mirror.first_use:
            audited.first_use = mirror.keys.events.keys[0].vkey
        audited.result = audit(
            mirror,
            clock=system_clock,
            engine=options.engine,
            sample=options.sample,
            jobs=options.jobs,
            progress=progress,
        )
        audited.evidence += _keep_evidence(
            audited.result, _evidence_home(audited, options), progress
        )


class Bars:
    """A progress bar for one thing after the other, on a terminal."""

    def __init__(self, merchant: str) -> None:
        self._merchant = merchant
        self._open = ExitStack()
        self._what = ""
        self._advance: Advance

    def __enter__(self) -> Progress:
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _tell(self, what: str, done: int, of: int) -> None:
        if what != self._what:
            self._open.close()
            self._advance = self._open.enter_context(bar(f"{self._merchant}: {what}", of))
            self._what = what
        self._advance(done, of)


# ---- evidence


def _evidence_home(audited: Audited, options: Options) -> Path:
    if options.evidence is not None:
        return options.evidence / audited.merchant
    return options.home / audited.merchant / "evidence"


def _keep_fork(forked: ForkedLog, directory: Path) -> Path:
    """The proof in a file; what is there already is a proof as good, and stays."""
    origin = Note.parse(forked.fork.small).text.split("\n")[0]
    kind = "events" if is_events_origin(origin) else "purchases"
    return _keep(directory / f"{kind}.fork", forked.fork.serialise())


def _keep_evidence(result: AuditResult, directory: Path, progress: Progress) -> list[Path]:
    written: dict[str, list[Path]] = {}
    tried: Counter[str] = Counter()  # to make some takes long, and comes to nothing
    for number, found in enumerate(result.disagreements):
        progress("evidence", number, len(result.disagreements))
        files = written.setdefault(found.rule, [])
        path = directory / _name(found)
        if path.exists():
            files.append(path)
        elif max(len(files), tried[found.rule]) < _MOST_EVIDENCE:
            tried[found.rule] += 1
            evidence = gather(result.mirror, result.judged, found, P256)
            if evidence is not None:
                files.append(_keep(path, evidence.serialise()))
    return [path for files in written.values() for path in files]


def _name(found: Disagreement) -> str:
    entries = "".join(f"-{entry.log}-{entry.index}" for entry in found.entries[:3])
    return f"{found.rule}{entries}.json"


def _keep(path: Path, content: bytes) -> Path:
    if not path.exists():
        replace_file(path, content)
    return path
