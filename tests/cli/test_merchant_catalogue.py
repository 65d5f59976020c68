from tests.cli.terminal import SALE, Terminal
from tests.world import KETTLE


def test_a_range_is_imported_and_keeps_other_codes_out(terminal: Terminal) -> None:
    lines = "".join(f"P-{number:03},Part {number},spares\n" for number in range(150))
    file = terminal.file("range.csv", f"code,name,group\nCABLE,Cable,\n{lines}")
    said = terminal.run("merchant", "product", "import", file).stdout
    assert said == "accepted   151\nduplicate  0\nrejected   0\n"
    assert terminal.json("merchant", "product", "import", file)["duplicate"] == 151
    products = terminal.json("merchant", "product", "list")["products"]
    assert len(products) == 151
    assert products[0] == {"code": "CABLE", "name": "Cable", "group": None}
    terminal.run("merchant", "product", "allow", "listed")
    request = terminal.file("request", terminal.run("wallet", "request", "--order", "1").stdout)
    record = ["merchant", "record", str(request), "--order", "1", *SALE]
    assert terminal.error(*record, status=1)["type"] == "unlisted-product"
    terminal.run("merchant", "product", "allow", "any")
    terminal.run(*record)
    assert terminal.run("merchant", "product", "remove", "CABLE", "X").stdout == "removed  1\n"


def test_each_bad_cell_of_a_range_is_named(terminal: Terminal) -> None:
    wrong = KETTLE[:-1] + "9"
    rows = f"{wrong},Kettle,\n4.0E+12,Kettle,\nA,,\nB,Kettle,kitchen,more\n"
    file = terminal.file("range.csv", f"code,name,group\n{rows}")
    said = terminal.error("merchant", "product", "import", file, status=2)
    assert said["rows"] == [
        "row 2, code: a GTIN with a wrong check digit",
        "row 3, code: a number that a spreadsheet shortened",
        "row 4, name: empty",
        "row 5, all: 4 fields instead of 3",
    ]
    swapped = terminal.file("swapped.csv", "code,name\nA,B\n")
    assert terminal.error("merchant", "product", "import", swapped, status=2)["field"] == "header"
