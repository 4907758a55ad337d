"""Puts another model into the box: for those who make a release of hpo.

::

    hpo run search_spaces/compact.yaml
    hpo train search_spaces/compact.yaml --trial N --json > trial.json
    python -m hpo.recommender.boxing trial.json --made-by "hpo train ... --trial N"

The first argument is what ``hpo train --json`` printed, while the checkpoint that it names is still
there, or a folder with a packed model that was trained elsewhere. The model is packed, read back,
judged on the validation faces as it lies there, and put in place with those figures and a card
drawn from them. Whatever is too large for the box is refused.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.recommender.box import CARD, FOLDER, MOST_BYTES, Box, open_box
from hpo.recommender.card import card
from hpo.spec.errors import DataError, HpoError, NotFoundError
from hpo.spec.objectives import size_text
from hpo.spec.records import WITHOUT_COPIES
from hpo.spec.workspace import Workspace
from hpo.training.packed_files import DOCUMENT, describe_packed

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset

_FACTS = ("seed", "best_epoch", "epochs_run", "environment")
"""What a card tells of a training, and only its record knows."""


@dataclass(frozen=True)
class Source:
    """A trained model and what is known of its training.

    Args:
        model: in Keras.
        architecture: the name that builds it.
        params: every parameter.
        facts: at least ``_FACTS``.
    """

    model: Any
    architecture: str
    params: Mapping[str, Any]
    facts: Mapping[str, Any]


def fill_box(
    source: str | Path,
    *,
    faces: Path,
    made_by: str | None = None,
    folder: Path = FOLDER,
    architecture: str | None = None,
) -> Box:
    """Put the model of ``source`` into the box, judged on the validation faces.

    Args:
        source: what ``hpo train --json`` printed, or a folder with a packed model.
        faces: folder of the canonical store that it was trained on.
        made_by: the commands that made it, for the card; None where the source's facts say it.
        folder: the box.
        architecture: the name that builds it, where the record's label is another one.

    Raises:
        NotFoundError: there is no record, checkpoint or packed model.
        DataError: the faces are not those of the record, the record lacks something, or the model
            is larger than the box.
        IntegrityError: the checkpoint is not the one that was trained.
    """
    from hpo.data.audit.leakage import VERSION
    from hpo.data.audit.unseen import unseen
    from hpo.data.store import open_faces
    from hpo.training.packed import read_packed, write_packed
    from hpo.training.validation import judge, predict

    here = open_faces(faces)
    if Path(source).is_dir():
        found = _packed_source(Path(source))
    else:
        found = _trial_source(Path(source), architecture)
    made_by = made_by or found.facts.get("made_by")
    if not made_by:
        raise DataError(
            "the card could not tell which commands made this model",
            where=str(source),
            expected="commands that another person could give",
            hint="Say them with --made-by",
        )
    dataset = _same_faces(found.facts, here)
    split = dataset.split("validation")
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        written: dict[str, Any] = {
            "architecture": found.architecture,
            "params": found.params,
            "classes": dataset.classes,
        }
        write_packed(found.model, scratch, **written, facts={})
        model = read_packed(scratch)
        answers, labels = predict(model, split.images[..., None], 256), split.labels.astype("int64")
        judgement = judge(answers, labels)
        alone = unseen(dataset, drop=_saw_no_copies(found.facts))
        apart = judge(answers[alone.places], labels[alone.places]).metrics if len(alone) else {}
        without = {name + WITHOUT_COPIES: value for name, value in apart.items()}
        facts = {
            **{name: found.facts[name] for name in _FACTS},
            "made_by": made_by,
            "dataset": dataset.name,
            "dataset_digest": dataset.digest,
            "train_faces": int(found.facts.get("train_faces", len(dataset.split("train").labels))),
            "validation_faces": len(split.labels),
            "parameter_count": int(model.count_params()),
            "validation_faces_without_copies": len(alone),
            "search_for_copies": VERSION,
            "metrics": {**judgement.metrics, **without},
            "confusion": judgement.confusion.tolist(),
        }
        packed = write_packed(model, scratch, **written, facts=facts)
        text = card(Box(Path(scratch), packed))
        size = sum(file.stat().st_size for file in Path(scratch).iterdir()) + len(text.encode())
        if size > MOST_BYTES:
            raise DataError(
                "this model is too large for the box",
                where=str(source),
                expected=f"at most {MOST_BYTES / 2**20:.0f} MiB",
                got=size_text(size / 2**20),
                hint="Train a narrower one, as search_spaces/compact.yaml does",
            )
        write_packed(model, folder, **written, facts=facts)
        (folder / CARD).write_text(text, encoding="utf-8")
    return open_box(folder)


def _saw_no_copies(facts: Mapping[str, Any]) -> bool:
    """Tell whether the record says that training had no copy of any face it was validated on."""
    whole = facts.get("validation_size", facts.get("validation_faces"))
    alone = facts.get(
        "validation_size_without_copies", facts.get("validation_faces_without_copies")
    )
    return whole is not None and whole == alone


def _packed_source(folder: Path) -> Source:
    from hpo.training.packed import read_packed

    described = describe_packed(folder)
    _check_facts(described.facts, folder / DOCUMENT)
    return Source(read_packed(folder), described.architecture, described.params, described.facts)


def _trial_source(path: Path, architecture: str | None) -> Source:
    import keras

    from hpo.tracking.model_folder import check_sha256

    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        result = record["result"]
        checkpoint, sha256 = Path(result["checkpoint"]), result["checkpoint_sha256"]
    except FileNotFoundError as error:
        raise NotFoundError(
            "there is no such record", where=str(path), expected="what hpo train --json printed"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "this is no record of a trial with a checkpoint",
            where=str(path),
            expected="what hpo train --json printed",
            got=f"no {error}" if isinstance(error, KeyError) else str(error),
        ) from error
    if not checkpoint.is_file():
        raise NotFoundError(
            "the trial's checkpoint is gone", where=str(checkpoint), expected="a .keras file"
        )
    check_sha256(checkpoint, sha256)
    facts = {**result, "seed": record.get("seed"), "train_faces": result.get("train_size")}
    _check_facts(facts, path)
    model = keras.models.load_model(checkpoint, compile=False, safe_mode=True)
    name = architecture or str(record["architecture"])
    return Source(model, name, result["params"], facts)


def _check_facts(facts: Mapping[str, Any], where: Path) -> None:
    missing = [name for name in _FACTS if facts.get(name) is None]
    if missing:
        raise DataError(
            "the card could not tell how this model was made",
            where=str(where),
            expected=f"the facts {', '.join(_FACTS)}",
            got=f"none of the name {', '.join(missing)}",
        )


def _same_faces(facts: Mapping[str, Any], dataset: FaceDataset) -> FaceDataset:
    """Return the faces that a model was trained on, as they are here."""
    from hpo.data.recorded import as_recorded

    recorded = facts.get("dataset_digest")
    known = dataset if recorded is None else as_recorded(dataset, recorded)
    if known is None:
        raise DataError(
            "these are not the faces that the model was trained on",
            expected=f"digest {recorded}",
            got=f"digest {dataset.digest}",
            hint="Name them with --dataset, or import them again",
        )
    return known


def main(words: Sequence[str] | None = None) -> int:
    """Fill the box as the command line says; return the exit code."""
    from hpo.data.library import find_faces
    from hpo.training.backend_choice import configure

    parser = argparse.ArgumentParser(prog="python -m hpo.recommender.boxing", description=__doc__)
    parser.add_argument(
        "source", type=Path, help="what hpo train --json printed, or a packed model's folder"
    )
    parser.add_argument("--dataset", default="fer2013", help="faces that it was trained on")
    parser.add_argument("--home", type=Path, default=Path("."), help="the workspace")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the box")
    parser.add_argument("--architecture", help="where the record's label is another name")
    parser.add_argument("--made-by", help="the commands that made it, for the card")
    given = parser.parse_args(words)
    configure()
    try:
        box = fill_box(
            given.source,
            faces=Path(find_faces(Workspace.at(given.home), given.dataset)),
            made_by=given.made_by,
            folder=given.to,
            architecture=given.architecture,
        )
    except HpoError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    print(
        f"{box.folder}: {box.architecture}, validation accuracy {100 * box.accuracy:.1f} %, "
        f"{size_text(box.described.size / 2**20)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
