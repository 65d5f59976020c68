"""What the documents point at is there, and what they promise about policies holds."""

import json
import re
from pathlib import Path

import pytest

from policies.policy import json_schema, parse_policy

ROOMS = ("commitments", "zk", "ledger", "policies", "issuer", "verifier", "witness", "sdk", "api")
ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    missing = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target)
        and not (document.parent / target.partition("#")[0]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize(
    "file", sorted((ROOT / "examples" / "policies").glob("*.json")), ids=lambda path: path.name
)
def test_the_example_policies_are_policies(file: Path) -> None:
    policy = parse_policy(json.loads(file.read_text(encoding="utf-8")))
    assert parse_policy(policy.document()) == policy


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads((ROOT / "docs" / "policy.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema()


def test_tests_that_the_documents_name_exist() -> None:
    defined = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        defined |= set(re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8")))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        named = set(re.findall(r"`(test_\w+)`", text))
        assert named <= defined, document
        for family in re.findall(r"`(test_\w+)…`", text):
            assert any(name.startswith(family) for name in defined), (document, family)


def test_sections_that_the_code_cites_are_in_the_protocol() -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    sections = {int(number) for number in re.findall(r"^## (\d+)\.", protocol, re.MULTILINE)}
    assert sections == set(range(1, 11))
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            cited = re.findall(r"protocol\.md (\d+)", file.read_text(encoding="utf-8"))
            assert {int(number) for number in cited} <= sections, file
