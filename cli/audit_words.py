"""What an audit says to people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType

from auditor.audit import AuditResult
from auditor.findings import SEVERITIES, Disagreement, Entry, Finding
from cli.auditing import Audited
from cli.output import facts, lines, table

__all__ = ["views"]

_MOST = 20  # rows of one table; --json has all
_COUNTED = (
    ("closes", "closes"),
    ("policies", "policy events"),
    ("claims", "claims"),
    ("steps", "steps of cases"),
    ("transfers", "transfers"),
    ("voids", "voids"),
    ("reports", "reports"),
)


def views(audited: Iterable[Audited]) -> list[RenderableType]:
    """Of each merchant: what was checked, what does not hold, what deserves a question."""
    return [view for each in audited for view in _views(each)]


def _views(audited: Audited) -> Iterator[RenderableType]:
    yield lines([f"{audited.merchant}  {audited.origin or ''}".rstrip()])
    if (problem := audited.problem()) is not None:
        place = f"{problem['field']}: " if problem["field"] else ""
        yield lines([f"  error: {place}{problem['message']}"])
    if audited.result is not None:
        yield from _result(audited.result)
    if audited.first_use is not None:
        yield lines(
            [f"  its key was taken on trust, since none was known: compare {audited.first_use}"]
        )
    for path in audited.evidence:
        yield lines([f"  evidence: {path}"])
    if audited.result and len(audited.evidence) < len(audited.result.disagreements):
        yield lines(["  not for all: who doubts the others repeats the audit"])
    yield lines([""])


def _result(result: AuditResult) -> Iterator[RenderableType]:
    checked = result.checked
    counted = [f"{checked[name]:,} {word}" for name, word in _COUNTED if checked.get(name)]
    yield facts(
        {
            "  purchases": _log(result.mirror.purchases.size, result.mirror.purchases.root),
            "  events": _log(result.mirror.events.size, result.mirror.events.root),
            "  checked": ", ".join(counted) or None,
            "  tiles": f"{checked['tiles']:,} new",
            "  proofs": _proofs(checked),
            "  holds": "yes" if not result.disagreements else None,
        }
    )
    if result.disagreements:
        yield _disagreements(result.disagreements)
    for severity in reversed(SEVERITIES):
        if found := [finding for finding in result.findings if finding.severity == severity]:
            yield _findings(severity, found)


def _proofs(checked: Mapping[str, int]) -> str:
    said = [f"{checked['proofs']:,} verified"]
    said += [f"{before:,} verified before"] if (before := checked["proofs_known"]) else []
    said += [f"{left:,} left out"] if (left := checked["proofs_left_out"]) else []
    return ", ".join(said)


def _log(size: int, root: bytes) -> str:
    return f"{size:,} entries, root {root.hex()}"


def _disagreements(found: Sequence[Disagreement]) -> RenderableType:
    rows = [(each.rule, _entries(each.entries), each.why) for each in found[:_MOST]]
    return table(("  rule", "entries", "why"), _indented(rows), _title("does not hold", found))


def _findings(severity: str, found: Sequence[Finding]) -> RenderableType:
    rows = [(f.time, f.detector, f.text, _entries(f.entries)) for f in found[-_MOST:]]
    return table(("  since", "detector", "", "entries"), _indented(rows), _title(severity, found))


def _title(what: str, found: Sequence[object]) -> str:
    more = f", {_MOST} shown; --json has all" if len(found) > _MOST else ""
    return f"  {what}: {len(found)}{more}"


def _indented(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(f"  {first}", *rest) for first, *rest in rows]


def _entries(entries: Sequence[Entry]) -> str:
    shown = " ".join(f"{entry.log}:{entry.index}" for entry in entries[:4])
    return f"{shown} …" if len(entries) > 4 else shown
