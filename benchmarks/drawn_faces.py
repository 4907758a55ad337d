"""How hard are the drawn faces? Logistic regression against a small CNN, on the validation split.

    python benchmarks/drawn_faces.py [--json] [--seeds 0 1 2] [--epochs 12] [--rates 0.003]

The embedded data must leave room for a search: a linear model on pixels stays under 60 %, a tuned
small CNN gains 15 points and more, and a bad learning rate costs nearly everything. Each CNN also
names the emotion in the drawn photo (it is happy). Intervals are Wilson's at 95 %; accuracies are
the last epoch's, nothing is selected. Takes a few minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from typing import Any

import numpy as np

from hpo.data.drawn import draw_split, drawn_photo
from hpo.recommender.faces import FaceDetector, crop_face
from hpo.spec.emotions import EMOTIONS


def wilson(correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % Wilson interval of a share, as fractions (E. B. Wilson, JASA 22, 1927)."""
    share = correct / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def logistic_accuracy(train: Any, validation: Any) -> int:
    """Correct answers of logistic regression on standardised pixels, best of three strengths."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    scaler = StandardScaler()
    x = scaler.fit_transform(train.images.reshape(len(train.images), -1).astype(np.float32))
    x_validation = scaler.transform(
        validation.images.reshape(len(validation.images), -1).astype(np.float32)
    )
    correct = []
    for strength in (1e-4, 1e-3, 1e-2):
        with threadpool_limits(1):  # several busy threads only wait for each other here
            model = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(x, train.labels)
        correct.append(int((model.predict(x_validation) == validation.labels).sum()))
    return max(correct)


def fit_cnn(
    train: Any, validation: Any, seed: int, epochs: int, rate: float, batch_size: int = 64
) -> tuple[Any, list[int]]:
    """A small batch-normalised CNN and its correct validation answers after each epoch."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((48, 48, 1)), layers.Rescaling(1 / 64.0, offset=-2.0)])
    model.add(layers.RandomFlip("horizontal"))
    model.add(layers.RandomTranslation(0.08, 0.08, fill_mode="nearest"))
    for filters in (24, 48, 96):
        for _ in range(2):
            model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization(momentum=0.9))
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(7, activation="softmax"))
    steps = math.ceil(len(train.labels) / batch_size) * epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 10, steps - steps // 6, warmup_target=rate, warmup_steps=steps // 6
    )
    model.compile(
        keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(
        train.images[..., None],
        train.labels,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        validation_data=(validation.images[..., None], validation.labels),
    )
    n = len(validation.labels)
    return model, [round(value * n) for value in history.history["val_accuracy"]]


def answer_for_photo(model: Any) -> tuple[str, float]:
    """The emotion that the model sees in the drawn photo, cropped as the recommender does it."""
    photo = drawn_photo()
    (face,) = FaceDetector().find(photo)
    probabilities = model.predict(crop_face(photo, face)[None, ..., None], verbose=0)[0]
    best = int(np.argmax(probabilities))
    return EMOTIONS[best], round(float(probabilities[best]), 3)


def row(name: str, correct: int, n: int, seconds: float) -> dict[str, Any]:
    low, high = wilson(correct, n)
    return {
        "model": name,
        "accuracy": correct / n,
        "interval": [low, high],
        "n": n,
        "seconds": round(seconds, 1),
    }


def measure(seeds: list[int], epochs: int, rates: list[float]) -> dict[str, Any]:
    """Draw the faces, fit both models, and return every row and the gain in points."""
    began = time.perf_counter()
    train, validation = draw_split("train"), draw_split("validation")
    drawing = time.perf_counter() - began
    n = len(validation.labels)
    began = time.perf_counter()
    linear = row("logistic regression", logistic_accuracy(train, validation), n, 0.0)
    linear["seconds"] = round(time.perf_counter() - began, 1)
    rows, gains = [linear], {}
    for rate in rates:
        finals = []
        for seed in seeds:
            began = time.perf_counter()
            model, correct = fit_cnn(train, validation, seed, epochs, rate)
            finals.append(correct[-1])
            rows.append(
                row(f"CNN, rate {rate:g}, seed {seed}", finals[-1], n, time.perf_counter() - began)
            )
            rows[-1]["curve"] = [round(value / n, 4) for value in correct]
            rows[-1]["photo"] = answer_for_photo(model)
        gains[f"{rate:g}"] = round(100 * (float(np.mean(finals)) / n - linear["accuracy"]), 2)
    return {
        "training_faces": len(train.labels),
        "drawing_seconds": round(drawing, 2),
        "epochs": epochs,
        "rows": rows,
        "gain_points": gains,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-3])
    options = parser.parse_args()
    result = measure(options.seeds, options.epochs, options.rates)
    if options.json:
        print(json.dumps(result))
        return
    print(
        f"{result['training_faces']} faces to train on, drawn with the validation faces in "
        f"{result['drawing_seconds']} s; {result['epochs']} epochs; last epoch's accuracy"
    )
    for item in result["rows"]:
        low, high = (100 * bound for bound in item["interval"])
        print(
            f"{item['model']:<32}{100 * item['accuracy']:6.1f} %  [{low:.1f}, {high:.1f}]  "
            f"n = {item['n']}  {item['seconds']} s"
            + (f"  photo: {item['photo'][0]} ({item['photo'][1]})" if "photo" in item else "")
        )
    for rate, gain in result["gain_points"].items():
        print(f"the CNN at rate {rate} gains {gain} points on average")


if __name__ == "__main__":
    main()
