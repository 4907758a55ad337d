"""Training a head on the features of a frozen base, which are computed once and not at each step.

The head is the model's own layers behind the base, so what it learns is in the model at once. The
faces are changed before the base sees them, so there are only so many changed views of each as
``feature_views`` says; epochs take turns with them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpo.training import backend, backend_choice
from hpo.training.augmentation import Augmentation, augment
from hpo.training.batches import Labelled, TrialData, balanced_weights, targets
from hpo.training.features import Features, FeatureStore
from hpo.training.parameters import TrainingParameters
from hpo.training.pooled_head import NUMBERS, numbers_of, pooled_head

if TYPE_CHECKING:
    from hpo.training.kept_base import KeptBase

_BATCH = 64


@dataclasses.dataclass(frozen=True)
class FeatureMaker:
    """What the epochs of a head train on, as ``batches.BatchMaker`` is for whole models.

    Args:
        views: the features of each view, floats ``(n, ...)``.
        goals: float32, ``(n, classes)``.
        weights: float32, ``(n,)``, or None.
        batch_size: faces per step.
        seed: of the order of faces.
    """

    views: list[Features]
    goals: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32] | None
    batch_size: int
    seed: int
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    frame: None = None

    def inputs(self, epoch: int) -> Features:
        """Return the view whose turn it is in ``epoch``, 1 for the first."""
        return self.views[(epoch - 1) % len(self.views)]

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return the order of faces in ``epoch``."""
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.goals))


class FrozenBase:
    """A model cut behind its frozen base.

    Args:
        model: built; its ``base_layer`` is frozen.
        base_layer: the name of the base.
        training: the training parameters; ``feature_views`` is at least 1.
        data: what is trained and validated on.
        data_seed: of the training faces' subset, and of their views.
        seed: of the trial: the order of faces.
        precision: that the model computes in.
        code: a digest of what builds the model and changes faces (``code_digest.code_of``).
        kept: what stands for the base in ``model``; None where it is the base.
        build: makes the model with its base, for where something stands in for it and a set of
            features is not there any more.
    """

    def __init__(
        self,
        model: Any,
        base_layer: str,
        training: TrainingParameters,
        data: TrialData,
        *,
        data_seed: int,
        seed: int,
        precision: str,
        code: str,
        kept: KeptBase | None = None,
        build: Callable[[], Any] | None = None,
    ) -> None:
        import keras

        self._training, self._data = training, data
        self._data_seed, self._seed = data_seed, seed
        cut = _output_of(model, base_layer)
        pooled = pooled_head(model, base_layer)
        self._pools = pooled is not None
        self.head = pooled if self._pools else head_of(model, base_layer)
        self._shape = tuple(int(n) for n in cut.shape[1:])
        self._base_layer, self._build = base_layer, build
        self._extractor: Any = None
        self.key: Mapping[str, Any]
        if kept is not None:
            self.key = kept.key
        else:
            self._extractor = keras.Model(model.inputs, cut)
            self.key = {
                "layer": base_layer,
                "weights": _digest_of(self._extractor),
                "network": hashlib.sha256(self._extractor.to_json().encode()).hexdigest(),
                "precision": precision,
                "keras": backend.versions()["keras"],
                "code": code,
                "backend": backend_choice.backend_name(),
            }
        self._store = FeatureStore()
        # Without changes all views are one.
        self._augmentation = dataclasses.replace(Augmentation.of(training), mixup_alpha=0.0)
        changes = self._augmentation != Augmentation()
        self._views = training.feature_views if changes else 1

    def validation(self) -> Labelled:
        """Return the validation faces' features with their labels."""
        given = self._data.validation
        return Labelled(self._features(given.faces, "plain"), given.labels)

    def batches(self) -> Any:
        """Return a ``PyDataset`` like ``batches.epoch_batches``, of features."""
        import keras

        training, train = self._training, self._data.train
        views = [self._view(k) for k in range(self._views)]
        goals = targets(train.labels, self._data.classes, training.label_smoothing)
        weights = (
            balanced_weights(train.labels, self._data.classes) if training.class_weights else None
        )
        maker = FeatureMaker(views, goals, weights, training.batch_size, self._seed)

        class Batches(keras.utils.PyDataset):  # type: ignore[misc]
            """Features in a trial's own order."""

            def __init__(self) -> None:
                super().__init__(workers=0)
                self.maker = maker
                self.turn_to(1)

            def turn_to(self, epoch: int) -> None:
                """Give the batches of ``epoch`` from now on."""
                self._order, self._features = maker.order(epoch), maker.inputs(epoch)

            def __len__(self) -> int:
                return -(-len(train) // maker.batch_size)

            def __getitem__(self, index: int) -> tuple[Any, ...]:
                size = maker.batch_size
                chosen = self._order[index * size : (index + 1) * size]
                features = np.asarray(self._features[chosen], np.float32)
                if weights is None:
                    return features, goals[chosen]
                return features, goals[chosen], weights[chosen]

        return Batches()

    def _view(self, number: int) -> Features:
        faces = self._data.train.faces
        if self._augmentation == Augmentation():
            return self._features(faces, "plain")
        changes = {**dataclasses.asdict(self._augmentation), "seed": [self._data_seed, number]}

        def changed(start: int) -> npt.NDArray[np.uint8]:
            generator = np.random.default_rng([self._data_seed, number, start])
            batch = faces[start : start + _BATCH, :, :, 0]
            return augment(batch, self._augmentation, generator)[..., None]

        return self._features(faces, changes, changed)

    def _features(
        self,
        faces: npt.NDArray[np.uint8],
        changes: Any,
        changed: Callable[[int], npt.NDArray[np.uint8]] | None = None,
    ) -> Features:
        key = {**self.key, "faces": _digest_of_array(faces), "changes": changes}
        key = json.loads(json.dumps(key))

        def maps() -> Features:
            return self._store.get(key, (len(faces), *self._shape), compute)

        def numbers() -> Iterator[Features]:
            given = maps()
            for start in range(0, len(faces), _BATCH):
                yield numbers_of(given[start : start + _BATCH])

        def compute() -> Iterator[Features]:
            extractor = self._extractor_in_full()
            for start in range(0, len(faces), _BATCH):
                batch = changed(start) if changed else faces[start : start + _BATCH]
                missing = min(_BATCH, len(faces)) - len(batch)
                if missing:  # A batch of another size would make the backend compile again.
                    batch = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
                found = np.asarray(extractor.predict_on_batch(batch), np.float32)
                yield found[: len(found) - missing]

        if not self._pools:
            return maps()
        # The maps lie on the disk all the same: another head, which flattens them, finds them.
        shape = (len(faces), NUMBERS, self._shape[-1])
        return self._store.get({**key, "of": "pooled"}, shape, numbers, half=False)

    def _extractor_in_full(self) -> Any:
        import keras

        if self._extractor is None:
            assert self._build is not None
            model = self._build()
            self._extractor = keras.Model(model.inputs, _output_of(model, self._base_layer))
        return self._extractor


def head_of(model: Any, base_layer: str) -> Any:
    """Return the layers behind the base as a model, which shares their weights."""
    import keras

    return keras.Model(_output_of(model, base_layer), model.outputs)


def _output_of(model: Any, name: str) -> Any:
    # As a network of its own the base has another output than as a layer of this model, which is
    # what the layer behind it takes.
    place = [layer.name for layer in model.layers].index(name)
    return model.layers[place + 1].input


def _digest_of(network: Any) -> str:
    digest = hashlib.sha256()
    for array in network.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _digest_of_array(array: npt.NDArray[Any]) -> str:
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
