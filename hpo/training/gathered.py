"""What a trial gathers on its way to a ``TrialResult``: seconds, facts, notes, the checkpoint."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from hpo.architectures.architecture import Architecture, load
from hpo.architectures.weights import check_weights
from hpo.spec.bits import pack_bits
from hpo.spec.errors import SpecError
from hpo.spec.records import TrialJob, TrialResult
from hpo.training import backend, backend_choice
from hpo.training.batches import TrialData
from hpo.training.checkpoint import check_folder, write_checkpoint
from hpo.training.course import Course
from hpo.training.fused_norms import fuse_norms
from hpo.training.kept_base import KeptBase
from hpo.training.loop import EpochLoop
from hpo.training.measuring import measure, noise
from hpo.training.parameters import TrainingParameters
from hpo.training.precision import AUTO, PRECISIONS, choose
from hpo.training.resolve import ResolvedParameters, resolve_parameters
from hpo.training.served import scale, serve
from hpo.training.state import StateUnusable, read_state, trial_identity, write_state
from hpo.training.validation import Judgement

OBJECTIVES = ("val_accuracy", "val_loss", "val_macro_f1")


@dataclass
class Gathered:
    """A trial at work.

    Args:
        job: what to train; its precision is no longer ``auto`` once that is chosen.
        architecture: its own.
        resolved: all parameters, the defaults included.
        weights_used: which weights the base begins with, by file and checksum.
        began: when, by the clock that ``time.perf_counter`` reads.
        state: of the result.
        reason: likewise.
        seconds: by phase.
        labels: of the validation faces.
        without_copies: from a judgement to its metrics on faces that training has no copy of.
        confusion_without_copies: likewise to the result's fields of its confusion on these.
        loop: of the epochs, once they begin.
        kept: what the base need not be built for; None where it is built.
        features_key: what the features that were trained on hang on; None if on none.
        state_kept: when a state was written last, by the same clock.
        facts: more fields of the result.
        notes: sentences for people.
    """

    job: TrialJob
    architecture: Architecture
    resolved: ResolvedParameters
    weights_used: str
    began: float
    state: Any = "complete"
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    labels: Any = None
    without_copies: Callable[[Judgement], dict[str, float]] = lambda judged: {}
    confusion_without_copies: Callable[[Judgement], dict[str, Any]] = lambda judged: {}
    loop: EpochLoop | None = None
    kept: KeptBase | None = None
    features_key: Mapping[str, Any] | None = None
    state_kept: float = -math.inf
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, job: TrialJob) -> Self:
        """Check a job and begin its clock.

        Raises:
            SpecError: parameters, objective, precision or weights are wrong.
            EnvironmentProblem: weights cannot be had, or no checkpoint could be written.
        """
        began = time.perf_counter()
        for name, value, choices in (
            ("objective", job.objective, OBJECTIVES),
            ("precision", job.precision, (*PRECISIONS, AUTO)),
        ):
            if value not in choices:
                raise SpecError(
                    f"unknown {name} '{value}'", expected=f"one of {', '.join(choices)}"
                )
        check_folder(job.output)
        architecture = load(job.architecture)
        params = dict(job.params)
        if architecture.needs_weights and job.weights is not None:
            params.setdefault("weights", job.weights)
        resolved = resolve_parameters(architecture, params)
        weights = resolved.params.get("weights") if architecture.needs_weights else job.weights
        used = check_weights(architecture, weights, resolved.params)
        return cls(job, architecture, resolved, used, began)

    @property
    def training(self) -> TrainingParameters:
        """Return the parameters of training."""
        return self.resolved.training

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count the seconds inside towards ``phase``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start

    def choose_precision(self, data: TrialData) -> None:
        """Put the faster precision in the place of ``auto``, by measurement."""
        if self.job.precision != AUTO:
            return
        choice = choose(
            self.architecture.name,
            self.resolved.params,
            lambda: self.build(data),
            data.input_shape,
            data.classes,
            self.job.threads,
        )
        self.job = dataclasses.replace(self.job, precision=choice.precision)
        self.notes.append(choice.note)

    def build(self, data: TrialData) -> Any:
        """Return the network, with its weights, as it trains fastest."""
        own = self.resolved.architecture
        with self.kept.standing_in() if self.kept else contextlib.nullcontext():
            model = self.architecture.build(own, data.input_shape, data.classes)
        fuse_norms(model)
        return model

    def build_in_full(self, data: TrialData) -> Any:
        """Return a model with its base, whatever is kept, for who asks the base."""
        return dataclasses.replace(self, kept=None).build(data)

    def keep_checkpoint(self, model: Any, data: TrialData) -> None:
        """Write what is served of the best epoch, and measure it where the job asks for that.

        Raises:
            EnvironmentProblem: it cannot be written.
        """
        loop, training = self.loop, self.training
        assert loop is not None
        model.set_weights(loop.best_weights)
        if training.temperature_scaling and loop.best is not None:
            size = max(64, training.batch_size)
            found, judged = scale(model, data.validation, size, training.test_views)
            metrics = {**loop.best.metrics, **judged.metrics, "temperature": found}
            # The epoch as it was reported stays among the loop's epochs.
            loop.best = dataclasses.replace(loop.best, metrics=metrics)
            loop.best_judgement = judged
        served = serve(model, training.test_views)
        save = self.kept.save if self.kept else None
        path, digest = write_checkpoint(served, self.job.output, save)
        if self.kept is None and self.features_key is not None:
            KeptBase.keep(self, data, model, self.features_key, path)
        self.facts.update(checkpoint=path, checkpoint_sha256=digest)
        if self.job.measure and loop.best is not None:
            count = self.facts["parameter_count"]
            measured = measure(self.job.measure, served, path, data.input_shape, count)
            self.notes += noise(measured)
            # The epoch as it was reported stays among the loop's epochs.
            loop.best = dataclasses.replace(loop.best, metrics={**loop.best.metrics, **measured})

    def identity(self, data: TrialData) -> dict[str, Any]:
        """Return what a state must be of so that this trial may go on from it."""
        return trial_identity(
            self.job, self.resolved.params, data.digest, self.weights_used, backend.versions()
        )

    def go_on(self, course: Course, data: TrialData, folder: str) -> None:
        """Take up the state in ``folder``, or note why the trial begins at its first epoch."""
        try:
            state = read_state(folder, self.identity(data))
            course.restore(state)
        except StateUnusable as problem:
            self.notes.append(f"began at the first epoch, not from {folder}: {problem}")
        else:
            self.facts["continued_from_epoch"] = len(course.loop.epochs)
            if state.trial.get("rungs", []) != self.job.rungs:
                # The rung below may have ended by patience, which begins anew at each rung.
                course.loop.restart_patience()

    def keep_state(self, course: Course, data: TrialData) -> None:
        """Write a state, unless the last one is younger than the job says."""
        if time.perf_counter() - self.state_kept < self.job.seconds_between_states:
            return
        try:
            with self.timed("state"):
                write_state(course.state(self.identity(data)), self.job.output)
            self.state_kept = time.perf_counter()
        except OSError as error:
            # The state is there for the trial's sake; the trial must not end for the state's.
            note = f"could not keep a state in {self.job.output}: {error.strerror or error}"
            if note not in self.notes:
                self.notes.append(note)

    def result(self) -> TrialResult:
        """Return what was gathered."""
        loop, complete = self.loop, self.state == "complete"
        if loop is not None:
            self.seconds["evaluate"] = loop.validation_seconds
            elsewhere = loop.validation_seconds + self.seconds.get("state", 0.0)
            self.seconds["fit"] = max(0.0, self.seconds.get("fit", 0.0) - elsewhere)
            if loop.best is not None and loop.best_judgement is not None:
                metrics = {**loop.best.metrics, **loop.best_scores()}
                metrics |= self.without_copies(loop.best_judgement)
                self.facts.update(best_epoch=loop.best.epoch, metrics=metrics)
                self.facts.update(final_metrics=loop.epochs[-1].metrics)
                self.facts.update(confusion=loop.best_judgement.confusion.tolist())
                self.facts.update(self.confusion_without_copies(loop.best_judgement))
                predictions = loop.best_judgement.predictions
                self.facts.update(predictions=predictions.tolist())
                self.facts.update(correct=pack_bits((predictions == self.labels).tolist()))
                if complete:
                    self.facts["value"] = loop.best.metrics[self.job.objective]
            if complete and loop.stopped_early:
                self.reason = "early_stopping"
            self.facts["epochs_run"] = len(loop.epochs)
            self.facts["images_per_second"] = self._images_per_second(loop)
        self.seconds["total"] = time.perf_counter() - self.began
        return TrialResult(
            state=self.state,
            reason=self.reason,
            seconds=self.seconds,
            weights_used=self.weights_used,
            params=self.resolved.params,
            notes=self.notes,
            environment={
                **backend.versions(),
                "device": backend.device_name(),
                "precision": self.job.precision,
                "cores": str(self.job.threads or backend.cores()),
                **({"onednn": "off"} if backend_choice.onednn() == "off" else {}),
            },
            **self.facts,
        )

    def _images_per_second(self, loop: EpochLoop) -> float:
        # The first epoch compiles; it counts only where there is no other.
        seconds = loop.train_seconds[1:] or loop.train_seconds
        if not seconds:
            return 0.0
        return float(self.facts["train_size"] * len(seconds) / sum(seconds))
