from pathlib import Path

from examples.life_of_a_receipt import tell_life


def test_the_life_of_a_receipt_is_as_told(tmp_path: Path) -> None:
    said: list[str] = []
    tell_life(tmp_path, said.append)
    assert [line[0] for line in said if not line.startswith(" ")] == list("12345678")
    assert "   declined: ownership_ended" in said
