"""The page without a mouse, and on paper; skipped where there is no browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.page import write_report
from tests.browsing import Hands, in_a_browser, needs_a_browser
from tests.unit.reports.conftest import study_records, study_spec

KEYS = {"Tab": 9, "Enter": 13, " ": 32, "End": 35, "ArrowRight": 39}
TYPED = {"Enter": "\r", " ": " "}
MOST_STOPS = 150

# A browser without a screen has no mouse either, and figures no menu then.
WITH_A_MOUSE = """
var asked = window.matchMedia.bind(window);
window.matchMedia = function (query) {
  return query === "(hover: none)" ? { matches: false } : asked(query);
};
"""
# What has the focus, once what came near with it is drawn.
FOCUSED = """new Promise(function (done) {
  requestAnimationFrame(function () { setTimeout(function () {
    var on = document.activeElement, style = getComputedStyle(on), box = on.getBoundingClientRect();
    var before = window.lastOn && window.lastOn.isConnected
      && window.lastOn.compareDocumentPosition(on) & Node.DOCUMENT_POSITION_FOLLOWING;
    var first = !window.lastOn;
    window.lastOn = on;
    done(JSON.stringify({
      tag: on.tagName, id: on.id, role: on.getAttribute("role") || "", kind: on.className,
      said: (on.getAttribute("aria-label") || on.textContent || on.name).trim(),
      ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
      seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
      clear: Array.from(on.closest(".modebar") ? on.closest(".modebar").children : [on]).every(
        function (part) { return part.classList.contains("watermark")
          || parseFloat(getComputedStyle(part).opacity) > 0; }),
      onwards: Boolean(first || before)
    }));
  }, 30); });
})"""


class Keys(Hands):
    """Presses keys and looks at what they did."""

    async def press(self, key: str) -> None:
        event = {"key": key, "code": "Space" if key == " " else key}
        event["windowsVirtualKeyCode"] = KEYS[key]
        typed = {"text": TYPED[key]} if key in TYPED else {}
        await self.send("Input.dispatchKeyEvent", {"type": "keyDown", **event, **typed})
        await self.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    async def focused(self) -> dict[str, Any]:
        return dict(json.loads(await self.ask(FOCUSED)))

    async def focus(self, selector: str) -> None:
        await self.ask(
            f"(function (one) {{ one.scrollIntoView(); one.focus(); }})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        await self.focused()


@pytest.fixture
def by_hand(tmp_path: Path) -> Callable[..., Any]:
    """Open the page of a study and do with it what a coroutine says."""
    needs_a_browser()
    data = compute(study_records(trials=4), study_spec(), n_bootstrap=0)
    page = write_report(data, tmp_path)

    def opened(work: Callable[[Keys], Awaitable[Any]], hash: str = "") -> Any:
        def with_keys(hands: Hands) -> Awaitable[Any]:
            return work(Keys(hands.send))

        return in_a_browser(page, with_keys, width=1400, height=900, hash=hash, before=WITH_A_MOUSE)

    return opened


def test_tab_leads_through_all_that_can_be_used_in_its_order(by_hand: Callable[..., Any]) -> None:
    async def walk(hands: Keys) -> list[dict[str, Any]]:
        stops = []
        for _ in range(MOST_STOPS):
            await hands.press("Tab")
            stops.append(await hands.focused())
            if stops[-1]["tag"] == "BODY":
                break
        return stops

    *stops, end = by_hand(walk)
    assert end["tag"] == "BODY", "the last stop is followed by the browser's own"
    assert stops[0]["kind"] == "skip"
    assert [s for s in stops if s["ring"] < 2] == []
    assert [s for s in stops if not s["seen"] or not s["clear"] or not s["said"]] == []
    assert [s for s in stops if not s["onwards"]] == []
    kinds = {s["role"] or s["kind"] or s["tag"] for s in stops}
    assert {"INPUT", "SUMMARY", "tab", "region", "modebar-btn", "BUTTON", "A"} <= kinds
    # A menu is one stop.
    menus = sum(s["kind"].startswith("modebar-btn") for s in stops)
    assert 5 < menus <= sum(s["said"] == "In words" for s in stops)


def test_what_has_the_focus_does_what_its_keys_say(by_hand: Callable[..., Any]) -> None:
    async def use(hands: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        await hands.focus("#filters input[name=architecture]")
        await hands.press(" ")
        found["left"] = await hands.ask("document.querySelector('.shown').textContent")
        await hands.press(" ")
        await hands.focus("#history .words:not(.entries) summary")
        await hands.press("Enter")
        found["words"] = await hands.ask(
            "document.querySelector('#history .words:not(.entries)').open"
        )
        await hands.focus("#history .entries summary")
        await hands.press("Enter")
        await hands.focus("#history .entries input")
        await hands.press(" ")
        await asyncio.sleep(0.5)
        found["hidden"] = await hands.ask(
            "document.querySelector('#history .plot').data.some(t => t.visible === 'legendonly')"
        )
        await hands.focus("#slices [role=tab]")
        await hands.press("ArrowRight")
        found["tab"] = await hands.ask(
            "document.activeElement.textContent + document.activeElement.ariaSelected"
        )
        await hands.focus("#trial-table thead th:nth-child(2) button")
        await hands.press("Enter")
        found["sort"] = await hands.ask("document.activeElement.parentElement.ariaSort")
        found["heard"] = await hands.ask("document.getElementById('sorted').textContent")
        await hands.focus("#history .modebar-btn")
        await hands.press("ArrowRight")
        found["next"] = (await hands.focused())["said"]
        await hands.press("End")
        found["last"] = (await hands.focused())["said"]
        found["stops"] = await hands.ask(
            "document.querySelectorAll('#history .modebar-btn[tabindex=\"0\"]').length"
        )
        shown = "JSON.stringify(document.querySelector('#history .plot').layout.xaxis.range)"
        await hands.focus("#history .modebar-btn[data-title='Zoom in']")
        before = await hands.ask(shown)
        await hands.press("Enter")
        await asyncio.sleep(0.5)
        found["zoomed"] = before != await hands.ask(shown)
        found["named"] = await hands.ask(
            "document.querySelector('#history [role=img]').ariaLabel"
            " + document.querySelector('#history .modebar').closest('[role=img]')"
        )
        found["share"] = await hands.ask("document.querySelectorAll('[data-title*=Share]').length")
        return found

    found = by_hand(use)
    assert " of " in found["left"]
    assert found["words"] is True
    assert found["hidden"] is True
    assert found["tab"] == "resnet50true"
    assert found["sort"] == "descending"
    assert found["heard"] == "Sorted by trial, descending"
    assert found["next"] == "Zoom"
    assert found["last"] == "Reset axes"
    assert found["stops"] == 1
    assert found["zoomed"] is True
    # The picture has a name, and its menu does not lie within it.
    assert found["named"] == "Trials in the order they were asked fornull"
    assert found["share"] == 0, "nothing of a page leaves the machine"


def test_skipping_to_the_results_keeps_the_filters(by_hand: Callable[..., Any]) -> None:
    async def skip(hands: Keys) -> list[Any]:
        await hands.focus(".skip")
        await hands.press("Enter")
        await hands.focused()
        return [
            await hands.ask("document.activeElement.id"),
            await hands.ask("document.querySelector('.shown').textContent"),
        ]

    place, left = by_hand(skip, "#table&architecture=cnn")
    assert place == "main"
    assert " of " in left


def test_on_paper_headings_stay_with_what_they_head(by_hand: Callable[..., Any]) -> None:
    async def look(hands: Keys) -> Any:
        await hands.send("Emulation.setEmulatedMedia", {"media": "print"})
        return json.loads(
            await hands.ask(
                """JSON.stringify(["h2", "#history .look", "#caption-0", "figcaption",
                  "#trial-table thead button"].map(function (selector) {
                  var style = getComputedStyle(document.querySelector(selector));
                  return style.display === "contents" ? "repeated" : style.breakAfter;
                }))"""
            )
        )

    # Chromium repeats no heading row that holds a button.
    assert by_hand(look) == ["avoid"] * 4 + ["repeated"]
