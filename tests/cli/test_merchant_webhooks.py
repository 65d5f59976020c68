from tests.api.receivers import Receiver
from tests.cli.terminal import Terminal


def test_a_webhook_from_its_creation_to_its_end(terminal: Terminal) -> None:
    def webhook(*arguments: str, status: int = 0) -> dict[str, object]:
        said: dict[str, object] = terminal.json("merchant", "webhook", *arguments, status=status)
        return said

    with Receiver() as receiver:
        made = webhook("create", receiver.url, "--type", "log.closed", "--description", "till")
        identifier = str(made["id"])
        assert str(made["secret"]).startswith("whsec_")
        assert webhook("test", identifier)["delivered"] is True
        assert receiver.got[0].document["type"] == "webhook.test"
        terminal.run("merchant", "close")
        assert receiver.wait(2)[1].document["type"] == "log.closed"

        receiver.status = 500
        assert webhook("test", identifier, status=1)["error"] == "status"
        shown = terminal.run("merchant", "webhook", "list").stdout
        assert identifier in shown
        assert "log.closed" in shown
        delivery = receiver.got[1].id
        assert delivery in terminal.run("merchant", "webhook", "deliveries", identifier).stdout
        receiver.status = 204
        assert webhook("replay", identifier, delivery)["state"] == "pending"
        assert receiver.wait(4)[3].id == delivery
        assert webhook("deliveries", identifier, "--state", "dead")["deliveries"] == []
        assert webhook("replay", identifier, "--dead-since", "2026-11-20T00:00:00Z") == {
            "replayed": 0
        }
        assert webhook("rotate", identifier)["secret"] != made["secret"]
        assert webhook("enable", identifier)["enabled"] is True
        said = terminal.run("merchant", "webhook", "delete", identifier).stdout
        assert said == f"{identifier} is deleted\n"
        gone = terminal.error("merchant", "webhook", "test", identifier, status=1)
        assert gone["type"] == "unknown-webhook"


def test_what_is_no_webhook(terminal: Terminal) -> None:
    create = ("merchant", "webhook", "create")
    refused = terminal.error(*create, "https://10.0.0.1/", status=1)
    assert (refused["type"], refused["field"]) == ("forbidden-address", "url")
    refused = terminal.error(*create, "https://user@shop.example/", status=2)
    assert (refused["type"], refused["field"]) == ("malformed", "url")
    for wrong in ((), ("msg_1", "--dead-since", "2026-11-20T00:00:00Z")):
        usage = terminal.error("merchant", "webhook", "replay", "wh_1", *wrong, status=2)
        assert usage["type"] == "usage"
