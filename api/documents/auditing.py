"""What auditors look at: the list of logs, what has been counted and found in them."""

from typing import Annotated, Literal

from pydantic import Field

from api.documents.common import Count, Day, Document, MerchantId, Moment, Origin, Vkey

__all__ = ["DirectoryOfLogs", "FoundEntries"]

LogName = Annotated[
    Literal["purchases", "events"], Field(description="Which of the merchant's two logs.")
]


class ListedLog(Document):
    """A log: where its checkpoint and tiles are, and who signs it."""

    url: str = Field(description="The path below which its checkpoint and tiles are.")
    vkeys: list[Vkey] = Field(description="One, or two while the second takes over.")


class ListedLogs(Document):
    """The two logs of a merchant."""

    purchases: ListedLog
    events: ListedLog


class ListedWitness(Document):
    """Who is asked to cosign each checkpoint."""

    name: str
    vkey: Vkey


class ListedPolicy(Document):
    """A version of a policy."""

    policy: str
    version: Count
    title: str
    published: Moment
    ended: Day | None = Field(description="The first day whose purchases it does not cover.")


class ListedMerchant(Document):
    """A merchant, and what it takes to check its logs."""

    id: MerchantId
    name: str
    origin: Origin
    sandbox: bool = Field(description="Whether nothing in it is real.")
    logs: ListedLogs
    witnesses: list[ListedWitness] = Field(description="With the newest key of each.")
    seed_witnesses: list[Vkey]
    policies: list[ListedPolicy] = Field(description="All versions, in the order of the log.")


class DirectoryOfLogs(Document):
    """All merchants, by id, with their logs, keys, witnesses and policies."""

    service: str = Field(description="The service's name, which begins every origin.")
    merchants: list[ListedMerchant]


class FoundEntry(Document):
    """An entry of a log, to look at there."""

    kind: Literal["event", "purchase", "claim", "policy", "tag"] = Field(
        description="As what it was found."
    )
    log: LogName
    index: Count
    title: str


class FoundEntries(Document):
    """What was found, at most 20."""

    results: list[FoundEntry] = Field(description="Where to look.")
