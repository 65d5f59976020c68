"""The receipt mailbox: open to all, and who asks for what stands in no path."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.bodies import Body, members
from api.dependencies import AnyMerchant, TheService
from api.documents.mailbox import Boxes, Deletion, Deposit, Emptied, Kept, Lookup
from api.openapi import described
from commitments.errors import FormatError
from commitments.mailbox import (
    ADDRESS_BYTES,
    BOX_BYTES,
    DELETE_KEY_BYTES,
    LOOKUP_BOXES,
    SIGNATURE_BYTES,
)
from commitments.wire import encode_base64, parse_base64, parse_hex
from issuer.mailbox import Box

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/mailbox", tags=["mailbox"])


@router.post(
    "/deposits",
    **described(
        {201: Kept},
        "malformed unknown-merchant duplicate-box already-deleted too-large mailbox-full",
        Deposit,
    ),
)
def deposit_a_box(service: TheService, merchant: AnyMerchant, body: Body) -> JSONResponse:
    """Leave a ciphertext of 4,096 bytes under an address that nobody else can guess.

    The same box again gets the same answer. An address never has another box, also after that
    was deleted. There is room for two boxes for each entry of the purchase log, and 1,024 more.
    """
    document = members(body, ("address", "delete_key", "ciphertext"))
    box = Box(
        _address(document["address"], "address"),
        parse_hex(document["delete_key"], "delete_key", DELETE_KEY_BYTES),
        parse_base64(document["ciphertext"], "ciphertext", BOX_BYTES),
    )
    service.mailbox.deposit(merchant.origin, box)
    return JSONResponse({"status": "kept"}, 201)


@router.post("/lookups", **described({200: Boxes}, "malformed unknown-merchant too-large", Lookup))
def look_into_boxes(service: TheService, merchant: AnyMerchant, body: Body) -> JSONResponse:
    """What lies under each of exactly 32 addresses: a ciphertext, or null.

    A wallet fills up with random ones, so that their number tells nothing.
    """
    given = members(body, ("addresses",))["addresses"]
    if not isinstance(given, list) or len(given) != LOOKUP_BOXES:
        raise FormatError(f"not a list of {LOOKUP_BOXES}", "addresses")
    addresses = [_address(text, f"addresses[{place}]") for place, text in enumerate(given)]
    found = service.mailbox.contents(merchant.origin, addresses)
    return JSONResponse({"boxes": [None if box is None else encode_base64(box) for box in found]})


@router.post(
    "/deletions",
    **described(
        {200: Emptied}, "malformed unknown-merchant unknown-box too-large not-verified", Deletion
    ),
)
def delete_a_box(service: TheService, merchant: AnyMerchant, body: Body) -> JSONResponse:
    """Delete the ciphertext under an address, with a signature by the key that came with it.

    Once more gets the same answer.
    """
    document = members(body, ("address", "signature"))
    address = _address(document["address"], "address")
    signature = parse_hex(document["signature"], "signature", SIGNATURE_BYTES)
    service.mailbox.delete(merchant.origin, address, signature)
    return JSONResponse({"status": "deleted"})


def _address(text: Any, field: str) -> bytes:
    return parse_hex(text, field, ADDRESS_BYTES)
