"""What the mirror tells MLflow about a study and its data: plain facts, passed in once."""

from __future__ import annotations

import getpass
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DatasetCard:
    """A dataset as MLflow's page shows it.

    Args:
        name: such as ``fer2013``.
        digest: digest of the whole store; the tag holds it in full, MLflow's own field the first
            36 characters, which is all that its database takes.
        source: folder or address that it was read from.
        sizes: faces by split, such as ``{"train": 28709, "validation": 3589}``; after any limit.
        image_shape: height, width, channels.
        classes: emotions in label order.
    """

    name: str
    digest: str
    source: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    image_shape: tuple[int, ...] = (48, 48, 1)
    classes: tuple[str, ...] = ()

    def schema(self) -> str:
        """Return MLflow's JSON for a tensor dataset: uint8 images and labels."""
        images = [_tensor("uint8", (-1, *self.image_shape))]
        labels = [_tensor("uint8", (-1,))]
        return json.dumps(
            {
                "mlflow_tensorspec": {
                    "features": json.dumps(images),
                    "targets": json.dumps(labels),
                }
            }
        )

    def profile(self, split: str) -> str:
        """Return the JSON that MLflow's page shows as the profile of one split."""
        return json.dumps({"faces": self.sizes[split], "classes": list(self.classes)})


def _tensor(dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}


@dataclass(frozen=True)
class StudyCard:
    """A study as its experiment in MLflow describes it.

    Args:
        name: the study's name, which is the experiment's.
        objective: name of the metric, such as ``val_accuracy``.
        direction: ``maximize`` or ``minimize``.
        seed: the study's seed.
        dataset: what it trains on.
        version: version of hpo.
        settings: sampler, pruner, engine and the like: parameters of the architectures' runs.
        searched: names of the parameters that any architecture searches; the view shows them.
        study_file: text of the study file, kept with each architecture's run.
        commit: git commit of the working tree; "" if there is none.
        user: who runs it.
        confirms: the study that this one is the confirmation of; "" if it is none.
        seeds: with how many seeds a confirmation runs each configuration at the most.
        configurations: how many it runs.
        description: a person's own words on the study; "" if there are none.
        goals: metric and direction of each objective, the first one's first; empty stands for
            ``objective`` alone.
        bounds: the constraints in words by metric, such as ``{"size_mib": "at most 8"}``.
    """

    name: str
    objective: str
    direction: str
    seed: int
    dataset: DatasetCard
    version: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    study_file: str = ""
    commit: str = ""
    user: str = ""
    confirms: str = ""
    seeds: int = 0
    configurations: int = 0
    description: str = ""
    goals: tuple[tuple[str, str], ...] = ()
    bounds: Mapping[str, str] = field(default_factory=dict)

    @property
    def further(self) -> tuple[str, ...]:
        """Return the metrics beside the first objective that a trial is judged by."""
        asked = dict.fromkeys([*(metric for metric, _ in self.goals), *self.bounds])
        return tuple(metric for metric in asked if metric != self.objective)

    def better(self, value: float, than: float | None) -> bool:
        """Return whether ``value`` beats ``than`` under the study's direction."""
        if than is None:
            return True
        return value > than if self.direction == "maximize" else value < than


def git_commit(folder: Path) -> str:
    """Return the commit of the working tree that holds ``folder``; "" if there is none."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def user_name() -> str:
    """Return the name of the person, or ``unknown`` where the system has none for this user id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
