"""A wallet that is lost, and comes back from twelve words on paper."""

from pathlib import Path

from sdk.seed import Seed
from tests.cli.terminal import Terminal

CLAIM = ["wallet", "claim", "warranty-2y", "--remedy", "repair", "--smallest-ring", "1", "--yes"]


def lose_the_wallet(terminal: Terminal) -> None:
    Path(str(terminal.env["KVITTO_WALLET"])).unlink()


def claimed(terminal: Terminal) -> str:
    """A wallet with a purchase that was claimed with; its words."""
    terminal.buy("1001")
    terminal.run("merchant", "policy", "publish", terminal.policy())
    terminal.run("merchant", "close")
    terminal.json(*CLAIM)
    words: str = terminal.json("wallet", "words")["words"]
    return words


def test_words_are_shown_to_be_written_down(terminal: Terminal) -> None:
    words = terminal.json("wallet", "words")["words"]
    shown = terminal.run("wallet", "words").stdout.splitlines()
    assert [line.split(". ")[1] for line in shown] == words.split()
    assert Seed.parse(words).words == words


def test_a_lost_wallet_comes_back(terminal: Terminal) -> None:
    words = claimed(terminal)
    before = terminal.json("wallet", "list")
    assert "words" not in terminal.run("wallet", "list").stdout
    lose_the_wallet(terminal)
    terminal.env["KVITTO_WORDS"] = words.upper()
    came = terminal.json("wallet", "restore")
    assert [each["order"] for each in came["purchases"]] == ["1001"]
    assert came["unconfirmed"] == []
    after = terminal.json("wallet", "list")
    assert after["words_shown"] >= before["words_shown"]  # they were typed
    times = {name: before[name] for name in ("words_shown", "backed_up")}
    assert {**after, **times} == before
    assert terminal.error(*CLAIM, status=1)["type"] == "not-eligible"


def test_words_can_be_typed(terminal: Terminal) -> None:
    words = claimed(terminal)
    lose_the_wallet(terminal)
    said = terminal.run("wallet", "restore", typed=f"{words}\n")
    assert "purchases  1" in said.stdout
    again = terminal.json("wallet", "restore")
    assert again == {"purchases": [], "claims": [], "transfers": [], "unconfirmed": []}


def test_a_wallet_that_is_there_keeps_its_words(terminal: Terminal) -> None:
    claimed(terminal)
    terminal.env |= {"KVITTO_WALLET": str(terminal.directory / "new")}
    terminal.json("wallet", "create")
    assert "other words" in terminal.run("wallet", "restore").stderr


def test_wrong_words_make_no_wallet(terminal: Terminal) -> None:
    lose_the_wallet(terminal)
    terminal.env["KVITTO_WORDS"] = "abandon " * 12
    said = terminal.error("wallet", "restore", status=2)
    assert said["field"] == "words"
    assert "abandon" not in str(said)
    assert not Path(str(terminal.env["KVITTO_WALLET"])).exists()


def test_what_the_mailbox_has_is_not_left_again(terminal: Terminal) -> None:
    terminal.buy("1001")
    listed = terminal.run("wallet", "list").stdout
    assert "kvitto wallet words" in listed
    assert "kvitto wallet backup" not in listed
    warned = terminal.run("wallet", "backup")
    assert "kvitto wallet words" in warned.stderr
    terminal.json("wallet", "words")
    assert terminal.json("wallet", "backup")["left"] == 0
    assert terminal.run("wallet", "backup").stderr == ""


def test_two_devices_learn_from_each_others_files(terminal: Terminal) -> None:
    words = claimed(terminal)
    first = str(terminal.env["KVITTO_WALLET"])
    terminal.env |= {"KVITTO_WORDS": words, "KVITTO_WALLET": str(terminal.directory / "second")}
    terminal.json("wallet", "restore")
    terminal.buy("2001")
    second = str(terminal.env["KVITTO_WALLET"])
    terminal.env["KVITTO_WALLET"] = first
    assert terminal.json("wallet", "merge", second) == {"purchases": 1, "claims": 0}
    terminal.env["KVITTO_WALLET"] = str(terminal.directory / "third")
    terminal.json("wallet", "create")
    assert terminal.error("wallet", "merge", second, status=1)["type"] == "wallet-error"


def test_a_purchase_is_forgotten_if_its_owner_says_so(terminal: Terminal) -> None:
    terminal.buy("1001")
    kept = terminal.run("wallet", "forget", "1", typed="n\n", status=1)
    assert "no claim can be made with it again" in kept.stderr
    assert len(terminal.json("wallet", "list")["purchases"]) == 1
    assert terminal.json("wallet", "forget", "1", "--yes") == {"forgotten": "1001"}
    assert terminal.json("wallet", "list")["purchases"] == []
    assert terminal.error("wallet", "forget", "1", "--yes", status=2)["type"] == "usage"
