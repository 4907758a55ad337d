"""How fast does a trial train, against what one would write by hand with Keras?

    python benchmarks/training.py [--json] [--only precision,loop,norms,augmentation] [--repeats 5]
    KERAS_BACKEND=jax python benchmarks/training.py --only vgg,resnet50      # on a GPU

``precision``: the thesis's CNN with the thesis's augmentation: a trial of the framework under
``precision: auto``, against a float32 ``fit`` with Keras's augmentation layers in the model.
``loop``: the same CNN without augmentation in float32: a trial against a bare ``fit``.
``norms``: the same CNN in a plain bfloat16 ``fit``: batch norms in one operation, as trials have
them (``hpo/training/fused_norms.py``), against Keras's own.
``augmentation``: flip, rotation, zoom and shift of a batch on one core: the framework's single
resampling against Keras's four layers one after another.
``features``: twenty trials of a head on a frozen ResNet50 at 96 pixels, 1,000 faces, five epochs,
with ``feature_views: 1`` against the same without: the first twenty, which compute the features,
and twenty more. One round, by name only; a trial without is timed ``--repeats`` times and counted
for twenty. Before that, the answers of both ways are compared.
``accuracy``: what bfloat16 does to the validation accuracy of a small CNN on the drawn faces,
or on 8,000 faces of ``--dataset``: the differences to float32 from equal seeds, ``--repeats`` of
them; by name only. Ctrl-C ends it with the seeds that are finished.

``vgg``, ``resnet50``: seconds for an epoch of as many faces as FER-2013 trains on, of VGG-BN at 48
pixels and of ResNet50 at 224, against the time that their multiplications would take at the peak
rate of an H100 (bfloat16 without sparsity, NVIDIA's data sheet). They run by name only.

Each of the others is a ratio of images per second, above 1 where the framework is faster. Ways
alternate within a round; ratios are taken within a round, and their median and range over the
rounds are told. A way trains in a process of its own, and its first epoch, which compiles, does not
count.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from measuring import machine, progress, spread, told
from scipy.special import stdtrit

from hpo.data.store import RawSplit, write_faces
from hpo.execution.children import ChildServer
from hpo.spec.records import TrialJob

FACES = 1024
EPOCHS = 3
BATCH = 64
STILL = {"rotation_degrees": 0.0, "zoom": 0.0, "shift": 0.0, "flip": False}
TARGETS = {"precision": 2.0, "loop": 0.97, "norms": 1.2, "augmentation": 5.0}
SECONDS = {"vgg": 0.6, "resnet50": 15.0}
"""At most, for an epoch."""
EPOCH_FACES = 28_709
PEAK = 989e12
"""Operations per second; a multiplication with its addition is two."""
CHANGES = {"flip": True, "rotation_degrees": 12.0, "shift": 0.1, "zoom": 0.15, "erasing": 0.25}
VGG = {
    "family": "vgg-bn", "width": 64, "stages": 4, "convs_per_stage": 2, "head": "gap", "dense": 0,
}  # fmt: skip
NETWORKS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "vgg": ("cnn", 5, {**VGG, "batch_size": 128}),
    "resnet50": ("resnet50", 3, {"weights": "none", "input_size": 224, "batch_size": 128}),
}
HERE = "training"
"""This module's name in the children, which find it beside the others."""


def drawn(folder: Path, faces: int = FACES) -> str:
    """Write noise in a dataset's place: how fast faces are does not hang on what they show."""
    generator = np.random.default_rng(0)

    def split(count: int) -> RawSplit:
        return RawSplit(
            images=generator.integers(0, 256, (count, 48, 48), dtype=np.uint8),
            labels=np.arange(count, dtype=np.uint8) % 7,
            names=[str(i) for i in range(count)],
        )

    write_faces(folder / "noise", "noise", {"train": split(faces), "validation": split(70)}, {})
    return str(folder / "noise")


# In children


def by_framework(report: Any, should_stop: Any, job: dict[str, Any]) -> dict[str, Any]:
    """A trial as studies run it; returns images per second and the precision it took."""
    from hpo.execution.trial import train

    result = train(report, should_stop, job)
    assert result["state"] == "complete", result
    return {
        "rate": result["images_per_second"],
        "precision": result["environment"]["precision"],
    }


def by_hand(
    report: Any, should_stop: Any, job: dict[str, Any], augment: bool = False, fused: bool = False
) -> dict[str, Any]:
    """The same network in a plain ``fit``, with Keras's augmentation layers or without.

    In the job's precision, or float32 where that is chosen by measurement.
    """
    import keras

    from hpo.architectures.architecture import load
    from hpo.training import backend
    from hpo.training.batches import load_data, targets
    from hpo.training.fused_norms import fuse_norms
    from hpo.training.precision import AUTO
    from hpo.training.resolve import resolve_parameters

    task = TrialJob.from_json(job)
    precision = "float32" if task.precision == AUTO else task.precision
    backend.prepare(seed=0, precision=precision, threads=None)
    data = load_data(task)
    network = load("cnn").build(
        resolve_parameters("cnn", task.params).architecture, data.input_shape, data.classes
    )
    if fused:
        assert fuse_norms(network)
    model = keras.Sequential([*(layers() if augment else []), network]) if augment else network
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    seconds: list[float] = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seconds.append(time.perf_counter() - self.began)

    goals = targets(data.train.labels, data.classes)
    model.fit(
        data.train.faces, goals, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[Clock()]
    )
    return {"rate": FACES * (EPOCHS - 1) / sum(seconds[1:]), "precision": precision}


def layers() -> list[Any]:
    """Keras's own augmentation, as strong as the thesis's."""
    import keras

    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(10 / 360, fill_mode="nearest"),
        keras.layers.RandomZoom(0.2, 0.2, fill_mode="nearest"),
        keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
    ]


def augmentation(report: Any, should_stop: Any, batches: int) -> dict[str, float]:
    """Images per second of both ways on one core, alternating."""
    import keras
    import tensorflow

    from hpo.training import backend
    from hpo.training.augmentation import Augmentation, augment

    backend.prepare(seed=0, precision="float32", threads=1)
    ours = Augmentation(rotation_degrees=10.0, zoom=0.2, shift=0.1, flip=True)
    generator = np.random.default_rng(0)
    faces = generator.integers(0, 256, (BATCH, 48, 48), dtype=np.uint8)
    chain = keras.Sequential(layers())
    as_floats = faces[..., None].astype(np.float32)
    compiled = tensorflow.function(lambda x: chain(x, training=True))
    compiled(as_floats)
    seconds: dict[str, list[float]] = {"framework": [], "keras": []}
    for _ in range(batches):
        for name, run in (
            ("framework", lambda: augment(faces, ours, generator)),
            ("keras", lambda: np.asarray(compiled(as_floats))),
        ):
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: BATCH / statistics.median(times) for name, times in seconds.items()}


def _features(home: Path, repeats: int) -> dict[str, Any]:
    server = ChildServer()
    weights = str(home / "base.weights.h5")
    server.call(f"{HERE}:random_base", path=weights)
    dataset = drawn(home, 1000)

    def trial(seed: int, features: str, **params: Any) -> dict[str, Any]:
        job = TrialJob(
            f"b/resnet50/{seed}", "resnet50", {**HEAD, **params}, dataset, "",
            str(home / "out"), seed=seed, weights=weights,
        )  # fmt: skip
        found: dict[str, Any] = server.call(f"{HERE}:head", job=job.to_json(), features=features)
        return found

    # Without changes there is one view, which both ways see alike.
    plain = [
        np.array(trial(0, str(home / "plain"), **STILL, feature_views=views)["answers"])
        for views in (0, 1)
    ]
    apart = float(np.abs(plain[0] - plain[1]).max())
    assert apart < 1e-3, f"answers with and without kept features differ by {apart}"
    without = [trial(seed, "", feature_views=0)["seconds"] for seed in range(repeats)]
    kept = str(home / "kept")
    cold, warm = (
        [trial(seed, kept, feature_views=1)["seconds"] for seed in range(HEADS)] for _ in range(2)
    )
    usual = HEADS * statistics.median(without)
    return {
        "answers_differ_by": apart,
        "without": spread(without),
        "first": spread(cold),
        "later": spread(warm),
        "ratio_cold": round(usual / sum(cold), 1),
        "ratio_warm": round(usual / sum(warm), 1),
    }


def _accuracy(home: Path, repeats: int, dataset: str | None, first_seed: int) -> dict[str, Any]:
    from hpo.data.library import find_faces
    from hpo.data.store import open_faces
    from hpo.spec.workspace import Workspace

    server = ChildServer()
    folder = dataset or str(find_faces(Workspace.at(home), "drawn-faces"))
    faces = open_faces(Path(folder))

    def trained(seed: int, precision: str) -> float:
        job = TrialJob(
            f"b/cnn/{seed}", "cnn", {**RECIPE, "epochs": 12 if dataset else 14}, folder, "",
            str(home / f"{seed}-{precision}"), seed=seed, precision=precision, threads=1,
            train_limit=REAL_FACES if dataset else None,
        )  # fmt: skip
        result = server.call("hpo.execution.trial:train", job=job.to_json())
        progress(f"seed {seed}, {precision}", round(result["value"], 4))
        return float(result["value"])

    pairs: list[tuple[float, float]] = []
    # A core for each trial: what else the machine does changes no answer, only the time.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [
            [pool.submit(trained, seed, precision) for precision in ("float32", "mixed_bfloat16")]
            for seed in range(first_seed, first_seed + repeats)
        ]
        try:
            pairs.extend((full.result(), half.result()) for full, half in runs)
        except KeyboardInterrupt:
            print("stopped: what is finished counts", file=sys.stderr)
            pool.shutdown(wait=False, cancel_futures=True)
    return {
        **compared(pairs),
        "validation_faces": len(faces.split("validation").labels),
        "dataset": "drawn faces" if dataset is None else f"{REAL_FACES} faces of a dataset",
    }


def compared(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    """Return the spreads of float32 and bfloat16, and what lies between them, for equal seeds."""
    full, half = ([pair[k] for pair in pairs] for k in (0, 1))
    apart = [second - first for first, second in pairs]
    # Of the mean, by Student's distribution: seeds are few and differ about normally.
    half_width = float(stdtrit(len(apart) - 1, 0.975)) * statistics.stdev(apart) / len(apart) ** 0.5
    mean = statistics.mean(apart)
    return {
        "float32": spread(full, 4),
        "mixed_bfloat16": spread(half, 4),
        "difference": spread(apart, 4),
        "mean_float32": round(statistics.mean(full), 4),
        "mean_bfloat16": round(statistics.mean(half), 4),
        "mean_difference": round(mean, 4),
        "interval": [round(mean - half_width, 4), round(mean + half_width, 4)],
    }


RECIPE: dict[str, Any] = {
    "family": "vgg-bn", "width": 16, "stages": 4, "convs_per_stage": 2, "head": "gap", "dense": 0,
    "norm_momentum": 0.9, "optimizer": "adam", "learning_rate": 3e-3, "batch_size": 64,
    "schedule": "cosine", "warmup_fraction": 0.1, "flip": True, "early_stopping_monitor": "none",
}  # fmt: skip
"""To the end of its schedule, where seeds differ least, and with statistics of the batch norms that
follow the weights within so few steps."""
REAL_FACES = 8000
"""Of a dataset of one's own the row ``accuracy`` trains on so many."""


def multiplications(network: Any) -> int:
    """Return the multiplications of one face's way through convolutions and dense layers."""
    import keras

    found = 0
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found += multiplications(layer)
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            places = int(np.prod(layer.output.shape[1:-1], initial=1))
            found += places * int(np.prod(layer.kernel.shape))
    return found


HEADS = 20
COLD, WARM = 10.0, 50.0
"""At least so many times faster than without kept features."""
HEAD: dict[str, Any] = {
    "unfreeze": "none", "input_size": 96, "head": "gap", "dense": 0, "base_dropout": 0.0,
    "batch_size": 32, "schedule": "constant", "early_stopping_monitor": "none", "epochs": 5,
}  # fmt: skip


def head(report: Any, should_stop: Any, job: dict[str, Any], features: str) -> dict[str, Any]:
    """A trial of a head, its features kept in a folder; returns seconds and its answers."""
    import keras

    from hpo.execution.trial import train
    from hpo.training.batches import load_data
    from hpo.training.validation import predict

    os.environ["HPO_FEATURES"] = features
    began = time.perf_counter()
    result = train(report, should_stop, job)
    seconds = time.perf_counter() - began
    assert result["state"] == "complete", result
    model = keras.models.load_model(result["checkpoint"], compile=False)
    answers = predict(model, load_data(TrialJob.from_json(job)).validation.faces, 64)
    return {"seconds": seconds, "answers": answers.tolist()}


def random_base(report: Any, should_stop: Any, path: str) -> None:
    """Write weights for ResNet50's base that no network has learned: speed does not hang on it."""
    import keras

    keras.utils.set_random_seed(0)
    keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(96, 96, 3)
    ).save_weights(path)


# In the parent


class Bench:
    """The rounds.

    Args:
        home: an empty folder.
        repeats: rounds.
    """

    def __init__(self, home: Path, repeats: int) -> None:
        self._home, self._repeats = home, repeats
        self._dataset = drawn(home)
        self._server = ChildServer()

    def _job(self, precision: str, **params: Any) -> dict[str, Any]:
        every = {"epochs": EPOCHS, "batch_size": BATCH, "schedule": "constant", **params}
        job = TrialJob(
            "b/cnn/0", "cnn", every, self._dataset, "", str(self._home / "out"), seed=0,
            precision=precision,
        )  # fmt: skip
        return job.to_json()

    def _compare(
        self, ours: dict[str, Any], *, augment: bool, way: str = "by_framework", **how: Any
    ) -> dict[str, Any]:
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "framework": (way, how),
            "keras": ("by_hand", {"augment": augment}),
        }
        rounds: list[dict[str, float]] = []
        chosen = set()
        for number in range(self._repeats):
            own = {}
            # Each goes first in every other round: a machine may slow down within one.
            for name in sorted(calls, reverse=bool(number % 2)):
                done, arguments = calls[name]
                told = self._server.call(f"{HERE}:{done}", job=ours, **arguments)
                own[name] = round(told["rate"], 1)
                chosen |= {told["precision"]} if name == "framework" else set()
            rounds.append(own)
        return {
            "framework": spread([r["framework"] for r in rounds], 1),
            "keras": spread([r["keras"] for r in rounds], 1),
            "ratio": spread([r["framework"] / r["keras"] for r in rounds]),
            "precision": " and ".join(sorted(chosen)),
            "rounds": rounds,
        }

    def precision(self) -> dict[str, Any]:
        return self._compare(self._job("auto"), augment=True)

    def loop(self) -> dict[str, Any]:
        return self._compare(self._job("float32", **STILL), augment=False)

    def norms(self) -> dict[str, Any]:
        job = self._job("mixed_bfloat16", **STILL)
        return self._compare(job, augment=False, way="by_hand", fused=True)

    def augmentation(self) -> dict[str, Any]:
        rounds = [
            self._server.call(f"{HERE}:augmentation", batches=40) for _ in range(self._repeats)
        ]
        return {
            "framework": spread([r["framework"] for r in rounds], 0),
            "keras": spread([r["keras"] for r in rounds], 0),
            "ratio": spread([r["framework"] / r["keras"] for r in rounds]),
        }


def epoch(name: str) -> dict[str, Any]:
    """Seconds of each epoch of a network, and the time that its arithmetic would take."""
    from hpo.architectures.architecture import load
    from hpo.training import backend_choice
    from hpo.training.fit import train
    from hpo.training.resolve import resolve_parameters

    backend_choice.configure()
    architecture, epochs, own = NETWORKS[name]
    params = {**CHANGES, "epochs": epochs, "schedule": "constant", **own}
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        job = TrialJob(
            f"b/{name}/0", architecture, params, drawn(Path(home), EPOCH_FACES), "",
            f"{home}/out", seed=0, precision="mixed_bfloat16",
        )  # fmt: skip
        result = train(job, lambda report: seconds.append(report.seconds), lambda: False)
    assert result.state == "complete", result.reason
    parts = resolve_parameters(architecture, params).architecture
    operations = 6 * EPOCH_FACES * multiplications(load(architecture).build(parts, (48, 48, 1), 7))
    return {
        "seconds": spread(seconds[1:]),
        "first_epoch": round(seconds[0], 1),
        "arithmetic": round(operations / PEAK, 3),
        "device": result.environment["device"],
    }


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The figures for people."""
    yield f"{result['cores']} cores, load {result['load_average']}"
    for name, target in TARGETS.items():
        if name in result:
            found = result[name]
            yield f"{name} (target: a ratio of {target:g})"
            taken = f", {found['precision']}" if "precision" in found else ""
            yield told(f"framework{taken}", found["framework"], "/s")
            yield told("Keras", found["keras"], "/s")
            yield told("ratio", found["ratio"])
    for name, target in SECONDS.items():
        if name in result:
            found = result[name]
            yield f"{name} on {found['device']} (target: at most {target:g} s an epoch)"
            yield told("epoch, validation of 70 faces included", found["seconds"], "s")
            yield f"  its arithmetic alone at the peak of an H100: {found['arithmetic']:.2f} s"
    if "features" in result:
        found = result["features"]
        yield f"features (targets: {COLD:g} times with the first trials, {WARM:g} later)"
        yield told("a trial without kept features", found["without"], "s")
        yield told("with, the first twenty", found["first"], "s")
        yield told("with, twenty more", found["later"], "s")
        yield f"  ratios {found['ratio_cold']} and {found['ratio_warm']}"
        yield f"  answers differ by {found['answers_differ_by']:.1e}"
    if "accuracy" in result:
        found = result["accuracy"]
        yield f"accuracy on {found['dataset']} (n = {found['validation_faces']})"
        yield told("float32", found["float32"])
        yield told("bfloat16", found["mixed_bfloat16"])
        yield told("bfloat16 less float32, equal seeds", found["difference"])
        low, high = (100 * bound for bound in found["interval"])
        mean = 100 * found["mean_difference"]
        yield f"  mean {mean:+.2f} points, 95 % interval [{low:+.2f}, {high:+.2f}]"


ROWS = (*TARGETS, *SECONDS, "features", "accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--only", default=",".join(TARGETS), help=",".join(ROWS))
    parser.add_argument("--repeats", type=int, default=5, help="rounds")
    parser.add_argument("--dataset", help="of accuracy: a folder, as hpo data import made it")
    parser.add_argument("--first-seed", type=int, default=0, help="of accuracy, to go on with it")
    given = parser.parse_args()
    result: dict[str, Any] = machine()
    wanted = given.only.split(",")
    for name in SECONDS:
        if name in wanted:
            result[name] = progress(name, epoch(name))
    accuracy = functools.partial(_accuracy, dataset=given.dataset, first_seed=given.first_seed)
    for name, row in (("features", _features), ("accuracy", accuracy)):
        if name in wanted:
            with tempfile.TemporaryDirectory() as home:
                result[name] = progress(name, row(Path(home), given.repeats))
    if any(name in wanted for name in TARGETS):
        with tempfile.TemporaryDirectory() as home:
            bench = Bench(Path(home), given.repeats)
            for name in TARGETS:
                if name in wanted:
                    result[name] = progress(name, getattr(bench, name)())
    print(json.dumps(result, indent=1) if given.json else "\n".join(lines(result)))


if __name__ == "__main__":
    main()
