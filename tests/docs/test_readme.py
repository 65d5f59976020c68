"""The README's SDK example runs as it stands, against the service over HTTP."""

import re
from pathlib import Path
from typing import Any

import pytest

from cli.demo.service import OPERATOR_KEY, running_service
from cli.merchant_service import post
from commitments.clock import system_clock
from commitments.sale import Sale
from sdk import BuyerRequest, Wallet
from tests.world import KETTLE, WARRANTY

README = Path(__file__).parents[2] / "README.md"
ORIGIN = "kvitto.example/acme"


class CashDesk:
    """The shop of the example: records sales, and closes its log after each."""

    def __init__(self, url: str) -> None:
        self.url = url
        merchant = {"id": "acme", "name": "Acme", "period": "manual"}
        self.key = post(url, OPERATOR_KEY, "merchants", merchant)["api_key"]
        self.sale = Sale(system_clock().date(), KETTLE, 24_900, "EUR")
        policy = {**WARRANTY, "origin": ORIGIN, "smallest_ring": 16}
        self._post("policies", policy)

    def __call__(self, request: BuyerRequest, order: str = "1001") -> Any:
        document = {"order": order, "sale": self.sale.document(), "request": request.document()}
        receipt = self._post("purchases", document)
        self._post("closes", {})
        return receipt

    def _post(self, path: str, document: Any) -> Any:
        return post(self.url, self.key, f"merchants/acme/{path}", document)


def _example() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


def test_the_example_has_about_ten_lines() -> None:
    lines = [line for line in _example().splitlines() if line and not line.startswith("#")]
    assert 8 <= len(lines) <= 12


def test_the_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with running_service(tmp_path, system_clock) as url:
        cash_desk = CashDesk(url)
        for other in range(20):
            cash_desk(Wallet.in_memory().request(ORIGIN, f"other-{other}"), f"other-{other}")
        example = _example().replace("http://127.0.0.1:8000", url)
        names: dict[str, Any] = {"cash_desk": cash_desk}
        exec(compile(example, "README.md", "exec"), names)  # noqa: S102
        names["shop"].close()
        names["wallet"].close()
    words, last = capsys.readouterr().out.splitlines()
    decision, claim_id = last.split()
    assert len(words.split()) == 12
    assert decision == "approved"
    assert len(claim_id) == 64
