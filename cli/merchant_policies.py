"""``kvitto merchant policy``: what a shop promises, and from when it promises something else."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DEFAULT_URL, MerchantId, MerchantKey, Url, whole_number
from cli.output import AsJson, lines, show, table
from commitments.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from commitments.sale import Sale
    from policies.lint import Finding
    from policies.policy import Policy

__all__ = ["app"]

app = typer.Typer(
    name="policy", help="Promises: what is covered, for how long.", no_args_is_help=True
)


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(metavar="POLICY.json", help="- for stdin.")],
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Publish a version of a policy, for good.

    It supersedes the versions before it for purchases from its covers_from (or valid_from) on,
    from tomorrow at the earliest.
    """
    from cli.files import read_document
    from cli.merchant_service import post

    document = read_document(file)
    answer = post(url, key, f"merchants/{merchant}/policies", document)
    published = answer["policy"]
    line = f"{published['id']} version {published['version']} is event {answer['index']}"
    show(answer, line, as_json=as_json)


@app.command()
def withdraw(
    policy: Annotated[str, typer.Argument(metavar="ID", help="The policy's id.")],
    version: Annotated[int, typer.Argument(metavar="VERSION", parser=whole_number)],
    *,
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DAY",
            help="First day whose purchases are not covered; else tomorrow.",
        ),
    ] = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """End a version for purchases from a day on (UTC). What was bought before stays covered."""
    from datetime import timedelta

    from cli.merchant_service import post, today

    tomorrow = today(url, merchant, key) + timedelta(days=1)
    path = f"merchants/{merchant}/policies/{policy}/{version}/withdrawal"
    answer = post(url, key, path, {"from": first or tomorrow.isoformat()})
    line = (
        f"{answer['policy']} version {answer['version']} covers purchases before {answer['from']}: "
        f"event {answer['index']}"
    )
    show(answer, line, as_json=as_json)


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(metavar="POLICY.json", help="- for stdin.")],
    *,
    sales: Annotated[
        Path | None,
        typer.Option(metavar="SALES.csv", help="What was sold, as merchant import reads it."),
    ] = None,
    capacity: Annotated[
        int | None, typer.Option(parser=whole_number, help="Most purchases in a ring of the log.")
    ] = None,
    place: Annotated[
        list[str] | None, typer.Option(help="Whose law to compare with: EU (default), UK, US, CN.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say a policy in plain words, whom it could not hide, and where the law gives more.

    Nothing is sent. Several files are also compared with each other. Exit status 1 for errors only.
    This is not legal advice.
    """
    from commitments.clock import system_clock
    from policies.explain import explain
    from policies.lint import ERROR, Situation, lint, lint_together
    from policies.versions import Version

    policies = [_read(file) for file in files]
    today = system_clock().date()
    situation = Situation(today, _sold(sales, today), capacity, _places(place))
    together = lint_together(policies, situation)
    found = [(explain(Version(policy, "")), lint(policy, situation)) for policy in policies]
    document = {
        "policies": [
            {"policy": policy.id, "explanation": said, "findings": [f.document() for f in findings]}
            for policy, (said, findings) in zip(policies, found, strict=True)
        ],
        "together": [finding.document() for finding in together],
    }
    views = [lines([*said, *map(_finding, findings), ""]) for said, findings in found]
    show(document, *views, lines(map(_finding, together)), as_json=as_json)
    if any(finding.level == ERROR for _, findings in found for finding in findings):
        raise typer.Exit(1)


def _read(file: Path) -> "Policy":
    from cli.files import read_document
    from policies.policy import parse_policy

    return parse_policy(read_document(file))


def _sold(file: Path | None, today: "date") -> "Sequence[Sale] | None":
    from issuer.sales_import import read_sales

    return None if file is None else read_sales(file, today=today).sales


def _places(given: list[str] | None) -> tuple[str, ...]:
    from policies.statutes import PLACES

    places = tuple(given or ("EU",))
    for place in places:
        if place not in PLACES:
            raise FormatError(f"not one of {', '.join(PLACES)}", "place")
    return places


def _finding(finding: "Finding") -> str:
    source = f" ({finding.source})" if finding.source else ""
    return f"{finding.level}: {finding.text}{source}"


@app.command("list")
def list_policies(*, merchant: MerchantId, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """All versions of all policies, and which purchases they cover."""
    from cli.merchant_service import get

    answer = get(url, f"merchants/{merchant}/policies")
    rows = [_row(one) for one in answer["policies"]]
    columns = ("id", "version", "kind", "claims", "purchases", "smallest ring", "title")
    show(answer, table(columns, rows), as_json=as_json)


def _row(version: dict[str, Any]) -> list[object]:
    policy, first, ends = version["policy"], version["policy"].get("covers_from"), version["ends"]
    purchases = [*([f"from {first}"] if first else []), *([f"before {ends}"] if ends else [])]
    return [
        policy["id"],
        policy["version"],
        policy["kind"],
        f"{policy['valid_from']} to {policy['valid_to']}",
        " and ".join(purchases) or "all",
        policy["smallest_ring"],
        policy["title"],
    ]
