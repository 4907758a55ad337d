"""A page of a study in a browser, driven through its own protocol; skipped where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

# The page's observers were there first, so what they draw in the first frame is drawn when ours is
# told of it. Then until nothing moves: a figure may be drawn again for a bar that came or went.
SETTLED = """new Promise(function (done) {
  var seen = "";
  function look() {
    var now = Array.from(document.querySelectorAll("section, .plot, svg")).map(function (element) {
      var box = element.getBoundingClientRect();
      return [box.top, box.width, box.height];
    }).join();
    if (now === seen) { done(true); return; }
    seen = now;
    setTimeout(function () { requestAnimationFrame(look); }, 200);
  }
  var first = new IntersectionObserver(function () { first.disconnect(); look(); });
  document.fonts.ready.then(function () { first.observe(document.body); });
})"""


class Hands:
    """Evaluates scripts in the page and sends what else a browser understands."""

    def __init__(self, send: Callable[..., Awaitable[Any]]) -> None:
        self.send = send

    async def ask(self, script: str) -> Any:
        answer = await self.send(
            "Runtime.evaluate",
            {"expression": script, "returnByValue": True, "awaitPromise": True},
        )
        assert "exceptionDetails" not in answer["result"], answer
        return answer["result"]["result"].get("value")


def needs_a_browser() -> str:
    """Return the path of a browser, or skip the test that asks."""
    pytest.importorskip("choreographer")
    from hpo.reports.pictures import browser

    program = browser()
    if program is None:
        pytest.skip("no browser")
    return str(program)


def in_a_browser(
    page: Path,
    work: Callable[[Hands], Awaitable[Any]],
    *,
    width: int,
    height: int,
    hash: str = "",
    before: str = "",
) -> Any:
    """Return what ``work`` does with the page once it stands, in a window of CSS pixels.

    ``before`` is run in the page before any script of its own.
    """
    program = needs_a_browser()
    from choreographer import Browser

    async def opened() -> Any:
        async with Browser(path=program, headless=True, enable_sandbox=False) as running:
            tab = await running.create_tab("about:blank")
            hands = Hands(tab.send_command)
            window = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            await hands.send("Emulation.setDeviceMetricsOverride", window)
            await hands.send("Page.enable")
            if before:
                await hands.send("Page.addScriptToEvaluateOnNewDocument", {"source": before})
            await hands.send("Page.navigate", {"url": page.as_uri() + hash})
            while not await hands.ask("document.readyState === 'complete' && !!window.hpoPage"):
                await asyncio.sleep(0.1)
            await hands.ask(SETTLED)
            return await work(hands)

    return asyncio.run(opened())
