"""The catalogue: every plug-in is a name here, a ``module:attribute`` that is imported when needed.

A new part of the package is one file and one line below. A part of someone else's package needs no
line: an entry point of the group ``hpo.<kind>`` (``hpo.architecture``, ``hpo.sampler``, ...), or
``package.module:attribute`` in place of the name.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from hpo.spec.errors import NotFoundError, SpecError, close_to, did_you_mean

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
        "nsgaii": "hpo.search.samplers:nsgaii",
        "nsgaiii": "hpo.search.samplers:nsgaiii",
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
    "launcher": {
        "local": "hpo.study.launchers.local:LocalLauncher",
        "ray": "hpo.study.launchers.ray_cluster:RayLauncher",
    },
    # In the order of the page.
    "report_section": {
        "results": "hpo.reports.draw.results:section",
        "shares": "hpo.reports.draw.shares:section",
        "confirmation": "hpo.reports.draw.confirmation:section",
        "gain": "hpo.reports.draw.gain:section",
        "anytime": "hpo.reports.draw.anytime:section",
        "cost": "hpo.reports.draw.cost:section",
        "history": "hpo.reports.draw.history:section",
        "pareto": "hpo.reports.draw.pareto:section",
        "importance": "hpo.reports.draw.importance:section",
        "parallel": "hpo.reports.draw.parallel:section",
        "slices": "hpo.reports.draw.slices:section",
        "contours": "hpo.reports.draw.contours:section",
        "curves": "hpo.reports.draw.curves:section",
        "confusion": "hpo.reports.draw.confusion:section",
        "time": "hpo.reports.draw.time_spent:section",
    },
}


_BESIDE: list[str] = []
"""Folders of study files that were read."""


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
        SpecError: the user's module is there, but importing it fails.
    """
    what = f"{kind.replace('_', ' ')} '{name}'"
    shipped = CATALOGUE[kind].get(name)
    if shipped is not None:
        module_name, _, attribute = shipped.partition(":")
        return getattr(importlib.import_module(module_name), attribute)
    for entry in entry_points(group=f"hpo.{kind}"):
        if entry.name == name:
            with _blaming(entry.value, what, where):
                return entry.load()
    module_name, colon, attribute = name.partition(":")
    if not colon or not all(part.isidentifier() for part in module_name.split(".")):
        raise NotFoundError(
            f"unknown {what}",
            where=where,
            expected=f"one of {', '.join(names(kind))}, or package.module:attribute",
            hint=did_you_mean(name, names(kind), listed=True),
        )
    # A console script does not have the current directory on its path; the user's own module
    # usually lies there or beside the study file (allow_modules_beside).
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    with _blaming(module_name, what, where):
        module = importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise NotFoundError(
            f"module '{module_name}' has no '{attribute}'",
            where=where,
            hint=did_you_mean(attribute, [n for n in dir(module) if not n.startswith("_")]),
        ) from error


def allow_modules_beside(path: Path) -> None:
    """Let a study file name ``package.module:attribute`` of a module in its own folder.

    The folder goes to the end of ``sys.path``, once, where it hides nothing that is installed. The
    processes of trials get the path from their parent.
    """
    folder = str(path.resolve().parent)
    if folder not in _BESIDE:
        _BESIDE.append(folder)
    if folder not in sys.path:
        sys.path.append(folder)


_INSTALL = "Install the package, or put the module beside the study file"


def _nearest(missing: str) -> str:
    """Return which modules a mistyped one may be; "" if none is near.

    Args:
        missing: its name; of one within a package, that package is there.
    """
    package, dot, name = missing.rpartition(".")
    folders = getattr(sys.modules.get(package), "__path__", []) if package else _own_folders()
    known = {
        entry.stem
        for folder in folders
        for entry in _listed(Path(folder))
        if entry.stem.isidentifier()
        and (entry.suffix == ".py" or (entry / "__init__.py").is_file())
    }
    # The last part alone is mistyped; that all begin alike would make all of them near.
    near = [f"'{package}{dot}{one}'" for one in close_to(name, sorted(known))]
    return f"Did you mean {' or '.join(near)}?" if near else ""


def _own_folders() -> list[str]:
    """Return where a person's own modules are looked for."""
    return [os.getcwd(), *_BESIDE]


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


@contextmanager
def _blaming(module_name: str, what: str, where: str | None) -> Iterator[None]:
    """Say of a failed import whether the user's module is missing or broken."""
    try:
        yield
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and (module_name == missing or module_name.startswith(f"{missing}.")):
            raise NotFoundError(
                f"cannot import '{module_name}' for {what}",
                where=where,
                hint=_nearest(missing) or _INSTALL,
            ) from error
        raise SpecError(
            f"importing '{module_name}' for {what} fails",
            got=f"{type(error).__name__}: {error}",
            where=where,
            hint=f'See where with: python -c "import {module_name.partition(":")[0]}"',
        ) from error
