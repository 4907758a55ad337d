"""The weights of a frozen base on disk: a head on kept features is saved with them, not with it.

A trial of a head whose features are there needs its base for nothing but the file that is served.
The first trial leaves the base's part of that file beside the features; later ones build the head
behind a stand-in (``architectures.stand_ins``) and join both parts. Whether the joined file is what
Keras would have saved is seen once, before anything is kept: the first trial's file is made in both
ways and compared, number by number.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hpo.architectures.pretrained import HEAD_PARAMETERS, PretrainedParameters
from hpo.architectures.stand_ins import standing_in
from hpo.training import backend
from hpo.training.code_digest import is_ours, our_code
from hpo.training.features import FeatureStore
from hpo.training.layer_table import rows_of

if TYPE_CHECKING:
    from hpo.training.batches import TrialData
    from hpo.training.gathered import Gathered

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"


@dataclass(frozen=True)
class KeptBase:
    """A base that need not be built.

    Args:
        file: HDF5, its weights as they lie in a ``.keras`` file.
        layer: the name of the base.
        output_shape: of the base for one face.
        key: what its features depend on, as of ``FrozenBase``.
        config: the base as a ``.keras`` file describes it.
        weights: how many it has.
        rows: of it in a ``layer_table``.
    """

    file: BinaryIO
    layer: str
    output_shape: Sequence[int]
    key: Mapping[str, Any]
    config: Mapping[str, Any]
    weights: int
    rows: list[list[str]]

    @classmethod
    def find(cls, trial: Gathered, data: TrialData) -> KeptBase | None:
        """Return the base of a trial that trains a head and nothing else; None if it must be built.

        A trial that keeps states, is asked about faces in other ways, or measured, builds it.
        """
        recipe = _recipe(trial, data)
        found = FeatureStore().find_file(recipe) if recipe else None
        if found is None:
            return None
        file, facts = found
        return cls(file, **facts)

    @classmethod
    def keep(
        cls, trial: Gathered, data: TrialData, model: Any, key: Mapping[str, Any], checkpoint: str
    ) -> None:
        """Keep the base of a trial's model, if a file that is joined of it is the same file.

        Args:
            trial: what trained it.
            data: on what.
            model: built in full.
            key: as of ``FrozenBase``.
            checkpoint: the file that was saved of the model.
        """
        recipe, layer = _recipe(trial, data), trial.architecture.base_layer
        if recipe is None or layer is None:
            return
        base = model.get_layer(layer)
        with zipfile.ZipFile(checkpoint) as saved:
            described = json.loads(saved.read(_CONFIG))
            size = saved.getinfo(_WEIGHTS).file_size
        facts: dict[str, Any] = {
            "layer": layer,
            "output_shape": list(base.output_shape[1:]),
            "key": dict(key),
            "config": _described(described, layer),
            "weights": int(base.count_params()),
            "rows": [list(row) for row in rows_of([base])],
        }

        def write(part: Path) -> None:
            _cut_out(checkpoint, layer, part)
            with part.open("rb") as file:
                kept = cls(file, **facts)
                with kept.standing_in():
                    head = trial.build(data)
                others = [layer for layer in model.layers if layer is not base]
                head.set_weights([array for layer in others for array in layer.get_weights()])
                joined = Path(checkpoint).with_name(f".{part.stem}.keras")
                try:
                    kept.save(head, joined)
                    same = _same_files(joined, checkpoint)
                finally:
                    joined.unlink(missing_ok=True)
            if not same:
                raise OSError("this version of Keras saves models in another way")

        FeatureStore().keep_file(recipe, size, write, facts)

    def standing_in(self) -> AbstractContextManager[None]:
        """Let models be built without their base."""
        return standing_in(tuple(self.output_shape))

    def save(self, model: Any, target: Path) -> None:
        """Write a model that was built without its base as one that has it.

        Args:
            model: never compiled.
            target: a ``.keras`` file.

        Raises:
            OSError: it cannot be written.
        """

        own = target.with_name(f"{target.stem}.own.keras")
        try:
            model.save(own)
            with zipfile.ZipFile(own) as head, zipfile.ZipFile(target, "w") as whole:
                described = json.loads(head.read(_CONFIG))
                base = _described(described, self.layer)
                base.clear()
                base.update(self.config)
                for name in head.namelist():
                    if name == _CONFIG:
                        whole.writestr(name, json.dumps(described))
                    elif name == _WEIGHTS:
                        whole.writestr(name, self._with(head.read(name)))
                    else:
                        whole.writestr(name, head.read(name))
        finally:
            with contextlib.suppress(OSError):
                own.unlink(missing_ok=True)

    def _with(self, others: bytes) -> memoryview:
        """Return HDF5 that holds the base's weights beside those of other layers."""
        import h5py

        self.file.seek(0)
        # In memory: a file would be written, read and removed again.
        image = io.BytesIO(self.file.read())
        with h5py.File(image, "r+") as written, h5py.File(io.BytesIO(others), "r") as read:
            for place in _places(read, lambda name: name != self.layer):
                read.copy(place, written, place)
        return image.getbuffer()


def _recipe(trial: Gathered, data: TrialData) -> dict[str, Any] | None:
    """Return all that a trial's base and its features hang on but faces; None if it needs the base.

    It is known without building anything, so it is finer than it need be: another version, or
    another line in one of the architectures, is another base.
    """
    job, training, own = trial.job, trial.training, trial.resolved.architecture
    if not isinstance(own, PretrainedParameters) or trial.architecture.base_layer is None:
        return None
    frozen = training.feature_views and own.unfreeze == "none" and not training.head_epochs
    asked = training.test_views != "none" or training.temperature_scaling or job.measure
    states = job.keep_state or job.leave_state or job.continue_from is not None
    if not frozen or asked or states or not is_ours(trial.architecture.build):
        return None
    return {
        "base": trial.architecture.name,
        "parameters": own.model_dump(mode="json", exclude={*HEAD_PARAMETERS, "weights"}),
        "weights": trial.weights_used,
        "faces": list(data.input_shape),
        "precision": job.precision,
        "versions": backend.versions(),
        "source": our_code(),
    }


def _described(model: Mapping[str, Any], layer: str) -> dict[str, Any]:
    """Return what a model's configuration says of one of its layers."""
    layers: list[dict[str, Any]] = model["config"]["layers"]
    return next(one for one in layers if one["name"] == layer)


def _places(file: Any, chosen: Callable[[str], bool]) -> Iterator[str]:
    """Yield where the weights of layers lie, by the layers' names."""
    for place in file["layers"]:
        if chosen(str(file["layers"][place]["vars"].attrs["name"])):
            yield f"layers/{place}"


def _cut_out(checkpoint: str, layer: str, target: Path) -> None:
    """Write a model's weights with those of ``layer`` alone, its own few things included."""
    import h5py

    with (
        zipfile.ZipFile(checkpoint) as saved,
        h5py.File(io.BytesIO(saved.read(_WEIGHTS)), "r") as read,
        h5py.File(target, "w") as written,
    ):
        read.copy("vars", written)
        written.create_group("layers")
        for place in _places(read, lambda name: name == layer):
            read.copy(place, written, place)


def _same_files(one: Path, other: str) -> bool:
    """Tell whether two ``.keras`` files hold the same model, wherever in them it lies."""
    import h5py

    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        if json.loads(first.read(_CONFIG)) != json.loads(second.read(_CONFIG)):
            return False
        found = []
        for saved in (first, second):
            arrays: dict[str, Any] = {}
            with h5py.File(io.BytesIO(saved.read(_WEIGHTS)), "r") as file:
                file.visititems(
                    lambda name, item, arrays=arrays: arrays.update(
                        {name: (dict(item.attrs), item[()] if hasattr(item, "shape") else None)}
                    )
                )
            found.append(arrays)
    return found[0].keys() == found[1].keys() and all(
        attributes == found[1][name][0] and np.array_equal(array, found[1][name][1])
        for name, (attributes, array) in found[0].items()
    )
