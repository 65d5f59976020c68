"""``kvitto receipt``: check a decision's receipt without asking anyone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.files import read_document, read_quorum
from cli.following import naming_what_follows
from cli.options import QuorumFile
from cli.output import AsJson, facts, show
from commitments.errors import FormatError

__all__ = ["app"]

app = typer.Typer(name="receipt", help="Check a decision's receipt offline.", no_args_is_help=True)


@app.command()
def verify(
    file: Annotated[
        Path, typer.Argument(metavar="RECEIPT.json", help="A decision, or its receipt alone.")
    ],
    *,
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="The event log's verifier key, from the shop.")
    ],
    quorum: QuorumFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what the event log of the shop holds about a claim.

    Exit status 0 only if the decision is in the log that the key belongs to. A receipt is public:
    whoever shows one need not be the buyer.
    """
    from ledger.event_receipt import EventReceipt, verify_event_receipt
    from ledger.note import parse_vkey

    receipt = EventReceipt.parse(_receipt(read_document(file)))
    wanted = read_quorum(quorum)
    with naming_what_follows():
        checkpoint = verify_event_receipt(receipt, parse_vkey(key), policy=wanted)
    event = receipt.event
    if event.get("type") != "claim.decided":
        raise FormatError("not the receipt of a decision", "type")
    claim = event["claim"]
    found = {
        "claim_id": event["claim_id"],
        "decision": event["decision"],
        "policy": f"{claim['policy']} version {claim['version']}",
        "remedy": claim["remedy"],
        "decided": event["time"],
        "log": checkpoint.origin,
        "index": receipt.proof.index,
    }
    show(found, facts(found), as_json=as_json)


def _receipt(document: Any) -> Any:
    """The receipt in a decision, or the document itself."""
    if isinstance(document, dict) and "receipt" in document:
        return document["receipt"]
    return document
