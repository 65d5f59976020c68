"""What the documents of several routes have in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Base64",
    "Count",
    "Day",
    "Document",
    "Hash",
    "MerchantId",
    "Moment",
    "Note",
    "Origin",
    "Point",
    "Problem",
    "RowStatus",
    "TlogProof",
    "Vkey",
]

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Point = Annotated[str, Field(pattern=r"^0[23][0-9a-f]{64}$")]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
MerchantId = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
Origin = Annotated[str, Field(description="Names the purchase log: service name/merchant id.")]
Note = Annotated[str, Field(description="A checkpoint: a signed note (C2SP).")]
TlogProof = Annotated[str, Field(description="A proof of inclusion (C2SP tlog-proof).")]
Vkey = Annotated[str, Field(description="A verifier key of C2SP signed-note.")]
RowStatus = Annotated[
    Literal["accepted", "duplicate", "rejected"],
    Field(description="Recorded now, recorded before to the letter, or not recorded."),
]


class Document(BaseModel):
    """One that has exactly its members."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Document):
    """What went wrong (RFC 9457). Depend on `type`; `detail` is for people."""

    type: str = Field(pattern=r"^urn:kvitto:problem:[a-z-]+$")
    title: str
    status: int
    detail: str
    field: str | None = Field(
        default=None, description="The part of the request at fault: `purchases[17].sale.price`."
    )
