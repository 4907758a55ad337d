"""Does the importance that a report tells hold? Objectives whose truth is known, study after study.

    python benchmarks/planted_truths.py [--json] [--seeds 100] [--only friedman,training]
                                        [--kept FILE] [--references]

Each seed draws a study of 30, 100 and 300 trials (uniform where the seed is even, scrambled Sobol
where it is odd), and for two objectives one of 100 trials by TPE, and asks all three evaluators as
a report does. The objectives:

- ``ishigami``: sin x0 + 7 sin² x1 + 0.1 x2⁴ sin x0 on [-π, π]; x2 acts through x0 alone;
- ``g-function``: Sobol's, a product of four factors of falling weight;
- ``friedman``: 10 sin(π x0 x1) + 20 (x2 - 0.5)² + 10 x3 + 5 x4 and noise (deviation 1);
- ``training``: an accuracy over a learning rate (a peak, on a log scale), an optimizer, a momentum
  that sgd alone has, layers, and noise (0.01);

each with dead parameters beside; and ``noise``, of which all six parameters are dead. Which of the
method's constants were chosen on other objectives, and which after a look at these, is in
``docs/evidence.md``, with the table. What the intervals have to cover is
the evaluator's own value on 10,000 uniform trials (beside this script in ``planted_truths.json``;
``--references`` computes it again, in two minutes), in nine cases of ten if they keep what they
promise. A case is a parameter in a study. *of living* is the same of those parameters that do
something; *width* the mean width of an interval; *dead named* the share of dead parameters that
were told from chance, *living named* that of the others; *first* how often the parameter that is
first on 10,000 trials came first; ``cpu_seconds``, in the JSON alone, the median of the processor
time that one answer of all three evaluators took. Of ``noise`` it is told in how many studies any
parameter was told from chance: there is nothing to cover, as forests of 10,000 trials foretell
nothing, either.

About half an hour of one core at 100 seeds. With ``--kept`` every study's answer is added to a
file, and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats.qmc import Sobol

from hpo.evidence.evaluators import Problem
from hpo.evidence.importance import importance
from hpo.evidence.optuna_study import distributions, observations
from hpo.search.samplers import from_unit, tpe
from hpo.spec.records import TrialRecord
from hpo.spec.space import SearchSpace

REFERENCES = Path(__file__).with_suffix(".json")
REFERENCE_TRIALS = 10_000
REFERENCE_TREES = 24
SETTINGS = (("even", 30), ("even", 100), ("even", 300), ("tpe", 100))
SEARCHED = ("friedman", "training")
"""Objectives that TPE searches too."""
EVALUATORS = ("fanova", "mdi", "pedanova")
Params = dict[str, Any]
Row = dict[str, Any]


def unit(count: int, low: float = 0.0, high: float = 1.0) -> dict[str, Any]:
    """Return a space of ``count`` continuous parameters."""
    return {f"x{i}": {"type": "float", "low": low, "high": high} for i in range(count)}


def ishigami(p: Params, noise: random.Random) -> float:
    """Ishigami and Homma (1990); variance shares 0.31, 0.44 and 0, and 0.24 of x0 with x2."""
    return float(math.sin(p["x0"]) * (1 + 0.1 * p["x2"] ** 4) + 7 * math.sin(p["x1"]) ** 2)


def g_function(p: Params, noise: random.Random) -> float:
    """Saltelli and Sobol (1995), with weights 0, 1, 4.5 and 9."""
    weights = (0.0, 1.0, 4.5, 9.0)
    return math.prod((abs(4 * p[f"x{i}"] - 2) + a) / (1 + a) for i, a in enumerate(weights))


def friedman(p: Params, noise: random.Random) -> float:
    """Friedman (1991), the first of his three."""
    wave = 10 * math.sin(math.pi * p["x0"] * p["x1"])
    return wave + 20 * (p["x2"] - 0.5) ** 2 + 10 * p["x3"] + 5 * p["x4"] + noise.gauss(0, 1)


def training(p: Params, noise: random.Random) -> float:
    """An accuracy as a small network's might be."""
    rate = math.exp(-(((math.log10(p["learning_rate"]) + 3) / 0.9) ** 2))
    value = 0.3 + 0.3 * rate + {"adam": 0.06, "rmsprop": 0.04, "sgd": 0.0}[p["optimizer"]]
    value += 0.015 * p["layers"] + 0.15 * p.get("momentum", 0.0) * rate
    return value + noise.gauss(0, 0.01)


def nothing(p: Params, noise: random.Random) -> float:
    """Noise alone."""
    return noise.gauss(0, 1)


@dataclass(frozen=True)
class Planted:
    """An objective, its space, and which of its parameters do nothing."""

    value: Callable[[Params, random.Random], float]
    space: dict[str, Any]
    dead: tuple[str, ...]


OBJECTIVES = {
    "ishigami": Planted(ishigami, unit(5, -math.pi, math.pi), ("x3", "x4")),
    "g-function": Planted(g_function, unit(6), ("x4", "x5")),
    "friedman": Planted(friedman, unit(8), ("x5", "x6", "x7")),
    "training": Planted(
        training,
        {
            "learning_rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
            "optimizer": {"type": "categorical", "choices": ["adam", "rmsprop", "sgd"]},
            "momentum": {"type": "float", "low": 0.0, "high": 1.0, "when": {"optimizer": "sgd"}},
            "layers": {"type": "int", "low": 1, "high": 6},
            "dropout": {"type": "float", "low": 0.0, "high": 0.7},
            "activation": {"type": "categorical", "choices": ["relu", "elu", "gelu", "tanh"]},
        },
        ("dropout", "activation"),
    ),
}
NOISE = "noise"
MIXED = {
    **unit(3),
    "choice": {"type": "categorical", "choices": ["a", "b", "c"]},
    "whole": {"type": "int", "low": 1, "high": 6},
    "rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
}
PLANTED = OBJECTIVES | {NOISE: Planted(nothing, MIXED, tuple(MIXED))}


def record(name: str, number: int, params: Params, value: float) -> TrialRecord:
    """Return a trial as a study's storage would hold it."""
    space = PLANTED[name].space
    return TrialRecord(
        "planted", name, number, "complete", value, params, params, slot=number, space=space
    )


class Point:
    """Answers a space's questions from one point of the unit cube."""

    def __init__(self, units: dict[str, float]) -> None:
        self._units = units

    def suggest_float(self, name: str, low: float, high: float, **scale: Any) -> float:
        """Return the point's value in a range."""
        return float(from_unit(FloatDistribution(low, high, **scale), self._units[name]))

    def suggest_int(self, name: str, low: int, high: int, **scale: Any) -> int:
        """Return the point's whole number in a range."""
        return int(from_unit(IntDistribution(low, high, **scale), self._units[name]))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the point's choice."""
        return from_unit(CategoricalDistribution(choices), self._units[name])


def even_trials(name: str, n: int, seed: int, *, sobol: bool) -> list[TrialRecord]:
    """Draw trials evenly over the space, conditions honoured."""
    space = SearchSpace.from_plain(PLANTED[name].space)
    order = space.order()
    if sobol:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 30, 100 and 300 are no powers of two
            points = Sobol(len(order), scramble=True, rng=seed).random(n)
    else:
        points = np.random.default_rng([seed, n]).random((n, len(order)))
    noise = random.Random(seed)
    found = []
    for number, point in enumerate(points.tolist()):
        params = space.suggest(Point(dict(zip(order, point, strict=True))))
        value = PLANTED[name].value(params, noise)
        found.append(record(name, number, params, value))
    return found


def tpe_trials(name: str, n: int, seed: int) -> list[TrialRecord]:
    """Let a study's default sampler search."""
    space = SearchSpace.from_plain(PLANTED[name].space)
    noise = random.Random(seed)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=tpe({}, seed, space))
    found = []
    for number in range(n):
        trial = study.ask()
        params = space.suggest(trial)
        value = PLANTED[name].value(params, noise)
        study.tell(trial, value)
        found.append(record(name, number, params, value))
    return found


def reference(name: str) -> dict[str, dict[str, float]]:
    """Return what each evaluator says of 10,000 uniform trials."""
    records = even_trials(name, REFERENCE_TRIALS, 10**6, sobol=False)
    chosen, _ = observations(records)
    domains = distributions(chosen, OBJECTIVES[name].space)
    problem = Problem(chosen, domains, sorted(domains), maximize=True)
    generator = np.random.default_rng(0)
    grown = problem.forests(problem.rows, REFERENCE_TREES, generator, fewest=10, foremost=4)
    shares = {
        "fanova": grown.fanova,
        "mdi": grown.mdi,
        "pedanova": problem.divergence(problem.rows),
    }
    told = {
        evaluator: {n: round(float(v), 5) for n, v in zip(problem.names, values, strict=True)}
        for evaluator, values in shares.items()
    }
    return told | {"pairs": {f"{a} x {b}": round(v, 5) for (a, b), v in grown.together.items()}}


def answer(name: str, how: str, n: int, seed: int) -> Row:
    """Draw one study and ask all evaluators, as a report does."""
    if how == "tpe":
        records, sampler = tpe_trials(name, n, seed), "tpe"
    else:
        sampler = "qmc" if seed % 2 else "random"
        records = even_trials(name, n, seed, sobol=sampler == "qmc")
    began = time.process_time()
    tables = importance(records, seed=seed, sampler=sampler)
    return {
        "cpu": round(time.process_time() - began, 3),
        "objective": name,
        "how": how,
        "n": n,
        "seed": seed,
        "tables": {evaluator: table.to_json() for evaluator, table in tables.items()},
    }


def summed(rows: list[Row], truth: dict[str, Any], dead: tuple[str, ...], evaluator: str) -> Row:
    """Count how often the intervals of one evaluator held, over studies of one kind."""
    covered: list[bool] = []
    widths: list[float] = []
    dead_named: list[bool] = []
    living_named: list[bool] = []
    firsts: list[bool] = []
    tops: list[bool] = []
    by_parameter: dict[str, list[bool]] = {}
    living: list[bool] = []
    leader = max(truth[evaluator], key=lambda name: truth[evaluator][name])
    refused = sum(bool(row["tables"][evaluator]["refused"]) for row in rows)
    for row in rows:
        table = row["tables"][evaluator]
        for told in table["parameters"]:
            true = truth[evaluator][told["name"]]
            covered.append(told["low"] <= true <= told["high"])
            by_parameter.setdefault(told["name"], []).append(covered[-1])
            if told["name"] not in dead:
                living.append(covered[-1])
            widths.append(told["high"] - told["low"])
            if told["distinct"] is not None:
                (dead_named if told["name"] in dead else living_named).append(told["distinct"])
        if table["parameters"]:
            firsts.append(table["parameters"][0]["name"] == leader)
            tops.append(table["top_share"])
    by_share = {name: statistics.mean(held) for name, held in by_parameter.items()}
    worst = min(by_share, key=lambda name: by_share[name], default="")
    return {
        "studies": len(rows),
        "refused": refused,
        "covered": mean(covered),
        "living_covered": mean(living),
        "worst": worst,
        "worst_covered": by_share.get(worst),
        "width": mean(widths),
        "dead_named": mean(dead_named),
        "living_named": mean(living_named),
        "first": mean(firsts),
        "top_share": mean(tops),
    }


def noise_named(rows: list[Row], evaluator: str) -> Row:
    """Count the studies of noise in which an evaluator told any parameter from chance."""
    tables = [row["tables"][evaluator] for row in rows]
    any_named = sum(any(told["distinct"] for told in table["parameters"]) for table in tables)
    refused = sum(bool(table["refused"]) for table in tables)
    return {"studies": len(rows), "refused": refused, "any_named": any_named}


def mean(values: list[Any]) -> float | None:
    """Return the mean of what was told; None where nothing was."""
    return statistics.mean(values) if values else None


def interactions(rows: list[Row], truth: dict[str, Any]) -> Row:
    """Count how often the intervals of interactions held, and how often one was told."""
    covered, widths = [], []
    for row in rows:
        for told in row["tables"]["fanova"]["interactions"]:
            true = truth["pairs"].get(f"{told['first']} x {told['second']}")
            if true is not None:
                covered.append(told["low"] <= true <= told["high"])
                widths.append(told["high"] - told["low"])
    return {"covered": mean(covered), "width": mean(widths), "told": len(covered)}


def studies(asked: list[tuple[str, str, int]], seeds: int, kept: Path | None) -> Iterator[Row]:
    """Yield each study's answer, the seeds in turn; those that were kept are not asked again."""
    known = {}
    if kept is not None and kept.is_file():
        lines = kept.read_text(encoding="utf-8").splitlines()
        # A run that was stopped may have left half a line.
        with contextlib.suppress(json.JSONDecodeError):
            json.loads(lines[-1] if lines else "{}")
            lines.append("{}")
        kept.write_text("".join(f"{line}\n" for line in lines[:-1]), encoding="utf-8")
        for line in lines[:-1]:
            row = json.loads(line)
            known[row["objective"], row["how"], row["n"], row["seed"]] = row
    for seed in range(seeds):
        for name, how, n in asked:
            row = known.get((name, how, n, seed))
            if row is None:
                row = answer(name, how, n, seed)
                if kept is not None:
                    with kept.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
            yield row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--only", default=",".join(PLANTED), help=",".join(PLANTED))
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--references", action="store_true")
    chosen = parser.parse_args()
    names = chosen.only.split(",")
    if unknown := [name for name in names if name not in PLANTED]:
        parser.error(f"--only: there is no {', '.join(unknown)}; there are {', '.join(PLANTED)}")
    if chosen.references or not REFERENCES.is_file():
        truth = {name: reference(name) for name in OBJECTIVES}
        REFERENCES.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    asked = [
        (name, how, n) for name in names for how, n in SETTINGS if how != "tpe" or name in SEARCHED
    ]
    truths = json.loads(REFERENCES.read_text(encoding="utf-8"))
    rows = list(studies(asked, chosen.seeds, chosen.kept))
    told_rows, of_noise = [], []
    for name, how, n in asked:
        own = [r for r in rows if (r["objective"], r["how"], r["n"]) == (name, how, n)]
        # Kept by an earlier version, an answer has no time.
        times = [row["cpu"] for row in own if "cpu" in row]
        kind = {"objective": name, "trials": n, "drawn": how}
        kind["cpu_seconds"] = round(statistics.median(times), 2) if times else None
        if name == NOISE:
            of_noise += [kind | {"evaluator": e} | noise_named(own, e) for e in EVALUATORS]
            continue
        for evaluator in EVALUATORS:
            found = summed(own, truths[name], OBJECTIVES[name].dead, evaluator)
            told_rows.append(kind | {"evaluator": evaluator} | found)
        told_rows[-len(EVALUATORS)]["interactions"] = interactions(own, truths[name])
    if chosen.json:
        told = {"references": truths, "rows": told_rows, "noise": of_noise}
        print(json.dumps(told, indent=1))
        return
    print_table(told_rows)
    print_noise(of_noise)


def share(value: float | None, digits: int) -> str:
    """Return a share in percent; where it was not asked for, that."""
    return "not told" if value is None else f"{value:.{digits}%}"


def print_table(rows: list[Row]) -> None:
    """Print the rows as Markdown."""
    print(
        "| objective | trials | evaluator | refused | covered | of living | least covered | width "
        "| dead named | living named | first |\n" + "| --- " * 11 + "|"
    )
    for row in rows:
        drawn = f"{row['trials']}{' by TPE' if row['drawn'] == 'tpe' else ''}"
        if row["covered"] is None:
            told = ["–"] * 7
        else:
            told = [
                share(row["covered"], 0),
                share(row["living_covered"], 0),
                f"{row['worst']} {share(row['worst_covered'], 0)}",
                f"{row['width']:.2f}",
                share(row["dead_named"], 1),
                share(row["living_named"], 0),
                share(row["first"], 0),
            ]
        refused = f"{row['refused']} of {row['studies']}"
        cells = [row["objective"], drawn, row["evaluator"], refused, *told]
        print(f"| {' | '.join(cells)} |")
    print("\n| objective | trials | interactions told | covered | width |\n" + "| --- " * 5 + "|")
    for row in rows:
        found = row.get("interactions")
        if found and found["told"]:
            drawn = f"{row['trials']}{' by TPE' if row['drawn'] == 'tpe' else ''}"
            print(
                f"| {row['objective']} | {drawn} | {found['told']} | {found['covered']:.0%} "
                f"| {found['width']:.2f} |"
            )


def print_noise(rows: list[Row]) -> None:
    """Print in how many studies of noise any parameter was named."""
    if rows:
        head = "| trials of noise | evaluator | refused | studies with a parameter named |"
        print(f"\n{head}\n{'| --- ' * 4}|")
    for row in rows:
        refused = f"{row['refused']} of {row['studies']}"
        print(
            f"| {row['trials']} | {row['evaluator']} | {refused} "
            f"| {row['any_named']} of {row['studies']} |"
        )


if __name__ == "__main__":
    main()
