"""Do the intervals of precision, recall and F1 per class hold? Confirmed winners, simulated.

    python benchmarks/classes.py [--json] [--studies 200] [--only NAME]

Several runs answer the same faces of seven classes, of which one is rare (1.5 %, as disgust is in
FER-2013). A run's answer is the largest of seven scores: one for the label (less for the rare
class), a part of each face that all runs share (standard deviation 1), a leaning of the run towards
each class (0.3, or 0.05 for runs that agree), and a whim. So what precision, recall and F1 of each
class are over all faces and runs that there could be is known, from 600 runs on 4,000 new faces
each. How often do the nominal 95 % intervals of ``hpo.evidence.classes`` hold it, over all classes,
and of the rare one?
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from measuring import machine, progress

from hpo.evidence.classes import class_figures
from hpo.evidence.intervals import wilson

SHARES = np.array([0.13, 0.015, 0.14, 0.25, 0.17, 0.17, 0.125])
RARE = 1
SEEN, RARELY = 2.4, 1.6
"""How much the label's score is above the others', of most classes and of the rare one."""
FACE, WHIM = 1.0, 0.7
FIGURES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Setting:
    """How many runs on how many faces, and how far the runs' leanings spread."""

    runs: int
    faces: int
    leaning: float


SETTINGS = {
    "3 runs, 600 faces": Setting(3, 600, 0.3),
    "5 runs, 600 faces": Setting(5, 600, 0.3),
    "5 runs, 3,589 faces": Setting(5, 3589, 0.3),
    "5 runs that agree, 3,589 faces": Setting(5, 3589, 0.05),
}


def answers(
    setting: Setting, generator: np.random.Generator
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return labels ``(faces,)`` and what each run answers, ``(runs, faces)``."""
    classes = len(SHARES)
    labels = generator.choice(classes, setting.faces, p=SHARES / SHARES.sum())
    scores = generator.normal(0, FACE, (setting.faces, classes))
    scores[np.arange(setting.faces), labels] += np.where(labels == RARE, RARELY, SEEN)
    told = [
        (
            scores
            + generator.normal(0, setting.leaning, classes)
            + WHIM * generator.gumbel(size=scores.shape)
        ).argmax(axis=1)
        for _ in range(setting.runs)
    ]
    return labels, np.array(told)


def confusion(labels: np.ndarray[Any, Any], told: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the matrix summed over the runs."""
    found = np.zeros((len(SHARES), len(SHARES)), dtype=np.int64)
    for run in told:
        np.add.at(found, (labels, run), 1)
    return found


def truth(leaning: float) -> dict[str, np.ndarray[Any, Any]]:
    """Return what precision, recall and F1 of each class truly are."""
    generator = np.random.default_rng(99)
    found = np.zeros((len(SHARES), len(SHARES)), dtype=np.int64)
    for _ in range(600):
        found += confusion(*answers(Setting(1, 4000, leaning), generator))
    hits, true, given = np.diag(found), found.sum(axis=1), found.sum(axis=0)
    return {"precision": hits / given, "recall": hits / true, "f1": 2 * hits / (true + given)}


def share(held: list[bool]) -> dict[str, Any]:
    """Return how often, with its interval (as if classes of one study were independent)."""
    return wilson(sum(held) / len(held), len(held)).to_json() if held else {}


def main() -> int:
    """Run the simulations and print how often the intervals hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=200, help="studies per line")
    parser.add_argument("--only", choices=list(SETTINGS))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine(), "studies": arguments.studies}
    for name, setting in SETTINGS.items():
        if arguments.only not in (None, name):
            continue
        true = truth(setting.leaning)
        held: dict[tuple[str, bool], list[bool]] = {
            (figure, rare): [] for figure in FIGURES for rare in (False, True)
        }
        for study in range(arguments.studies):
            labels, told = answers(setting, np.random.default_rng(1000 + study))
            known = class_figures(confusion(labels, told), told, told == labels, seed=study)
            for place, of_class in enumerate(known):
                for figure in FIGURES:
                    ends = of_class["intervals"][figure]
                    if ends:
                        inside = bool(ends["low"] <= true[figure][place] <= ends["high"])
                        held[figure, place == RARE].append(inside)
        line = {
            figure: {
                "all": share(held[figure, False] + held[figure, True]),
                "rare": share(held[figure, True]),
            }
            for figure in FIGURES
        }
        figures[name] = progress(name, line)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return 0
    for name in SETTINGS:
        for figure, shares in figures.get(name, {}).items():
            for which, known in shares.items():
                if known:
                    print(
                        f"{name}: {figure:9} {which:4} {known['point']:.1%} "
                        f"[{known['low']:.1%}, {known['high']:.1%}], n = {known['n']:,}"
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
