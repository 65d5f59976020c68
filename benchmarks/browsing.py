"""What a browser needs to check a claim itself: ``python -m benchmarks.browsing``.

A service with the built dashboard (``make dashboard``), a ring of 1,024, and the Chromium of the
system, which asks the dashboard's worker as the page does.
"""

import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from shutil import which
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.claiming import make_openings, make_requests, purchase_of
from benchmarks.databases import ENGINES, SEALING
from benchmarks.measure import Figure, figure
from benchmarks.service import Request, Service, serving
from commitments.clock import SYSTEM_CLOCKS
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store

__all__ = ["browsing_figures"]

_MERCHANT = Merchant("bench", "Bench", "ledger.example/bench")
_RING = 1024
_CAPACITY = 4096  # so that all purchases are in one cell
_CLAIMS = 12
_ASSETS = "dashboard/assets"
_ASK = """
async ([script, directory, claims]) => {
  const worker = new Worker(script, { type: "module" });
  const ask = (call, ...args) => new Promise((resolve, reject) => {
    const id = Math.random();
    const listen = ({ data }) => {
      if (data.id !== id || data.kind === "progress") return;
      worker.removeEventListener("message", listen);
      data.kind === "result" ? resolve(data.result) : reject(JSON.stringify(data.failure));
    };
    worker.addEventListener("message", listen);
    worker.postMessage({ id, call, args });
  });
  const [merchant] = directory.merchants;
  const open = (name) => {
    const { url, vkeys } = merchant.logs[name];
    return ask("openLog", new URL(url, location.href).href, vkeys, [], undefined);
  };
  let [longest, last] = [0, performance.now()];
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 4);
  const begun = performance.now();
  const [events, purchases] = [await open("events"), await open("purchases")];
  const opened = performance.now() - begun;
  const found = [];
  for (let index = events.size - claims; index < events.size; index++) {
    const start = performance.now();
    const check = await ask("verifyClaim", events.handle, purchases.handle, index);
    found.push({ took: performance.now() - start, ...check });
  }
  const counting = performance.now();
  await ask("recount", events.handle);
  clearInterval(watch);
  return { opened, found, recounted: performance.now() - counting, longest };
}
"""


def browsing_figures() -> list[Figure]:
    """In one browser, that has not seen the log before."""
    with ENGINES["SQLite"]() as make, tempfile.TemporaryDirectory() as directory:
        url = make()
        with Store(url, sealing=SEALING) as store:
            requests = _open_shop(store)
        with serving(Path(directory), url) as service:
            for request in requests:
                service.ask(request)
            measured = _in_chromium(service)
    first, *others = measured["found"]
    if {claim["ring"]["members"] for claim in measured["found"]} != {_RING}:
        raise RuntimeError("not the ring that was promised")
    return [
        figure("browser_open_ms", "open both logs", "ms", [measured["opened"]]),
        figure("browser_first_claim_ms", "the first claim, with reading", "ms", [first["took"]]),
        figure(
            "browser_claim_ms",
            f"verify a claim, ring of {_RING}, in a worker",
            "ms",
            [claim["took"] for claim in others],
            "under 600",
        ),
        _part(others, "ring", "of it, building the ring"),
        _part(others, "proof", "of it, the proof"),
        figure("browser_recount_ms", "count the events again", "ms", [measured["recounted"]]),
        figure("browser_pause_ms", "the page's longest pause", "ms", [measured["longest"]]),
    ]


def _part(claims: list[dict[str, Any]], name: str, what: str) -> Figure:
    samples = [claim["milliseconds"][name] for claim in claims]
    return figure(f"browser_{name}_ms", what, "ms", samples)


def _open_shop(store: Store) -> list[Request]:
    """A shop that has sold what is claimed for, and the claims."""
    store.create()
    create_merchant(store, P256, SYSTEM_CLOCKS, _MERCHANT, capacity=_CAPACITY, period="manual")
    openings = make_openings(_RING)
    entries = [*map(purchase_of, openings)]
    store.write(lambda transaction: transaction.append(_MERCHANT.origin, entries))
    Closer(store, SYSTEM_CLOCKS, SeedWitnesses()).now(_MERCHANT)
    return make_requests(store, _MERCHANT, openings[:_CLAIMS], _RING)


def _in_chromium(service: Service) -> Any:
    directory = service.ask(Request("GET", "/v1/directory"))
    (script,) = (
        f"/{_ASSETS}/{file.name}"
        for file in (files("api.pages") / _ASSETS).iterdir()
        if file.name.startswith("worker-")
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        # What asks the worker here is no part of the page, so the page's policy would refuse it.
        page: Page = browser.new_context(bypass_csp=True).new_page()
        page.goto(f"http://{service.address}/console")
        measured = page.evaluate(_ASK, [script, directory, _CLAIMS])
        browser.close()
    return measured


if __name__ == "__main__":
    for each in browsing_figures():
        spread = f"{each.low:.0f} to {each.high:.0f}, {each.runs} runs"
        sys.stdout.write(f"{each.what}: {each.median:.0f} {each.unit} ({spread}) {each.target}\n")
