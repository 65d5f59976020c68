"""Quorums (c2sp tlog-policy): which logs a reader accepts, and whose cosignatures it wants.

A policy is a text file. Its names are its own; they mean nothing outside of it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from commitments.errors import FormatError, VerificationError
from commitments.wire import parse_decimal
from ledger.checkpoint import Checkpoint
from ledger.cosignature import CosignerKey, parse_cosigner
from ledger.handover import Succession
from ledger.note import NoteVerifier, Verifier, parse_vkey, verify_note

__all__ = [
    "NO_QUORUM",
    "Group",
    "KnownLog",
    "NotCosigned",
    "Quorum",
    "Witness",
    "open_cosigned",
    "parse_quorum",
    "verify_cosigned",
]

_FIELD = "quorum"
_NONE = "none"  # what a policy says that wants no cosignature
_MOST_LINES = 1000
_LONGEST = 1 << 20  # bytes; an ML-DSA-44 key takes 1.8 kB
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_SPACE = re.compile("[ \t]+")  # and nothing else that Unicode calls a space


class NotCosigned(VerificationError):  # noqa: N818 - the name is the condition
    """The witnesses whom a policy names have not cosigned, or not enough of them."""

    def __init__(self) -> None:
        super().__init__("checkpoint: not cosigned by a quorum of witnesses")


@dataclass(frozen=True)
class KnownLog:
    """A log whose checkpoints are accepted, and perhaps where it is."""

    key: Verifier
    url: str | None = None


@dataclass(frozen=True)
class Witness:
    """A witness under the name that this policy gives it, and perhaps where it is."""

    name: str
    key: CosignerKey
    url: str | None = None


@dataclass(frozen=True)
class Group:
    """Names of witnesses and groups, of which at least ``threshold`` must have witnessed."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Quorum:
    """A policy: a checkpoint is valid when a known log and the quorum have signed it.

    Without any log, the reader knows its log from elsewhere. ``groups`` name witnesses and
    earlier groups; ``quorum`` is the name of one of either, ``None`` to want no cosignature.
    """

    logs: tuple[KnownLog, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str | None = None

    def serialise(self) -> bytes:
        """The policy as text, in one spelling of the many that are read."""
        lines = [_line("log", log.key.vkey, log.url) for log in self.logs]
        lines += [_line("witness", w.name, w.key.vkey, w.url) for w in self.witnesses]
        lines += [_line("group", g.name, str(g.threshold), *g.members) for g in self.groups]
        lines.append(_line(_FIELD, self.quorum or _NONE))
        return "".join(lines).encode("utf-8", "surrogateescape")

    def following(self, known: Succession) -> "Quorum":
        """With the newest key of each witness in the place of the one that is named.

        ``VerificationError`` where one key would stand for two witnesses.
        """
        moved = tuple(replace(w, key=known.chain(w.key)[-1]) for w in self.witnesses)
        if len({w.key.public_key for w in moved}) < len(moved):
            raise VerificationError("quorum: two of its witnesses have handed over to one key")
        return replace(self, witnesses=moved)

    def check(self, cosigners: Collection[NoteVerifier]) -> None:
        """``VerificationError`` unless these keys, which have cosigned, are a quorum."""
        if self.quorum is None:
            return
        witnessed = {witness.name for witness in self.witnesses if witness.key in cosigners}
        for group in self.groups:  # members are defined before the group: one pass settles all
            if len(witnessed.intersection(group.members)) >= group.threshold:
                witnessed.add(group.name)
        if self.quorum not in witnessed:
            raise NotCosigned


NO_QUORUM = Quorum()
"""The policy of who takes the log's own word."""


def open_cosigned(note: bytes, *verifiers: Verifier, policy: Quorum) -> Checkpoint:
    """The checkpoint in a note of the log whose keys are ``verifiers``, if ``policy`` accepts it.

    A log has one key, or two while the second takes over from the first; either is enough.

    Errors as :func:`verify_cosigned`; also ``VerificationError`` for a checkpoint of another log.
    """
    checkpoint = Checkpoint.parse(verify_cosigned(note, *verifiers, policy=policy))
    if any(key.name != checkpoint.origin for key in verifiers):
        raise VerificationError("the checkpoint is of another log")
    return checkpoint


def verify_cosigned(note: bytes, *verifiers: Verifier, policy: Quorum) -> str:
    """The text of a note that the log whose keys are ``verifiers`` and a quorum have signed.

    ``FormatError`` when it cannot be read; ``VerificationError`` when the log or a quorum has not
    signed it, when a known key's signature is false, or when the policy knows other logs only.
    """
    accepted = [log.key for log in policy.logs]
    keys = [key for key in verifiers if not accepted or key in accepted]
    if not keys:
        raise VerificationError("checkpoint: the policy does not accept this log")
    known: list[NoteVerifier] = [*keys, *(witness.key for witness in policy.witnesses)]
    text, signed = verify_note(note, known)
    if not any(key in signed for key in keys):
        raise VerificationError("checkpoint: the log has not signed it")
    policy.check(signed)
    return text


def parse_quorum(data: bytes) -> Quorum:
    """Read a policy; ``FormatError`` names the line at fault."""
    if len(data) > _LONGEST or _FORBIDDEN.search(data) or not data.endswith(b"\n"):
        raise FormatError("not lines of text", _FIELD)
    # Octets above ASCII are opaque: what is no UTF-8 survives reading and writing.
    lines = data.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
    if len(lines) > _MOST_LINES:
        raise FormatError("too many lines", _FIELD)
    reading = _Reading()
    for number, line in enumerate(lines, 1):
        words = _SPACE.split(line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            try:
                reading.read(*words)
            except FormatError as error:
                raise FormatError(f"line {number}: {error}", _FIELD) from None
    return reading.policy()


@dataclass
class _Reading:
    """A policy as far as it has been read."""

    logs: list[KnownLog] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: list[str] = field(default_factory=list)

    def read(self, keyword: str, *words: str) -> None:
        if keyword == "log":
            self._log(*_between(words, 1, 2))
        elif keyword == "witness":
            self._witness(*_between(words, 2, 3))
        elif keyword == "group":
            self._group(*_between(words, 3, len(words)))
        elif keyword == _FIELD:
            self._quorum(*_between(words, 1, 1))
        else:
            raise FormatError("not a log, witness, group or quorum")

    def policy(self) -> Quorum:
        if not self.quorum:
            raise FormatError("no quorum line", _FIELD)
        quorum = None if self.quorum[0] == _NONE else self.quorum[0]
        return Quorum(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), quorum)

    def _log(self, vkey: str, url: str | None = None) -> None:
        key = parse_vkey(vkey)
        if key.public_key in (log.key.public_key for log in self.logs):
            raise FormatError("a log with this key is there already")
        self.logs.append(KnownLog(key, url))

    def _witness(self, name: str, vkey: str, url: str | None = None) -> None:
        key = parse_cosigner(vkey)
        if key.public_key in (witness.key.public_key for witness in self.witnesses):
            raise FormatError("a witness with this key is there already")
        self._new(name)
        self.witnesses.append(Witness(name, key, url))

    def _group(self, name: str, threshold: str, *members: str) -> None:
        self._new(name)
        taken = {member for group in self.groups for member in group.members}
        for member in members:
            self._known(member)
            # Whoever is counted once cannot make a quorum with itself.
            if member in taken:
                raise FormatError("a name is a member already")
            taken.add(member)
        named = {"any": 1, "all": len(members)}
        count = named.get(threshold) or parse_decimal(threshold, _FIELD, len(members))
        if count == 0:
            raise FormatError("a group that needs no member")
        self.groups.append(Group(name, count, members))

    def _quorum(self, name: str) -> None:
        if self.quorum:
            raise FormatError("a second quorum")
        if name != _NONE:
            self._known(name)
        self.quorum.append(name)

    def _names(self) -> Iterator[str]:
        yield from (witness.name for witness in self.witnesses)
        yield from (group.name for group in self.groups)

    def _new(self, name: str) -> None:
        if name == _NONE or name in self._names():
            raise FormatError("the name means something already")

    def _known(self, name: str) -> None:
        if name not in self._names():
            raise FormatError("a name that is not defined above")


def _between(words: Sequence[str], least: int, most: int) -> Sequence[str]:
    if not least <= len(words) <= most:
        raise FormatError("not the number of words such a line has")
    return words


def _line(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None) + "\n"
