"""The overview in a browser, with values that move: frames, long tasks, first paint, memory, size.

    python -m tests.bench.screens
    python -m tests.bench.screens --wells 500 --minutes 60

Database, Valkey, gateway and a Chromium without a window or graphics card, all beside one another;
two key values of every well change each second. The first paint is that of a browser that has
nothing in its cache, until the first value of a well is drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.screens.chromium import program
from tests.screens.field import build_screens
from tests.screens.many_wells import ManyWells

SIZE = {"width": 1440, "height": 900}
FIRST_ROW = ".ov .ovg:not(.h) .m .v"
WAIT_MS = 180_000
SAMPLE_S = 15.0
SLOWER = 4
MB = 1e6

_WATCH = """() => {
  const found = window.__bench = {frames: 0, longestMs: 0, long: 0, longMs: 0, writes: 0};
  let before = performance.now();
  const frame = (now) => {
    found.frames += 1;
    found.longestMs = Math.max(found.longestMs, now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) { found.long += 1; found.longMs += one.duration; }
  }).observe({type: "longtask"});
  new MutationObserver((list) => (found.writes += list.length)).observe(
    document.querySelector(".ov .rows"), {characterData: true, subtree: true});
}"""

_FIRST_PAINT = """() => {
  const seek = () => {
    const value = document.querySelector(".ov .ovg:not(.h) .m .t");
    if (value !== null && value.textContent !== "") {
      requestAnimationFrame(() => setTimeout(() => (window.__firstPaintMs = performance.now())));
    } else requestAnimationFrame(seek);
  };
  seek();
}"""


async def metrics(devtools: CDPSession) -> dict[str, float]:
    """What the browser counts of the page, by name."""
    answer = await devtools.send("Performance.getMetrics")
    return {one["name"]: one["value"] for one in answer["metrics"]}


async def cpu_s(browser: Browser) -> dict[str, float]:
    """CPU that the browser's processes have used so far [s], by their kind: renderer, GPU."""
    devtools = await browser.new_browser_cdp_session()
    answer = await devtools.send("SystemInfo.getProcessInfo")
    await devtools.detach()
    used: dict[str, float] = {}
    for one in answer["processInfo"]:
        used[one["type"]] = used.get(one["type"], 0.0) + one["cpuTime"]
    return used


async def frames(
    browser: Browser, page: Page, devtools: CDPSession, seconds: float
) -> dict[str, float]:
    """Frames a second, and where the time of the main thread goes."""
    await page.evaluate(_WATCH)
    before, used = await metrics(devtools), await cpu_s(browser)
    await asyncio.sleep(seconds)
    found = await page.evaluate("() => window.__bench")
    after, used_then = await metrics(devtools), await cpu_s(browser)
    wall_s = after["Timestamp"] - before["Timestamp"]

    def share(name: str) -> float:
        return round(100 * (after[name] - before[name]) / wall_s, 1)

    def cpu(kind: str) -> float:
        return round(100 * (used_then.get(kind, 0) - used.get(kind, 0)) / wall_s, 1)

    return {
        "frames_per_s": round(found["frames"] / wall_s, 1),
        "longest_frame_ms": round(found["longestMs"], 1),
        "long_tasks": found["long"],
        "long_tasks_ms": round(found["longMs"], 1),
        "texts_written_per_s": round(found["writes"] / wall_s, 1),
        "renderer_cpu_percent": cpu("renderer"),
        "painting_cpu_percent": cpu("GPU"),
        "main_thread_percent": share("TaskDuration"),
        "script_percent": share("ScriptDuration"),
        "style_percent": share("RecalcStyleDuration"),
        "layout_percent": share("LayoutDuration"),
        "elements": await page.evaluate("() => document.querySelectorAll('*').length"),
    }


async def heap(page: Page, devtools: CDPSession, minutes: float) -> dict[str, float]:
    """Megabytes of scripts' memory after a collection, while values move."""
    sizes: list[float] = []
    samples = max(2, round(minutes * 60 / SAMPLE_S) + 1)
    for number in range(samples):
        await devtools.send("HeapProfiler.collectGarbage")
        sizes.append((await metrics(devtools))["JSHeapUsedSize"] / MB)
        if number < samples - 1:
            await asyncio.sleep(SAMPLE_S)
    return {
        "heap_first_mb": round(sizes[0], 2),
        "heap_last_mb": round(sizes[-1], 2),
        "heap_most_mb": round(max(sizes), 2),
        "heap_minutes": round((samples - 1) * SAMPLE_S / 60, 1),
    }


async def first_paint(browser: Browser, link: str, slower: float) -> tuple[float, float]:
    """From the click on a link to the first value of a well: time [ms], CPU of the page [s]."""
    before = (await cpu_s(browser)).get("renderer", 0.0)
    context = await browser.new_context(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await page.add_init_script(f"({_FIRST_PAINT})()")
    await page.goto(link, wait_until="commit")
    await page.wait_for_function("() => window.__firstPaintMs", timeout=WAIT_MS)
    used = (await cpu_s(browser)).get("renderer", 0.0) - before
    took: float = await page.evaluate("() => window.__firstPaintMs")
    await context.close()
    return took, used


async def fetched_kb(page: Page) -> dict[str, float]:
    """What this page needed of the built files, each compressed by gzip as the gateway sends it."""
    names: list[str] = await page.evaluate(
        "() => performance.getEntriesByType('resource').map((one) => one.name)"
    )
    screens = Path(__file__).parents[2] / "gateway/pumpjack_gateway/screens"
    sizes = {"js": 0, "css": 0, "woff2": 0}
    for name in {urlsplit(one).path for one in names}:
        kind = name.rpartition(".")[2]
        if name.startswith("/assets/") and kind in sizes:
            body = (screens / name.lstrip("/")).read_bytes()
            sizes[kind] += len(body if kind == "woff2" else gzip.compress(body, 9))
    return {
        "js_gzip_kb": round(sizes["js"] / 1000, 1),
        "css_gzip_kb": round(sizes["css"] / 1000, 1),
        "font_kb": round(sizes["woff2"] / 1000, 1),
    }


async def measure(field: ManyWells, options: argparse.Namespace) -> dict[str, Any]:
    """All figures, while the wells are read."""
    stop = asyncio.Event()
    await field.fill()
    reading = asyncio.create_task(field.run(stop))
    figures: dict[str, Any] = {"wells": field.wells}
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=program(), args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            context = await browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
            page = await context.new_page()
            await page.goto(field.link())
            await page.wait_for_selector(FIRST_ROW, timeout=WAIT_MS)
            devtools = await context.new_cdp_session(page)
            await devtools.send("Performance.enable")
            await asyncio.sleep(5)  # the small trends are there
            figures |= await fetched_kb(page)
            figures |= await frames(browser, page, devtools, options.seconds)
            figures |= await heap(page, devtools, options.minutes)
            await context.close()
            for slower in (1, SLOWER):
                seen = [await first_paint(browser, field.link(), slower) for _ in range(3)]
                times, used = zip(*seen, strict=True)
                name = f"first_paint_{slower}x_slower"
                figures[f"{name}_ms"] = round(statistics.median(times))
                figures[f"{name}_cpu_s"] = round(statistics.median(used), 2)
            await browser.close()
    finally:
        stop.set()
        await reading
    return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--wells", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20, help="of counting frames")
    parser.add_argument(
        "--minutes", type=float, default=2, help="of watching the memory; a shift: 60"
    )
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args(argv)
    build_screens()
    with (
        tempfile.TemporaryDirectory(prefix="pj-screens-") as folder,
        ManyWells(Path(folder), options.wells) as field,
    ):
        figures = asyncio.run(measure(field, options))
    if options.output == "json":
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:<34}{value:>12}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
