"""Another model is put into the box: from a trial's record, or packed elsewhere."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from pathlib import Path
from typing import Any

import pytest

from hpo.architectures.architecture import load
from hpo.recommender import boxing
from hpo.recommender.box import CARD, open_box
from hpo.recommender.card import card
from hpo.spec.emotions import EMOTIONS
from hpo.training.packed import write_packed
from hpo.training.resolve import resolve_parameters
from tests import loaded

pytestmark = pytest.mark.keras

FACTS = {"seed": 4, "best_epoch": 1, "epochs_run": 2, "environment": {"backend": "jax"}}


@pytest.fixture(scope="module")
def model() -> tuple[Any, dict[str, Any]]:
    import keras

    keras.utils.set_random_seed(4)
    cnn = load("cnn")
    given = {"family": "vgg-bn", "width": 4, "stages": 2, "head": "gap", "dense": 0}
    resolved = resolve_parameters(cnn, given)
    return cnn.build(resolved.architecture, (48, 48, 1), len(EMOTIONS)), resolved.params


def fill(faces: Path, source: Path, to: Path, *words: str) -> int:
    home = ["--home", str(faces), "--dataset", "drawn-faces"]
    return boxing.main([str(source), "--to", str(to), *home, *words])


def test_a_trial_with_its_record_is_boxed_with_the_figures_of_what_lies_there(
    faces: Path, model: tuple[Any, dict[str, Any]], tmp_path: Path
) -> None:
    checkpoint, box = tmp_path / "model.keras", tmp_path / "box"
    model[0].save(checkpoint)
    result = {
        **FACTS,
        "params": model[1],
        "checkpoint": str(checkpoint),
        "checkpoint_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        "train_size": 9,
    }
    record = tmp_path / "trial.json"
    record.write_text(json.dumps({"architecture": "cnn", "seed": 4, "result": result}))

    assert fill(faces, record, box, "--made-by", "hpo train it") == 0

    opened = open_box(box)
    facts = opened.described.facts
    assert facts["made_by"] == "hpo train it"
    assert (facts["train_faces"], facts["validation_faces"]) == (9, 7)
    assert facts["parameter_count"] == model[0].count_params()
    assert 0.0 <= opened.accuracy <= 1.0
    assert (box / CARD).read_text(encoding="utf-8") == card(opened)
    # The box itself can be boxed again, as after a change of the card's words.
    before = (box / "weights-1.npz").read_bytes()
    assert fill(faces, box, box) == 0
    assert (box / "weights-1.npz").read_bytes() == before
    assert open_box(box).described == opened.described


STUDY = """
name: compact
data: {dataset: drawn-faces}
budget: {trials: 1}
architectures:
  cnn:
    fixed: {family: vgg-bn, width: 4, stages: 2, convs_per_stage: 1, head: gap, dense: 0, epochs: 1}
    space:
      learning_rate: {type: float, low: 1e-3, high: 1e-2}
"""


def test_the_commands_that_the_pages_name_put_a_trial_into_the_box(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, box, record = tmp_path / "home", tmp_path / "box", tmp_path / "trial.json"
    shutil.copytree(faces, home)
    (home / "compact.yaml").write_text(STUDY)

    def call(module: str, *words: str) -> str:
        done = loaded.run(module, words, cwd=home)
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("hpo", "run", "compact.yaml")
    record.write_text(call("hpo", "train", "compact.yaml", "--trial", "0", "--json"))
    made_by = "hpo train compact.yaml --trial 0"
    words = [str(record), "--dataset", "drawn-faces", "--to", str(box), "--made-by", made_by]
    assert "validation accuracy" in call("hpo.recommender.boxing", *words)

    facts = open_box(box).described.facts
    (row,) = json.loads(call("hpo", "trials", "compact", "--json"))
    told = json.loads(record.read_text())
    assert isinstance(facts["seed"], int)
    assert facts["seed"] == told["seed"]
    assert facts["made_by"] == made_by
    assert facts["environment"] == told["result"]["environment"]
    python = f"under Python {platform.python_version()} on "
    assert python in (box / CARD).read_text(encoding="utf-8")
    # What has no checkpoint is refused with what it lacks.
    record.write_text(json.dumps(row))
    assert fill(faces, record, box) == 2
    assert "what hpo train --json printed; got no 'result'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("facts", "words", "said"),
    [
        ({**FACTS, "made_by": "x", "dataset_digest": "sha256:other"}, (), "not the faces that"),
        ({"seed": 4, "made_by": "x"}, (), "none of the name best_epoch"),
        (FACTS, (), "--made-by"),
    ],
)
def test_what_a_card_could_not_tell_is_refused(
    faces: Path,
    model: tuple[Any, dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    facts: dict[str, Any],
    words: tuple[str, ...],
    said: str,
) -> None:
    packed, box = tmp_path / "packed", tmp_path / "box"
    write_packed(
        model[0], packed, architecture="cnn", params=model[1], classes=EMOTIONS, facts=facts
    )
    assert fill(faces, packed, box, *words) == 2
    assert said in capsys.readouterr().err
    assert not box.exists()


def test_what_is_too_large_for_a_package_is_refused(
    faces: Path,
    model: tuple[Any, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    packed, box = tmp_path / "packed", tmp_path / "box"
    write_packed(
        model[0], packed, architecture="cnn", params=model[1], classes=EMOTIONS, facts=FACTS
    )
    monkeypatch.setattr(boxing, "MOST_BYTES", 4000)
    assert fill(faces, packed, box, "--made-by", "x") == 2
    assert "too large for the box" in capsys.readouterr().err
    assert not box.exists()
