"""The logs are read once more: an honest merchant's hold, and each broken rule is named."""

import pytest

from auditor.rules import RULES
from tests.auditor.lies import ALLOWED, LIES
from tests.auditor.logs import Logs
from tests.auditor.told import Told

_ELSEWHERE = {"proof-invalid", "ring-too-small", "report-differs"}
"""Rules that are looked at by other parts of an audit."""


def test_an_honest_log_of_everything_gives_no_disagreement(honest: Logs) -> None:
    assert honest.broken() == []


@pytest.mark.parametrize(("rule", "lie"), [(rule, lie) for rule in LIES for lie in LIES[rule]])
def test_each_lie_breaks_one_rule(told: Told, rule: str, lie: str) -> None:
    assert LIES[rule][lie](told.logs, told.secrets).broken() == [rule]


@pytest.mark.parametrize("what", ALLOWED)
def test_what_is_allowed_breaks_no_rule(told: Told, what: str) -> None:
    assert ALLOWED[what](told.logs, told.secrets).broken() == []


def test_every_rule_is_broken_by_some_lie() -> None:
    assert {rule for rule, lies in LIES.items() if lies} == RULES.keys() - _ELSEWHERE
