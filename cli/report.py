"""``kvitto report``: how a merchant dealt with the claims of a month, computed from its logs."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import Failure
from cli.files import read_quorum
from cli.options import KnownKeys, LogsPlace, MaybeMerchantId, MirrorDirectory, QuorumFile
from cli.output import AsJson, facts, lines, note, show, table

if TYPE_CHECKING:
    from auditor.judging import Judged
    from auditor.mirror import Mirror
    from auditor.record import Record
    from auditor.reporting import MonthlyReport

__all__ = ["report"]

_DIFFERS = "What the merchant has published for this month says something else."


class Format(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def report(
    place: LogsPlace,
    *,
    month: Annotated[str, typer.Option(metavar="MONTH", help="As 2026-10; it has ended, in UTC.")],
    merchant: MaybeMerchantId = None,
    written: Annotated[
        Format, typer.Option("--format", help="`html`: one page, to be printed. `json`: as --json.")
    ] = Format.TEXT,
    mirror: MirrorDirectory = None,
    key: KnownKeys = None,
    quorum: QuorumFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a merchant's logs, and compute its service-quality report of a month from them.

    What the merchant has published is compared with that. Exit status 1 if it says something else.
    """
    from aftersales.months import parse_month
    from auditor.reporting import monthly_report
    from commitments.clock import system_clock
    from commitments.errors import VerificationError
    from ledger.events import event_time

    parse_month(month, "month")  # before logs are fetched for it
    mirrored, judged = _read(place, merchant, mirror, key or [], quorum)
    if judged.record is None:
        raise VerificationError("the event log cannot be read; see kvitto audit")
    if judged.disagreements:
        note("Rules are broken in these logs, see kvitto audit.")
    found = monthly_report(judged.record, month, event_time(system_clock()))
    if not found.final:
        note("No event of a later month is in the log yet: one of this month may still come.")
    _show(Format.JSON if as_json else written, mirrored, judged.record, found)
    if found.differs:
        raise typer.Exit(1)


def _read(
    place: str, merchant: str | None, home: Path | None, keys: list[str], quorum: Path | None
) -> "tuple[Mirror, Judged]":
    from auditor.audit import judge_mirror
    from auditor.mirror import mirror_merchant
    from auditor.place import place_at
    from cli.auditing import Bars, alone, default_mirror, require_pinned
    from commitments.clock import system_clock
    from ledger.note import parse_vkey

    home = (home or default_mirror(place)).expanduser()
    if home.resolve() == Path(place).resolve():
        raise typer.BadParameter("a log is not mirrored onto itself", param_hint="--mirror")
    pinned = [parse_vkey(each) for each in keys]
    with place_at(place) as opened, alone(home):
        chosen = _chosen(opened.ids(), merchant)
        require_pinned(opened, [chosen], pinned)
        with Bars(chosen) as progress:
            mirrored = mirror_merchant(
                opened,
                opened.merchant(chosen),
                home / chosen,
                clock=system_clock,
                progress=progress,
                pinned=pinned,
                quorum=read_quorum(quorum),
            )
    return mirrored, judge_mirror(mirrored)


def _chosen(ids: list[str], wanted: str | None) -> str:
    if wanted is None and len(ids) == 1:
        return ids[0]
    if wanted is None:
        raise Failure(f"name one with --merchant: {', '.join(ids) or 'there is none'}")
    if wanted not in ids:
        raise Failure(f"there is no merchant {wanted} at this place")
    return wanted


def _show(written: Format, mirrored: "Mirror", record: "Record", found: "MonthlyReport") -> None:
    if written == Format.JSON:
        typer.echo(json.dumps(_document(mirrored, found)))
        return
    from cli.report_page import render_report
    from cli.report_words import FOOTNOTE, policy_names, report_sections, report_title

    sections = report_sections(found.report, policy_names(record.histories.versions))
    title = report_title(mirrored.merchant.name, found.month)
    made_of = _made_of(mirrored, found)
    warning = _DIFFERS if found.differs else None
    if written == Format.HTML:
        typer.echo(render_report(title, made_of, warning, sections), nl=False)
        return
    show(None, lines([title, *([warning] if warning else [])]), as_json=False)
    for section in sections:
        grids = [table(grid.columns, grid.rows, grid.caption) for grid in section.grids]
        show(None, lines(["", section.title, section.text]), *grids, as_json=False)
    show(None, lines(["", FOOTNOTE]), facts(made_of), as_json=False)


def _document(mirrored: "Mirror", found: "MonthlyReport") -> dict[str, Any]:
    said = found.published
    published = said and {"index": found.index, "number": said.number, "differs": found.differs}
    return {
        "merchant": mirrored.merchant.id,
        "origin": mirrored.origin,
        "events": {"size": mirrored.events.size, "root": mirrored.events.root.hex()},
        "month": found.month,
        "final": found.final,
        "report": found.report,
        "published": published,
    }


def _made_of(mirrored: "Mirror", found: "MonthlyReport") -> dict[str, str]:
    published = "not by the merchant"
    if found.published is not None:
        same = "another" if found.differs else "the same"
        published = f"{same}, as event {found.index}"
    return {
        "log": f"{mirrored.origin}/events",
        "made of": f"{mirrored.events.size:,} events, root {mirrored.events.root.hex()}",
        "published": published,
    }
