import os
import stat
from pathlib import Path

import pytest

from ledger.durable import replace_file


@pytest.mark.parametrize(("place", "step"), [(os, "fsync"), (Path, "replace")])
def test_after_a_failure_the_old_content_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, step: str
) -> None:
    file = tmp_path / "new" / "file"
    replace_file(file, b"old", mode=0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(place, step, fail)
        with pytest.raises(OSError, match="No space"):
            replace_file(file, b"new")
    assert file.read_bytes() == b"old"
    replace_file(file, b"new")
    assert [path.name for path in file.parent.iterdir()] == ["file"]
    assert file.read_bytes() == b"new"


def test_the_content_is_on_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def seen_sync(descriptor: int) -> None:
        steps.append("sync")
        sync(descriptor)

    def seen_rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", seen_sync)
    monkeypatch.setattr(Path, "replace", seen_rename)
    replace_file(tmp_path / "file", b"content")
    assert steps == ["sync", "rename"]
