"""The model in the box: whole, small, and told of as its own figures say. No Keras."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.data.audit import leakage
from hpo.recommender import box, choice
from hpo.recommender.box import CARD, FOLDER, MOST_BYTES, Box, open_box
from hpo.recommender.card import card
from hpo.recommender.choice import Origin, check_model, classifier_for
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import InputError, IntegrityError, NotFoundError
from hpo.spec.workspace import Workspace
from hpo.training.packed_files import read_arrays, write_folder

FACTS: dict[str, Any] = {
    "metrics": {"val_accuracy": 0.5, "val_macro_f1": 0.45, "val_loss": 1.25},
    "confusion": [[2, 2, 0, 0, 0, 0, 0], *[[0] * 7 for _ in range(5)], [0, 0, 0, 0, 0, 2, 2]],
    "validation_faces": 8,
    "train_faces": 1200,
    "parameter_count": 34567,
    "dataset": "some-faces",
    "dataset_digest": "sha256:abc",
    "seed": 9,
    "best_epoch": 3,
    "epochs_run": 4,
    "environment": {
        "hpo": "0.1.0",
        "python": "3.12.3",
        "keras": "3.15",
        "backend": "jax",
        "device": "a GPU",
    },
    "made_by": "hpo train",
}


def pack(folder: Path, **changes: Any) -> Box:
    said = {
        "architecture": "cnn",
        "params": {"family": "vgg-bn", "width": 16, "mixup": False},
        "input_shape": [48, 48, 1],
        "classes": EMOTIONS,
        "facts": FACTS,
        **changes,
    }
    return Box(folder, write_folder(folder, [np.zeros((3, 3), np.float16)], said))


def test_the_box_is_whole_and_small_enough_for_a_package() -> None:
    described = open_box().described
    arrays = read_arrays(FOLDER, described)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= MOST_BYTES
    assert sum(array.size for array in arrays) == described.facts["parameter_count"]
    assert {file.name for file in FOLDER.iterdir()} == {
        CARD, "model.json", *(part["name"] for part in described.parts)
    }  # fmt: skip


def test_the_card_is_the_one_that_the_figures_in_the_box_give() -> None:
    assert (FOLDER / CARD).read_text(encoding="utf-8") == card(open_box()), (
        "draw it again: python -m hpo.recommender.boxing hpo/recommender/boxed"
    )


def test_the_figures_without_copies_are_of_the_present_search_for_copies() -> None:
    assert open_box().described.facts.get("search_for_copies") == leakage.VERSION, (
        "judge it again: python -m hpo.recommender.boxing hpo/recommender/boxed"
    )


def test_figures_in_the_box_agree_with_its_confusion() -> None:
    facts = open_box().described.facts
    confusion = np.array(facts["confusion"])
    assert confusion.sum() == facts["validation_faces"]
    right = confusion.trace() / confusion.sum()
    assert facts["metrics"]["val_accuracy"] == pytest.approx(right, abs=1e-12)


def test_a_card_gives_figures_with_n_and_interval_and_what_must_not_be_done(
    tmp_path: Path,
) -> None:
    text = card(pack(tmp_path))
    assert "With hpo 0.1.0 and Keras 3.15 (jax) under Python 3.12.3 on a GPU, seed 9" in text
    assert "| accuracy | 50.0 % |" in text
    # Wilson's roots for 4 of 8 at z = 1.96.
    assert "21.5 % to 78.5 % (n = 8)" in text
    assert "| angry | 4 | 50.0 % | 15.0 % to 85.0 % |" in text
    assert "Always answering the most frequent emotion would score 50.0 %." in text
    assert "Article 5(1)(f)" in text
    assert "no claim of fairness" in text
    assert "stores no frame" in text
    assert "`mixup: false`" in text
    assert "```sh\nhpo train\n```" in text


def test_another_model_in_the_box_changes_card_and_answer_alike(tmp_path: Path) -> None:
    first = card(pack(tmp_path))
    metrics = {**FACTS["metrics"], "val_accuracy": 0.75}
    better = pack(tmp_path, facts={**FACTS, "metrics": metrics}, architecture="resnet50")
    assert "75.0 %" in card(better)
    assert "A ResNet50 of" in card(better)
    assert card(better) != first
    assert (better.accuracy, better.architecture) == (0.75, "ResNet50")


def test_an_empty_box_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no model came with this installation.*quickstart"):
        open_box(tmp_path)


def test_a_box_of_other_classes_is_refused(tmp_path: Path) -> None:
    pack(tmp_path, classes=[*EMOTIONS[:6], "bored"])
    with pytest.raises(IntegrityError, match="other classes"):
        open_box(tmp_path)


@pytest.mark.parametrize("model", [None, "boxed"])
def test_without_a_champion_the_box_answers_and_leaves_no_store(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, model: str | None
) -> None:
    monkeypatch.setattr(choice, "classifier_from_packed", lambda folder: folder)
    classify, origin, classes = classifier_for(workspace, model)
    assert (classify, classes) == (FOLDER, EMOTIONS)
    assert (origin.model, origin.boxed, origin.version) == ("boxed", True, None)
    assert origin.val_accuracy == open_box().accuracy
    assert not workspace.home.exists()


def test_the_answer_says_whose_it_is() -> None:
    origin = Origin("boxed", architecture="CNN", boxed=True, val_accuracy=0.71249)
    assert str(origin) == "the model in the box (CNN, validation accuracy 71.2 %)"
    assert dataclasses.asdict(origin)["boxed"] is True
    assert str(Origin("best.keras")) == "best.keras"


def test_a_version_in_a_workspace_without_a_store_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match=r"no version 3 of emotion-classifier.*--model boxed"):
        classifier_for(workspace, "3")


def test_the_box_may_be_named_and_what_names_nothing_is_refused() -> None:
    check_model(box.NAME)
    with pytest.raises(InputError, match="or 'boxed'"):
        check_model("newest")
