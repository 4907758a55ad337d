"""Every tag, parameter and metric name that hpo writes into MLflow, and how its runs are named.

Nothing else in the package spells one of these but ``registry``, whose versions carry a few of the
same tags and which this room does not know. ``tests/golden/mlflow_names.json`` holds them, so
that a change which would orphan people's dashboards and searches is seen in review.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from hpo.spec.confirmation import read_candidate
from hpo.spec.records import (
    SINGLE,
    SPACE_FILLING,
    EpochReport,
    RankAgreement,
    TrialRecord,
    TrialState,
)

# Tags of MLflow's own, which its pages read.
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
USER = "mlflow.user"
SOURCE_NAME = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
GIT_COMMIT = "mlflow.source.git.commit"
DATASET_CONTEXT = "mlflow.data.context"
EXPERIMENT_KIND = "mlflow.experimentKind"
VIEW_PREFIX = "mlflow.sharedViewState."

# Tags of hpo's.
KIND = "hpo.kind"
STUDY = "hpo.study"
ARCHITECTURE = "hpo.architecture"
TRIAL = "hpo.trial"
ATTEMPT = "hpo.attempt"
RETRY_OF = "hpo.retry_of"
REPEATS = "hpo.repeats"
RUNG = "hpo.rung"
CONTINUES = "hpo.continues"
SPACE_VERSION = "hpo.space_version"
PARETO = "hpo.pareto"
SLOT = "hpo.slot"
STATE = "hpo.state"
REASON = "hpo.reason"
ORIGIN = "hpo.origin"
SEARCHED = "hpo.searched"
SEED = "hpo.seed"
DATASET = "hpo.dataset"
DATASET_DIGEST = "hpo.dataset_digest"
VERSION = "hpo.version"
OBJECTIVE = "hpo.objective"
DIRECTION = "hpo.direction"
PRUNED_EPOCH = "hpo.pruned_epoch"
LAST_VALUE = "hpo.last_value"
WEIGHTS = "hpo.weights"
DEVICE = "hpo.device"
PRECISION = "hpo.precision"
CHECKPOINT_SHA256 = "hpo.checkpoint_sha256"
BUDGET = "hpo.budget"
BEST_TRIAL = "hpo.best_trial"
BEST_VALUE = "hpo.best_value"
BEST_RUN = "hpo.best_run_id"
OVER_SEEDS = "hpo.over_seeds"
CLASSES = "hpo.classes"
MEMBERS = "hpo.members"
ENSEMBLE = "hpo.ensemble"
REPORT_RUN = "hpo.report_run_id"
TEST_OPENED = "hpo.test_opened"
CONFIRMED = "hpo.confirmed"
TESTED = "hpo.tested"

# Values of PARETO: how a trial stands to the front, and to the constraints.
FRONT, DOMINATED = "front", "dominated"
FEASIBLE, INFEASIBLE = "feasible", "infeasible"

KIND_ARCHITECTURE = "architecture"
KIND_TRIAL = "trial"

TAGS = (
    *(PARENT, RUN_NAME, NOTE, USER, SOURCE_NAME, SOURCE_TYPE, GIT_COMMIT, DATASET_CONTEXT),
    *(
        EXPERIMENT_KIND,
        VIEW_PREFIX,
        KIND,
        STUDY,
        ARCHITECTURE,
        TRIAL,
        ATTEMPT,
        RETRY_OF,
        REPEATS,
        RUNG,
        CONTINUES,
        SPACE_VERSION,
        PARETO,
        SLOT,
        STATE,
        REASON,
        ORIGIN,
    ),
    *(SEARCHED, SEED, DATASET, DATASET_DIGEST, VERSION, OBJECTIVE, DIRECTION, PRUNED_EPOCH),
    *(LAST_VALUE, WEIGHTS, DEVICE, PRECISION, CHECKPOINT_SHA256, BUDGET, BEST_TRIAL, BEST_VALUE),
    *(BEST_RUN, OVER_SEEDS, CLASSES, MEMBERS, ENSEMBLE, REPORT_RUN, TEST_OPENED, CONFIRMED, TESTED),
)

# Parameters: a trial's own names as they are, so that comparing works across architectures, and
ARCHITECTURE_PARAM = "architecture"

# Metrics. The curves keep the trainer's names, with the epoch as their step.
EPOCH_SECONDS = "epoch_seconds"
METRIC_OBJECTIVE = "objective"
BEST_OBJECTIVE = "best_objective"
# Of a configuration that was run again, in place of a best: over its complete runs.
MEAN_OBJECTIVE = "mean_objective"
LOWEST_OBJECTIVE = "lowest_objective"
HIGHEST_OBJECTIVE = "highest_objective"
SEEDS = "seeds"
BEST_EPOCH = "best_epoch"
EPOCHS_RUN = "epochs_run"
IMAGES_PER_SECOND = "images_per_second"
PARAMETER_COUNT = "parameter_count"
TRAIN_SIZE = "train_size"
VALIDATION_SIZE = "validation_size"
VALIDATION_SIZE_WITHOUT_COPIES = "validation_size_without_copies"
VALIDATION_COPIES_TRAINED_ON = "validation_copies_trained_on"
BEST_PREFIX = "best_"
FINAL_PREFIX = "final_"
SECONDS_PREFIX = "seconds_"
# Of the winner's runs and the one above them, once the test split was opened: test_accuracy.
TEST_PREFIX = "test_"
# Of an architecture's run, each with the two rungs, in epochs: rank_correlation_1_3.
RANK_PREFIX = "rank_correlation_"
RANK_MEASURED_PREFIX = "rank_correlation_measured_"
RANK_PAIRS_PREFIX = "rank_pairs_"

METRICS = (
    *("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", EPOCH_SECONDS),
    *(MEAN_OBJECTIVE, LOWEST_OBJECTIVE, HIGHEST_OBJECTIVE, SEEDS),
    *(METRIC_OBJECTIVE, BEST_OBJECTIVE, BEST_EPOCH, EPOCHS_RUN, IMAGES_PER_SECOND),
    *(PARAMETER_COUNT, TRAIN_SIZE, VALIDATION_SIZE, VALIDATION_SIZE_WITHOUT_COPIES),
    VALIDATION_COPIES_TRAINED_ON,
    *(BEST_PREFIX + "*", FINAL_PREFIX + "*", SECONDS_PREFIX + "*"),
    TEST_PREFIX + "*",
    *(RANK_PREFIX + "*", RANK_MEASURED_PREFIX + "*", RANK_PAIRS_PREFIX + "*"),
)

# Artifacts of a trial, of an architecture, and the name of a logged model.
SUMMARY_FILE = "model_summary.txt"
ENVIRONMENT_FILE = "environment.json"
CONFUSION_FILE = "confusion_matrix.json"
STUDY_FILE = "study.yaml"
SPACE_FILE = "search_space.json"
MODEL_NAME = "model"
REPORT_FOLDER = "report"

ARTIFACTS = (
    *(SUMMARY_FILE, ENVIRONMENT_FILE, CONFUSION_FILE, STUDY_FILE, SPACE_FILE, MODEL_NAME),
    REPORT_FOLDER,
)

# Optuna's states as MLflow's page shows them: a grey stop for pruned, a red cross for failed.
STATUS: dict[TrialState, str] = {
    "waiting": "SCHEDULED",
    "running": "RUNNING",
    "complete": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
}

_SHORT = {"optimizer": "", "learning_rate": "lr", "batch_size": "batch"}
_NAMED_PARAMS = 3
"""Parameters in a run's name: more would not fit MLflow's table."""


def parent_name(study: str, architecture: str, confirms: str = "") -> str:
    """Return the name of an architecture's run, such as ``cnn (study thesis)``.

    Args:
        study: its name.
        architecture: its label there.
        confirms: the study that this one is the confirmation of; ``cnn-4`` is then a configuration,
            and the name ``cnn #4 over seeds (confirms thesis)``.
    """
    if confirms:
        searched, number = read_candidate(architecture)
        return f"{searched} #{number} over seeds (confirms {confirms})"
    return f"{architecture} (study {study})"


def run_name(record: TrialRecord) -> str:
    """Return a trial's name as a researcher would call it.

    ``cnn #3 · adam lr=1.2e-3 batch=64``: three of the parameters that its space searches, those
    that most often decide first; where no space is known or nothing is searched, just those. Trials
    of the thesis, attempts after a lost one, repeats that were not trained, and what was pruned,
    failed or breaks a constraint are marked.
    """
    single = record.origin == SINGLE
    name = f"{record.architecture} single" if single else record.title
    if record.attempt:
        name += f" again ({record.attempt})"
    if record.repeats is not None:
        name += f" repeats #{record.repeats}"
    if record.continues is not None:
        name += f" continues #{record.continues}"
    if record.origin in ("thesis", "default"):
        name += f" {record.origin}"
    if record.origin == SPACE_FILLING:
        name += f" {SPACE_FILLING}"
    if record.state in ("pruned", "failed"):
        # MLflow's table draws the same red cross for both.
        name += f" {record.state}"
    if record.state == "complete" and not record.feasible:
        name += f" {INFEASIBLE}"
    facts = []
    for key in _telling(record):
        short, text = _SHORT.get(key, key), short_value(record.params[key])
        facts.append(f"{short}={text}" if short else text)
    return f"{name} · {' '.join(facts)}" if facts else name


def _telling(record: TrialRecord) -> list[str]:
    """Return which of a trial's parameters its name holds."""
    usual = [key for key in _SHORT if not record.space or key in record.space]
    there = [key for key in dict.fromkeys([*usual, *record.space]) if key in record.params]
    return there[:_NAMED_PARAMS]


def short_value(value: Any) -> str:
    """Return ``value`` in two significant digits, ``1.2e-3`` rather than ``0.0012``."""
    if isinstance(value, float) and value and math.isfinite(value):
        if 0.01 <= abs(value) < 1000:
            return f"{value:.2g}"
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return param_text(value)


def param_text(value: Any) -> str:
    """Return a parameter as MLflow stores it: text, floats in six significant digits.

    Optuna's storage keeps the exact value; here people read and compare, and MLflow's table cuts
    long numbers before their exponent.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str | int):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def epoch_metrics(report: EpochReport) -> dict[str, float]:
    """Return the curve points of one epoch; what is not finite becomes NaN, a gap in the curve."""
    return {**_finite(report.metrics), EPOCH_SECONDS: report.seconds}


def summary_metrics(record: TrialRecord) -> dict[str, float]:
    """Return the metrics that stand for a whole trial, for tables and charts.

    ``objective`` is there for complete trials only: a pruned trial's best so far comes from fewer
    epochs and must not be ranked among them (it is the tag ``hpo.last_value``).
    """
    metrics: dict[str, float] = {}
    result = record.result
    if record.state == "complete" and record.value is not None:
        metrics[METRIC_OBJECTIVE] = record.value
    if record.seconds:
        metrics[SECONDS_PREFIX + "total"] = record.seconds
    if result is None:
        metrics[EPOCHS_RUN] = float(record.epochs_run)
        return _finite(metrics)
    metrics[EPOCHS_RUN] = float(result.epochs_run or record.epochs_run)
    if result.best_epoch:
        metrics[BEST_EPOCH] = float(result.best_epoch)
    metrics.update({BEST_PREFIX + name: value for name, value in result.metrics.items()})
    metrics.update({FINAL_PREFIX + name: value for name, value in result.final_metrics.items()})
    for phase, seconds in result.seconds.items():
        metrics.setdefault(SECONDS_PREFIX + phase, seconds)
    for name, value in (
        (IMAGES_PER_SECOND, result.images_per_second),
        (PARAMETER_COUNT, result.parameter_count),
        (TRAIN_SIZE, result.train_size),
        (VALIDATION_SIZE, result.validation_size),
        (VALIDATION_SIZE_WITHOUT_COPIES, result.validation_size_without_copies),
    ):
        if value:
            metrics[name] = float(value)
    # None of them is a finding, and not the same as not knowing.
    if result.validation_copies_trained_on is not None:
        metrics[VALIDATION_COPIES_TRAINED_ON] = float(result.validation_copies_trained_on)
    return _finite(metrics)


def rank_metrics(ranks: Iterable[RankAgreement]) -> dict[str, float]:
    """Return the metrics of an architecture's rungs; what is not known is left out."""
    found: dict[str, float] = {}
    for pair in ranks:
        between = f"{pair.lower}_{pair.upper}"
        found[RANK_PAIRS_PREFIX + between] = float(pair.pairs)
        if pair.measured is not None and pair.corrected is not None:
            found[RANK_PREFIX + between] = pair.corrected
            found[RANK_MEASURED_PREFIX + between] = pair.measured
    return found


def outcome_note(record: TrialRecord, objective: str) -> str:
    """Return one Markdown sentence that says how the trial ended."""
    result = record.result
    epochs = record.epochs_run or (result.epochs_run if result else 0)
    if record.state == "failed":
        return f"**Failed** after {epochs} epochs: {(result.reason if result else '') or 'unknown'}"
    if record.state == "pruned":
        value = last_value(record, objective)
        seen = f", where {objective} was {value:.4f}" if value is not None else ""
        return f"**Pruned** after epoch {epochs}{seen}."
    if record.value is None:
        return f"Ended as {record.state} after {epochs} epochs, without a value."
    if record.repeats is not None:
        return f"**{objective} {record.value:.4f}** of trial {record.repeats}; not trained again."
    best = f" at epoch {result.best_epoch} of {epochs}" if result and result.best_epoch else ""
    early = " (early stopping)" if result and result.reason == "early_stopping" else ""
    return f"**{objective} {record.value:.4f}**{best}{early}."


def best_note(record: TrialRecord, objective: str, link: str) -> str:
    """Return one Markdown sentence on the best trial so far; ``link`` is that of its run."""
    return (
        f"Best so far: **{objective} {record.value:.4f}** in "
        f"[trial {record.number}]({link}) ({run_name(record)})."
    )


def report_note(link: str) -> str:
    """Return one Markdown sentence that leads to a study's report."""
    return f"The report of the study: [{REPORT_FOLDER}/index.html]({link})."


def last_value(record: TrialRecord, objective: str) -> float | None:
    """Return the objective at the last reported epoch, or the record's value; None if neither."""
    if record.epochs and objective in record.epochs[-1].metrics:
        return record.epochs[-1].metrics[objective]
    return record.value


def last_value_text(value: float) -> str:
    """Return the last value of a trial without an objective, as its tag holds it."""
    return f"{value:.6g}"


def comma_list(names: Iterable[str]) -> str:
    """Return names as one tag value, in a stable order."""
    return ", ".join(sorted(names))


def _finite(metrics: dict[str, float]) -> dict[str, float]:
    # MLflow stores infinity as 1.8e308, which flattens every other point of the chart.
    return {k: float(v) if math.isfinite(v) else math.nan for k, v in metrics.items()}
