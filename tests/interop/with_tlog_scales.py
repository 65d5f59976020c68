"""What tlog-scales says of a log: run by its own Python, with a story on standard input."""

import json
import sys
from typing import Any

from tlog_scales.backend import HttpBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint


def check(story: dict[str, Any]) -> dict[str, int]:
    """Prove every entry in, and every smaller size and earlier checkpoint under, the newest one."""
    reader = TilesReader(HttpBackend(story["url"]))
    newest = reader.get_checkpoint()
    heads = [*map(Checkpoint.from_text, story["checkpoints"]), newest]
    for head in heads:
        for vkey in (story["vkey"], *story["witnesses"]):
            head.verify(Vkey.from_string(vkey))
    size, root = newest.size, newest.root_hash
    for index in range(size):
        proof = reader.get_inclusion_proof(index, size)
        proof.check(leaf_hash(reader.get_entry(index)), root)
    # It has no proof from the empty tree.
    smaller = [(old, reader.mth(0, old)) for old in range(1, size)]
    for old, old_root in smaller + [(head.size, head.root_hash) for head in heads]:
        reader.get_consistency_proof(old, size).check(old_root, root)
    return {"checkpoints": len(heads), "entries": size, "bundles": -(-size // 256)}


if __name__ == "__main__":
    json.dump(check(json.load(sys.stdin)), sys.stdout)
