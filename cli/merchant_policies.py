"""``kvitto merchant policy``: what a shop promises, and from when it promises something else."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_URL, MerchantId, MerchantKey, Url, whole_number
from cli.output import AsJson, show, table

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
    from datetime import UTC, timedelta

    from cli.merchant_service import post
    from commitments.clock import system_clock

    tomorrow = system_clock().astimezone(UTC).date() + timedelta(days=1)
    path = f"merchants/{merchant}/policies/{policy}/{version}/withdrawal"
    answer = post(url, key, path, {"from": first or tomorrow.isoformat()})
    line = (
        f"{answer['policy']} version {answer['version']} covers purchases before {answer['from']}: "
        f"event {answer['index']}"
    )
    show(answer, line, as_json=as_json)


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
