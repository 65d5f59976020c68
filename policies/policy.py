"""The policy: what a merchant promises, as a public, versioned JSON object.

The published schema is ``docs/policy.schema.json``, made from the model below. A policy is
written to the merchant's event log in its RFC 8785 form; a claim names one version of it.
"""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    HttpUrl,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from commitments.currency import currency
from commitments.errors import FormatError
from commitments.gtin import normalise_product
from commitments.sale import check_code, check_product, parse_day
from commitments.wire import canonical_json, nfc, parse_identifier
from policies.attachments import parse_contact_key
from policies.durations import Duration, parse_duration

__all__ = [
    "AbsoluteWindow",
    "Batch",
    "Code",
    "Day",
    "Identifier",
    "Policy",
    "Price",
    "RelativeWindow",
    "Text",
    "checked",
    "json_schema",
    "parse_policy",
    "read_document",
    "require_text",
]

_Model = TypeVar("_Model")

MAX_CODES = 256  # docs/protocol.md 5: values of a one_of predicate
MAX_CLAIMS = 100
# Windows are counted by the calendar, which repeats every four years until 2100.
_FOUR_YEARS = [date(2024, 1, 1) + timedelta(days=n) for n in range(1461)]
_PRICE_LIMIT = 2**48 - 1


def checked(check: Any) -> AfterValidator:
    """A pydantic validator from a function that raises ``FormatError``."""

    def validate(value: Any) -> Any:
        try:
            check(value)
        except FormatError as error:
            raise ValueError(str(error)) from None
        return value

    return AfterValidator(validate)


def require_text(text: str) -> None:
    """``FormatError`` for text that could not be printed in one line."""
    if nfc(text) != text or not text.isprintable():
        raise FormatError("not printable text in Unicode NFC")


Identifier = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._/-]+$", max_length=100),
    checked(lambda text: parse_identifier(text, "id")),
]
Day = Annotated[str, Field(json_schema_extra={"format": "date"}), checked(parse_day)]
DurationText = Annotated[
    str, Field(json_schema_extra={"format": "duration"}), checked(parse_duration)
]
Text = Annotated[str, Field(min_length=1, max_length=200), checked(require_text)]
Code = Annotated[Text, checked(check_product)]
Batch = Annotated[Text, checked(partial(check_code, name="batches"))]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), checked(currency)]
X25519Key = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{64}$"),
    checked(lambda text: parse_contact_key(text, "contact_key")),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RelativeWindow(_Strict):
    """Purchased between ``oldest`` and ``newest`` before the day of the claim."""

    oldest: DurationText = Field(examples=["P2Y"])
    newest: DurationText = Field(default="P0D", examples=["P14D"])

    def days(self, claimed: date) -> tuple[date, date]:
        """First and last day of the window for a claim made on ``claimed``."""
        first = parse_duration(self.oldest).before(claimed)
        last = parse_duration(self.newest).before(claimed)
        if first > last:
            raise FormatError("the window is empty", "purchased")
        return first, last

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        oldest, newest = parse_duration(self.oldest), parse_duration(self.newest)
        try:
            oldest.before(_FOUR_YEARS[0])
        except FormatError:
            raise ValueError("oldest reaches before the calendar") from None
        to_today = newest == Duration(0, 0)
        if not to_today and any(oldest.before(day) > newest.before(day) for day in _FOUR_YEARS):
            raise ValueError("oldest is more recent than newest, at least on some days")
        return self


class AbsoluteWindow(_Strict):
    """Purchased from ``from`` to ``to``, both days included."""

    start: Day = Field(alias="from")
    to: Day

    def days(self, _claimed: date) -> tuple[date, date]:
        """First and last day of the window."""
        return date.fromisoformat(self.start), date.fromisoformat(self.to)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start > self.to:
            raise ValueError("from is after to")
        return self


def _window_kind(value: Any) -> str:
    absolute = "from" in value if isinstance(value, dict) else isinstance(value, AbsoluteWindow)
    return "absolute" if absolute else "relative"


Window = Annotated[
    Annotated[RelativeWindow, Tag("relative")] | Annotated[AbsoluteWindow, Tag("absolute")],
    Discriminator(_window_kind),
]


class Price(_Strict):
    """Price paid, in minor units of one currency, both bounds included."""

    currency: CurrencyCode = Field(examples=["EUR"])
    min: int = Field(default=0, ge=0, le=_PRICE_LIMIT)
    max: int = Field(default=_PRICE_LIMIT, ge=0, le=_PRICE_LIMIT)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        return self


class Policy(_Strict):
    """One version of one promise.

    Without ``products``, ``purchased`` and ``covers_from``, ``price`` or ``batches`` that attribute
    stays hidden and unrestricted.
    """

    schema_: Literal["kvitto-policy/v1"] = Field(alias="schema")
    origin: Identifier = Field(description="The purchase log whose purchases are covered.")
    id: Identifier
    version: int = Field(ge=1, lt=2**31)
    kind: Literal["warranty", "return", "refund", "recall"]
    title: Text
    products: tuple[Code, ...] | None = Field(default=None, min_length=1, max_length=MAX_CODES)
    purchased: Window | None = None
    covers_from: Day | None = Field(
        default=None, description="Covers what was bought on this day or later."
    )
    price: Price | None = None
    batches: tuple[Batch, ...] | None = Field(default=None, min_length=1, max_length=MAX_CODES)
    claims_per_purchase: int = Field(default=1, ge=1, le=MAX_CLAIMS)
    ends_ownership: bool = Field(
        default=False,
        description="An approved claim ends the ownership: nothing else can be claimed after it.",
    )
    review: bool = Field(
        default=False,
        description="A person looks at each claim before it is approved.",
    )
    contact_key: X25519Key | None = Field(
        default=None,
        description="What buyers encrypt evidence and messages for the merchant to (X25519).",
    )
    smallest_ring: int = Field(
        ge=1, le=4096, description="A claim must hide among at least this many purchases."
    )
    valid_from: Day
    valid_to: Day
    remedies: tuple[Literal["repair", "replacement", "refund", "store_credit"], ...] = Field(
        min_length=1, max_length=4
    )
    response_time: DurationText = Field(examples=["P7D"])
    terms: HttpUrl | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("products", "batches", "remedies"):
            codes = getattr(self, name) or ()
            if len(set(map(normalise_product, codes) if name == "products" else codes)) < len(
                codes
            ):
                raise ValueError(f"{name}: a value occurs twice")
        if self.valid_from > self.valid_to:
            raise ValueError("valid_from is after valid_to")
        if self.covers_from is not None and self.covers_from > self.valid_to:
            raise ValueError("covers_from is after valid_to: nothing could be claimed for")
        if self.kind == "refund" and not self.ends_ownership:
            raise ValueError("a refund ends the ownership: set ends_ownership")
        if self.ends_ownership and self.claims_per_purchase != 1:
            raise ValueError("a claim that ends the ownership can be made only once")
        if self.review and self.contact_key is None:
            raise ValueError("claims that are looked at need evidence: set contact_key")
        if self.review and self.ends_ownership:
            raise ValueError("a claim that ends the ownership is approved at once: no review")
        return self

    def is_valid_on(self, day: date) -> bool:
        """Whether claims may be made on ``day``."""
        return self.valid_from <= day.isoformat() <= self.valid_to

    def window(self, claimed: date) -> tuple[date, date] | None:
        """First and last day of purchase for a claim made on ``claimed``; None for any day."""
        return None if self.purchased is None else self.purchased.days(claimed)

    def lapses(self, approved: datetime) -> datetime | None:
        """When an approval given at ``approved`` lapses: after the response time, in UTC.

        None where the ownership does not end. ``FormatError`` beyond the year 9999.
        """
        return self.responds_by(approved) if self.ends_ownership else None

    def responds_by(self, moved: datetime) -> datetime:
        """When the response time is over that begins at ``moved``, in UTC.

        ``FormatError`` beyond the year 9999.
        """
        moment = moved.astimezone(UTC)
        day = parse_duration(self.response_time).after(moment.date())
        return datetime.combine(day, moment.timetz())

    @property
    def demands(self) -> tuple[object, ...]:
        """What a purchase must satisfy; equal for two versions that prove the same on one day."""
        return self.products, self.purchased, self.covers_from, self.price, self.batches

    def document(self) -> dict[str, Any]:
        """The policy as a JSON object, without members that are not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


_ADAPTER = TypeAdapter(Policy)


def parse_policy(document: Any) -> Policy:
    """A policy from parsed JSON.

    ``FormatError`` naming the first member that is wrong.
    """
    return read_document(_ADAPTER, document)


def read_document(adapter: TypeAdapter[_Model], document: Any) -> _Model:
    """What the adapter reads; ``FormatError`` naming the first member that is wrong."""
    try:
        return adapter.validate_json(canonical_json(document))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        parts = [str(part) for part in first["loc"] if part not in ("relative", "absolute")]
        message = first["msg"].removeprefix("Value error, ")
        raise FormatError(message, ".".join(parts) or None) from None


def json_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a policy document."""
    schema = _ADAPTER.json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
