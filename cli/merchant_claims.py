"""``kvitto merchant claim``: what follows claims, as the merchant sees it."""

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from cli.attachments import MessageDirectory, show_messages, shown
from cli.case_words import case_document, case_facts
from cli.errors import Failure
from cli.options import DEFAULT_URL, MerchantId, MerchantKey, Remedy, Url, whole_number
from cli.output import AsJson, agreed, facts, show, table
from cli.secret_files import PassphraseFile, read_passphrase

if TYPE_CHECKING:
    from aftersales.claims import Case

__all__ = ["app"]

app = typer.Typer(name="claim", help="Decide claims, and what follows them.", no_args_is_help=True)

ClaimId = Annotated[
    str, typer.Argument(metavar="CLAIM_ID", help="From `kvitto merchant claim list`.")
]
Files = Annotated[
    list[Path] | None,
    typer.Option("--attach", metavar="FILE", help="Encrypted for the buyer; may be repeated."),
]
Words = Annotated[
    str | None, typer.Option("--message", metavar="TEXT", help="Encrypted for the buyer.")
]
_PAGE = 100


class State(StrEnum):
    """Where a case stands (aftersales.claims.STATES)."""

    UNDER_REVIEW = "under_review"
    APPROVED = "approved"
    DECLINED = "declined"
    NEEDS_INFORMATION = "needs_information"
    IN_PROCESS = "in_process"
    COMPLETED = "completed"
    CANCELED = "canceled"
    DISPUTED = "disputed"


class Decline(StrEnum):
    """Why not (aftersales.steps.DECLINE_REASONS)."""

    NOT_COVERED = "not_covered"
    NO_FAULT_FOUND = "no_fault_found"
    CAUSED_BY_USE = "caused_by_use"
    EVIDENCE_MISSING = "evidence_missing"
    NO_ANSWER = "no_answer"
    OTHER = "other"


class Want(StrEnum):
    """What a buyer is asked for (aftersales.steps.WANTS)."""

    PHOTO = "photo"
    VIDEO = "video"
    DESCRIPTION = "description"
    DIAGNOSIS = "diagnosis"
    ADDRESS = "address"
    OTHER = "other"


def _percent(typed: str | int) -> int:
    share = whole_number(typed)
    if not 1 <= share <= 100:
        raise typer.BadParameter("1 to 100")
    return share


Share = Annotated[int, typer.Option(parser=_percent, metavar="PERCENT", help="Of money, a part.")]


@app.command("list")
def list_claims(
    *,
    state: Annotated[State | None, typer.Option(help="Those that stand there.")] = None,
    overdue: Annotated[
        bool | None,
        typer.Option("--overdue/--not-overdue", help="Those that wait for you for too long."),
    ] = None,
    merchant: MerchantId,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Claims in the order of the log; everybody can see them, and which are overdue."""
    from cli.merchant_service import MerchantService

    query: dict[str, Any] = {"limit": _PAGE}
    query |= {} if state is None else {"state": state.value}
    query |= {} if overdue is None else {"overdue": "true" if overdue else "false"}
    found: list[dict[str, Any]] = []
    cursor: int | None = 0
    with closing(MerchantService(url, None)) as service:
        while cursor is not None:
            path = f"merchants/{merchant}/claims?{urlencode({**query, 'cursor': cursor})}"
            page = service.get(path)
            found += map(_listed, page["claims"])
            cursor = page["next"]
    columns = ("claim_id", "state", "policy", "remedy", "opened", "due", "overdue")
    rows = [[one[name] for name in columns] for one in found]
    show(
        {"claims": found},
        table([name.replace("_", " ") for name in columns], rows),
        as_json=as_json,
    )


def _listed(document: dict[str, Any]) -> dict[str, Any]:
    claim, case = document["receipt"]["event"]["claim"], document["case"]
    about = {name: claim[name] for name in ("policy", "version", "remedy")}
    return {"claim_id": document["claim_id"], **about, **case}


@app.command("show")
def show_case(
    claim_id: ClaimId, *, merchant: MerchantId, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """Where a claim stands; what its buyer has done is checked by the claim's own keys."""
    from cli.merchant_cases import cases_at

    with cases_at(url, None, merchant) as place:
        _show(place.case(claim_id), as_json=as_json)


@app.command()
def approve(  # noqa: PLR0913 - each is an option
    claim_id: ClaimId,
    *,
    resolution: Annotated[
        Remedy | None, typer.Option(help="Else what the buyer asked for.")
    ] = None,
    share: Share = 100,
    message: Words = None,
    attach: Files = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Approve a claim that is under review, or disputed. It is not taken back.

    Anything but what the buyer asked for takes effect when the buyer accepts it.
    """
    from cli.merchant_cases import cases_at

    with cases_at(url, key, merchant) as place:
        case = place.case(claim_id)
        granted = case.body.remedy if resolution is None else resolution.value
        members = {"resolution": granted, "share": share}
        _show(place.take(case, "approve", members, message, attach), as_json=as_json)


@app.command()
def offer(  # noqa: PLR0913 - each is an option
    claim_id: ClaimId,
    *,
    resolution: Annotated[Remedy, typer.Option(help="What the buyer may have instead.")],
    share: Share = 100,
    message: Words = None,
    attach: Files = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Offer something else than was approved; that stands until the buyer accepts."""
    members = {"resolution": resolution.value, "share": share}
    _take(claim_id, "offer", members, message, attach, (merchant, key, url), as_json=as_json)


@app.command()
def decline(
    claim_id: ClaimId,
    *,
    reason: Annotated[Decline, typer.Option(help="Why; it is public.")],
    message: Words = None,
    attach: Files = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Decline a claim that is under review, or disputed. The buyer can dispute that."""
    members = {"reason": reason.value}
    _take(claim_id, "decline", members, message, attach, (merchant, key, url), as_json=as_json)


@app.command()
def ask(
    claim_id: ClaimId,
    *,
    wanted: Annotated[
        list[Want], typer.Option("--for", help="What for; it is public. May be repeated.")
    ],
    message: Words = None,
    attach: Files = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Ask the buyer for something. Your time stands still until the answer."""
    members = {"wants": [want.value for want in Want if want in wanted]}
    _take(claim_id, "ask", members, message, attach, (merchant, key, url), as_json=as_json)


@app.command()
def start(
    claim_id: ClaimId,
    *,
    message: Words = None,
    attach: Files = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Say that what was approved is being done; the buyer cannot withdraw any more."""
    _take(claim_id, "start", {}, message, attach, (merchant, key, url), as_json=as_json)


@app.command()
def complete(
    claim_id: ClaimId,
    *,
    message: Words = None,
    attach: Files = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Say that it is done."""
    _take(claim_id, "complete", {}, message, attach, (merchant, key, url), as_json=as_json)


@app.command("note")
def write_note(
    claim_id: ClaimId,
    *,
    message: Words = None,
    attach: Files = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Write to the buyer, whose name nobody knows; only the buyer can read it."""
    _take(claim_id, "note", {}, message, attach, (merchant, key, url), as_json=as_json)


@app.command()
def evidence(
    claim_id: ClaimId,
    *,
    contact: Annotated[
        Path, typer.Option("--contact-key", metavar="FILE", help="The policy's private key.")
    ],
    out: MessageDirectory = None,
    passphrase_file: PassphraseFile = None,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Read what the buyer has sent. Files are named by their digests, whatever is in them."""
    from aftersales.steps import BUYER
    from cli.merchant_cases import cases_at
    from cli.merchant_contact_key import read_contact_key
    from policies.attachments import open_attachment

    private = read_contact_key(contact, read_passphrase(passphrase_file))
    read = []
    with cases_at(url, key, merchant) as place:
        for number, digest in place.attachments(claim_id, BUYER):
            sealed = place.attachment(claim_id, digest)
            content = None if sealed is None else open_attachment(sealed, claim_id, private)
            read.append(shown(number, digest, content, out))
    show_messages(read, as_json=as_json)


@app.command()
def erase(
    claim_id: ClaimId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
    merchant: MerchantId,
    key: MerchantKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Erase all that was attached to a claim, by both sides; the log keeps that it was there."""
    if not yes and not agreed("Erase everything that was attached?"):
        raise Failure("nothing was erased")
    from cli.merchant_cases import cases_at

    with cases_at(url, key, merchant) as place:
        place.erase(claim_id)
    show({"claim_id": claim_id, "erased": True}, "All attachments are erased.", as_json=as_json)


def _take(
    claim_id: str,
    step: str,
    members: dict[str, Any],
    message: str | None,
    files: list[Path] | None,
    place: tuple[str, str, str],
    *,
    as_json: bool,
) -> None:
    merchant, key, url = place
    from cli.merchant_cases import cases_at

    with cases_at(url, key, merchant) as there:
        case = there.take(there.case(claim_id), step, members, message, files)
    _show(case, as_json=as_json)


def _show(case: "Case", *, as_json: bool) -> None:
    show(case_document(case), facts(case_facts(case)), as_json=as_json)
