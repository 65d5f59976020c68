"""``kvitto merchant policy``: what a shop sees of its own promises."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.terminal import Terminal


def tomorrow() -> str:
    return (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


def test_versions_are_published_superseded_and_withdrawn(terminal: Terminal) -> None:
    for version in (1, 2):
        terminal.run("merchant", "policy", "publish", terminal.policy(version=version))
    gap = terminal.error("merchant", "policy", "publish", terminal.policy(version=4), status=1)
    assert (gap["type"], gap["field"]) == ("not-next-version", "version")
    withdrawn = terminal.run("merchant", "policy", "withdraw", "warranty-2y", "2")
    assert f"warranty-2y version 2 covers purchases before {tomorrow()}" in withdrawn.stdout
    late = terminal.error(
        "merchant", "policy", "withdraw", "warranty-2y", "1", "--from", "2020-01-01", status=1
    )
    assert (late["type"], late["field"]) == ("retroactive-end", "from")
    listed = terminal.json("merchant", "policy", "list")["policies"]
    assert [one["ends"] for one in listed] == [tomorrow()] * 2
    assert [one["endings"][0]["kind"] for one in listed] == ["superseded", "withdrawn"]
    assert f"before {tomorrow()}" in terminal.run("merchant", "policy", "list").stdout


EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_policy_is_explained_and_linted_without_a_service(terminal: Terminal) -> None:
    lint = "merchant", "policy", "lint"
    guarantee = EXAMPLES / "policies" / "warranty-2y.json"
    sales = "--sales", EXAMPLES / "sales.csv", "--capacity", "1024"
    shown = terminal.run(*lint, guarantee, *sales)
    assert "Bought at most 2 years before the day of the claim." in shown.stdout
    assert "note: This is not legal advice." in shown.stdout
    assert "(Directive (EU) 2019/771, Article 10(1) and (3))" in shown.stdout
    refund = EXAMPLES / "policies" / "money-back-2y.json"
    said = terminal.json(*lint, guarantee, refund)
    assert [one["policy"] for one in said["policies"]] == ["warranty-2y", "money-back-2y"]
    assert [finding["code"] for finding in said["together"]] == ["linked-claims"]
    narrow = terminal.policy(smallest_ring=1, batches=["L1"])
    assert "warning: A ring of 1 hides hardly anyone" in terminal.run(*lint, narrow).stdout
    wide = terminal.policy(smallest_ring=4096)
    refused = terminal.json(*lint, wide, "--capacity", "64", status=1)
    assert refused["policies"][0]["findings"][0]["code"] == "ring-too-large"
    assert terminal.error(*lint, wide, "--place", "XX", status=2)["field"] == "place"
    assert terminal.error(*lint, terminal.policy(kind="gift"), status=2)["field"] == "kind"
