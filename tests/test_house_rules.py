"""Rules that no linter here can express. Each is shown to catch what it is for."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    *("commitments", "zk", "ledger", "policies"),
    *("issuer", "verifier", "witness", "auditor", "sdk", "api", "cli"),
)
WIRE = "commitments/wire.py"
ONLY_IN = {"petlib": "commitments/p256.py", "py_ecc": "commitments/bls12381.py"}
BASE64_READERS = {"b64decode", "standard_b64decode", "urlsafe_b64decode", "a2b_base64"}

# int() of something that is a number already: file -> the arguments, as written there.
KNOWN_NUMBERS: dict[str, set[str]] = {}

# In pieces, so that this file does not contain what it looks for.
REGISTRIES = re.compile(
    r"py[p]i\.org|python[h]osted\.org|npm[j]s\.|yarn[p]kg\.|deb[.]debian|security[.]debian"
    r"|archive[.]ubuntu|crates[.]io|ruby[g]ems\.org|proxy[.]golang"
)
MACHINE_PATHS = re.compile(r"(?<![\w.})])/(?:home|root|tmp|work|Users)/\w")


def violations(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        for rule in (_assertions, _imports, _parsers, _pairs):
            for message in rule(path, node):
                yield f"{path}:{getattr(node, 'lineno', 0)}: {message}"


def _assertions(_path: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Assert):
        yield "assert vanishes under -O; raise"


def _imports(path: str, node: ast.AST) -> Iterator[str]:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    for package in {name.split(".")[0] for name in names} & ONLY_IN.keys():
        if path != ONLY_IN[package]:
            yield f"only {ONLY_IN[package]} may import {package}"


def _parsers(path: str, node: ast.AST) -> Iterator[str]:
    if path == WIRE:
        return
    named = _name(node)
    if named in BASE64_READERS:
        yield f"{named} takes junk; use commitments.wire.parse_base64"
    if not isinstance(node, ast.Call):
        return
    arguments = [ast.unparse(argument) for argument in node.args]
    if _called(node) == "int" and arguments and not _is_number(path, node.args[0]):
        yield "int() takes '1_0' and ' 7'; use commitments.wire, or add it to KNOWN_NUMBERS"
    if _called(node) == "map" and "int" in arguments[:1]:
        yield "map(int, …) takes '1_0' and ' 7'; use commitments.wire"


def _pairs(_path: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and _called(node) == "zip":
        strict = [keyword.value for keyword in node.keywords if keyword.arg == "strict"]
        if not (strict and isinstance(strict[0], ast.Constant) and strict[0].value is True):
            yield "zip() drops what is left over; say strict=True"


def _is_number(path: str, argument: ast.expr) -> bool:
    return isinstance(argument, ast.Compare) or ast.unparse(argument) in KNOWN_NUMBERS.get(
        path, set()
    )


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only a clone knows which files are tracked")
    return [path for name in listed.decode().split("\0") if (path := ROOT / name).is_file()]


def test_rooms_keep_the_rules() -> None:
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > len(ROOMS)
    found = [
        message
        for path in files
        for message in violations(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]
    assert found == []


def test_known_numbers_are_still_in_use() -> None:
    for path, numbers in KNOWN_NUMBERS.items():
        calls = [
            node
            for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
            if isinstance(node, ast.Call) and _called(node) == "int"
        ]
        assert numbers <= {ast.unparse(call.args[0]) for call in calls if call.args}


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("assert x", "if not x: raise ValueError"),
        ("import petlib.ec", "import hashlib"),
        ("from petlib.bn import Bn", "from commitments.p256 import P256"),
        ("from py_ecc import bls12_381", "from . import bls12_381"),
        ("base64.b64decode(x)", "base64.b64encode(x)"),
        ("from base64 import b64decode\nread = b64decode", "from base64 import b64encode"),
        ("int(text)", "int.from_bytes(data)"),
        ("int(a or b)", "int(a < b)"),
        ("int(text, 16)", "parse_decimal(text)"),
        ("list(map(int, parts))", "list(map(str, parts))"),
        ("zip(a, b)", "zip(a, b, strict=True)"),
        ("zip(a, b, strict=False)", "zip(a, b, c, strict=True)"),
    ],
)
def test_each_rule_catches_what_it_is_for(bad: str, good: str) -> None:
    assert len(list(violations("api/example.py", bad))) == 1
    assert list(violations("api/example.py", good)) == []


def test_the_exceptions_hold_in_their_own_file_only() -> None:
    for path, source in [
        (WIRE, "int(text); base64.b64decode(text)"),
        (ONLY_IN["petlib"], "import petlib"),
        (ONLY_IN["py_ecc"], "import py_ecc"),
    ]:
        assert list(violations(path, source)) == []
        assert list(violations("zk/other.py", source))


def test_no_registry_and_no_machine_is_named() -> None:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for pattern in (REGISTRIES, MACHINE_PATHS):
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["https://py" + "pi.org/simple", "cd /" + "home/ada", '"/' + 'tmp/kvitto"', "=/" + "work/main"],
)
def test_registries_and_machine_paths_are_recognised(text: str) -> None:
    assert REGISTRIES.search(text) or MACHINE_PATHS.search(text)
    harmless = "../shared/vectors https://shop.example/home/1 /usr/bin/env docs/tmp/x"
    assert not REGISTRIES.search(harmless)
    assert not MACHINE_PATHS.search(harmless)


REQUIREMENTS = ["requirements.txt", "requirements-build.txt"] + [
    f"tests/interop/requirements/{tool}.txt" for tool in ("aics-tlog", "proofbundle", "tlog-scales")
]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_are_pinned_by_hash_and_name_no_address(name: str) -> None:
    text = (ROOT / name).read_text("ascii")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    for requirement in re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", text)):
        assert re.match(r"[a-z0-9.-]+==[0-9]", requirement)
        assert "--hash=sha256:" in requirement
