"""What MLflow is told of a study, an architecture and a trial: tags, inputs and files as data."""

from __future__ import annotations

import json
from typing import Any

from hpo.spec.records import TrialRecord
from hpo.tracking import names, run_metrics, run_texts
from hpo.tracking.cards import StudyCard


def experiment_tags(card: StudyCard) -> dict[str, str]:
    """Return the tags of a study's experiment: its note, and MLflow's kind for training."""
    return {
        names.STUDY: card.name,
        names.NOTE: _confirmation_note(card) if card.confirms else _study_note(card),
        names.EXPERIMENT_KIND: "custom_model_development",
    }


def _study_note(card: StudyCard) -> str:
    told = f"{card.description}\n\n" if card.description else ""
    goals = card.goals or ((card.objective, card.direction),)
    asked = ", ".join(f"{direction} `{metric}`" for metric, direction in goals)
    kept = " and ".join(f"`{metric}` {bound}" for metric, bound in card.bounds.items())
    kept = f", with {kept}," if kept else ""
    return (
        f"{told}Study **{card.name}** of `hpo`: {asked}{kept} on "
        f"{card.dataset.name}. One run per architecture, its trials under it. Killed runs were "
        f"pruned, failed ones say why in `{names.REASON}`. *Views > Trials, best first* ranks "
        f"them by `{names.METRIC_OBJECTIVE}`, which complete trials alone have. "
        f"{_standing(card)}Charts show ten "
        f"runs unless told to show all. Optuna's storage is the truth; this is its mirror."
    )


def _standing(card: StudyCard) -> str:
    """Return a sentence, and a space, on the tag of how trials stand; "" where there is none."""
    if len(card.goals) > 1:
        broken = ", and who breaks a constraint" if card.bounds else ""
        return (
            f"It is `{card.objective}`, the first objective; `{names.PARETO}` says who stands on "
            f"the Pareto front{broken}. "
        )
    return f"`{names.PARETO}` says who breaks a constraint. " if card.bounds else ""


def _confirmation_note(card: StudyCard) -> str:
    return (
        f"Confirmation of study **{card.confirms}** of `hpo` (`hpo confirm {card.confirms}`): the "
        f"best {card.configurations} of its search run again with up to {card.seeds} seeds each, "
        f"and compared on the validation faces of {card.dataset.name} by `{card.objective}`. One "
        f"run per configuration, named after its trial of the search; a run per seed under it. "
        f"Who was worse than the leader beyond doubt was stopped before the last seed. *Views > "
        f"Re-runs, best first* shows seeds and what sets configurations apart. What came of it "
        f"stands below once it is over, in the notes of study {card.confirms}, and in its report "
        f"(`hpo report {card.confirms}`). Optuna's storage is the truth; this is its mirror."
    )


def common_tags(card: StudyCard, architecture: str) -> dict[str, str]:
    """Return the tags that an architecture's run and its trials share; empty ones left out."""
    tags = {
        names.STUDY: card.name,
        names.ARCHITECTURE: architecture,
        names.DATASET: card.dataset.name,
        names.DATASET_DIGEST: card.dataset.digest,
        names.OBJECTIVE: card.objective,
        names.DIRECTION: card.direction,
        names.VERSION: card.version,
        names.USER: card.user,
        names.SOURCE_NAME: "hpo",
        names.SOURCE_TYPE: "LOCAL",
        names.GIT_COMMIT: card.commit,
    }
    return {key: value for key, value in tags.items() if value}


def outcome_tags(card: StudyCard, record: TrialRecord) -> dict[str, str]:
    """Return the tags that say how a trial ended; empty ones left out."""
    result = record.result
    tags = {
        names.STATE: record.state,
        names.NOTE: run_texts.outcome_note(record, card.objective),
    }
    if record.state == "complete" and not record.feasible:
        # Who stands on the front is known at the end of the study; this is known now.
        tags[names.PARETO] = names.INFEASIBLE
    if record.state != "complete":
        last = run_metrics.last_value(record, card.objective)
        tags[names.LAST_VALUE] = "" if last is None else run_texts.last_value_text(last)
    if record.state == "pruned":
        tags[names.PRUNED_EPOCH] = str(record.epochs_run or (result.epochs_run if result else 0))
    if result is not None:
        tags[names.REASON] = result.reason
        tags[names.WEIGHTS] = result.weights_used
        tags[names.DEVICE] = result.environment.get("device", "")
        tags[names.PRECISION] = result.environment.get("precision", "")
        tags[names.CHECKPOINT_SHA256] = result.checkpoint_sha256 or ""
    return {key: value for key, value in tags.items() if value}


def outcome_files(card: StudyCard, record: TrialRecord) -> dict[str, str]:
    """Return the small files of a finished trial by name: layers, environment, confusion."""
    result = record.result
    if result is None:
        return {}
    files = {names.SUMMARY_FILE: result.model_summary}
    if result.environment:
        files[names.ENVIRONMENT_FILE] = json.dumps(result.environment, indent=2, sort_keys=True)
    if result.confusion:
        matrix = {
            "classes": list(card.dataset.classes),
            "rows": "true",
            "columns": "predicted",
            "matrix": result.confusion,
        }
        files[names.CONFUSION_FILE] = json.dumps(matrix)
    return files


def dataset_inputs(card: StudyCard) -> list[Any]:
    """Return MLflow's dataset inputs, one per split."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = card.dataset
    return [
        DatasetInput(
            # MLflow knows a dataset by name and digest, so two splits of one need two names.
            Dataset(
                name=f"{dataset.name} {split}",
                digest=dataset.digest[:36],
                source_type="local",
                source=json.dumps({"uri": dataset.source}),
                schema=dataset.schema(),
                profile=dataset.profile(split),
            ),
            tags=[InputTag(names.DATASET_CONTEXT, split)],
        )
        for split in dataset.sizes
    ]
