"""A merchant's API keys: made, seen, replaced and made worthless by one of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.bodies import Body, integer, members, text
from api.dependencies import (
    KEY_PROBLEMS,
    AnyMerchant,
    MerchantKey,
    MerchantWith,
    OperatorOnly,
    TheService,
)
from api.documents.keys import Key, KeyCreated, KeyRotated, Keys, NewKey, Rotation
from api.idempotency import SentAs
from api.key_table import KeyWanted
from api.openapi import described
from commitments.errors import FormatError
from issuer.merchants import Merchant

__all__ = ["router"]

router = APIRouter(prefix="/v1/merchants/{merchant}/keys", tags=["keys"])

Own = Annotated[Merchant, MerchantWith("keys")]
KeyId = Annotated[str, Path(alias="key", description="From the list of keys.")]


@router.post(
    "",
    **described(
        {201: KeyCreated},
        f"malformed {KEY_PROBLEMS} too-large too-many past-date idempotency-key-reused",
        NewKey,
    ),
)
def create_a_key(
    service: TheService, merchant: Own, key: MerchantKey, sent_as: SentAs, body: Body
) -> JSONResponse:
    """Make another key, for no more than the one that is used may do.

    The answer holds the key, which is not stored and not shown again.
    """
    wanted = _read(members(body, ("label", "scopes"), ("expires",)))
    return JSONResponse(service.keys.create(merchant, key, wanted, sent_as(body)), 201)


@router.get("", **described({200: Keys}, f"{KEY_PROBLEMS}"))
def list_keys(service: TheService, merchant: Own) -> JSONResponse:
    """The keys that are good, oldest first: what each is for, and on which day it was used last."""
    return JSONResponse({"keys": [key.document() for key in service.keys.of(merchant)]})


@router.post(
    "/{key}/rotation",
    **described(
        {201: KeyRotated},
        f"malformed {KEY_PROBLEMS} unknown-key too-large too-many idempotency-key-reused",
        Rotation,
    ),
)
def rotate_a_key(
    service: TheService,
    merchant: Own,
    key: MerchantKey,
    key_id: KeyId,
    sent_as: SentAs,
    body: Body,
) -> JSONResponse:
    """Replace a key by a new one for the same; the old one stays good for some hours.

    Without grace, an answer that is lost takes both with it, if the key replaced itself.
    """
    grace = integer(members(body, ("grace_hours",)), "grace_hours")
    made = service.keys.rotate(merchant, key, key_id, grace, sent_as(body))
    return JSONResponse(made, 201)


@router.post(
    "/{key}/revocation",
    **described({200: Key}, f"malformed {KEY_PROBLEMS} unknown-key idempotency-key-reused"),
)
def revoke_a_key(
    service: TheService, merchant: Own, key: MerchantKey, key_id: KeyId, sent_as: SentAs
) -> JSONResponse:
    """Make a key worthless at once, also the one that is used for it."""
    return JSONResponse(service.keys.revoke(merchant, key, key_id, sent_as(b"")))


@router.post(
    "/recovery",
    dependencies=[OperatorOnly],
    **described({201: KeyCreated}, "unauthorised unknown-merchant too-many"),
)
def recover_a_merchant(service: TheService, merchant: AnyMerchant) -> JSONResponse:
    """Give a merchant that has lost its keys one for everything; the others stay as they are."""
    return JSONResponse(service.keys.recover(merchant), 201)


def _read(document: dict[str, Any]) -> KeyWanted:
    scopes = document["scopes"]
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise FormatError("not a list of texts", "scopes")
    return KeyWanted(text(document, "label"), tuple(scopes), document.get("expires"))
