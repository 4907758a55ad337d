"""Do the report's gains and comparisons hold? Studies with planted truths.

    python benchmarks/comparison.py [--json] [--seeds 200] [--only gain,architectures,share]

Every trial is a model with a true accuracy, over all faces there could be. Faces are easy or hard
for all models (standard deviation 1.5 on the logistic scale), so that models fail on the same ones.
Records of such trials go through what the report computes (``hpo.reports``), nothing else.

- **gain**: a default at 42 % and trials around 50 %, of which the best is chosen on the faces that
  judge it. How often does the 95 % interval of its gain hold its true gain: the two taken as
  independent samples, paired over faces, and paired less the optimism of the choice?
- **architectures**: two architectures whose trials come from one distribution. How often does the
  interval of their bests leave 0 out, and how often are the architectures told apart? Both should
  be under 5 % for a claim about architectures. Then with a planted difference.
- **share**: three architectures; how often does the 90 % interval of the share of variance between
  architectures hold the planted one, and how far is its point?
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

import numpy as np
from measuring import machine, progress

from hpo.evidence.intervals import difference, wilson
from hpo.reports.comparison import comparison, correct_faces
from hpo.reports.effects import variance
from hpo.reports.gains import gain
from hpo.reports.rows import row
from hpo.reports.trials import best_of
from hpo.spec.bits import pack_bits
from hpo.spec.records import TrialRecord, TrialResult

SHARING = 1.5
DEFAULT = 0.42
OBJECTIVE = {"name": "val_accuracy", "direction": "maximize", "percent": True, "label": "accuracy"}
GRID = np.linspace(-8, 8, 801)
# The mean over the normal distribution of difficulties, by its quantiles.
FACES = np.quantile(np.random.default_rng(0).normal(0, SHARING, 200_000), np.linspace(0, 1, 2001))
CURVE = [float((1 / (1 + np.exp(FACES - skill))).mean()) for skill in GRID]


def right(generator: np.random.Generator, hard: Any, accuracy: float) -> Any:
    """Return which faces a model of this true accuracy gets right."""
    skill = np.interp(accuracy, CURVE, GRID)
    return generator.random(len(hard)) < 1 / (1 + np.exp(hard - skill))


def record(label: str, number: int, faces: Any) -> TrialRecord:
    """Return a complete trial that got these faces right; number 0 is the thesis's."""
    accuracy = float(faces.mean())
    result = TrialResult(
        state="complete",
        value=accuracy,
        metrics={"val_accuracy": accuracy},
        correct=pack_bits(faces.tolist()),
        validation_size=len(faces),
        parameter_count=1000,
    )
    return TrialRecord(
        study="planted",
        architecture=label,
        number=number,
        slot=number,
        state="complete",
        value=accuracy,
        params={},
        searched={},
        result=result,
        seconds=1.0,
        origin="sampler" if number else "thesis",
    )


def gain_of(seed: int, faces: int, trials: int, spread: float) -> dict[str, bool | float]:
    """Simulate one search and say which intervals hold the true gain of what it chose."""
    generator = np.random.default_rng(seed)
    truths = [DEFAULT, *np.clip(0.5 + generator.normal(0, spread, trials - 1), 0.05, 0.95)]
    hard = generator.normal(0, SHARING, faces)
    records = [record("one", k, right(generator, hard, t)) for k, t in enumerate(truths)]
    best = best_of(records, "maximize")
    assert best is not None
    truth = truths[best.number] - DEFAULT
    found = gain(records, best)
    apart = difference(
        wilson(best.value or 0.0, faces), wilson(records[0].value or 0.0, faces)
    ).to_json()
    lowered = found["selection"]["accuracy"]
    return {
        **{
            name: each["low"] <= truth <= each["high"]
            for name, each in (
                ("independent", apart),
                ("paired", found["accuracy"]),
                ("corrected", lowered),
            )
        },
        "luck": 100 * (found["accuracy"]["point"] - truth),
        "optimism": 100 * found["selection"]["optimism"],
        "width_independent": 100 * (apart["high"] - apart["low"]),
        "width_paired": 100 * (lowered["high"] - lowered["low"]),
    }


def apart_of(seed: int, trials: int, better: float, spread: float = 0.03) -> dict[str, bool]:
    """Simulate two searches and say whether models and architectures are told apart."""
    generator = np.random.default_rng(seed)
    hard = generator.normal(0, SHARING, 1000)
    records = [
        record(label, k, right(generator, hard, float(np.clip(t, 0.05, 0.95))))
        for label, middle in (("one", 0.5 + better), ("other", 0.5))
        for k, t in enumerate(generator.normal(middle, spread, trials))
    ]
    made = comparison(
        [row(r) for r in records], ["one", "other"], {}, OBJECTIVE, correct_faces(records)
    )
    (pair,) = made["pairs"]
    return {
        "models": pair["accuracy"]["low"] > 0 or pair["accuracy"]["high"] < 0,
        "architectures": pair["apart"],
    }


def share_of(seed: int, trials: int, middles: tuple[float, ...]) -> dict[str, bool | float]:
    """Simulate three searches and say whether the interval holds the planted share."""
    generator = np.random.default_rng(seed)
    faces, spread = 1000, 0.03
    hard = generator.normal(0, SHARING, faces)
    grouped = {}
    for label, middle in zip("abc", middles, strict=True):
        truths = generator.normal(middle, spread, trials)
        grouped[label] = [
            row(record(label, k, right(generator, hard, float(t)))) for k, t in enumerate(truths)
        ]
    # What a face of chance adds to the scatter of trials counts as scatter within.
    within = spread**2 + 0.25 * 0.6 / faces
    between = statistics.variance(middles)
    planted = between / (between + within)
    found = variance(grouped, trials)["share"]
    return {
        "covered": found["low"] <= planted <= found["high"],
        "point": found["point"],
        "planted": planted,
    }


def summed(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Return shares with Wilson intervals of what is true or false, means of the rest."""
    line: dict[str, Any] = {"n": len(told)}
    for key in told[0]:
        values = [each[key] for each in told]
        if isinstance(values[0], bool | np.bool_):
            interval = wilson(sum(map(bool, values)) / len(values), len(values))
            line[key] = {"share": interval.point, "low": interval.low, "high": interval.high}
        else:
            line[key] = round(statistics.fmean(values), 3)
    return line


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--only", default="gain,architectures,share")
    arguments = parser.parse_args()
    seeds = range(arguments.seeds)
    figures: dict[str, Any] = {"machine": machine(), "seeds": arguments.seeds}
    plans: dict[str, dict[str, Any]] = {
        "gain": {
            "20 equal trials, 1,000 faces": lambda s: gain_of(s, 1000, 20, 0.0),
            "20 trials, spread 2 points": lambda s: gain_of(s, 1000, 20, 0.02),
            "60 trials, spread 1 point": lambda s: gain_of(s, 1000, 60, 0.01),
            "20 trials, spread 5 points": lambda s: gain_of(s, 1000, 20, 0.05),
            "6 trials, spread 2 points, 350 faces": lambda s: gain_of(s, 350, 6, 0.02),
        },
        "architectures": {
            "equal, 6 trials each": lambda s: apart_of(s, 6, 0.0),
            "equal, 20 trials each": lambda s: apart_of(s, 20, 0.0),
            "5 points better, 6 trials each": lambda s: apart_of(s, 6, 0.05),
            "10 points better, 6 trials each": lambda s: apart_of(s, 6, 0.10),
            "5 points better, 20 trials each": lambda s: apart_of(s, 20, 0.05),
        },
        "share": {
            "none, 10 trials each": lambda s: share_of(s, 10, (0.5, 0.5, 0.5)),
            "half, 10 trials each": lambda s: share_of(s, 10, (0.468, 0.5, 0.532)),
            "nine tenths, 10 trials each": lambda s: share_of(s, 10, (0.4, 0.5, 0.6)),
            "half, 30 trials each": lambda s: share_of(s, 30, (0.468, 0.5, 0.532)),
        },
    }
    for part, plan in plans.items():
        if part not in arguments.only.split(","):
            continue
        figures[part] = {}
        for name, simulate in plan.items():
            figures[part][name] = progress(name, summed([simulate(s) for s in seeds]))
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return 0
    for part in plans:
        for name, line in figures.get(part, {}).items():
            print(f"{part}: {name}, n = {line['n']}")
            for key, value in line.items():
                if isinstance(value, dict):
                    ends = f"[{100 * value['low']:.1f}, {100 * value['high']:.1f}]"
                    print(f"  {key:18} {100 * value['share']:6.1f} % {ends}")
                elif key != "n":
                    print(f"  {key:18} {value:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
