"""What a promotion asks before the alias moves: does the model answer, and whom does it replace?"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from hpo.spec.records import TrialRecord


@dataclass(frozen=True)
class Replaced:
    """The champion that was.

    Args:
        version: of ``emotion-classifier``.
        study: that it won.
        architecture: its label there.
        trial: its number.
        value: what it reached in the objective of the study that is promoted now; None if that
            was not recorded.
        dataset_digest: of the faces that it was trained on.
    """

    version: str
    study: str
    architecture: str
    trial: int
    value: float | None
    dataset_digest: str

    def line(self, objective: str) -> str:
        """Return who it was, with its value in ``objective``."""
        value = "not recorded" if self.value is None else f"{self.value:.4f}"
        return (
            f"emotion-classifier {self.version} ({self.architecture} #{self.trial} of study "
            f"{self.study}, {objective} {value})"
        )


def champion_now(client: Any, objective: str) -> Replaced | None:
    """Return the champion as it stands; None if there is none that hpo registered."""
    from hpo.registry import models as registry
    from hpo.registry.versions import find_version

    try:
        version = find_version(client, registry.CLASSIFIER, registry.CHAMPION)
    except NotFoundError:
        return None
    tags = dict(version.tags)
    if registry.TAG_STUDY not in tags:
        return None
    value = json.loads(tags.get(registry.TAG_METRICS, "{}")).get(objective)
    return Replaced(
        version=str(version.version),
        study=tags[registry.TAG_STUDY],
        architecture=tags.get(registry.TAG_ARCHITECTURE, "unknown"),
        trial=int(tags.get(registry.TAG_TRIAL, -1)),
        value=None if value is None or not math.isfinite(value) else float(value),
        dataset_digest=tags.get(registry.TAG_DATASET_DIGEST, ""),
    )


def check_answers(keras_file: Path, title: str) -> None:
    """Refuse a model whose answers are no probabilities: every recommendation would fail by it.

    It is loaded in a child, which is forked in no time where a study has just trained, and leaves
    this process without Keras.

    Args:
        keras_file: the model, checked against its checksum.
        title: of the trial, for the error.

    Raises:
        SpecError: the answers are no probabilities.
        DataError: it cannot be loaded, or has another input or output.
        EnvironmentProblem: Keras cannot be loaded.
    """
    from hpo.execution.children import ChildServer
    from hpo.training.answers import no_softmax

    problem = ChildServer().call("hpo.recommender.keras_model:ask_for_trial", path=str(keras_file))
    if problem is not None:
        raise no_softmax(title, len(EMOTIONS), problem)


def warnings(
    winner: TrialRecord,
    objective: str,
    direction: Literal["maximize", "minimize"],
    dataset_digest: str,
    replaced: Replaced | None,
) -> tuple[str, ...]:
    """Return what speaks against a new champion, a sentence each.

    Args:
        winner: the trial.
        objective: by which it won.
        direction: ``maximize`` or ``minimize``.
        dataset_digest: of the faces that it was trained on.
        replaced: the champion before it.
    """
    said = []
    chance = _no_better_than_chance(winner)
    if chance:
        said.append(chance)
    if (
        replaced is not None
        and replaced.value is not None
        and winner.value is not None
        and replaced.dataset_digest == dataset_digest != ""
    ):
        sign = 1 if direction == "maximize" else -1
        if sign * winner.value < sign * replaced.value:
            said.append(
                f"Warning: on the same faces the replaced champion reached {objective} "
                f"{replaced.value:.4f}, the new one {winner.value:.4f}."
            )
    return tuple(said)


def _no_better_than_chance(winner: TrialRecord) -> str:
    """Compare validation accuracy with always answering the most frequent class, if recorded."""
    from hpo.evidence.intervals import against_rate, majority_rate, wilson

    result = winner.result
    accuracy = result.metrics.get("val_accuracy") if result else None
    counts = [sum(row) for row in result.confusion] if result else []
    rate = majority_rate(counts)
    if accuracy is None or rate is None or not 0.0 <= accuracy <= 1.0:
        return ""
    interval = wilson(accuracy, sum(counts))
    verdict = against_rate(interval, rate)
    if verdict == "above":
        return ""
    most = max(range(len(counts)), key=counts.__getitem__)
    name = EMOTIONS[most] if most < len(EMOTIONS) else str(most)
    return (
        "Warning: the new champion was not shown to beat chance: the 95 % Wilson interval of its "
        f"validation accuracy, {interval.low:.1%} to {interval.high:.1%} (n = {interval.n}), "
        f"{'contains' if verdict == 'contains' else 'lies below'} the {rate:.1%} that always "
        f"answering '{name}' would score."
    )
