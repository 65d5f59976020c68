"""Signatures as others verify them, and what a receiver that verifies refuses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from standardwebhooks import Webhook, WebhookVerificationError

from api.webhooks.signing import SigningKeys, signed_headers
from examples.webhook_receiver import verify
from ledger.sealing import SealingKey, WrongSealingKey

# The example of the reference implementation in Go, webhook_asymmetric_test.go.
SEED = "VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
MOMENT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
# Those of the specification and of the reference implementations.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Keep = tuple[dict[str, str], bytes]


def test_the_vectors_of_the_reference_implementations() -> None:
    symmetric, asymmetric = SigningKeys(SECRET, f"whsk_{SEED}").sign(MESSAGE, MOMENT, BODY)
    assert symmetric == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert asymmetric == (
        "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
    )


def test_keys_are_fresh_and_written_as_the_specification_says() -> None:
    first, second = SigningKeys.create(), SigningKeys.create()
    assert first.secret.startswith("whsec_")
    assert first.private_key.startswith("whsk_")
    assert first.public_key.startswith("whpk_")
    assert len({first.secret, second.secret, first.private_key[5:], first.public_key[5:]}) == 4
    assert SigningKeys.decode(first.encode()) == first
    assert first.secret not in repr(first)
    assert first.private_key not in repr(first)


def test_keys_open_for_their_endpoint_only() -> None:
    sealing, keys = SealingKey.create(), SigningKeys.create()
    sealed = sealing.seal("webhook/a/0", keys.encode())
    assert sealing.open("webhook/a/0", sealed) == keys.encode()
    with pytest.raises(WrongSealingKey):
        sealing.open("webhook/b/0", sealed)


KEYS = SigningKeys.create()
OLD = SigningKeys.create()


def by_secret(headers: dict[str, str], body: bytes) -> Any:
    return Webhook(KEYS.secret).verify(body, headers)


def by_public_key(headers: dict[str, str], body: bytes) -> Any:
    return verify(KEYS.public_key, headers, body)


Read = Callable[[dict[str, str], bytes], Any]
readers = pytest.mark.parametrize("read", [by_secret, by_public_key])


def message(*keys: SigningKeys, **ago: float) -> Keep:
    moment = datetime.now(UTC) - timedelta(**ago)
    return signed_headers(keys, MESSAGE, moment, BODY), BODY


@readers
def test_either_way_reads_what_was_sent(read: Read) -> None:
    assert read(*message(KEYS)) == {"test": 2432232314}


@readers
def test_while_keys_are_replaced_both_are_good(read: Read) -> None:
    assert read(*message(OLD, KEYS)) == {"test": 2432232314}
    assert read(*message(KEYS, OLD)) == {"test": 2432232314}


FORGED = (WebhookVerificationError, InvalidSignature, ValueError)


@readers
def test_another_endpoints_keys(read: Read) -> None:
    with pytest.raises(FORGED):
        read(*message(OLD))


@readers
def test_a_delivery_that_somebody_replays_later(read: Read) -> None:
    assert read(*message(KEYS, minutes=4))
    for minutes in (6, -6, 60 * 24):
        with pytest.raises(FORGED):
            read(*message(KEYS, minutes=minutes))


def other_id(headers: dict[str, str], body: bytes) -> Keep:
    return {**headers, "webhook-id": f"{MESSAGE}x"}, body


def other_time(headers: dict[str, str], body: bytes) -> Keep:
    later = str(round(datetime.now(UTC).timestamp()) + 5)
    return {**headers, "webhook-timestamp": later}, body


def other_body(headers: dict[str, str], body: bytes) -> Keep:
    return headers, body.replace(b"2", b"3", 1)


def moved_border(headers: dict[str, str], body: bytes) -> Keep:
    time = headers["webhook-timestamp"]
    return {**headers, "webhook-id": f"{MESSAGE}.{time}"}, body


def no_signature(headers: dict[str, str], body: bytes) -> Keep:
    return {**headers, "webhook-signature": "v1, v1a,"}, body


def other_kind(headers: dict[str, str], body: bytes) -> Keep:
    symmetric, asymmetric = headers["webhook-signature"].split(" ")
    swapped = f"v1{asymmetric[3:]} v1a{symmetric[2:]}"
    return {**headers, "webhook-signature": swapped}, body


@readers
@pytest.mark.parametrize(
    "forge", [other_id, other_time, other_body, moved_border, no_signature, other_kind]
)
def test_a_forged_delivery(read: Read, forge: Callable[[dict[str, str], bytes], Keep]) -> None:
    honest = message(KEYS)
    assert read(*honest)
    with pytest.raises(FORGED):
        read(*forge(*honest))
