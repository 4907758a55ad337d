"""What a promotion asks before the alias moves: does the model answer, and whom does it replace?"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


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
        who: the trial, or the trials, in words.
    """

    version: str
    study: str
    architecture: str
    trial: int
    value: float | None
    dataset_digest: str
    who: str = ""

    def line(self, objective: str) -> str:
        """Return who it was, with its value in ``objective``."""
        value = "not recorded" if self.value is None else f"{self.value:.4f}"
        return (
            f"emotion-classifier {self.version} "
            f"({self.who or f'{self.architecture} #{self.trial}'} of study {self.study}, "
            f"{objective} {value})"
        )


def champion_now(client: Any) -> Any | None:
    """Return MLflow's entry of the champion as it stands; None if there is none of hpo's."""
    from hpo.registry import models as registry
    from hpo.registry.versions import find_version

    try:
        version = find_version(client, registry.CLASSIFIER, registry.CHAMPION)
    except NotFoundError:
        return None
    return version if registry.TAG_STUDY in version.tags else None


def replaced_by(version: Any, objective: str) -> Replaced:
    """Return a champion that is replaced, by its entry in MLflow."""
    from hpo.registry import models as registry

    tags = dict(version.tags)
    value = json.loads(tags.get(registry.TAG_METRICS, "{}")).get(objective)
    return Replaced(
        version=str(version.version),
        study=tags[registry.TAG_STUDY],
        architecture=tags.get(registry.TAG_ARCHITECTURE, "unknown"),
        trial=int(tags.get(registry.TAG_TRIAL, -1)),
        value=None if value is None or not math.isfinite(value) else float(value),
        dataset_digest=tags.get(registry.TAG_DATASET_DIGEST, ""),
        who=registry.who_of(tags),
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
