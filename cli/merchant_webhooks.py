"""``kvitto merchant webhook``: where events are sent, and what became of them."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_URL, MerchantId, MerchantKey, Url
from cli.output import AsJson, facts, show, table

__all__ = ["app"]

app = typer.Typer(
    name="webhook", help="Events that are sent to the shop's programs.", no_args_is_help=True
)

WebhookId = Annotated[
    str, typer.Argument(metavar="ID", help="From `kvitto merchant webhook list`.")
]
_COLUMNS = ("id", "type", "state", "attempts", "tried", "status", "error", "due")


class State(StrEnum):
    """Of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@app.command()
def create(
    target: Annotated[str, typer.Argument(metavar="URL", help="As https://shop.example/hooks.")],
    *,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="As claim.decided; may be repeated. Else all."),
    ] = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Have events sent to a URL from now on. The secret it prints is shown only once."""
    wanted = {"url": target, "types": types or None, "description": description}
    _show(_send(url, key, "POST", f"merchants/{merchant}/webhooks", wanted), as_json=as_json)


@app.command("list")
def list_webhooks(
    *, merchant: MerchantId, key: MerchantKey, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """All webhooks, and whether anything reaches them."""
    answer = _send(url, key, "GET", f"merchants/{merchant}/webhooks")
    columns = ("id", "url", "types", "enabled", "disabled_because", "failing_since")
    rows = [[_words(one)[name] for name in columns] for one in answer["webhooks"]]
    show(answer, table([name.replace("_", " ") for name in columns], rows), as_json=as_json)


@app.command()
def enable(
    webhook: WebhookId,
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Send again to a webhook that was disabled, also what has happened meanwhile."""
    path = f"merchants/{merchant}/webhooks/{webhook}"
    known = _send(url, key, "GET", path)
    wanted = {name: known[name] for name in ("url", "types", "description")}
    _show(_send(url, key, "PUT", path, {**wanted, "enabled": True}), as_json=as_json)


@app.command()
def rotate(
    webhook: WebhookId,
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Give a webhook new keys; for a day the old ones sign too. The secret is shown only once."""
    path = f"merchants/{merchant}/webhooks/{webhook}/rotation"
    _show(_send(url, key, "POST", path, {}), as_json=as_json)


@app.command()
def delete(
    webhook: WebhookId,
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Send nothing more there."""
    answer = _send(url, key, "DELETE", f"merchants/{merchant}/webhooks/{webhook}")
    show(answer, f"{webhook} is deleted", as_json=as_json)


@app.command("test")
def send_test(
    webhook: WebhookId,
    *,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Send a message of type webhook.test now; exit status 1 unless it was taken."""
    answer = _send(url, key, "POST", f"merchants/{merchant}/webhooks/{webhook}/test", {})
    show(answer, facts(answer), as_json=as_json)
    if not answer["delivered"]:
        raise typer.Exit(1)


@app.command()
def deliveries(
    webhook: WebhookId,
    *,
    state: Annotated[State | None, typer.Option(help="Only those; dead is given up.")] = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """What became of the newest 100 events for a webhook, or of those in one state."""
    query = "?limit=100" + (f"&state={state.value}" if state else "")
    path = f"merchants/{merchant}/webhooks/{webhook}/deliveries{query}"
    answer = _send(url, key, "GET", path)
    rows = [[one[name] for name in _COLUMNS] for one in answer["deliveries"]]
    show(answer, table(_COLUMNS, rows), as_json=as_json)


@app.command()
def replay(
    webhook: WebhookId,
    delivery: Annotated[
        str | None, typer.Argument(metavar="[DELIVERY]", help="A webhook-id; or --dead-since.")
    ] = None,
    *,
    dead_since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="All given up after 2026-12-24T18:00:00Z."),
    ] = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Send one event again, or all that were given up."""
    if (delivery is None) == (dead_since is None):
        raise typer.BadParameter("name a delivery, or a time by --dead-since")
    path = f"merchants/{merchant}/webhooks/{webhook}"
    if delivery is not None:
        answer = _send(url, key, "POST", f"{path}/deliveries/{delivery}/replay", {})
    else:
        answer = _send(url, key, "POST", f"{path}/replay", {"since": dead_since})
    show(answer, facts(answer), as_json=as_json)


def _send(url: str, key: str, method: str, path: str, document: Any = None) -> Any:
    from cli.merchant_service import send

    return send(url, key, method, path, document)


def _show(webhook: dict[str, Any], *, as_json: bool) -> None:
    show(webhook, facts(_words(webhook)), as_json=as_json)


def _words(webhook: dict[str, Any]) -> dict[str, Any]:
    return {
        **webhook,
        "types": " ".join(webhook["types"] or ["all"]),
        "public_keys": " ".join(webhook["public_keys"]),
    }
