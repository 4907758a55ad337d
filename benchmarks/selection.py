"""Does confirmation crown the lucky, and does it find the better? Studies with planted truths.

    python benchmarks/selection.py [--json] [--seeds 200] [--images 1000] [--only noise]

A study searches 20 configurations with one run each on the same validation images, confirms the
best few over seeds with the shipped race and verdict (``hpo.evidence.racing``), and may crown one.
Whether run ``s`` of configuration ``c`` is right on image ``i`` is the sign of
``skill[c] + easy[i] + suits[c, i] + luck[c, s] + whim[c, s, i]``, all but the skill normal: images
are easy or hard for all (standard deviation 1), suit one configuration more than another (0.4),
seeds have good and bad days (0.03, about one point of accuracy) and whims (0.5). So the true
accuracy of a configuration, over all images and seeds there could be, is known.

- **noise**: all configurations have the same true accuracy. How often is one crowned? It should be
  in at most 5 %. Two seeds crown nobody (``hpo.evidence.racing.CROWNING_SEEDS``).
- **planted**: one is better by 1, 2 or 4 points. How often does it come among the best few, win,
  and get its crown; how often does the race stop it; how many runs does the race save?
- **curse**: how far is the value that the search saw above the truth, how far the mean of the
  re-runs, and does the interval of the winner's curse cover what was luck of the seed? All from the
  studies of noise, where the curse is worst.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from measuring import machine, progress

from hpo.evidence.intervals import wilson
from hpo.evidence.racing import decide, optimism, race

EASY, SUITS, WHIM = 1.0, 0.4, 0.5
CONFIGURATIONS = 20
RATE = 0.6
NORMAL = NormalDist()


@dataclass(frozen=True)
class Setting:
    """How a study is confirmed, and how noisy its seeds are."""

    top: int = 3
    seeds: int = 5
    luck: float = 0.03
    images: int = 1000
    gain: float = 0.0

    def spread(self) -> float:
        """The standard deviation of all that is drawn."""
        return math.sqrt(EASY**2 + SUITS**2 + WHIM**2 + self.luck**2)


def simulate(setting: Setting, seed: int, resamples: int) -> dict[str, Any]:
    """One study, from search to verdict, with its truths."""
    draw = np.random.default_rng(seed)
    rates = np.full(CONFIGURATIONS, RATE)
    rates[0] += setting.gain
    skill = np.array([NORMAL.inv_cdf(rate) for rate in rates]) * setting.spread()
    easy = draw.normal(0, EASY, setting.images)
    suits = draw.normal(0, SUITS, (CONFIGURATIONS, setting.images))

    def run(one: int) -> np.ndarray:
        whim = draw.normal(0, WHIM, setting.images)
        return skill[one] + easy + suits[one] + draw.normal(0, setting.luck) + whim > 0

    searched = np.array([run(c).mean() for c in range(CONFIGURATIONS)])
    best = np.argsort(-searched, kind="stable")[: setting.top]
    # Every run that the race might ask for; it sees those alone that it allowed.
    known = {str(c): [run(c) for _ in range(setting.seeds)] for c in best}
    runs: dict[str, list[Any]] = {name: [] for name in known}
    standing = race(runs, setting.seeds, seed=seed, resamples=resamples)
    while not standing.over:
        runs = {name: known[name][:count] for name, count in standing.allowed.items()}
        standing = race(runs, setting.seeds, seed=seed, resamples=resamples)
    verdict = decide(runs, standing.stopped, seed=seed, resamples=resamples)
    assert verdict is not None
    first = str(best[0])
    values = [float(right.mean()) for right in runs[first]]
    curse = optimism(float(searched[best[0]]), values)
    inner = (skill[best[0]] + easy + suits[best[0]]) / math.hypot(WHIM, setting.luck)
    on_these = statistics.fmean(NORMAL.cdf(x) for x in inner)
    winner = int(verdict.winner)
    won = verdict.compared.points[verdict.place(verdict.winner)]
    return {
        "crowned": verdict.crowned,
        "crowned_best": verdict.crowned and winner == 0,
        "won": winner == 0,
        "among": 0 in best,
        "stopped_best": "0" in standing.stopped,
        "saved": 1 - sum(map(len, runs.values())) / (setting.top * setting.seeds),
        "before": float(searched[best[0]]) - rates[best[0]],
        "after": statistics.fmean(values) - rates[best[0]],
        "winner_after": won - rates[winner],
        "curse": curse.point,
        "curse_covered": curse.low <= float(searched[best[0]]) - on_these <= curse.high,
    }


def share(told: list[dict[str, Any]], key: str) -> dict[str, float]:
    """How often something was so, with its interval."""
    found = wilson(sum(bool(t[key]) for t in told) / len(told), len(told))
    return {"share": found.point, "low": found.low, "high": found.high, "n": found.n}


def mean(told: list[dict[str, Any]], key: str) -> dict[str, float]:
    """The mean of a number of points of accuracy, with its 95 % interval."""
    values = [100 * t[key] for t in told]
    half = 1.96 * statistics.stdev(values) / math.sqrt(len(values))
    point = statistics.fmean(values)
    return {"mean": point, "low": point - half, "high": point + half, "n": len(values)}


def main() -> int:
    """Run the simulations and print their table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200, help="studies per line")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--only", choices=("noise", "planted"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    noise = {
        "best 3, 5 seeds": Setting(images=arguments.images),
        "best 2, 5 seeds": Setting(top=2, images=arguments.images),
        "best 5, 5 seeds": Setting(top=5, images=arguments.images),
        "best 3, 2 seeds": Setting(seeds=2, images=arguments.images),
        "best 2, 3 seeds, lucky seeds (0.1)": Setting(2, 3, 0.1, arguments.images),
        "best 3, 5 seeds, lucky seeds (0.1)": Setting(luck=0.1, images=arguments.images),
        "best 3, 5 seeds, 3,589 images": Setting(images=3589),
    }
    planted = {
        f"{100 * gain:.0f} points better, {images:,} images": Setting(gain=gain, images=images)
        for gain, images in (
            (0.01, arguments.images),
            (0.02, arguments.images),
            (0.04, arguments.images),
            (0.02, 3589),
        )
    }
    figures: dict[str, Any] = {"machine": machine(), "seeds": arguments.seeds}
    for part, settings, keys in (
        ("noise", noise, ("crowned",)),
        ("planted", planted, ("among", "won", "crowned_best", "stopped_best")),
    ):
        if arguments.only not in (None, part):
            continue
        figures[part] = {}
        for number, (name, setting) in enumerate(settings.items()):
            told = [
                simulate(setting, 1000 * number + seed, arguments.resamples)
                for seed in range(arguments.seeds)
            ]
            line: dict[str, Any] = {key: share(told, key) for key in keys}
            line["saved"] = mean(told, "saved")
            if part == "noise":
                for key in ("before", "after", "winner_after", "curse"):
                    line[key] = mean(told, key)
                line["curse_covered"] = share(told, "curse_covered")
            figures[part][name] = progress(name, line)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return 0
    for part in ("noise", "planted"):
        for name, line in figures.get(part, {}).items():
            print(f"{part}: {name}")
            for key, value in line.items():
                point = 100 * value["share"] if "share" in value else value["mean"]
                scale = 100 if "share" in value else 1
                print(
                    f"  {key:16} {point:6.2f} [{scale * value['low']:.2f}, "
                    f"{scale * value['high']:.2f}], n = {value['n']}"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
