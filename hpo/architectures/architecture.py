"""What an architecture is to the rest of the package, and how a name becomes one.

``load("cnn")``, ``load("mypackage.net:build")`` and the name of an entry point all give an
``Architecture``. Only ``build`` is required of a user's own module; ``Parameters``, ``THESIS``,
``DEFAULTS``, ``BASE_LAYER``, ``STAGES`` and ``IMAGENET`` are taken from beside it where they stand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from hpo.architectures.undeclared import refuse_misnamed
from hpo.spec.catalogue import resolve
from hpo.spec.errors import SpecError


class ArchitectureParameters(BaseModel):
    """Base of every ``Parameters``: strict types, no unknown names, not changeable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class PublishedWeights:
    """ImageNet weights without the classifier, as keras.applications publishes them.

    Args:
        url: where Keras downloads them from.
        md5: the checksum that Keras itself checks.
        megabytes: size of the download.
    """

    url: str
    md5: str
    megabytes: int

    @property
    def file_name(self) -> str:
        """Return the name that the file has in Keras's cache."""
        return self.url.rsplit("/", 1)[1]


@dataclass(frozen=True)
class Architecture:
    """One architecture: how to build it and which parameters it takes.

    Args:
        name: the catalogue's name or ``package.module:build``.
        build: ``(params, input_shape, classes) -> keras.Model``; ``input_shape`` is ``(height,
            width, 1)`` of grey faces with values 0-255, the output a softmax ``(n, classes)``.
        parameters: the pydantic model of ``params``; None if the module declares none, and then
            ``params`` is a plain dict of every parameter that is not training's.
        thesis: the thesis's own configuration, architecture and training parameters together,
            ``weights`` left out; empty for an architecture that the thesis has not.
        defaults: training parameters whose default differs for this architecture.
        base_layer: name of the nested model that can hold pretrained weights; None if there is
            none.
        stages: of that model, from the input on: what the name of each one's first layer begins
            with; empty if it is one piece.
        imagenet: where its ImageNet weights come from; None if there are none.
    """

    name: str
    build: Callable[[Any, tuple[int, int, int], int], Any]
    parameters: type[BaseModel] | None = None
    thesis: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    base_layer: str | None = None
    stages: tuple[str, ...] = ()
    imagenet: PublishedWeights | None = None

    @property
    def needs_weights(self) -> bool:
        """Tell whether ``weights`` means anything to it."""
        return self.base_layer is not None


def load(name: str, where: str | None = None) -> Architecture:
    """Return the architecture that ``name`` stands for.

    Args:
        name: a catalogue name, an entry point's name, or ``package.module:build``.
        where: what to name in an error, such as ``study.yaml:12``.

    Raises:
        NotFoundError: there is no such name, module or attribute.
        SpecError: it cannot be called, what stands beside it is of another kind, or its parameters
            are declared under another name than ``Parameters``.
    """
    build = resolve("architecture", name, where)
    if isinstance(build, Architecture):
        return build
    if not callable(build):
        raise SpecError(
            f"architecture '{name}' cannot be called",
            where=where,
            expected="a function build(params, input_shape, classes) that returns a keras.Model",
            got=type(build).__name__,
        )
    module = sys.modules.get(getattr(build, "__module__", ""))
    parameters = getattr(module, "Parameters", None)
    if parameters is not None and not (
        isinstance(parameters, type) and issubclass(parameters, BaseModel)
    ):
        raise SpecError(
            f"'Parameters' beside architecture '{name}' is no pydantic model",
            where=where,
            expected="a subclass of pydantic.BaseModel, or no 'Parameters' at all",
            got=repr(parameters),
        )
    if parameters is None and module is not None:
        refuse_misnamed(name, build, module, where)
    return Architecture(
        name=name,
        build=build,
        parameters=parameters,
        thesis=_mapping(module, "THESIS", name, where),
        defaults=_mapping(module, "DEFAULTS", name, where),
        base_layer=getattr(module, "BASE_LAYER", None),
        stages=tuple(getattr(module, "STAGES", ())),
        imagenet=getattr(module, "IMAGENET", None),
    )


def _mapping(module: Any, attribute: str, name: str, where: str | None) -> dict[str, Any]:
    value = getattr(module, attribute, {})
    if not isinstance(value, Mapping):
        raise SpecError(
            f"'{attribute}' beside architecture '{name}' is no mapping of parameters",
            where=where,
            expected="a dict such as {'learning_rate': 0.001}",
            got=type(value).__name__,
        )
    return dict(value)
