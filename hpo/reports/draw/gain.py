"""What tuning gained over what nobody tuned, and whose gain it is."""

from __future__ import annotations

from dataclasses import dataclass
from html import unescape
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.results import draw_majority, majority_far, majority_words, near_majority
from hpo.reports.draw.section import Picture, Section, missing
from hpo.reports.draw.style import about, colour, figure, safe, symbol
from hpo.reports.gain_sentences import gain_notes
from hpo.reports.objectives import by_accuracy, by_other
from hpo.reports.selection_sentences import lowered
from hpo.reports.sentences import signed

LOOK_FOR = (
    "How far is the filled mark, the sampler's own best, from the hollow one, the thesis's own or "
    "the default configuration run here as a trial, next to the width of the intervals? A hollow "
    "mark with a dot in it is a best trial that the search did not find: by hand, from an earlier "
    "study or from the even sample. Read below what else differs."
)

LANE = 0.28
"""Between the marks of an architecture, so that no interval hides another."""
AROUND, ROOM = 155, 150
"""Pixels over and under the rows, and of a row: a gain's words stand between two lanes."""
LETTER = 6.6
"""Pixels along a letter of a gain, at least as wide as most."""
LEAST_AXIS = 235
"""Pixels along the axis on a phone, beside a name such as 'resnet50'."""
SHORT_BASELINES = {
    "thesis": "the thesis's configuration",
    "default": "the default configuration",
}
SHORT_ORIGINS = {
    "enqueued": "by hand",
    "sampler": "sampler",
    "single": "single run",
    "space-filling": "space-filling",
    "warm_start": "earlier study",
}


@dataclass(frozen=True)
class Mark:
    """One trial of an architecture: its interval, its shape, and its words beside and above."""

    trial: dict[str, Any]
    shape: str
    what: str
    text: str = ""


def section(data: ReportData) -> Section:
    """Draw the baseline, the best trial and the sampler's best, joined."""
    title = "What tuning gained"
    known = [
        e
        for e in data.architectures
        if e["gain"] and e["best"]["interval"] and e["gain"]["baseline"]["interval"]
    ]
    absent = {
        e["label"]: "no gain is known, as that needs a complete trial of the thesis's or the "
        "default configuration and a best trial with a known validation size"
        for e in data.architectures
        if e not in known
    }
    if not known:
        return Section(title, LOOK_FOR, empty=missing(absent, []))
    given = {e.get("baseline", "thesis") for e in known}
    baseline = SHORT_BASELINES[given.pop()] if len(given) == 1 else "the baseline"
    drawn = figure(
        f"From {baseline} to the best trial: 95 % Wilson intervals, gains in points",
        x="validation accuracy [%]",
        height=AROUND + ROOM * len(known),
        showlegend=False,
        margin={"t": 45},
    )
    ends = [_draw(drawn, data, entry, place) for place, entry in enumerate(known)]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    majority = near_majority(data, low, high)
    if majority is not None:
        low, high = min(low, majority), max(high, majority)
    margin = 0.05 * ((high - low) or 1.0)
    drawn.update_xaxes(range=[low - margin, high + margin])
    for place, entry in enumerate(known):
        _name_gains(drawn, data, entry, place, ends=(low - margin, high + margin))
    if majority is not None:
        draw_majority(drawn, data)
    labels = [safe(e["label"]) for e in known]
    drawn.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=labels, range=[len(labels) - 0.5, -0.6]
    )
    notes = [
        f"Bests were {by_other(data.objective)}, of which alone single runs have intervals: what "
        "is gained or lost here came with it."
    ]
    notes = [] if by_accuracy(data.objective) else notes
    notes += [
        note for entry in known for note in gain_notes(entry, data.objective, data.confirmation)
    ]
    notes += _how(known)
    if data.majority and majority is None:
        notes.append(majority_far(data.majority))
    words = ["Across: validation accuracy [%]; gains in points."]
    words += [f"{unescape(told)}." for trace in drawn.data for told in trace.customdata]
    if majority is not None:
        words.append(majority_words(data.majority))
    pictures = [Picture("", drawn, note="\n".join(notes), words=" ".join(words))]
    return Section(title, LOOK_FOR, pictures, missing(absent, pictures))


def _how(known: list[dict[str, Any]]) -> list[str]:
    """Return what the intervals of the gains rest on, and what they leave out."""
    gains = [e["gain"] for e in known]
    gains += [e["sampler"]["gain"] for e in known if (e.get("sampler") or {}).get("gain")]
    changes = [g["accuracy"] for g in gains if g["accuracy"]]
    if all(change.get("paired") for change in changes):
        lines = [
            "The interval of a gain is paired: it looks at the faces on which one of the two is "
            "right and the other is wrong."
        ]
    else:
        lines = [
            "The interval of a gain takes the two as independent samples of the same size where "
            "trials do not say which faces they got right; both saw the same faces, so it is "
            "rather too wide."
        ]
    chosen = "The best was selected on these faces, the baseline was not"
    if any(map(lowered, gains)):
        chosen += (
            "; the interval less the luck of that is the same, moved down, and in simulated "
            "studies nominal 95 % held the true gain in 92 to 99 % (benchmarks/comparison.py)"
        )
    if not any(g.get("selection") for g in gains):
        chosen += "; how much of a gain that is cannot be said of these trials"
    star = ""
    if any(g.get("unsearched") for g in gains):
        star = " A star marks a gain that is not the search's alone, as said above."
    return [*lines, f"{chosen}.{star}"]


def _marks(data: ReportData, entry: dict[str, Any]) -> list[Mark]:
    """Return the baseline, the best, and the sampler's best where that is another one.

    The baseline is hollow, the sampler's filled, and one that neither made has a dot in it.
    """
    shape, gain, best = symbol(data.labels, entry["label"]), entry["gain"], entry["best"]
    found = entry.get("sampler") or {}
    origin = best.get("origin", "")
    named = SHORT_ORIGINS.get(origin, "")
    baseline = SHORT_BASELINES[entry.get("baseline", "thesis")].removeprefix("the ")
    if gain["same_trial"]:
        marks = [
            Mark(
                best,
                shape + "-open",
                f"{baseline} and best",
                "nothing better so far" if entry.get("left") else "nothing did better",
            )
        ]
    else:
        marks = [
            Mark(gain["baseline"], shape + "-open", baseline),
            Mark(
                best,
                shape if origin in ("sampler", "") else shape + "-open-dot",
                f"best{f' ({named})' if named else ''}",
                _text(named, gain),
            ),
        ]
    drawn = found.get("best")
    if drawn and origin != "sampler" and drawn["interval"]:
        marks.append(Mark(drawn, shape, "sampler's best", _text("sampler", found["gain"])))
    return marks


def _text(who: str, gain: dict[str, Any]) -> str:
    """Return the gain as it is written above a mark; a star leads to what else differs."""
    change = gain["accuracy"]
    star = "*" if gain.get("unsearched") else ""
    return (
        f"{who + ': ' if who else ''}{signed(100 * change['point'])} "
        f"[{signed(100 * change['low'])}, {signed(100 * change['high'])}]{star}"
    )


def _draw(drawn: Any, data: ReportData, entry: dict[str, Any], place: int) -> tuple[float, float]:
    """Draw one architecture, a lane per mark; return the ends of what was drawn."""
    import plotly.graph_objects as go

    tone = colour(data.labels, entry["label"])
    marks = _marks(data, entry)
    lanes = _lanes(place, marks)
    ends = [mark.trial["interval"] for mark in marks]
    points = [100 * end["point"] for end in ends]
    drawn.add_trace(
        go.Scatter(
            x=points,
            y=lanes,
            mode="markers",
            meta=about(entry["label"]),
            marker={
                "size": 14,
                "color": tone,
                "symbol": [mark.shape for mark in marks],
                "line": {"width": 2, "color": tone},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * e["high"] - p for e, p in zip(ends, points, strict=True)],
                "arrayminus": [p - 100 * e["low"] for e, p in zip(ends, points, strict=True)],
                "thickness": 1.5,
                "width": 5,
                "color": tone,
            },
            customdata=[
                f"{safe(entry['label'])}, {mark.what}, trial {mark.trial['number']}: "
                f"{100 * e['point']:.2f} % [{100 * e['low']:.1f}, {100 * e['high']:.1f}], "
                f"n = {e['n']:,}{f' ({mark.text})' if mark.text else ''}"
                for mark, e in zip(marks, ends, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    for point, lane in zip(points[1:], lanes[1:], strict=True):
        drawn.add_shape(
            type="line",
            name=safe(entry["label"]),
            layer="below",
            line={"color": tone, "width": 1.5, "dash": "dot"},
            x0=points[0],
            x1=point,
            y0=lane,
            y1=lane,
        )
    return 100 * min(e["low"] for e in ends), 100 * max(e["high"] for e in ends)


def _lanes(place: int, marks: list[Mark]) -> list[float]:
    """Return the height of each mark, the first on top."""
    return [place + LANE * (k - (len(marks) - 1) / 2) for k in range(len(marks))]


def _name_gains(
    drawn: Any, data: ReportData, entry: dict[str, Any], place: int, *, ends: tuple[float, float]
) -> None:
    """Write each gain above its mark, towards the middle of the axis, where a phone has room.

    Words that would reach beyond the axis there, over the names of the rows, begin at its end.
    """
    low, high = ends
    marks = _marks(data, entry)
    for mark, lane in zip(marks, _lanes(place, marks), strict=True):
        if not mark.text:
            continue
        interval = mark.trial["interval"]
        right = 100 * interval["point"] > (low + high) / 2
        across = min(1.0, LETTER * len(mark.text) / LEAST_AXIS) * (high - low)
        beside = 100 * interval["high" if right else "low"]
        drawn.add_annotation(
            name=safe(entry["label"]),
            x=max(beside, low + across) if right else min(beside, high - across),
            xanchor="right" if right else "left",
            y=lane,
            yshift=16,
            showarrow=False,
            text=mark.text,
            font={"size": 12},
        )
