"""``kvitto wallet disclose`` and ``kvitto disclosure``: a purchase shown to one recipient."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.following import naming_what_follows
from cli.options import AlsoSandbox, QuorumFile, require_real, whole_number
from cli.output import AsJson, agreed, facts, note, show, tell
from cli.wallet import DEFAULT_WALLET, Out, WalletPath, Yes, numbered, opened, require_yes

if TYPE_CHECKING:
    from commitments.sale import Sale
    from policies.disclosure import DisclosureBody, Shown
    from sdk.disclosure import Bounds, DisclosurePreview

__all__ = ["app", "disclose"]

app = typer.Typer(
    name="disclosure", help="Check what an owner has disclosed, offline.", no_args_is_help=True
)

Recipient = Annotated[
    str, typer.Option(help="Who may rely on it, to the letter as it was agreed upon.")
]
Purpose = Annotated[
    str, typer.Option(help="What it is for, to the letter, such as a claim's number.")
]


def disclose(
    *,
    purchase: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="As in kvitto wallet list.")
    ],
    recipient: Recipient,
    purpose: Purpose,
    shown: Annotated[
        list[str] | None,
        typer.Option(
            "--show",
            metavar="WHAT",
            help="product, date, price, currency, batch or unit; or bounds, as price=100..500 and"
            " date=2026-01-01..2026-12-31; repeatable.",
        ),
    ] = None,
    out: Out = None,
    yes: Yes = False,
    wallet: WalletPath = DEFAULT_WALLET,
    as_json: AsJson = False,
) -> None:
    """Prove some of a purchase's data to somebody else than the shop. Needs no network.

    It says which entry of the shop's log is yours; see first all that it shows.
    """
    from cli.files import write_document
    from commitments.clock import system_clock
    from sdk.disclosure import preview_disclosure

    require_yes(yes=yes, as_json=as_json)
    with opened(wallet) as mine:
        chosen = numbered(mine, purchase)
        preview = preview_disclosure(
            chosen,
            mine.made_with(chosen),
            recipient=recipient,
            purpose=purpose,
            shown=dict(_bounds(each, chosen.sale) for each in shown or ()),
            today=system_clock().astimezone(UTC).date(),
        )
    if not as_json:
        tell(_words(preview))
    if not yes and not agreed("Write it?"):
        note("Nothing was written.")
        raise typer.Exit(1)
    write_document(out, lambda: preview.make().document(), as_json=as_json)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="DISCLOSURE.json", help="- for stdin.")],
    *,
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="The purchase log's verifier key, from the shop.")
    ],
    recipient: Recipient,
    purpose: Purpose,
    quorum: QuorumFile = None,
    sandbox: AlsoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Say what an owner has proven of a purchase, and as of when.

    Exit status 0 only if all of it holds, for this recipient and purpose. It says nothing of what
    came after its checkpoint: a return to the shop, or a sale to another owner.
    """
    from cli.files import read_document, read_quorum
    from commitments.p256 import P256
    from ledger.note import parse_vkey
    from policies.disclosure import parse_disclosure
    from verifier.disclosure import verify_disclosure

    disclosure = parse_disclosure(read_document(file))
    with naming_what_follows():
        verified = verify_disclosure(
            P256,
            disclosure,
            parse_vkey(key),
            recipient=recipient,
            purpose=purpose,
            policy=read_quorum(quorum),
        )
    body, checkpoint = verified.body, verified.checkpoint
    unreal = require_real(checkpoint.origin, sandbox=sandbox)
    found = {
        "log": checkpoint.origin,
        **unreal,
        "index": verified.index,
        "as_of_size": checkpoint.size,
        "recipient": body.recipient,
        "purpose": body.purpose,
        "date": body.date,
        "shown": {each.attribute: each.document() for each in body.predicates},
        "tag": verified.tags[0].hex(),
    }
    lines = {
        "log": checkpoint.origin,
        **unreal,
        "entry": verified.index,
        "as of": f"size {checkpoint.size} of the log; a later return or sale is not in it",
        "for": body.recipient,
        "purpose": body.purpose,
        "made on": f"{body.date}, as its owner says",
        **_shown_words(body),
        "tag": found["tag"],
    }
    show(found, facts(lines), as_json=as_json)


def _words(preview: "DisclosurePreview") -> Iterator[str]:
    body = preview.body
    yield f"{body.recipient}, and whoever else gets the file, learns for {body.purpose} that"
    yield from _list(preview.learns)
    yield "It does not say"
    yield from _list(preview.hidden)
    for warning in preview.warnings:
        yield f"Be aware: {warning}"


def _list(sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        yield f"  - {sentence}"


def _shown_words(body: "DisclosureBody") -> dict[str, object]:
    from commitments.currency import amount

    money = next((str(each.lowest) for each in body.predicates if each.attribute == "currency"), "")

    def words(shown: "Shown") -> str:
        bounds = [
            amount(value, money) if isinstance(value, int) else value
            for value in (shown.lowest, shown.highest)
        ]
        return bounds[0] if shown.is_exact else f"from {bounds[0]} to {bounds[1]}"

    return {f"its {each.attribute}": words(each) for each in body.predicates}


def _bounds(typed: str, sale: "Sale") -> "tuple[str, Bounds]":
    """What is to be shown, and its bounds where it has some."""
    from commitments.currency import currency
    from issuer.cells import parse_price

    name, equals, between = typed.partition("=")
    if not equals:
        return name, None
    lowest, dots, highest = between.partition("..")
    if not dots:
        raise typer.BadParameter("bounds are written as 100..500", param_hint="--show")
    if name == "price":
        money = currency(sale.currency)
        return name, (parse_price(lowest, money), parse_price(highest, money))
    return name, (lowest, highest)
