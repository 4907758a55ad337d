"""The drawn faces: the same for a seed, different between emotions, hard for a linear model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from hpo.data.drawn import SPLIT_SIZES, dataset, draw_face, draw_split, split_seeds
from hpo.data.store import open_faces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_seed_always_gives_the_same_face(emotion: str) -> None:
    first, second = draw_face(1_000_123, emotion), draw_face(1_000_123, emotion)
    assert first.shape == (48, 48)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_drawing_does_not_depend_on_what_was_drawn_before() -> None:
    alone = draw_face(77, "fear")
    for seed in range(5):
        draw_face(seed, "happy")
    np.random.default_rng(3).random(10)
    assert np.array_equal(draw_face(77, "fear"), alone)


def test_no_two_faces_are_the_same() -> None:
    faces = [draw_face(seed, emotion) for seed in range(15) for emotion in EMOTIONS]
    assert len({hashlib.sha256(face.tobytes()).digest() for face in faces}) == len(faces)


def test_emotions_differ_where_expressions_show() -> None:
    # The mean face of each emotion: identity, light and noise average out, the expression stays.
    means = {
        emotion: np.mean([draw_face(seed, emotion) for seed in range(40)], axis=0)
        for emotion in EMOTIONS
    }
    for first in EMOTIONS:
        for second in EMOTIONS[EMOTIONS.index(first) + 1 :]:
            apart = np.abs(means[first] - means[second])
            # The same 40 people under both emotions: without an expression this would be 0.
            assert apart.max() > 6.0, f"{first} looks like {second}"
            # Brows, eyes and mouth differ more than the picture's top rows, which hold hair.
            assert apart[12:42, 8:40].mean() > 3.0 * apart[:6].mean()


def test_faces_are_neither_black_nor_white_nor_flat() -> None:
    faces = np.stack([draw_face(seed, EMOTIONS[seed % 7]) for seed in range(105)])
    assert faces.std(axis=(1, 2)).min() > 8.0
    means = faces.mean(axis=(1, 2))
    assert means.min() > 15.0
    assert means.max() < 245.0


def test_a_face_can_be_drawn_larger() -> None:
    assert draw_face(5, "sad", size=96).shape == (96, 96)


@pytest.mark.parametrize(
    ("seed", "emotion", "size", "words"),
    [
        (1, "hapy", 48, "Did you mean 'happy'?"),
        (-1, "happy", 48, ">= 0"),
        (1, "happy", 8, "16 to 512"),
        (1, "happy", 4096, "16 to 512"),
    ],
)
def test_what_cannot_be_drawn_is_refused(seed: int, emotion: str, size: int, words: str) -> None:
    with pytest.raises(DataError, match=words.replace("?", r"\?")):
        draw_face(seed, emotion, size)


def test_splits_share_no_seed() -> None:
    seeds = [seed for split in SPLIT_SIZES for seed in split_seeds(split)]
    assert len(seeds) == len(set(seeds)) == sum(SPLIT_SIZES.values())


def test_an_unknown_split_is_named_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="validation"):
        split_seeds("valdation")


def test_a_split_is_balanced_and_named_in_order() -> None:
    raw = draw_split("validation", limit=70)
    assert np.bincount(raw.labels).tolist() == [10] * 7
    assert raw.names[12] == "drawn-validation-000012"
    seed = split_seeds("validation")[12]
    assert np.array_equal(raw.images[12], draw_face(seed, EMOTIONS[raw.labels[12]]))


def test_the_store_holds_the_three_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "SPLIT_SIZES", {"train": 21, "validation": 14, "test": 7})
    dataset.write_dataset(tmp_path / "drawn-faces")
    faces = open_faces(tmp_path / "drawn-faces")
    assert {split: len(faces.split(split).labels) for split in faces.splits} == {
        "train": 21,
        "validation": 14,
        "test": 7,
    }
    assert faces.classes == EMOTIONS
    assert faces.manifest["source"]["kind"] == "drawn"
    dataset.write_dataset(tmp_path / "again")
    assert open_faces(tmp_path / "again").digest == faces.digest


# scikit-learn warns of things that are no concern here: it stops early on purpose.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_linear_model_stays_between_a_quarter_and_three_fifths() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    train, validation = draw_split("train", limit=1050), draw_split("validation", limit=420)
    scaler = StandardScaler()
    with threadpool_limits(1):  # so small a problem is slower on several busy cores
        x = scaler.fit_transform(train.images.reshape(1050, -1).astype(np.float32))
        model = LogisticRegression(C=1e-3, max_iter=30).fit(x, train.labels)
        x_validation = scaler.transform(validation.images.reshape(420, -1).astype(np.float32))
        accuracy = model.score(x_validation, validation.labels)
    # Measured: 0.38. Chance is 0.14; one standard error of the measurement is 0.024.
    assert 0.25 < accuracy < 0.60
