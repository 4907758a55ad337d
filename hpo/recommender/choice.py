"""Which classifier answers: the one that was asked for, the champion, or the model in the box."""

from __future__ import annotations

import dataclasses
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.recommender import box
from hpo.recommender.recommend import Classifier, classifier_from_keras, classifier_from_packed
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    from hpo.registry.models import ServedClassifier

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Origin:
    """The classifier that answered.

    Args:
        model: registered name, the path of a ``.keras`` file, or ``boxed``.
        version: registered version; ``None`` unless it is registered, as the following.
        study: the study that it won.
        architecture: its label in that study; of the model in the box the architecture.
        trial: its number within the architecture.
        members: trials of an ensemble, such as ``cnn/7``, the best first; () for a single one.
        who: the trial, or the trials, in words; "" unless it is registered.
        boxed: whether it is the model that came with the package.
        val_accuracy: accuracy on the validation faces, 0-1, of the model in the box and of a
            registered one; ``None`` where it is not known.
        doubt: what speaks against its answers, a sentence; "" if the gate had nothing against it.
    """

    model: str
    version: str | None = None
    study: str | None = None
    architecture: str | None = None
    trial: int | None = None
    members: tuple[str, ...] = ()
    who: str = ""
    boxed: bool = False
    val_accuracy: float | None = None
    doubt: str = ""

    def __str__(self) -> str:
        if self.boxed:
            return (
                f"the model in the box ({self.architecture}, validation accuracy "
                f"{100 * (self.val_accuracy or 0.0):.1f} %)"
            )
        if self.version is None:
            return self.model
        trial = self.who or f"{self.architecture} #{self.trial}"
        return f"{self.model} version {self.version} (study {self.study}, {trial})"


def classifier_for(
    workspace: Workspace, model: PathLike | None
) -> tuple[Classifier, Origin, tuple[str, ...]]:
    """Return the classifier that answers, who it is, and the emotions of its columns.

    Args:
        workspace: whose champion it may be.
        model: as ``check_model`` takes it; None for the champion, or the model in the box where
            the workspace has none.

    Raises:
        NotFoundError: there is no such version, or its files are gone.
        DataError: the file cannot be loaded, or is no emotion classifier.
        IntegrityError: the champion, or the model in the box, is not what it was.
        EnvironmentProblem: Keras cannot be loaded, or the registry does not answer.
    """
    if model is not None and _is_file(model):
        return classifier_from_keras(Path(model).expanduser()), Origin(str(model)), EMOTIONS
    from hpo.registry.gate_tags import doubt_of
    from hpo.registry.models import CLASSIFIER, members_of, who_of

    served = None if model == box.NAME else _registered(workspace, model)
    if served is None:
        opened = box.open_box()
        origin = Origin(
            box.NAME,
            architecture=opened.architecture,
            boxed=True,
            val_accuracy=opened.accuracy,
        )
        return classifier_from_packed(opened.folder), origin, opened.described.classes
    members, who = members_of(served.tags), who_of(served.tags)
    accuracy = served.metrics.get("val_accuracy")
    origin = Origin(
        CLASSIFIER,
        served.version,
        served.study,
        served.architecture,
        served.trial,
        members,
        who,
        val_accuracy=accuracy if accuracy is not None and math.isfinite(accuracy) else None,
    )
    doubt = doubt_of(served.tags, origin.val_accuracy)
    if doubt:
        origin = dataclasses.replace(origin, doubt=f"{origin} {doubt}")
    return classifier_from_keras(served.keras_path), origin, served.classes


def _registered(workspace: Workspace, version: PathLike | None) -> ServedClassifier | None:
    """Return a registered version, by default the champion; None if there is no champion.

    A champion whose files are gone or changed is an error: another model in its place would answer
    in silence.
    """
    from hpo.registry.models import CHAMPION, CLASSIFIER, load_champion
    from hpo.registry.versions import find_version
    from hpo.tracking.store import open_client, sqlite_path

    uri = workspace.tracking_uri()
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        # Opening it would make it: asking for songs must not leave a store behind.
        if version is None:
            return None
        raise NotFoundError(
            f"there is no version {version} of {CLASSIFIER}",
            where=str(workspace.home),
            expected="a workspace in which a study was promoted",
            got="no MLflow store",
            hint="Another workspace: --home FOLDER; the model that came with hpo: --model boxed",
        )
    client = open_client(uri)
    if version is None:
        try:
            find_version(client, CLASSIFIER, CHAMPION)
        except NotFoundError:
            return None
    return load_champion(client, CHAMPION if version is None else str(version))


def _is_file(model: PathLike) -> bool:
    return not isinstance(model, str) or model.endswith(".keras") or os.sep in model


def check_model(model: PathLike | None) -> None:
    """Refuse what names no model, before anything heavy is loaded.

    Args:
        model: the path of a ``.keras`` file, the number of a registered version, or ``boxed``.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is none of them.
    """
    if model is None:
        return
    if _is_file(model):
        if not Path(model).expanduser().is_file():
            raise NotFoundError(
                "there is no such model", where=str(model), expected="a .keras file"
            )
    elif model != box.NAME and not str(model).isdecimal():
        raise InputError(
            "this is no model",
            where=f"--model {model}",
            expected=f"a .keras file, the number of a registered version, or '{box.NAME}'",
        )
