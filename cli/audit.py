"""``kvitto audit``: everything that a stranger can check of merchants, checked again."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import Failure
from cli.files import read_bytes, read_quorum
from cli.options import (
    KnownKeys,
    LogsPlace,
    MirrorDirectory,
    QuorumFile,
    whole_number,
    worker_count,
)
from cli.output import AsJson, facts, show

__all__ = ["audit", "verify_evidence"]

_WORST_FIRST = (5, 1, 4)  # exit statuses: forked, something does not hold, unreachable


class Engine(StrEnum):
    """Who does the arithmetic of points."""

    OPENSSL = "openssl"
    PURE = "pure"


class Severity(StrEnum):
    """From which severity on a finding counts as if a rule were broken."""

    NOTICE = "notice"
    WARNING = "warning"
    ALARM = "alarm"


def audit(  # noqa: PLR0913 - each is an option
    place: LogsPlace,
    *,
    merchant: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this one; again for more.")
    ] = None,
    mirror: MirrorDirectory = None,
    key: KnownKeys = None,
    quorum: QuorumFile = None,
    engine: Annotated[
        Engine, typer.Option(help="Whose arithmetic: `pure` shares no code with OpenSSL; slow.")
    ] = Engine.OPENSSL,
    sample: Annotated[
        int | None,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Verify so many proofs, chosen by chance, in place of all that are new.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(parser=worker_count, metavar="N", help="Processes; else one for each core."),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where evidence goes; else beside the mirrored logs."),
    ] = None,
    fail_on: Annotated[
        Severity | None,
        typer.Option(help="Findings from this severity on make the exit status 1 as well."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch both logs of every merchant, and check all that can be checked of them.

    Exit status 0: everything holds. 1: something does not; where a rule is broken, evidence for
    others is in a file. 4: a log cannot be reached. 5: a log has forked, and the proof is in a
    file. Run it again to check what is new.
    """
    from auditor.place import place_at
    from cli.audit_words import views
    from cli.auditing import (
        Options,
        alone,
        audit_merchant,
        default_mirror,
        require_pinned,
        vanished,
    )
    from ledger.note import parse_vkey

    options = Options(
        home=(mirror or default_mirror(place)).expanduser(),
        evidence=evidence,
        pinned=[parse_vkey(each) for each in key or ()],
        quorum=read_quorum(quorum),
        engine=engine.value,
        sample=sample,
        jobs=jobs or len(os.sched_getaffinity(0)),
    )
    if options.home.resolve() == Path(place).resolve():
        raise typer.BadParameter("a log is not mirrored onto itself", param_hint="--mirror")
    with place_at(place) as opened, alone(options.home):
        ids = _chosen(opened.ids(), merchant)
        require_pinned(opened, ids, options.pinned)
        audited = [audit_merchant(opened, each, options) for each in ids]
        audited += [] if merchant else vanished(opened, options.home)
    merchants = [each.document() for each in audited]
    document = {"place": place, "mirror": str(options.home), "merchants": merchants}
    show(document, *views(audited), as_json=as_json)
    statuses = {each.status(fail_on and fail_on.value) for each in audited}
    for status in _WORST_FIRST:
        if status in statuses:
            raise typer.Exit(status)


def verify_evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written by whoever audited.")],
    *,
    key: Annotated[
        list[str],
        typer.Option(metavar="VKEY", help="A key of the merchant's event log; again for more."),
    ],
    as_json: AsJson = False,
) -> None:
    """Check the evidence that a merchant has broken a rule, without asking anyone.

    Exit status 0 only if the merchant's logs have the entries that are shown, and these break it.
    """
    from auditor import evidence
    from auditor.rules import RULES
    from commitments.p256 import P256
    from ledger.note import parse_vkey

    shown = evidence.Evidence.parse(read_bytes(file))
    evidence.verify_evidence(shown, [parse_vkey(each) for each in key], P256)
    found = {
        "origin": shown.origin,
        **shown.disagreement.document(),
        "must_be": RULES[shown.disagreement.rule],
        "supposes": evidence.SUPPOSES,
    }
    entries = " ".join(f"{e.log}:{e.index}" for e in shown.disagreement.entries)
    show(found, facts({**found, "entries": entries}), as_json=as_json)


def _chosen(ids: list[str], wanted: list[str] | None) -> list[str]:
    """The merchants to audit; ``Failure`` for one that is not there, or none at all."""
    for each in wanted or ():
        if each not in ids:
            raise Failure(f"there is no merchant {each} at this place")
    if not ids:
        raise Failure("there is no merchant at this place")
    return wanted or ids
