"""``kvitto receipt``: check a decision's receipt without asking anyone, and redeem it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.files import read_document, read_quorum
from cli.following import naming_what_follows
from cli.options import DEFAULT_URL, AlsoSandbox, QuorumFile, Url, require_real
from cli.output import AsJson, facts, show
from commitments.errors import FormatError, VerificationError
from commitments.sandbox import is_sandbox

if TYPE_CHECKING:
    from aftersales.redemption import RedemptionToken
    from ledger.note import Verifier
    from ledger.quorum import Quorum

__all__ = ["app"]

app = typer.Typer(
    name="receipt", help="Check a decision's receipt offline, or redeem it.", no_args_is_help=True
)


@app.command()
def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="RECEIPT.json", help="An answer with its receipt, or a receipt alone."
        ),
    ],
    *,
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="The event log's verifier key, from the shop.")
    ],
    quorum: QuorumFile = None,
    sandbox: AlsoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Say what the shop's event log holds about a claim, its steps, a transfer, or an end.

    Exit status 0 only if this is in the log that the key belongs to, and not in a sandbox's unless
    you say so. A receipt is public: whoever shows one need not be the buyer.
    """
    from ledger.event_receipt import EventReceipt, verify_event_receipt
    from ledger.note import parse_vkey

    receipt = EventReceipt.parse(_receipt(read_document(file)))
    wanted = read_quorum(quorum)
    with naming_what_follows():
        checkpoint = verify_event_receipt(receipt, parse_vkey(key), policy=wanted)
    found = {**_said(receipt.event), "log": checkpoint.origin, "index": receipt.proof.index}
    found |= require_real(checkpoint.origin, sandbox=sandbox)
    show(found, facts(found), as_json=as_json)


@app.command()
def redeem(
    file: Annotated[
        Path,
        typer.Argument(metavar="TOKEN.json", help="From the buyer: kvitto wallet case redeem."),
    ],
    *,
    shop: Annotated[str, typer.Option(help="Your name, as the buyer was told it.")],
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="The event log's verifier key, from the merchant.")
    ],
    quorum: QuorumFile = None,
    sandbox: AlsoSandbox = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only check it: it may have been redeemed elsewhere.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Redeem a buyer's approval: check the token, then record it, which works once.

    Exit status 0 only when it is recorded for you; with --offline, only when the receipt is of an
    approval that needs nothing more. No API key is needed: the buyer has signed.
    """
    from aftersales.redemption import RedemptionToken
    from ledger.note import parse_vkey

    token = RedemptionToken.parse(read_document(file))
    wanted, log = read_quorum(quorum), parse_vkey(key)
    unreal = require_real(log.name, sandbox=sandbox)
    with naming_what_follows():
        token.verify(shop, _now(url, log), log, quorum=wanted)
    found = {**_claim(token.receipt.event), "shop": shop, "signed": token.signed, **unreal}
    if not offline:
        found["redeemed"] = _record(url, token, log, wanted)
    elif not token.shows_approval:
        raise VerificationError(
            "whether the claim is approved only the service can tell", "receipt"
        )
    show(found, facts(found), as_json=as_json)


def _now(url: str, log: "Verifier") -> datetime:
    """The time; of a sandbox, whose event log has this key, what the service's clock shows."""
    from commitments.clock import system_clock
    from ledger.events import purchases_origin
    from sdk import Shop

    if not is_sandbox(log.name):
        return system_clock()
    with Shop(url, _merchant_id(purchases_origin(log.name))) as service:
        return system_clock() + service.ahead()


def _merchant_id(origin: str) -> str:
    return origin.rpartition("/")[2]


def _record(url: str, token: "RedemptionToken", key: "Verifier", quorum: "Quorum") -> str:
    """When the redemption was logged, as the log proves it; ``Refused`` where another was."""
    from aftersales.steps import STEP
    from ledger.event_receipt import verify_event_receipt
    from sdk import Shop
    from sdk.cases import read_case

    claim = token.receipt.event["claim"]
    with Shop(url, _merchant_id(claim["origin"])) as service:
        known = read_case(service.case(token.claim_id))
        step = token.step(sum(each.event.get("type") == STEP for each in known))
        shown = read_case(service.take_step(step, []))
    for recorded in shown:
        time = recorded.event.get("time")
        if {**step, "time": time} == recorded.event:
            verify_event_receipt(recorded, key, policy=quorum)
            return str(time)
    raise VerificationError("the service does not show that it is recorded")


def _said(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the event says; ``FormatError`` for one that is about something else."""
    read = _READERS.get(event.get("type", ""))
    if read is None:
        raise FormatError("not the receipt of a decision", "type")
    try:
        return read(event)
    except (KeyError, TypeError):
        raise FormatError("not what the log says of a decision", "event") from None


def _claim(event: Mapping[str, Any]) -> dict[str, Any]:
    claim = event["claim"]
    return {
        "claim_id": event["claim_id"],
        "decision": event["decision"],
        "policy": f"{claim['policy']} version {claim['version']}",
        "remedy": claim["remedy"],
        "decided": event["time"],
    }


def _transfer(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "transfer_id": event["transfer_id"],
        "decision": "approved",
        "commitment": event["transfer"]["acceptance"]["commitment"],
        "decided": event["time"],
        "retire_by": event["retire_by"],
    }


def _step(event: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: event[name] for name in _TOLD if name in event}
    return {
        "claim_id": event["claim_id"],
        "number": event["number"],
        "by": event["by"],
        "step": event["step"],
        **told,
        "taken": event["time"],
    }


def _end(event: Mapping[str, Any]) -> dict[str, Any]:
    name = "claim_id" if "claim_id" in event else "transfer_id"
    return {name: event[name], "ended": event["time"]}


_TOLD = ("resolution", "share", "reason", "shop")
_READERS = {
    "claim.decided": _claim,
    "claim.step": _step,
    "transfer.approved": _transfer,
    "ownership.retired": _end,
}


def _receipt(document: Any) -> Any:
    """The receipt in an answer, or the document itself."""
    if isinstance(document, dict) and "receipt" in document:
        return document["receipt"]
    return document
