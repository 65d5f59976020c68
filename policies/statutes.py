"""What the law gives consumers whatever a policy says, as far as a policy can be held against it.

Not legal advice: rules in a few words, as they stand in the acts that are named. Checked in
November 2026.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DISCLAIMER", "PLACES", "RULES", "Rule", "rules_for"]

DISCLAIMER = (
    "This is not legal advice. The law gives consumers rights that no policy takes away; the acts "
    "named here have exceptions, and countries go beyond them. Ask a lawyer where you sell."
)


@dataclass(frozen=True)
class Rule:
    """A rule of one place about some kinds of policies.

    ``least`` is how long after the purchase a claim must be possible, as an ISO 8601 duration;
    ``remedies`` are those of which ``choice`` must be offered; ``answer`` is the longest response
    time. What a rule does not speak of is None, or empty.
    """

    place: str
    kinds: tuple[str, ...]
    source: str
    text: str
    least: str | None = None
    remedies: tuple[str, ...] = ()
    choice: int = 0
    answer: str | None = None


RULES = (
    Rule(
        "EU",
        ("warranty",),
        "Directive (EU) 2019/771, Article 10(1) and (3)",
        "The seller is liable for any lack of conformity that becomes apparent within two years of "
        "delivery. Countries may give longer: Spain, Portugal and Sweden give three years; Finland "
        "and the Netherlands go by how long such goods are expected to last.",
        least="P2Y",
    ),
    Rule(
        "EU",
        ("warranty",),
        "Directive (EU) 2019/771, Article 13(2)",
        "The consumer may choose between repair and replacement, unless one of them is impossible "
        "or costs the seller disproportionately more.",
        remedies=("repair", "replacement"),
        choice=2,
    ),
    Rule(
        "EU",
        ("warranty",),
        "Directive (EU) 2019/771, Article 10(2a), by Directive (EU) 2024/1799, Article 16",
        "When goods are repaired under the legal guarantee, the two years become three, once; for "
        "sales from 31 July 2026 on.",
    ),
    Rule(
        "EU",
        ("return", "refund"),
        "Directive 2011/83/EU, Articles 9(1) and 9(2)(b)",
        "Who buys at a distance or off business premises may withdraw without a reason within 14 "
        "days from the day on which the goods are in hand, not from the purchase; for what is "
        "bought in a shop there is no such right.",
        least="P14D",
    ),
    Rule(
        "EU",
        ("return", "refund"),
        "Directive 2011/83/EU, Article 13(1)",
        "After a withdrawal the money is paid back within 14 days of hearing of it.",
        answer="P14D",
    ),
    Rule(
        "EU",
        ("recall",),
        "Regulation (EU) 2023/988, Article 37(2)",
        "In a product safety recall consumers get the choice between at least two of repair, "
        "replacement and refund.",
        remedies=("repair", "replacement", "refund"),
        choice=2,
    ),
    Rule(
        "UK",
        ("warranty",),
        "Consumer Rights Act 2015, sections 19 to 24; Limitation Act 1980, section 5",
        "Faulty goods may be rejected within 30 days; after that they are repaired or replaced, at "
        "the consumer's choice. Claims can be brought for six years (in Scotland for five).",
        least="P6Y",
        remedies=("repair", "replacement"),
        choice=2,
    ),
    Rule(
        "UK",
        ("return", "refund"),
        "Consumer Contracts Regulations 2013 (SI 2013/3134), regulations 29 and 30",
        "Who buys at a distance may cancel within 14 days after the day on which the goods come "
        "into hand.",
        least="P14D",
    ),
    Rule(
        "US",
        ("warranty",),
        "15 U.S.C. 2303 and 2308 (Magnuson-Moss Warranty Act)",
        "No federal law says how long a warranty lasts. A written one for goods of more than 10 "
        "dollars is called full (with its duration) or limited, and implied warranties of state "
        "law cannot be disclaimed beside it.",
    ),
    Rule(
        "CN",
        ("return", "refund"),
        "Law on the Protection of Consumer Rights and Interests, Article 25",
        "Who buys over the internet, by telephone, television or post may return goods without a "
        "reason within seven days of receiving them, with exceptions.",
        least="P7D",
    ),
)

PLACES = tuple(sorted({rule.place for rule in RULES}))


def rules_for(kind: str, places: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these places that speak of a kind of policy."""
    return tuple(rule for rule in RULES if kind in rule.kinds and rule.place in places)
