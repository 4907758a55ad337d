"""How good do honest single networks and their ensemble get on FER-2013, and what does tuning give?

    python benchmarks/headline.py DATASET --out FOLDER [--minutes 9] [--scale full] [--at-once 3]

``DATASET`` is a folder that ``hpo data import fer2013`` made. In order: the thesis's CNN as it was;
a few recipes for a better CNN, each for a short while; the best of them with three seeds at full
length; a compact CNN that fits into the package; ResNet50 and Xception from scratch, and with
``--weights resnet50=imagenet xception=FILE`` from pretrained weights as well (``imagenet`` is what
lies in Keras's cache or can be downloaded); then the mean of the best five networks' answers.
Everything is chosen on the validation split; no other is read. With ``--recipe vgg`` none is tried:
it is the one that an earlier run of the same scale chose, and the time goes to the rest.

It works unattended and in pieces: ``FOLDER`` holds a JSON file for each network that is done, its
answers on the validation split, and the weights in float16 parts with checksums
(``hpo.training.packed``). After ``--minutes`` no network is begun, each that trains ends its piece
with the epoch at hand, whose state is kept (on an accelerator, where states are rarer than epochs,
with the first that is kept, within about 20 seconds), and the script prints what there is. The same
command goes on; a folder goes on with the faces, the scale and the pretrained weights that it was
begun with, and no other; weights may come later. A network that fails is told with its exit code,
what does not hang on it is trained all the same, and the script ends with exit code 1.
``headline.json`` in that folder sums up after each network, and at the end ``curves.png`` shows
every epoch, where Kaleido and a browser are at hand. On an accelerator networks are trained
``--at-once`` side by side, so that one's compilation is not the others' wait.

The scales: ``full`` is for a GPU (about 15 minutes of an H100), ``small`` trains on 3,000 faces
for half an hour of two cores, ``tiny`` shows in minutes that everything works and no
more. ``--estimate`` trains each kind of network of a scale for two short epochs instead, and says
how many hours the whole would take on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))

from hpo.architectures.weights import check_weights
from hpo.data.audit.unseen import unseen
from hpo.data.recorded import digests_of
from hpo.data.store import FaceDataset, open_faces
from hpo.evidence.intervals import wilson
from hpo.spec.errors import HpoError, InputError
from hpo.spec.records import EpochReport, TrialJob
from hpo.training import backend, backend_choice
from hpo.training.state import StateUnusable, finished_epochs

Array = npt.NDArray[Any]

THESIS = {"cnn": 0.65, "resnet50": 0.5175, "xception": 0.70}
"""The thesis's single runs, validation accuracy."""

STATE_SECONDS = 20.0
"""Between states on an accelerator, which takes as long to write one as for an epoch."""

VIEWS = {"single": "none", "mirrored": "mirror", "views": "mirror_shifts"}
"""Test-time views, as ``hpo.training.views`` has them."""

CHANGES: dict[str, Any] = {
    "flip": True,
    "rotation_degrees": 12.0,
    "shift": 0.1,
    "zoom": 0.15,
    "brightness": 0.1,
    "contrast": 0.2,
    "erasing": 0.25,
}
SGD: dict[str, Any] = {
    "optimizer": "sgd",
    "reference_batch_size": 128,
    "batch_size": 128,
    "one_minus_momentum": 0.1,
    "weight_decay": 5e-4,
    "schedule": "cosine",
    "warmup_fraction": 0.03,
    "label_smoothing": 0.1,
    "early_stopping_monitor": "none",
    "ema": True,
    "one_minus_ema_decay": 1e-3,
}
VGG: dict[str, Any] = {
    "family": "vgg-bn",
    "width": 64,
    "stages": 4,
    "convs_per_stage": 3,
    "head": "gap",
    "dense": 0,
    "conv_dropout": 0.2,
    "dropout": 0.3,
    "learning_rate": 0.05,
}
RESNET: dict[str, Any] = {
    **VGG,
    "family": "resnet",
    "convs_per_stage": 4,
    "learning_rate": 0.1,
}
FROM_SCRATCH: dict[str, Any] = {
    "weights": "none",
    "unfreeze": "all",
    "preprocessing": "own",
    "head": "gap",
    "dense": 0,
    "base_dropout": 0.4,
    "norm_momentum": 0.9,
}
PRETRAINED: dict[str, Any] = {
    "unfreeze": "all",
    "head": "gap",
    "dense": 0,
    "base_dropout": 0.4,
    "norm_momentum": 0.9,
    "learning_rate": 0.01,
    "weight_decay": 1e-4,
}
"""Rates of a fifth of those from scratch, so that what the weights know is not lost in the first
steps; not tuned: no ImageNet weights were at hand."""


@dataclass(frozen=True)
class Scale:
    """How much is done.

    Args:
        name: what ``--scale`` calls it.
        recipes: of the CNN, by name, on top of ``SGD`` and ``CHANGES``.
        recipe_epochs: for which each is tried.
        epochs: by kind of network.
        sizes: side in pixels that ResNet50 and Xception see.
        width: of the compact CNN.
        seeds: of the best recipe.
        faces: of training at the most; None for all.
        validation_faces: likewise.
        beside: parameters that the number of steps asks for, of all networks but the thesis's.
        shape: of its CNNs and the compact ones, likewise.
        recipe: of those above, the one that was chosen before; "" tries them.
        weights: by architecture, what a second network of it begins with: ``imagenet`` or a file.
    """

    name: str
    recipes: Mapping[str, dict[str, Any]]
    recipe_epochs: int
    epochs: Mapping[str, int]
    sizes: Mapping[str, int]
    width: int
    seeds: int
    faces: int | None = None
    validation_faces: int | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    shape: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)


SCALES = {
    "full": Scale(
        "full",
        {"vgg": VGG, "vgg-mixup": {**VGG, "mixup": True, "mixup_alpha": 0.4}, "resnet": RESNET},
        recipe_epochs=30,
        epochs={"cnn": 140, "compact": 140, "resnet50": 60, "xception": 45, "thesis": 100},
        sizes={"resnet50": 96, "xception": 72},
        width=56,
        seeds=3,
    ),
    "small": Scale(
        "small",
        {"vgg": {**VGG, "width": 32}, "resnet": {**RESNET, "width": 32}},
        recipe_epochs=6,
        epochs={"cnn": 12, "compact": 10, "resnet50": 4, "xception": 4, "thesis": 10},
        sizes={"resnet50": 48, "xception": 71},
        width=24,
        seeds=3,
        faces=3000,
        validation_faces=2000,
        # In a few hundred steps SGD at these rates, changes meant for a hundred epochs, averaged
        # weights and deep narrow networks learn little (30 % after twelve epochs of 7,000 faces).
        beside={
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "batch_size": 64,
            "reference_batch_size": 64,
            "weight_decay": 0.0,
            "erasing": 0.0,
            "rotation_degrees": 10.0,
            "zoom": 0.1,
            "ema": False,
        },
        shape={
            "stages": 3,
            "convs_per_stage": 2,
            "head": "flatten",
            "dense": 256,
            "dense_layers": 1,
        },
    ),
    "tiny": Scale(
        "tiny",
        {"vgg": {**VGG, "width": 8}, "resnet": {**RESNET, "width": 8, "convs_per_stage": 2}},
        recipe_epochs=1,
        epochs={"cnn": 2, "compact": 2, "resnet50": 1, "xception": 1, "thesis": 2},
        sizes={"resnet50": 32, "xception": 71},
        width=8,
        seeds=2,
        faces=256,
        validation_faces=256,
    ),
}


@dataclass(frozen=True)
class Network:
    """One network to train.

    Args:
        name: of its files.
        group: networks that differ by their seed alone.
        architecture: its name.
        params: its parameters.
        seed: of its weights and batches.
    """

    name: str
    group: str
    architecture: str
    params: dict[str, Any]
    seed: int


def networks(scale: Scale, results: Mapping[str, dict[str, Any]]) -> list[Network]:
    """Return what can be trained with what is known, the most telling first."""

    def several(group: str, architecture: str, params: dict[str, Any]) -> list[Network]:
        return [
            Network(f"{group}-{seed}", group, architecture, params, seed)
            for seed in range(1, scale.seeds + 1)
        ]

    def own(params: dict[str, Any]) -> dict[str, Any]:
        return {**params, **scale.beside, **scale.shape}

    found = [
        Network(
            f"recipe-{name}", f"recipe-{name}", "cnn", own(_cnn(recipe, scale.recipe_epochs)), 1
        )
        for name, recipe in scale.recipes.items()
        if not scale.recipe
    ]
    best = best_recipe(scale, results)
    if best is not None:
        found += several("cnn", "cnn", own(_cnn(scale.recipes[best], scale.epochs["cnn"])))
    small = {**VGG, "width": scale.width, "convs_per_stage": 2}
    compact = several("compact", "cnn", own(_cnn(small, scale.epochs["compact"])))
    return [
        *found,
        *compact[:1],
        *_large(scale),
        *compact[1:],
        *several("thesis-cnn", "cnn", {**_thesis("cnn"), "epochs": scale.epochs["thesis"]}),
    ]


def every_network(scale: Scale) -> list[Network]:
    """Return all networks of a scale, those of the CNN as if its first recipe were the best."""
    first = next(iter(scale.recipes))
    return networks(
        scale, {f"recipe-{name}": {"accuracy": name == first} for name in scale.recipes}
    )


def _large(scale: Scale) -> Iterator[Network]:
    for name, rate in (("resnet50", 0.05), ("xception", 0.05)):
        params = {
            **SGD, **CHANGES, **FROM_SCRATCH, "learning_rate": rate,
            "epochs": scale.epochs[name], "input_size": scale.sizes[name], **scale.beside,
        }  # fmt: skip
        yield Network(f"{name}-1", name, name, params, 1)
    for name, weights in scale.weights.items():
        params = {
            **SGD, **CHANGES, **PRETRAINED, "weights": weights, "epochs": scale.epochs[name],
            "input_size": scale.sizes[name], **scale.beside,
        }  # fmt: skip
        yield Network(f"{name}-pretrained-1", f"{name}-pretrained", name, params, 1)


def best_recipe(scale: Scale, results: Mapping[str, dict[str, Any]]) -> str | None:
    """Return the recipe of the highest validation accuracy, once all are known."""
    if scale.recipe:
        return scale.recipe
    known = {name: results.get(f"recipe-{name}") for name in scale.recipes}
    if any(result is None for result in known.values()):
        return None
    return max(known, key=lambda name: known[name]["accuracy"])  # type: ignore[index]


def _cnn(recipe: dict[str, Any], epochs: int) -> dict[str, Any]:
    return {**SGD, **CHANGES, **recipe, "epochs": epochs}


def _thesis(name: str) -> dict[str, Any]:
    from hpo.architectures.architecture import load

    return dict(load(name).thesis)


# One network, in a process of its own


class OutOfTime(Exception):
    """The minutes are over; a state holds every epoch that was trained."""


class Piece:
    """One piece of a network's training: its epochs, and when it ends.

    A state is written after the report of its epoch. So a piece ends in the step after that.

    Args:
        network: what is trained.
        folder: of its states.
        until: when the minutes are over, in the seconds of ``time.time``.
    """

    def __init__(self, network: Network, folder: Path, until: float) -> None:
        self._network, self._folder, self._until = network, folder, until
        self._told = time.monotonic()
        self._ended = 0.0
        self._asked = 0
        self.epochs: list[EpochReport] = []
        """From the first, those of earlier pieces included."""
        with contextlib.suppress(StateUnusable):
            self.epochs = finished_epochs(str(folder))

    def report(self, epoch: EpochReport) -> None:
        """Take an epoch; tell of it now and then."""
        # Training may have begun before the end of the state, or anew.
        del self.epochs[epoch.epoch - 1 :]
        self.epochs.append(epoch)
        self._ended, self._asked = time.time(), 0
        if time.monotonic() - self._told > 10 or epoch.epoch == 1:
            self._told = time.monotonic()
            best = max(e.metrics["val_accuracy"] for e in self.epochs)
            print(
                f"{self._network.name}: epoch {epoch.epoch} of {self._network.params['epochs']}, "
                f"best {best:.2%}, {statistics.median(e.seconds for e in self.epochs):.2f} s an "
                "epoch",
                file=sys.stderr, flush=True,
            )  # fmt: skip

    def should_stop(self) -> bool:
        """Say no, asked after each step, and after each epoch before its state is written.

        Raises:
            OutOfTime: the minutes were over at the end of an epoch, whose state is written or, long
                after it was due, cannot be.
        """
        self._asked += 1
        # The second question after an epoch is that of the next one's first step.
        if self._asked == 2 and self._ended > self._until:
            with contextlib.suppress(StateUnusable):
                if len(finished_epochs(str(self._folder))) == len(self.epochs):
                    raise OutOfTime(self._network.name)
            if self._ended > self._until + STATE_SECONDS:
                raise OutOfTime(self._network.name)
        return False


def train_one(network: Network, dataset: str, out: Path, scale: Scale, until: float) -> None:
    """Train, answer the validation split, pack, and write the result.

    Raises:
        OutOfTime: it was not done by ``until``, in the seconds of ``time.time``.
    """
    from hpo.training.fit import train

    backend_choice.configure()
    folder = out / "states" / network.name
    slow = not backend.on_accelerator()
    job = TrialJob(
        f"headline/{network.name}", network.architecture, network.params, dataset, "",
        str(folder), seed=network.seed, train_limit=scale.faces,
        validation_limit=scale.validation_faces,
        precision="auto" if slow else "mixed_bfloat16",
        keep_state=True, continue_from=str(folder),
        seconds_between_states=0.0 if slow else STATE_SECONDS,
    )  # fmt: skip
    piece = Piece(network, folder, until)
    began = time.perf_counter()
    result = train(job, piece.report, piece.should_stop)
    if result.state != "complete":
        raise RuntimeError(f"{network.name} ended as {result.state}: {result.reason}")
    seconds = time.perf_counter() - began
    _write_result(network, job, result, seconds, piece.epochs, out, scale)


def _write_result(
    network: Network,
    job: TrialJob,
    result: Any,
    seconds: float,
    epochs: list[EpochReport],
    out: Path,
    scale: Scale,
) -> None:
    import keras

    from hpo.spec.emotions import EMOTIONS
    from hpo.training.batches import load_data
    from hpo.training.packed import write_packed
    from hpo.training.validation import predict_views
    from hpo.training.views import mean_probabilities

    data = load_data(job)
    model = keras.models.load_model(result.checkpoint, compile=False)
    answers = {
        kind: mean_probabilities(list(predict_views(model, data.validation.faces, which, 256)))
        for kind, which in VIEWS.items()
    }
    labels = data.validation.labels
    accuracy = {kind: float((p.argmax(axis=1) == labels).mean()) for kind, p in answers.items()}
    (out / "answers").mkdir(parents=True, exist_ok=True)
    part = out / "answers" / f".{network.name}.npz"
    kept = {k: a.astype(np.float16) for k, a in answers.items()}
    np.savez(part, allow_pickle=False, labels=labels, **kept)
    part.replace(part.with_name(f"{network.name}.npz"))
    facts = {
        "validation_accuracy": accuracy["single"],
        "validation_faces": len(labels),
        "seed": network.seed,
        "epochs": network.params["epochs"],
        "best_epoch": result.best_epoch,
        "dataset_digest": data.digest,
        "train_faces": len(data.train),
        "epochs_run": result.epochs_run,
        "environment": result.environment,
        # For the card, if it is put into the box; see hpo.recommender.boxing.
        "made_by": made_by(network, scale, result.environment),
    }
    # The thesis's CNN is what winners are measured against, and its first dense layer is larger
    # than a part may be.
    if not network.group.startswith("thesis"):
        write_packed(
            model, out / "winners" / network.name, architecture=network.architecture,
            params=result.params, classes=EMOTIONS, facts=facts,
        )  # fmt: skip
    # The first epoch compiles.
    later = [e.seconds for e in epochs[1:]] or [e.seconds for e in epochs]
    written = {
        **dataclasses.asdict(network),
        **facts,
        "accuracy": accuracy["single"],
        "accuracy_mirrored": accuracy["mirrored"],
        "accuracy_views": accuracy["views"],
        "epoch_seconds": round(statistics.median(later), 3),
        "seconds": round(seconds, 1),
        "parameter_count": result.parameter_count,
        "curve": [round(e.metrics["val_accuracy"], 4) for e in epochs],
    }
    _write_json(out / "results" / f"{network.name}.json", written)
    Path(result.checkpoint).unlink(missing_ok=True)


def made_by(network: Network, scale: Scale, environment: Mapping[str, str]) -> str:
    """Return the commands that make a network and put it into the box, for its card."""
    backend_name = environment.get("backend", "tensorflow")
    words = [
        *([f"KERAS_BACKEND={backend_name}"] if backend_name != "tensorflow" else []),
        "python benchmarks/headline.py DATASET --out FOLDER",
        *([f"--scale {scale.name}"] if scale.name != "full" else []),
        *([f"--recipe {scale.recipe}"] if scale.recipe else []),
    ]
    return f"{' '.join(words)}\npython -m hpo.recommender.boxing FOLDER/winners/{network.name}"


# All networks


def run(
    dataset: str,
    out: Path,
    scale_name: str,
    minutes: float,
    at_once: int,
    weights: Mapping[str, str] | None = None,
    recipe: str = "",
) -> dict[str, Any]:
    """Train what is left until the minutes are over; return the summary.

    The summary is in ``headline.json``, and written anew after each network.

    Raises:
        InputError: the folder was begun with other faces or at another scale.
        HpoError: the weights cannot be had.
    """
    scale = dataclasses.replace(SCALES[scale_name], weights=weights or {}, recipe=recipe)
    described = {
        name: check_weights(name, file, {"unfreeze": "all"}, where="--weights")
        for name, file in scale.weights.items()
    }
    keep_to(out, open_faces(Path(dataset)), scale_name, described, recipe)
    beginning = [f"{name}={file}" for name, file in scale.weights.items()]
    until = time.time() + 60 * minutes
    running: dict[str, subprocess.Popen[bytes]] = {}
    failed: dict[str, int] = {}
    while True:
        ended = [name for name, process in running.items() if process.poll() is not None]
        for name in ended:
            code = running.pop(name).returncode
            if code not in (0, OUT_OF_TIME):
                failed[name] = code
                print(f"{name} failed with exit code {code}", file=sys.stderr, flush=True)
            elif code == 0:
                told = read_results(out)[name]
                print(f"{name}: {told['accuracy']:.2%}, with views {told['accuracy_views']:.2%}",
                      file=sys.stderr, flush=True)  # fmt: skip
        if ended:
            # A run may be killed before its end.
            _sum_up(out, scale, dataset, failed)
        done = read_results(out)
        left = [n for n in networks(scale, done) if n.name not in {*done, *running, *failed}]
        if time.time() < until:
            for network in left[: at_once - len(running)]:
                running[network.name] = subprocess.Popen(
                    [sys.executable, __file__, dataset, "--out", str(out), "--scale", scale_name,
                     "--only", network.name, "--until", str(until),
                     "--recipe", recipe, "--weights", *beginning],
                )  # fmt: skip
        if not running and (not left or time.time() >= until):
            break
        time.sleep(0.2)
    summary = _sum_up(out, scale, dataset, failed)
    missing = draw(out)
    if missing:
        print(missing, file=sys.stderr)
    return summary


def _sum_up(out: Path, scale: Scale, dataset: str, failed: Mapping[str, int]) -> dict[str, Any]:
    """Write and return the summary of what there is."""
    done = read_results(out)
    # What failed is left too, and so is what waits for it: the CNN for each of its recipes.
    left = [n.name for n in every_network(scale) if n.name not in done]
    summary = {**summarise(out, scale, dataset), "left": left, "failed": dict(failed)}
    _write_json(out / "headline.json", summary)
    return summary


OUT_OF_TIME = 75
"""Exit code of a network that is to be gone on with: ``EX_TEMPFAIL``."""


def read_results(out: Path) -> dict[str, dict[str, Any]]:
    """Return the results that there are, by name."""
    found = sorted((out / "results").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in found}


BEGUN_WITH = "begun-with.json"
"""What decides the results in a folder, for whoever goes on with it."""


def keep_to(
    out: Path,
    faces: FaceDataset,
    scale_name: str,
    given: Mapping[str, str] | None = None,
    recipe: str = "",
) -> None:
    """Note in the folder what its results are of; refuse one that was begun with something else.

    A folder of before this was noted counts as one of what is asked, unless its results are of
    another number of faces.

    Raises:
        InputError: the folder was begun with other faces, at another scale or with other weights.
    """
    scale, given = dataclasses.replace(SCALES[scale_name], recipe=recipe), given or {}
    counts = {split: faces.manifest["splits"][split]["count"] for split in ("train", "validation")}
    own = every_network(scale)
    params = json.dumps([dataclasses.asdict(n) for n in own], sort_keys=True)
    asked = {
        "scale": scale_name,
        "dataset_digest": faces.digest,
        "train_faces": min(counts["train"], scale.faces or counts["train"]),
        "validation_faces": min(
            counts["validation"], scale.validation_faces or counts["validation"]
        ),
        "parameters_digest": hashlib.sha256(params.encode()).hexdigest()[:16],
        **{f"weights_of_{name}": weights for name, weights in given.items()},
    }
    file = out / BEGUN_WITH
    noted = file.is_file()
    if noted:
        begun = json.loads(file.read_text(encoding="utf-8"))
    else:
        begun = next(iter(read_results(out).values()), {})
    other = {
        name: (value, begun[name])
        for name, value in asked.items()
        if begun.get(name, value) != value
        # The test split may have been imported since.
        and not (name == "dataset_digest" and begun[name] in digests_of(faces))
    }
    if other:
        raise InputError(
            "this folder was begun with something else, and its results would count as this one's",
            where=str(out),
            expected=_told({name: was for name, (_, was) in other.items()}),
            got=_told({name: value for name, (value, _) in other.items()}),
            hint="Give another --out, or what the folder was begun with",
        )
    if not noted or not asked.keys() <= begun.keys():
        _write_json(file, {**(begun if noted else {}), **asked})


def _told(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())


def summarise(out: Path, scale: Scale, dataset: str) -> dict[str, Any]:
    """Return means over seeds with their range, and the ensemble of the best five networks.

    Each figure is also told without the validation faces of which training has a duplicate.
    """
    results = read_results(out)
    faces = open_faces(Path(dataset))
    # Copies among all training faces, whatever part of them a scale trains on.
    alone = unseen(faces, scale.validation_faces, drop=False)
    copies = np.setdiff1d(np.arange(alone.faces), alone.places)
    for name, result in results.items():
        kept = np.load(out / "answers" / f"{name}.npz")
        right = np.delete(kept["views"].argmax(axis=1) == kept["labels"], copies)
        result["accuracy_views_without_copies"] = float(right.mean())
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in results.values():
        groups.setdefault(result["group"], []).append(result)
    best = best_recipe(scale, results)
    found: dict[str, Any] = {
        "thesis": THESIS,
        "recipe": best,
        "validation_faces_with_copies_in_training": len(copies),
        "groups": {group: _group(members) for group, members in groups.items()},
    }
    members = [r for r in results.values() if not r["group"].startswith(("recipe", "thesis"))]
    members = sorted(members, key=lambda r: -r["accuracy_views"])[:5]
    if len(members) > 1:
        found["ensemble"] = _ensemble([r["name"] for r in members], out, copies)
    return found


def estimate(dataset: str, scale: Scale) -> dict[str, Any]:
    """Return the hours that a scale's networks would train here, by kind, and in all.

    From the throughput of a second epoch on 256 faces; what validation takes is not in it.
    """
    import tempfile

    from hpo.training.fit import train

    backend_choice.configure()
    trained = open_faces(Path(dataset)).manifest["splits"]["train"]["count"]
    trained = min(trained, scale.faces or trained)
    # Whichever recipe is the best, it costs about what the first does.
    asked = every_network(scale)
    hours: dict[str, float] = {}
    throughput: dict[str, float] = {}
    for network in asked:
        if network.group not in throughput:
            with tempfile.TemporaryDirectory() as folder:
                job = TrialJob(
                    "headline/estimate", network.architecture, {**network.params, "epochs": 2},
                    dataset, "", folder, seed=1, train_limit=256, validation_limit=64,
                    precision="mixed_bfloat16" if backend.on_accelerator() else "auto",
                )  # fmt: skip
                throughput[network.group] = train(
                    job, lambda _: None, lambda: False
                ).images_per_second
            print(f"{network.group}: {throughput[network.group]:.1f} faces/s", file=sys.stderr,
                  flush=True)  # fmt: skip
        needed = trained * network.params["epochs"] / throughput[network.group] / 3600
        hours[network.group] = hours.get(network.group, 0.0) + needed
    return {
        "faces_per_second": {name: round(speed, 1) for name, speed in throughput.items()},
        "hours": {name: round(needed, 2) for name, needed in hours.items()},
        "hours_in_all": round(sum(hours.values()), 1),
        "training_faces": trained,
    }


def _group(members: list[dict[str, Any]]) -> dict[str, Any]:
    first = members[0]
    return {
        "seeds": len(members),
        **{
            key: {
                "mean": round(statistics.mean(r[key] for r in members), 4),
                "low": round(min(r[key] for r in members), 4),
                "high": round(max(r[key] for r in members), 4),
            }
            for key in (
                "accuracy",
                "accuracy_mirrored",
                "accuracy_views",
                "accuracy_views_without_copies",
                "epoch_seconds",
            )
        },
        "interval_of_the_first": _interval(first["accuracy"], first["validation_faces"]),
        "n": first["validation_faces"],
        "epochs": first["epochs"],
        "parameter_count": first["parameter_count"],
        "device": first["environment"]["device"],
        "precision": first["environment"]["precision"],
    }


def _ensemble(names: list[str], out: Path, copies: Array) -> dict[str, Any]:
    answers = [np.load(out / "answers" / f"{name}.npz") for name in names]
    labels = answers[0]["labels"]
    found: dict[str, Any] = {"members": names, "n": len(labels)}
    for kind in ("single", "views"):
        mean = np.mean([a[kind].astype(np.float32) for a in answers], axis=0)
        accuracy = float((mean.argmax(axis=1) == labels).mean())
        found[f"accuracy_{kind}"] = round(accuracy, 4)
        found[f"interval_{kind}"] = _interval(accuracy, len(labels))
        right = np.delete(mean.argmax(axis=1) == labels, copies)
        found[f"accuracy_{kind}_without_copies"] = round(float(right.mean()), 4)
    return found


def _interval(accuracy: float, count: int) -> list[float]:
    """The 95 % interval for other faces of the same kind (Wilson)."""
    found = wilson(accuracy, count)
    return [round(found.low, 4), round(found.high, 4)]


def draw(out: Path) -> str:
    """Draw the curves of all networks; return why that could not be done, "" if it was."""
    from hpo.reports.pictures import what_is_missing

    missing = what_is_missing()
    results = read_results(out)
    if missing or not results:
        return missing
    import kaleido

    kaleido.write_fig_from_object_sync(
        [{"fig": curves_figure(results), "path": str(out / "curves.png"),
          "opts": {"format": "png", "width": 960, "height": 480}}],
        kopts={"n": 1, "mathjax": False},
    )  # fmt: skip
    return ""


def curves_figure(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the curves of all networks as plain data, the best first in the legend."""
    from hpo.reports.draw.style import template

    def numbers(result: Mapping[str, Any]) -> list[int]:
        # An earlier version lost the epochs before the last piece.
        last = result["epochs_run"]
        return list(range(last - len(result["curve"]) + 1, last + 1))

    curves = [
        {
            "type": "scatter", "mode": "lines", "name": f"{name}: {result['accuracy']:.1%}",
            "x": numbers(result), "y": result["curve"],
        }
        for name, result in sorted(results.items(), key=lambda item: -item[1]["accuracy"])
    ]  # fmt: skip
    thesis = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": THESIS["cnn"],
        "y1": THESIS["cnn"], "line": {"dash": "dot", "color": "#5b6775"},
    }  # fmt: skip
    layout = {
        "template": template("light"),
        "title": {"text": "Validation accuracy by epoch, one view (dotted: the thesis's CNN)"},
        "xaxis": {"title": {"text": "epoch"}},
        "yaxis": {"tickformat": ".0%"},
        "shapes": [thesis],
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        # Above the plot a dozen networks would reach into the title.
        "legend": {"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top"},
    }
    return {"data": curves, "layout": layout}


def _write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(data, indent=1), encoding="utf-8")
    part.replace(path)


def lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """The summary for people."""
    for group, found in summary["groups"].items():
        single, shown = found["accuracy"], found["accuracy_views"]
        yield (
            f"{group:18} {single['mean']:.2%} [{single['low']:.2%}, {single['high']:.2%}], views "
            f"{shown['mean']:.2%}, {found['seeds']} seeds, {found['epochs']} epochs of "
            f"{found['epoch_seconds']['mean']:.2f} s"
        )
    if "ensemble" in summary:
        found = summary["ensemble"]
        low, high = found["interval_views"]
        yield (
            f"ensemble of {len(found['members'])}: {found['accuracy_single']:.2%}, with views "
            f"{found['accuracy_views']:.2%} [{low:.2%}, {high:.2%}], n = {found['n']}"
        )
    if summary["left"]:
        failed = summary["failed"]
        left = [
            f"{name} (failed with exit code {failed[name]})" if name in failed else name
            for name in summary["left"]
        ]
        yield f"left: {', '.join(left)}; the same command goes on"


def _beginning(text: str) -> tuple[str, str]:
    name, _, weights = text.partition("=")
    if name not in ("resnet50", "xception") or not weights:
        raise argparse.ArgumentTypeError(f"expected resnet50=WEIGHTS or xception=..., got {text!r}")
    return name, weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="a folder that 'hpo data import fer2013' made")
    parser.add_argument("--out", type=Path, help="where everything is kept")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"),
        help="begin no network after so many, and end with the epoch at hand; its state is kept",
    )  # fmt: skip
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument(
        "--recipe", default="", metavar="NAME",
        help="the recipe that an earlier run chose; none is tried",
    )  # fmt: skip
    parser.add_argument(
        "--weights", nargs="*", default=[], metavar="NAME=WEIGHTS", type=_beginning,
        help="train resnet50 or xception from these weights too: imagenet or a file",
    )  # fmt: skip
    parser.add_argument("--at-once", type=int, default=1, help="networks trained side by side")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--estimate", action="store_true", help="say how long it would take")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.recipe not in {"", *SCALES[given.scale].recipes}:
        names = ", ".join(SCALES[given.scale].recipes)
        parser.error(f"--recipe {given.recipe}: the scale {given.scale} has {names}")
    if given.only:
        scale = dataclasses.replace(
            SCALES[given.scale], weights=dict(given.weights), recipe=given.recipe
        )
        known = {n.name: n for n in networks(scale, read_results(given.out))}
        try:
            train_one(known[given.only], given.dataset, given.out, scale, given.until)
        except OutOfTime:
            os._exit(OUT_OF_TIME)
        return
    if given.out is None and not given.estimate:
        parser.error("--out FOLDER is needed, where everything is kept")
    if given.estimate:
        print(json.dumps(estimate(given.dataset, SCALES[given.scale]), indent=1))
        return
    try:
        summary = run(
            given.dataset, given.out, given.scale, given.minutes, given.at_once,
            dict(given.weights), given.recipe,
        )  # fmt: skip
    except HpoError as error:
        print(f"headline.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(json.dumps(summary, indent=1) if given.json else "\n".join(lines(summary)))
    if summary["failed"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
