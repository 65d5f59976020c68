"""``kvitto proof``: conformance with the protocol, one proof at a time or a whole vector file.

Exit status: 0 it holds; 1 it does not (a vector fails, the purchase does not satisfy the
statement, the proof does not prove it); 2 the input cannot be read.
"""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.conformance import Outcome, run_vectors
from cli.errors import Failure
from cli.output import AsJson, waiting
from cli.proof_json import beta_from_json, opening_from_json, read_json, statement_from_json
from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from commitments.purchase import Opening
from commitments.wire import parse_hex
from zk.prove import Unsatisfied
from zk.prove import prove as make_proof
from zk.statement import OneOf, Range
from zk.verify import verify as check_proof

__all__ = ["app"]

app = typer.Typer(
    name="proof", help="Check this implementation against the protocol.", no_args_is_help=True
)


class Suite(StrEnum):
    """The ciphersuites (docs/protocol.md 2 and 9)."""

    P256 = "P256"
    BLS12381 = "BLS12381"

    def group(self) -> Group:
        """The suite's group; the second is slow to import, so only when asked for."""
        if self is Suite.P256:
            from commitments.p256 import P256

            return P256
        from commitments.bls12381 import BLS12381

        return BLS12381


StatementFile = Annotated[
    Path, typer.Argument(metavar="STATEMENT.json", help="A case's statement, its ring in hex.")
]
OpeningFile = Annotated[Path, typer.Argument(metavar="OPENING.json", help="An entry of purchases.")]
InSuite = Annotated[Suite, typer.Option("--suite", help="The ciphersuite.")]


@app.command()
def vectors(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file like kvitto-v01.json.")],
    suite: InSuite = Suite.P256,
    as_json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Check every entry of a vector file."""
    with waiting("checking"):
        outcomes = run_vectors(file, suite.group())
    summary = _summary(outcomes)
    _print(summary, _summary_lines(summary), as_json=as_json)
    raise typer.Exit(1 if summary["failed"] or not summary["passed"] else 0)


@app.command()
def prove(
    statement: StatementFile,
    opening: OpeningFile,
    suite: InSuite = Suite.P256,
    as_json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Make a proof and print it in hex; keep OPENING.json to yourself.

    For a transfer OPENING.json has a member more: beta.
    """
    group = suite.group()
    claim, own = statement_from_json(_load(statement), group), _load(opening)
    purchase = opening_from_json(own, group)
    try:
        proof = make_proof(claim, purchase, beta=beta_from_json(own, group))
    except Unsatisfied as error:
        raise Failure(_advice(error, purchase)) from None
    _print({"proof": proof.hex()}, [proof.hex()], as_json=as_json)


@app.command()
def verify(
    statement: StatementFile,
    proof: Annotated[
        str, typer.Argument(metavar="PROOF", help="Hex, or a file that holds hex or raw bytes.")
    ],
    suite: InSuite = Suite.P256,
    as_json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Check a proof and print its tags, one per line."""
    claim, data = statement_from_json(_load(statement), suite.group()), _read_proof(proof)
    try:
        tags = [tag.hex() for tag in check_proof(claim, data).tags]
    except (FormatError, VerificationError) as error:
        raise Failure(f"rejected: {error}") from None
    _print({"tags": tags}, tags, as_json=as_json)


def _load(path: Path) -> Any:
    return read_json(path.read_bytes(), path.name)


def _read_proof(text: str) -> bytes:
    """Hex as it stands, or a file of hex or of raw bytes, of which the first is no hex digit."""
    with suppress(FormatError):
        if text:
            return parse_hex(text, "PROOF")
    data = Path(text).read_bytes()
    try:
        return parse_hex(data.decode("ascii").rstrip("\r\n"), "PROOF")
    except (UnicodeDecodeError, FormatError):
        return data


def _advice(error: Unsatisfied, opening: Opening) -> str:
    """Which predicate fails and by how much: for the buyer's eyes, never for a server."""
    predicate = error.predicate
    if predicate is None:
        return str(error)
    value = opening.values()[predicate.attribute]
    if isinstance(predicate, Range):
        if value < predicate.lo:
            return f"{predicate.attribute} is {predicate.lo - value} below {predicate.lo}"
        return f"{predicate.attribute} is {value - predicate.hi} above {predicate.hi}"
    if isinstance(predicate, OneOf):
        return f"{predicate.attribute} is none of the {len(predicate.values)} allowed"
    return f"{predicate.attribute} is another than the statement's"


def _summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    failures = [outcome for outcome in outcomes if outcome.problem is not None]
    entries = Counter(outcome.section for outcome in outcomes)
    failed = Counter(outcome.section for outcome in failures)
    return {
        "sections": {
            section: {"passed": count - failed[section], "failed": failed[section]}
            for section, count in entries.items()
        },
        "failures": [asdict(outcome) for outcome in failures],
        "passed": len(outcomes) - len(failures),
        "failed": len(failures),
    }


def _summary_lines(summary: dict[str, Any]) -> list[str]:
    counts = "{passed} passed, {failed} failed"
    return [
        *(f"{name}: {counts.format(**section)}" for name, section in summary["sections"].items()),
        *("{section}: {name}: {problem}".format(**failure) for failure in summary["failures"]),
        counts.format(**summary),
    ]


def _print(document: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    for line in [json.dumps(document)] if as_json else lines:
        typer.echo(line)
