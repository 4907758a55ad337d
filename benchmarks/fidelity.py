"""Is a look at a few epochs worth it? Best configuration found per epochs spent, way by way.

    python benchmarks/fidelity.py [--json] [--seeds 8] [--budget 270] [--faces 3] [--only ranks]

Each way searches with the shipped engine under the same budget of epochs, counted where they were
trained; they differ by the study file alone:

- ``random, full``: every configuration trains for all epochs;
- ``first epoch``: all train for one epoch, the best k go on (k takes about half of the budget);
- ``halving``: asynchronous successive halving, random; ``halving, tpe``: with TPE;
- ``halving from 3``: without a rung at one epoch;
- ``halving, unchecked``: it never doubts the ranks (min_rank_correlation: -1).

**analytic**: learning curves of a rate, a dropout and a width over 27 epochs, read with noise of
0.01. On ``orderly`` curves one epoch foretells much of the end, on ``crossing`` ones high rates,
low dropout and small nets are ahead at first and behind at last. What counts is the regret: how
far the noiseless accuracy of the best reading lies below the best there is, in points. It takes a
minute a seed and way; the rank correlation of 1 and 27 epochs is printed beside it. TPE without
rungs is left out: ten full trainings are its random start.

**ranks**: how often a rank correlation over the best third of 27 configurations comes out under
0.5, as measured and corrected for the selection, by what it is over all of them (2,000 draws from a
normal distribution). Takes seconds.

**faces**: a tiny CNN on the drawn faces, 9 epochs, a cosine schedule; the accuracy of the model
that would be served, on drawn faces that the search has not seen. Takes ten minutes and more.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import machine, progress, spread, told

from hpo.search.engine import open_engine
from hpo.search.ranks import agreement, spearman
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.seeds import derive_seed
from hpo.spec.study import StudySpec

FULL = 27
NOISE = 0.01
SPACE: dict[str, Any] = {
    "learning_rate": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
    "dropout": {"type": "float", "low": 0.0, "high": 0.6},
    "width": {"type": "int", "low": 8, "high": 128, "log": True},
}
CROSSING = {"orderly": 0.25, "crossing": 1.0}
"""How much of what speeds learning up is paid for at the end."""


def ways(budget: int, full: int) -> dict[str, dict[str, Any]]:
    """What differs between the ways: parts of the study file."""
    keep = max(1, budget // (2 * full))
    halving = {"name": "successive_halving"}
    first = {"name": "first_epoch", "keep": keep, "min_rank_correlation": -1}
    return {
        "random, full": {"sampler": "random"},
        "first epoch": {
            "sampler": "random",
            "fidelity": first,
            "budget": {"trials": max(keep, budget - keep * (full - 1))},
        },
        "halving": {"sampler": "random", "fidelity": halving},
        "halving, unchecked": {
            "sampler": "random",
            "fidelity": {**halving, "min_rank_correlation": -1},
        },
        "halving from 3": {"sampler": "random", "fidelity": {**halving, "min_epochs": 3}},
        "halving, tpe": {"sampler": "tpe", "fidelity": halving},
    }


def reached(params: dict[str, Any], epoch: float, crossing: float) -> float:
    """The noiseless accuracy after an epoch: it rises to its end at a speed of its own."""
    rate = math.log10(params["learning_rate"]) + 1.5  # best at 0.03 where nothing is paid for
    width = math.log2(params["width"] / 32)
    dropout = params["dropout"]
    best_rate = -0.5 * crossing
    end = 0.9 - 0.06 * (rate - best_rate) ** 2
    end -= 0.6 * (dropout - 0.35 * crossing) ** 2 + 0.02 * (width - 1.5 * crossing) ** 2
    if rate > 1.0:  # too high to learn anything
        end -= 0.5 * (rate - 1.0)
    speed = 0.6 * 10 ** (0.35 * rate) * 2 ** (-0.35 * width) * (1.0 - dropout)
    return max(0.14, end) - (max(0.14, end) - 0.14) * math.exp(-speed * epoch)


def best_end(crossing: float) -> float:
    """The best noiseless end of 20,000 random configurations."""
    dice = random.Random(0)
    return max(reached(drawn(dice), FULL, crossing) for _ in range(20_000))


def drawn(dice: random.Random) -> dict[str, Any]:
    """A random configuration of the space."""
    return {
        "learning_rate": 10 ** dice.uniform(-4, 0),
        "dropout": dice.uniform(0, 0.6),
        "width": round(2 ** dice.uniform(3, 7)),
    }


def foretold(crossing: float) -> float:
    """The rank correlation of the values after 1 and after all epochs, over random ones."""
    dice = random.Random(1)
    found = [drawn(dice) for _ in range(2000)]
    ends = [reached(params, FULL, crossing) for params in found]
    return spearman([reached(params, 1, crossing) for params in found], ends) or 0.0


def study(way: dict[str, Any], budget: int, seed: int, section: dict[str, Any]) -> StudySpec:
    """A study of one architecture under a budget of epochs."""
    given = {**way, "budget": {"trials": 1000, **way.get("budget", {}), "epochs": budget}}
    if "fidelity" not in way:
        given["pruner"] = "none"
    return StudySpec.model_validate(
        {"name": "fidelity", "seed": seed, "architectures": {"cnn": section}, **given}
    )


def searched(spec: StudySpec, crossing: float, folder: Path) -> dict[str, float]:
    """Search by the shipped engine; the end of what it would serve, and what that took."""
    engine = open_engine(f"sqlite:///{folder}/optuna.db", spec, "cnn")
    fixed = dict(spec.architectures["cnn"].fixed)
    best, chosen, epochs, configurations, doubts = -1.0, {}, 0, set(), 0
    while (proposal := engine.ask()) is not None:
        doubts += len(engine.take_notes())
        params = proposal.configuration(fixed)
        done = proposal.rungs[-1] if proposal.continues is not None else 0
        last = params["epochs"]
        # The reading is the configuration's own at that epoch, whichever way asks for it.
        dice = random.Random(derive_seed(spec.seed, json.dumps(proposal.params), last))
        value = reached(params, last, crossing) + dice.gauss(0, NOISE)
        for epoch in range(done + 1, last + 1):
            read = {"val_accuracy": value} if epoch == last else {}
            engine.record_epoch(proposal.number, EpochReport(epoch, read, 0.0))
        engine.finish(proposal.number, TrialResult("complete", value=value, params=params))
        epochs += last - done
        configurations.add(proposal.slot)
        if value > best:
            best, chosen = value, params
    return {
        "end": reached(chosen, chosen["epochs"], crossing),
        "epochs": epochs,
        "configurations": len(configurations),
        "doubts": doubts,
    }


def analytic(budget: int, seeds: int) -> dict[str, Any]:
    """Regret by curves and way, over seeds."""
    section = {"fixed": {"epochs": FULL}, "space": SPACE, "enqueue": []}
    found: dict[str, Any] = {}
    for curves, crossing in CROSSING.items():
        top = best_end(crossing)
        figures: dict[str, Any] = {"rank correlation of 1 and 27": round(foretold(crossing), 2)}
        for name, way in ways(budget, FULL).items():
            runs = []
            for seed in range(seeds):
                with tempfile.TemporaryDirectory() as folder:
                    runs.append(searched(study(way, budget, seed, section), crossing, Path(folder)))
            figures[name] = {
                "regret": spread(100 * (top - run["end"]) for run in runs),
                "mean regret": round(statistics.fmean(100 * (top - run["end"]) for run in runs), 2),
                "configurations": spread(run["configurations"] for run in runs),
                "epochs": spread(run["epochs"] for run in runs),
                "doubted": sum(run["doubts"] > 0 for run in runs),
            }
            progress(f"{curves}, {name}", figures[name])
        found[curves] = figures
    return found


def doubts(draws: int = 2000, configurations: int = 27, least: float = 0.5) -> dict[str, Any]:
    """Shares of draws whose rank correlation is under ``least``, by the true one."""
    dice = random.Random(1)
    found: dict[str, Any] = {}
    for true in (0.2, 0.5, 0.8, 0.9):
        known = []
        for _ in range(draws):
            lower = [dice.gauss(0, 1) for _ in range(configurations)]
            rest = math.sqrt(1 - true**2)
            upper = [true * value + rest * dice.gauss(0, 1) for value in lower]
            best = sorted(range(configurations), key=lambda i: -lower[i])[: configurations // 3]
            known.append(agreement(1, 3, lower, [(i, upper[i]) for i in best]))
        found[f"{6 / math.pi * math.asin(true / 2):.2f} over all"] = {
            "measured": sum((k.measured or 0.0) < least for k in known) / draws,
            "corrected": sum((k.corrected or 0.0) < least for k in known) / draws,
        }
    return found


FACES_FULL, FACES_BUDGET = 9, 45
FACES: dict[str, Any] = {
    "fixed": {
        "family": "vgg-bn",
        "dense": 64,
        "dense_layers": 1,
        "conv_dropout": 0.1,
        "norm_momentum": 0.9,
        "batch_size": 32,
        "epochs": FACES_FULL,
        "schedule": "cosine",
        "early_stopping_monitor": "none",
        "rotation_degrees": 0,
        "zoom": 0,
        "shift": 0,
    },
    "space": {
        "learning_rate": {"type": "float", "low": 1e-4, "high": 0.3, "log": True},
        "dropout": {"type": "float", "low": 0.0, "high": 0.7},
        "width": {"type": "categorical", "choices": [4, 8]},
    },
    "enqueue": [],
}


def faces(seeds: int) -> dict[str, Any]:
    """Accuracy on unseen drawn faces of what each way would serve, over seeds."""
    found: dict[str, Any] = {}
    chosen = ("random, full", "first epoch", "halving")
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
    for seed in range(seeds):
        for name in chosen:
            row = _on_faces(ways(FACES_BUDGET, FACES_FULL)[name], seed)
            rows[name].append(progress(f"faces, {name}, seed {seed}", row))
    for name, runs in rows.items():
        found[name] = {key: spread(run[key] for run in runs) for key in runs[0]}
    return found


def _on_faces(way: dict[str, Any], seed: int) -> dict[str, float]:
    import hpo
    from hpo.data.drawn import draw_split
    from hpo.search.studies import read_trials
    from hpo.spec.workspace import Workspace

    data = {"dataset": "drawn-faces", "train_limit": 1000, "validation_limit": 350}
    plain = study(way, FACES_BUDGET, seed, FACES).to_plain()
    plain |= {"data": data, "tracking": {"keep_models": 1}}
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace.at(home)
        hpo.run(StudySpec.model_validate(plain), workspace=workspace)
        records = read_trials(workspace.storage_url(None), "fidelity")
        complete = [r for r in records if r.state == "complete" and r.value is not None]
        best = max(complete, key=lambda r: (r.value or 0.0, -r.number))
        unseen = draw_split("test", 700)
        assert best.result is not None
        assert best.result.checkpoint is not None
        import keras

        model = keras.saving.load_model(best.result.checkpoint)
        answers = model.predict(unseen.images[..., None].astype("float32"), verbose=0)
    return {
        "accuracy": float((answers.argmax(axis=1) == unseen.labels).mean()),
        "selected accuracy": float(best.value or 0.0),
        "configurations": float(len({r.slot for r in records})),
        "epochs": float(sum(r.epochs_trained for r in records)),
        "seconds": sum(r.seconds for r in records),
    }


def _print(figures: dict[str, Any]) -> None:
    for part, tables in figures.items():
        print(part)
        if part == "machine":
            print(f"  {tables}")
            continue
        for name, table in tables.items():
            print(f" {name}" if isinstance(table, dict) else f" {name}: {table}")
            for way, value in table.items() if isinstance(table, dict) else ():
                if isinstance(value, dict) and "median" in value:
                    print(told(way, value))
                elif isinstance(value, dict):
                    configurations = value["configurations"]["median"]
                    print(
                        f"{told(way, value['regret'])}, mean {value['mean regret']:.2f}, "
                        f"{configurations:g} configurations, doubted in {value['doubted']}"
                    )
                else:
                    print(f"  {way}: {value}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--budget", type=int, default=270, help="epochs of an analytic search")
    parser.add_argument("--faces", type=int, default=3, help="seeds on drawn faces")
    parser.add_argument("--only", choices=("analytic", "ranks", "faces"))
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine()}
    if arguments.only in (None, "ranks"):
        figures["ranks"] = doubts()
    if arguments.only in (None, "analytic"):
        figures["analytic"] = analytic(arguments.budget, arguments.seeds)
    if arguments.only in (None, "faces"):
        figures["faces"] = faces(arguments.faces)
    if arguments.json:
        json.dump(figures, sys.stdout, indent=2)
        print()
    else:
        _print(figures)


if __name__ == "__main__":
    main()
