"""The catalogue: every plug-in is a name here, a ``module:attribute`` that is imported when needed.

A new part of the package is one file and one line below. A part of someone else's package needs no
line: an entry point of the group ``hpo.<kind>`` (``hpo.architecture``, ``hpo.sampler``, ...), or
``package.module:attribute`` in place of the name.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import entry_points
from typing import Any

from hpo.spec.errors import NotFoundError, did_you_mean

CATALOGUE: dict[str, dict[str, str]] = {
    "architecture": {
        "cnn": "hpo.architectures.cnn:build",
        "resnet50": "hpo.architectures.resnet50:build",
        "xception": "hpo.architectures.xception:build",
    },
    "face_importer": {
        "image-parquet": "hpo.data.importers.image_parquet:read",
        "pixel-csv": "hpo.data.importers.pixel_csv:read",
        "image-folders": "hpo.data.importers.image_folders:read",
    },
    "sampler": {
        "tpe": "hpo.search.samplers:tpe",
        "random": "hpo.search.samplers:random",
        "qmc": "hpo.search.samplers:qmc",
        "cmaes": "hpo.search.samplers:cmaes",
        "grid": "hpo.search.samplers:grid",
    },
    "pruner": {
        "median": "hpo.search.pruners:median",
        "hyperband": "hpo.search.pruners:hyperband",
        "threshold": "hpo.search.pruners:threshold",
        "none": "hpo.search.pruners:none",
    },
    "engine": {
        "optuna": "hpo.search.optuna_engine:OptunaEngine",
        "keras-tuner": "hpo.search.keras_tuner_engine:KerasTunerEngine",
    },
    "report_section": {},
}


def names(kind: str) -> list[str]:
    """Return the names known for ``kind``, those of installed entry points included."""
    return sorted({*CATALOGUE[kind], *(e.name for e in entry_points(group=f"hpo.{kind}"))})


def resolve(kind: str, name: str, where: str | None = None) -> Any:
    """Import what ``name`` stands for.

    Args:
        kind: a key of ``CATALOGUE``.
        name: a catalogue name, an entry point's name, or ``package.module:attribute``.
        where: what to name in the error, such as ``study.yaml:12``.

    Raises:
        NotFoundError: there is no such name, module or attribute.
    """
    target = CATALOGUE[kind].get(name)
    if target is None:
        for entry in entry_points(group=f"hpo.{kind}"):
            if entry.name == name:
                return entry.load()
        target = name
    module_name, colon, attribute = target.partition(":")
    if not colon:
        raise NotFoundError(
            f"unknown {kind.replace('_', ' ')} '{name}'",
            where=where,
            expected=f"one of {', '.join(names(kind))}, or package.module:attribute",
            hint=did_you_mean(name, names(kind)),
        )
    # A console script does not have the current directory on its path; the user's own module
    # usually lies there, beside the study file.
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise NotFoundError(
            f"cannot import '{module_name}' for {kind.replace('_', ' ')} '{name}'",
            where=where,
            hint="Install the package, or run from the folder that holds it",
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise NotFoundError(
            f"module '{module_name}' has no '{attribute}'",
            where=where,
            hint=did_you_mean(attribute, [n for n in dir(module) if not n.startswith("_")]),
        ) from error
