"""``kvitto merchant key``: who else may write for a merchant, and how much."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_URL, MerchantId, MerchantKey, OperatorKey, Url, whole_number
from cli.output import AsJson, facts, show, table

__all__ = ["app"]

app = typer.Typer(name="key", help="API keys, each for a part of the work.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="From `kvitto merchant key list`.")]


class Scope(StrEnum):
    """What a key may do."""

    ALL = "all"
    SALES = "sales"
    POLICIES = "policies"
    CLAIMS = "claims"
    WEBHOOKS = "webhooks"
    KEYS = "keys"


@app.command()
def create(
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What it is for.")],
    *,
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be repeated.")],
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="Good until then, 2026-12-24T18:00:00Z.")
    ] = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Make another key, for no more than yours may do. It is shown only once."""
    wanted = {"label": label, "scopes": [one.value for one in scope], "expires": expires}
    _show_key(_post(url, key, f"merchants/{merchant}/keys", wanted), as_json=as_json)


@app.command("list")
def list_keys(
    *, merchant: MerchantId, key: MerchantKey, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """The keys that are good, what each may do, and on which day it was used last."""
    from cli.merchant_service import get

    answer = get(url, f"merchants/{merchant}/keys", key)
    columns = ("id", "label", "scopes", "created", "last_used", "expires")
    rows = [[_words(one)[name] for name in columns] for one in answer["keys"]]
    show(answer, table([name.replace("_", " ") for name in columns], rows), as_json=as_json)


@app.command()
def rotate(
    key_id: KeyId,
    *,
    grace: Annotated[
        int,
        typer.Option(
            parser=whole_number, metavar="HOURS", help="How long the old one stays good; 168 most."
        ),
    ],
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Replace a key by a new one for the same. It is shown only once."""
    answer = _post(url, key, f"merchants/{merchant}/keys/{key_id}/rotation", {"grace_hours": grace})
    _show_key(answer, as_json=as_json)


@app.command()
def revoke(
    key_id: KeyId,
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Make a key worthless at once."""
    answer = _post(url, key, f"merchants/{merchant}/keys/{key_id}/revocation", {})
    show(answer, f"{answer['label']} ({answer['id']}) opens nothing any more", as_json=as_json)


@app.command()
def recover(
    merchant_id: Annotated[str, typer.Argument(metavar="MERCHANT", help="The merchant's id.")],
    *,
    key: OperatorKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """For operators: a new key for a merchant that has lost all of its own."""
    _show_key(_post(url, key, f"merchants/{merchant_id}/keys/recovery", {}), as_json=as_json)


def _post(url: str, key: str, path: str, document: Any) -> Any:
    from cli.merchant_service import post

    return post(url, key, path, document)


def _show_key(document: dict[str, Any], *, as_json: bool) -> None:
    replaced = document.get("replaces", {}).get("expires")
    said = {**_words(document), "replaces": None, "old_key_until": replaced}
    show(document, facts(said), as_json=as_json)


def _words(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "scopes": " ".join(document["scopes"])}
