"""The table of settings in docs/operators.md, from the class that reads them.

``python -m tests.docs.settings_table`` writes it.
"""

from inspect import signature
from pathlib import Path

from pydantic import SecretStr

from cli.configuration import Configuration
from cli.serve import serve

__all__ = ["DOCUMENT", "between_marks", "settings_table"]

DOCUMENT = Path(__file__).parents[2] / "docs" / "operators.md"
_MARKS = "<!-- settings -->\n", "<!-- end of settings -->\n"


def settings_table() -> str:
    options = signature(serve).parameters
    lines = ["| variable | option | default | meaning |", "|---|---|---|---|"]
    for name, field in Configuration.model_fields.items():
        variable = f"`KVITTO_{name.upper()}`"
        if field.annotation == SecretStr | None:
            variable += ", `…_FILE`"
        option = f"`--{name.replace('_', '-')}`" if name in options else ""
        if name == "keys_passphrase":
            option = "`--passphrase-file`"
        shown = "" if field.default is None else f"`{_shown(field.default)}`"
        lines.append(f"| {variable} | {option} | {shown} | {field.description} |")
    return "".join(f"{line}\n" for line in lines)


def _shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def between_marks(text: str) -> tuple[str, str, str]:
    """What is before the table, the table, and what is behind it."""
    before, _, rest = text.partition(_MARKS[0])
    table, _, after = rest.partition(_MARKS[1])
    return before + _MARKS[0], table, _MARKS[1] + after


if __name__ == "__main__":
    text = DOCUMENT.read_text("utf-8")
    before, _, after = between_marks(text)
    DOCUMENT.write_text(before + settings_table() + after, "utf-8")
