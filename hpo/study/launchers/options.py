"""The launchers' options with their defaults: checked before a store is opened or Ray loaded."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from hpo.search.options import NoOptions, Options, read_options
from hpo.spec.errors import SpecError
from hpo.spec.numbers import Real, Whole
from hpo.spec.study import StudySpec


class RayOptions(Options):
    """Workers on the nodes of a Ray cluster, each with one trial at a time."""

    workers: Whole = Field(default=1, ge=1, le=1024)
    num_cpus: Real = Field(default=1, ge=0)
    num_gpus: Real = Field(default=0, ge=0, le=1)
    address: str | None = None

    @field_validator("address")
    @classmethod
    def _on_a_node(cls, address: str | None) -> str | None:
        if address in (None, "", "none", "local"):
            return None
        if address is not None and "://" in address:
            # Through Ray's client the coordinator would sit outside of the cluster, where it could
            # not tell a lost connection from lost workers.
            raise ValueError(
                "address takes auto or HOST:PORT; start hpo run on a node of the cluster"
            )
        return address

    @model_validator(mode="after")
    def _whole_cores(self) -> Self:
        if self.num_cpus > 1 and self.num_cpus != int(self.num_cpus):
            raise ValueError("num_cpus above 1 must be a whole number; Ray splits only one core")
        return self


LAUNCHERS: dict[str, type[Options]] = {"local": NoOptions, "ray": RayOptions}


def ray_options(spec: StudySpec) -> RayOptions:
    """Return the options of the launcher ``ray``, defaults filled in."""
    return read_options(RayOptions, spec.launcher.options, "launcher")


def check_launcher(spec: StudySpec) -> None:
    """Check the launcher's options; those of a user's own launcher are left to it.

    Raises:
        SpecError: an option is unknown or wrong, or does not go with the rest of the study.
    """
    model = LAUNCHERS.get(spec.launcher.name)
    if model is not None:
        read_options(model, spec.launcher.options, "launcher")
    if spec.launcher.name == "ray" and spec.workers > 1:
        # A worker's trials would share the cores and the GPU that Ray gave it for one.
        raise SpecError(
            "under the launcher ray each worker runs one trial at a time",
            where="workers",
            got=f"{spec.workers} trials at once",
            hint=f"Write launcher: {{name: ray, workers: {spec.workers}}} and leave this key out",
        )


def trials_at_once(spec: StudySpec) -> int:
    """Return how many trials of a study run at once where there is room for all."""
    return ray_options(spec).workers if spec.launcher.name == "ray" else spec.workers
