"""What auditors look at: the list of logs, what has been counted and found in them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.documents.claims import State
from api.documents.common import Count, Day, Document, MerchantId, Moment, Origin, Vkey

__all__ = ["DirectoryOfLogs", "Findings", "FoundEntries", "Overview"]

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


class CountedClaims(Document):
    """Claims that were decided on one day."""

    day: Day = Field(description="That of the decision.")
    policy: str
    version: Count
    remedy: Literal["repair", "replacement", "refund", "store_credit"]
    state: State
    count: Count = Field(description="How many.")


class CountedReasons(Document):
    """What happened on one day for one reason."""

    day: Day = Field(description="On which it happened.")
    reason: str = Field(description="One of a short list.")
    count: Count = Field(description="How many.")


class CountedResponses(Document):
    """What the merchant had to answer under one version of a policy."""

    policy: str
    version: Count
    met: Count = Field(description="Answered in time.")
    missed: Count = Field(description="Answered too late.")
    open: Count = Field(description="Not answered yet, and in time.")
    overdue: Count = Field(description="Not answered, and the time was over at the last event.")
    median: int | None = Field(description="Seconds until the answer, of those that have one.")
    p90: int | None = Field(description="Nine of ten were answered within so many seconds.")


class Overview(Document):
    """What happened in a merchant's logs, counted. All days are in UTC."""

    origin: Origin
    events: Count = Field(description="How many events were counted.")
    purchases: Count = Field(description="How many entries the purchase log has.")
    at: Moment | None = Field(description="The time of the last event.")
    claims: list[CountedClaims] = Field(description="By the day of the decision.")
    declines: list[CountedReasons] = Field(description="Of claims that stand declined.")
    responses: list[CountedResponses] = Field(description="By policy and version.")
    voids: list[CountedReasons] = Field(description="By the day on which the reason was logged.")


class NamedEntry(Document):
    """An entry of a log."""

    log: LogName
    index: Count


class BrokenRule(Document):
    """What nobody who keeps to the protocol writes."""

    rule: str = Field(description="The rule's name, which stays the same.")
    why: str = Field(description="What exactly, for people.")
    entries: list[NamedEntry] = Field(description="Those that are at fault.")


class QuestionableThing(Document):
    """A pattern that the rules allow and that deserves a question."""

    id: str = Field(pattern="^[0-9a-f]{16}$", description="The same finding keeps it.")
    detector: str = Field(description="Who has found it: see `/methodology`.")
    severity: Literal["notice", "warning", "alarm"] = Field(description="How grave it is.")
    time: Moment = Field(description="When it became so.")
    text: str
    facts: dict[str, Any] = Field(description="What the text is made of.")
    entries: list[NamedEntry] = Field(description="Where to look.")


class Findings(Document):
    """What an auditor would say of a merchant's logs."""

    events: Count = Field(description="How many events were read.")
    at: Moment | None = Field(description="The time of the last of them.")
    disagreements: list[BrokenRule] = Field(description="Rules that are broken.")
    findings: list[QuestionableThing] = Field(description="The gravest first.")


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
