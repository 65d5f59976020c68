"""The ways to verify a delivery that docs/merchants.md shows, as they stand there."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.exceptions import InvalidSignature
from standardwebhooks import WebhookVerificationError

from api.webhooks.messages import EventType
from api.webhooks.signing import SigningKeys, signed_headers

TEXT = (Path(__file__).parents[2] / "docs" / "merchants.md").read_text("utf-8")
SECTION = TEXT[TEXT.index("## Hear of events") :]
BODY = b'{"type":"claim.decided"}'
KEYS, OLD, OTHER = (SigningKeys.create() for _ in range(3))


def _reader(number: int) -> Callable[[str, dict[str, str], bytes], Any]:
    blocks = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {}
    exec(compile(blocks[number], "merchants.md", "exec"), names)  # noqa: S102
    reader: Callable[[str, dict[str, str], bytes], Any] = names["read_delivery"]
    return reader


@pytest.mark.parametrize(
    ("number", "key"), [(0, KEYS.secret), (1, KEYS.public_key)], ids=["secret", "public key"]
)
def test_the_documented_ways_to_verify(number: int, key: str) -> None:
    read, now = _reader(number), datetime.now(UTC)
    for keys in ([KEYS], [OLD, KEYS]):
        assert read(key, signed_headers(keys, "msg_1", now, BODY), BODY) == {
            "type": "claim.decided"
        }
    for keys, moment, body in (
        ([OTHER], now, BODY),
        ([KEYS], now - timedelta(minutes=6), BODY),
        ([KEYS], now, BODY + b" "),
    ):
        with pytest.raises((WebhookVerificationError, InvalidSignature, ValueError)):
            read(key, signed_headers(keys, "msg_1", moment, BODY), body)


def test_every_type_is_explained() -> None:
    table = SECTION[SECTION.index("| type |") : SECTION.index("**Verify each")]
    assert set(re.findall(r"`([a-z._]+)`", table)) == set(get_args(EventType))
