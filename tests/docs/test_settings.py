from inspect import signature

from cli.configuration import Configuration
from cli.serve import serve
from tests.docs.settings_table import DOCUMENT, between_marks, settings_table


def test_the_table_of_settings_is_that_of_the_program() -> None:
    _, table, _ = between_marks(DOCUMENT.read_text("utf-8"))
    assert table == settings_table()


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Configuration.model_fields.values())


def test_every_option_of_serve_is_a_setting() -> None:
    options = signature(serve).parameters.keys() - {"as_json", "passphrase_file"}
    assert options <= Configuration.model_fields.keys()
