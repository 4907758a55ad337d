"""What a claim, a report and a tell cost with many trials in the storage; part of ``scaling.py``.

The study that is filled holds what real trials hold: parameters, five epochs, and a result with 700
predictions. Each trial that counts is claimed, reported and told by an engine as a worker has it,
and in turn, so that a busy machine is busy for both, by Optuna alone on its stock SQLite.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from measuring import spread
from ways import Seconds, clocked

from hpo.search import trials as stored
from hpo.search.engine import Engine
from hpo.search.samplers import random as random_sampler
from hpo.search.samplers import tpe as tpe_sampler
from hpo.search.storage import open_storage
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.study import StudySpec
from hpo.tracking.mirror import MlflowMirror, NullMirror
from tests.faults.workers import card
from tests.unit.search.analytic import make_spec, objective, open_it

EPOCHS = 5
FIXED = {"epochs": EPOCHS}
_PREDICTIONS = [n % 7 for n in range(700)]
_WARM_UP = 2
SPACE = make_spec().architectures["cnn"].space
_SAMPLERS = {"random": random_sampler, "tpe": tpe_sampler}


def reports(params: dict[str, Any]) -> list[EpochReport]:
    """What a trial of these parameters would say after each of its epochs."""
    value = objective(params)
    metrics = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    return [
        EpochReport(epoch, dict.fromkeys(metrics, value - 1 / epoch), 1.0)
        for epoch in range(1, EPOCHS + 1)
    ]


def result(params: dict[str, Any]) -> TrialResult:
    """How a trial of these parameters would end."""
    last = dict(reports(params)[-1].metrics)
    return TrialResult(
        state="complete",
        value=last["val_accuracy"],
        epochs_run=EPOCHS,
        best_epoch=EPOCHS,
        metrics=last,
        final_metrics=last,
        params=params,
        predictions=_PREDICTIONS,
    )


def drawn(count: int) -> list[Any]:
    """So many finished trials at random points of the space, as Optuna's own studies have them."""
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    made = []
    for _ in range(count):
        trial = study.ask()
        SPACE.suggest(trial, FIXED)
        curve = {r.epoch: r.metrics["val_accuracy"] for r in reports(trial.params)}
        made.append(
            create_trial(
                state=TrialState.COMPLETE,
                value=curve[EPOCHS],
                params=trial.params,
                distributions=trial.distributions,
                intermediate_values=curve,
            )
        )
    return made


def fill(url: str, spec: StudySpec, trials: list[Any]) -> None:
    """Make the framework's study with these trials, given what it keeps with each, and one more."""
    from optuna.trial import create_trial

    one_trial(open_it(url, spec), NullMirror())
    storage = open_storage(url)
    study_id = storage.get_study_id_from_name("study/cnn")
    pattern = storage.get_all_trials(study_id)[0].user_attrs
    for slot, trial in enumerate(trials, start=1):
        params = {**trial.params, **FIXED}
        template = create_trial(
            state=trial.state,
            value=trial.value,
            params=trial.params,
            distributions=trial.distributions,
            intermediate_values=trial.intermediate_values,
            user_attrs={**pattern, stored.SLOT: slot, stored.PARAMS: params},
        )
        storage.create_new_trial(study_id, template)
    storage.remove_session()


def one_trial(engine: Engine, mirror: Any) -> Seconds:
    """Run a trial as a worker does, its training left out; clock each step."""
    seconds: Seconds = {}
    with clocked(seconds, "whole"):
        with clocked(seconds, "claim"):
            proposal = engine.ask()
        assert proposal is not None
        number, params = proposal.number, proposal.configuration(FIXED)
        mirror.start_trial(engine.record(number))
        for report in reports(params):
            with clocked(seconds, "reports"):
                engine.record_epoch(number, report)
            mirror.log_epoch("cnn", number, report)
            with clocked(seconds, "judging"):
                engine.should_prune(number)
        with clocked(seconds, "tell"):
            engine.finish(number, result(params))
        mirror.finish_trial(engine.record(number))
        if isinstance(mirror, MlflowMirror):
            assert mirror.flush()
            engine.set_run_id(number, mirror.run_id("cnn", number))
    return seconds


class BareOptuna:
    """Optuna alone, as its documentation has it: ask, report and tell on stock SQLite.

    Args:
        folder: for its database.
        trials: that are in it before.
    """

    def __init__(self, folder: Path, trials: list[Any]) -> None:
        import optuna

        self._url = f"sqlite:///{folder}/bare.db"
        study = optuna.create_study(storage=self._url, study_name="bare", direction="maximize")
        study.add_trials(trials)

    def study(self, sampler: str) -> Any:
        """The study, as a worker that has just begun opens it."""
        import optuna

        chosen = _SAMPLERS[sampler]({}, 7, SPACE)
        return optuna.load_study(storage=self._url, study_name="bare", sampler=chosen)


def bare_trial(study: Any) -> Seconds:
    """Ask, report and tell; clock it."""
    seconds: Seconds = {}
    with clocked(seconds, "bare"):
        trial = study.ask()
        SPACE.suggest(trial, FIXED)
        for report in reports(trial.params):
            trial.report(report.metrics["val_accuracy"], report.epoch)
        study.tell(trial, objective(trial.params))
    return seconds


def costs(
    url: str, folder: Path, sampler: str, trials: list[Any], bare: BareOptuna, n: int
) -> dict[str, Any]:
    """Milliseconds of each step with so many trials stored: median and range of ``n``.

    Args:
        url: of an empty database.
        folder: for MLflow's.
        sampler: ``random`` or ``tpe``.
        trials: in the storage before.
        bare: Optuna alone, with as many.
        n: trials that count.
    """
    spec = make_spec(
        len(trials) + 2 * (n + _WARM_UP + 1),
        sampler=sampler,
        pruner="median",
        architecture={"fixed": FIXED},
    )
    fill(url, spec, trials)
    engine, study = open_it(url, spec, resume=True), bare.study(sampler)
    began = time.perf_counter()
    one_trial(engine, NullMirror())
    first = time.perf_counter() - began
    mirror = MlflowMirror(f"sqlite:///{folder}/mlflow.db", card(spec), folder / "files")
    mirror.wait_ready()
    mirror.start_architecture("cnn")
    alone, mirrored = [], []
    for i in range(n + _WARM_UP):
        rounds = one_trial(engine, NullMirror()), bare_trial(study), one_trial(engine, mirror)
        if i >= _WARM_UP:
            alone.append(rounds[0] | rounds[1])
            mirrored.append(rounds[2])
    mirror.close()
    return {"first_trial": round(1000 * first, 1), **_summary(alone, mirrored)}


def _three(seconds: Seconds, clock: str) -> float:
    return sum(seconds[f"{step}{clock}"] for step in ("claim", "reports", "tell"))


def _summary(alone: list[Seconds], mirrored: list[Seconds]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, clock in (("wall", ""), ("cpu", "_cpu")):
        found[name] = {
            "claim": spread(1000 * s[f"claim{clock}"] for s in alone),
            "report": spread(1000 * s[f"reports{clock}"] / EPOCHS for s in alone),
            "judging_an_epoch": spread(1000 * s[f"judging{clock}"] / EPOCHS for s in alone),
            "tell": spread(1000 * s[f"tell{clock}"] for s in alone),
            "claim_5_reports_tell": spread(1000 * _three(s, clock) for s in alone),
            "whole_without_mirror": spread(1000 * s[f"whole{clock}"] for s in alone),
            "whole_with_mirror": spread(1000 * s[f"whole{clock}"] for s in mirrored),
            # Less the pruner, which the target does not count.
            "mirrored_claim_5_reports_tell": spread(
                1000 * (s[f"whole{clock}"] - s[f"judging{clock}"]) for s in mirrored
            ),
            "bare_optuna": spread(1000 * s[f"bare{clock}"] for s in alone),
            "ratio_to_bare_optuna": spread(_three(s, clock) / s[f"bare{clock}"] for s in alone),
        }
    return found
