"""``kvitto merchant policy``: what a shop sees of its own promises."""

from datetime import UTC, datetime, timedelta

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
