"""What aics-tlog says of a log: run by its own Python, with a story on standard input."""

import json
import sys
from typing import Any

import aics_tlog


def check(story: dict[str, Any]) -> dict[str, int]:
    """Audit all tiles and bundles, then prove every entry in and every smaller size under them."""
    key = aics_tlog.parse_vkey(story["vkey"])
    # It has no ML-DSA.
    witnesses = [w for w in map(aics_tlog.parse_vkey, story["witnesses"]) if w.key_type == 4]
    reader = aics_tlog.HttpTileReader(story["url"])
    notes = [note.encode() for note in story["checkpoints"]] + [reader.read_checkpoint()]
    heads = [_verified(note, key, witnesses) for note in notes]
    size, root = heads[-1]
    report = aics_tlog.audit_tiles(reader, size, root)
    tiles = aics_tlog.VerifiedTileReader(reader, size, root)
    for index in range(size):
        proof = aics_tlog.inclusion_proof_from_tiles(tiles, index, size)
        entry = tiles.entry(index)
        _require(aics_tlog.verify_leaf_inclusion(entry, index, size, proof, root), "inclusion")
    smaller = [(old, aics_tlog.tree_root_from_tiles(tiles, old, size)) for old in range(size)]
    for old, old_root in smaller + heads:
        proof = aics_tlog.consistency_proof_from_tiles(tiles, old, size)
        held = aics_tlog.verify_consistency(old, size, old_root, root, proof)
        _require(held, "consistency")
    return {"checkpoints": len(notes), "entries": size, "bundles": report.bundles}


def _verified(note: bytes, key: Any, witnesses: list[Any]) -> tuple[int, bytes]:
    parsed = aics_tlog.parse_note(note.decode())
    result = aics_tlog.verify_checkpoint(parsed, key, witnesses, len(witnesses))
    _require(result.ok, "checkpoint")
    return result.size, result.root


def _require(held: object, what: str) -> None:
    if not held:
        sys.exit(f"refused: {what}")


if __name__ == "__main__":
    json.dump(check(json.load(sys.stdin)), sys.stdout)
