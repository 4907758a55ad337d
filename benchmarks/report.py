"""How long does the page of a large study take to write, and to open in a browser?

    python benchmarks/report.py [--json] [--trials 1000] [--repeats 5] [--browser PATH]

Records of an analytic objective, three architectures with a third of the trials each, 30 epochs a
trial, are computed, written and opened. ``importance`` is the part of ``compute`` that the
evaluators of importance take (with one resample; each further one adds as much again as a forest
takes), ``compute`` the rest. A page is opened in a fresh headless Chromium each time, with real
time and no cache: ``load`` is the end of its load event, ``paint`` its first contentful paint,
``figure`` the first figure after the page was scrolled to one, each in seconds from the start of
the navigation or of the scrolling. CPU seconds stand beside wall seconds, which other work on the
machine lengthens. Opening needs choreographer (``pip install 'hpo[png]'``) and a Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measuring import machine, progress, spread, told

from hpo.reports import importance_tables
from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.page import DATA, PAGE, write_report
from hpo.reports.pictures import browser

ARCHITECTURES = ("cnn", "resnet50", "xception")
EPOCHS = 30
WINDOW = {"width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": False}
TIMINGS = """JSON.stringify([
  performance.timing.loadEventEnd - performance.timing.navigationStart,
  (performance.getEntriesByName("first-contentful-paint")[0] || {}).startTime || 0,
  document.querySelectorAll(".plot .main-svg").length])"""
# The IntersectionObserver draws what comes near; two frames later it is on the screen.
SCROLL = """new Promise(function (done) {
  var begun = performance.now(), plot = document.querySelector("#history .plot");
  plot.scrollIntoView({ behavior: "instant" });
  (function look() {
    if (plot.querySelector(".main-svg")) { requestAnimationFrame(function () {
      done(performance.now() - begun); }); } else { requestAnimationFrame(look); }
  })();
})"""
LONGEST_SECONDS = 120.0


class Clock:
    """Adds up wall and CPU seconds of calls."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __call__(self, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return work()
        finally:
            self.wall += time.perf_counter() - wall
            self.cpu += time.process_time() - cpu


def computed(trials: int) -> tuple[ReportData, dict[str, float]]:
    """Return a report of so many trials, and what it took with and without importance."""
    from tests.unit.reports.conftest import study_records, study_spec

    records = study_records(ARCHITECTURES, trials=-(-trials // 3), epochs=EPOCHS)[:trials]
    inside, whole = Clock(), Clock()
    plain = (importance_tables.of_architecture, importance_tables.of_all)

    def clocked(function: Callable[..., Any]) -> Any:
        return lambda *given, **named: inside(lambda: function(*given, **named))

    importance_tables.of_architecture = clocked(plain[0])
    importance_tables.of_all = clocked(plain[1])
    try:
        data = whole(lambda: compute(records, study_spec(ARCHITECTURES), n_bootstrap=1))
    finally:
        importance_tables.of_architecture, importance_tables.of_all = plain
    return data, {
        "compute": whole.wall - inside.wall,
        "compute_cpu": whole.cpu - inside.cpu,
        "importance": inside.wall,
        "importance_cpu": inside.cpu,
    }


def written(data: ReportData, folder: Path, repeats: int) -> dict[str, Any]:
    """Write the page repeatedly; the first time Plotly is imported too, which counts."""
    clocks = []
    for _ in range(repeats):
        clock = Clock()
        clock(lambda: write_report(data, folder))
        clocks.append(clock)
    return {
        "wall": spread(c.wall for c in clocks),
        "cpu": spread(c.cpu for c in clocks),
        "page_bytes": (folder / PAGE).stat().st_size,
        "data_bytes": (folder / DATA).stat().st_size,
    }


async def opened(page: Path, program: str) -> dict[str, float]:
    """Open a page once in a browser of its own."""
    from choreographer import Browser

    async with Browser(path=program, headless=True, enable_sandbox=False) as running:
        tab = await running.create_tab("about:blank")

        async def ask(command: str, **params: Any) -> dict[str, Any]:
            answer = await tab.send_command(command, params)
            return dict(answer["result"])

        async def evaluate(script: str) -> Any:
            found = await ask(
                "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
            )
            return found["result"]["value"]

        await ask("Page.enable")
        await ask("Performance.enable")
        await ask("Emulation.setDeviceMetricsOverride", **WINDOW)
        await ask("Page.navigate", url=page.as_uri())
        until = time.monotonic() + LONGEST_SECONDS
        load = paint = 0.0
        while load <= 0 and time.monotonic() < until:
            await asyncio.sleep(0.1)
            load, paint, _ = json.loads(await evaluate(TIMINGS))
        if load <= 0:
            raise TimeoutError(f"the page did not open in {LONGEST_SECONDS:.0f} s")
        metrics = (await ask("Performance.getMetrics"))["metrics"]
        cpu = next(m["value"] for m in metrics if m["name"] == "ProcessTime")
        figure = await evaluate(SCROLL)
        return {"load": load / 1e3, "paint": paint / 1e3, "cpu": cpu, "figure": figure / 1e3}


def benchmark(trials: int, repeats: int, program: str | None) -> dict[str, Any]:
    """Return every figure."""
    data, took = computed(trials)
    result: dict[str, Any] = {
        "trials": len(data.trials),
        "epochs": EPOCHS,
        **machine(),
        "computed": progress("computed", {k: round(v, 2) for k, v in took.items()}),
    }
    with tempfile.TemporaryDirectory() as folder:
        result["written"] = progress("written", written(data, Path(folder), repeats))
        if program is not None:
            page = Path(folder) / PAGE
            times = [asyncio.run(opened(page, program)) for _ in range(repeats)]
            names = ("load", "paint", "cpu", "figure")
            result["opened"] = progress(
                "opened", {name: spread(t[name] for t in times) for name in names}
            )
    return result | {"load_average_after": machine()["load_average"]}


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The figures for people."""
    yield (
        f"{result['trials']} trials of {result['epochs']} epochs, {result['cores']} cores, "
        f"load {result['load_average']} to {result['load_average_after']}"
    )
    for name, seconds in result["computed"].items():
        yield f"  {name:44} {seconds:9.2f} s"
    yield told("written, wall", result["written"]["wall"], "s")
    yield told("written, CPU", result["written"]["cpu"], "s")
    yield f"  {'page':44} {result['written']['page_bytes'] / 1e6:9.2f} MB"
    for name, value in result.get("opened", {}).items():
        yield told(f"opened, {name}", value, "s")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--browser", default=None, help="by default the one that draws PNGs")
    given = parser.parse_args()
    result = benchmark(given.trials, given.repeats, given.browser or browser())
    print(json.dumps(result, indent=1) if given.json else "\n".join(lines(result)))


if __name__ == "__main__":
    main()
