"""``train``: a pure function from a ``TrialJob`` to a ``TrialResult`` and a stream of epochs.

It knows neither Optuna nor MLflow nor the study, so it runs unchanged in a child process, under
keras-tuner, in a notebook or in a test. It writes the checkpoint and, where the job asks for it,
after each epoch the state from which another attempt could go on.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hpo.architectures.architecture import Architecture, load
from hpo.architectures.weights import check_weights
from hpo.spec.bits import pack_bits
from hpo.spec.errors import HpoError, SpecError
from hpo.spec.records import EpochReport, TrialJob, TrialResult
from hpo.training import backend
from hpo.training.answers import no_softmax, try_model
from hpo.training.augmentation import Augmentation
from hpo.training.batches import TrialData, epoch_batches, load_data
from hpo.training.checkpoint import check_folder, write_checkpoint
from hpo.training.copies import without_copies
from hpo.training.course import Course
from hpo.training.frame import cut
from hpo.training.frozen import FrozenBase
from hpo.training.fused_norms import fuse_norms
from hpo.training.layer_table import layer_table
from hpo.training.loop import EpochLoop, StopTrial
from hpo.training.measuring import measure, noise
from hpo.training.parameters import TrainingParameters
from hpo.training.precision import AUTO, PRECISIONS, choose
from hpo.training.resolve import ResolvedParameters, resolve_parameters
from hpo.training.served import check_scalable, scale, serve
from hpo.training.state import StateUnusable, read_state, remove_state, trial_identity, write_state
from hpo.training.validation import Judgement

OBJECTIVES = ("val_accuracy", "val_loss", "val_macro_f1")


def train(
    job: TrialJob,
    report: Callable[[EpochReport], None],
    should_stop: Callable[[], bool],
) -> TrialResult:
    """Train what ``job`` describes.

    The checkpoint is the model of the epoch whose objective was best, written once at the end to
    ``job.output/model.keras``; the result's ``value`` is that epoch's objective. A pruned or failed
    trial leaves no checkpoint, and its ``value`` is None.

    A trial that goes on from a state (``job.continue_from``) ends as it would have without the
    interruption: on a CPU and with as many threads to the last digit. A state that cannot be used
    is noted on the result, and the trial begins at the beginning.

    Args:
        job: what to train, on what, for how long.
        report: called with each epoch finished here, on the path of training: it must not wait.
            What it raises ends the trial as a crash would, and leaves the state.
        should_stop: asked after every step and epoch; True ends the trial as ``pruned``.

    Raises:
        SpecError: parameters, objective, precision or weights are wrong.
        DataError, NotFoundError, IntegrityError: the dataset is not what the job says.
        EnvironmentProblem: weights cannot be had, or the checkpoint cannot be written.
    """
    trial = _Trial.of(job)
    try:
        with trial.timed("load"):
            data = load_data(job)
        with trial.timed("build"):
            trial.choose_precision(data)
            backend.prepare(seed=job.seed, precision=trial.job.precision, threads=job.threads)
            model = _build(trial, data)
        _fit(trial, model, data, report, should_stop)
        with trial.timed("checkpoint"):
            trial.keep_checkpoint(model, data)
    except StopTrial as stop:
        trial.state, trial.reason = stop.state, stop.reason
    except Exception as error:
        if not _out_of_memory(error):
            raise
        trial.state = "failed"
        # An error may come without words: Python's own MemoryError mostly does.
        words = str(error).strip() or type(error).__name__
        trial.reason = f"out_of_memory: {words.splitlines()[0][:300]}"
    if (job.keep_state or job.leave_state) and not (job.leave_state and trial.state == "complete"):
        remove_state(job.output)
    return trial.result()


@dataclass
class _Trial:
    """What is gathered on the way to a result."""

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
    loop: EpochLoop | None = None
    state_kept: float = -math.inf
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, job: TrialJob) -> _Trial:
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
        return self.resolved.training

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start

    def choose_precision(self, data: TrialData) -> None:
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
        own = self.resolved.architecture
        model = self.architecture.build(own, data.input_shape, data.classes)
        fuse_norms(model)
        return model

    def keep_checkpoint(self, model: Any, data: TrialData) -> None:
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
        path, digest = write_checkpoint(served, self.job.output)
        self.facts.update(checkpoint=path, checkpoint_sha256=digest)
        if self.job.measure and loop.best is not None:
            count = self.facts["parameter_count"]
            measured = measure(self.job.measure, served, path, data.input_shape, count)
            self.notes += noise(measured)
            # The epoch as it was reported stays among the loop's epochs.
            loop.best = dataclasses.replace(loop.best, metrics={**loop.best.metrics, **measured})

    def identity(self, data: TrialData) -> dict[str, Any]:
        return trial_identity(
            self.job, self.resolved.params, data.digest, self.weights_used, backend.versions()
        )

    def go_on(self, course: Course, data: TrialData, folder: str) -> None:
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
            },
            **self.facts,
        )

    def _images_per_second(self, loop: EpochLoop) -> float:
        # The first epoch compiles; it counts only where there is no other.
        seconds = loop.train_seconds[1:] or loop.train_seconds
        if not seconds:
            return 0.0
        return float(self.facts["train_size"] * len(seconds) / sum(seconds))


def _build(trial: _Trial, data: TrialData) -> Any:
    model = trial.build(data)
    shape = tuple(getattr(model, "output_shape", ()))
    right = shape == (None, data.classes)
    problem = try_model(model, data.input_shape, data.classes) if right else f"the shape {shape}"
    if problem is not None:
        raise no_softmax(trial.architecture.name, data.classes, problem)
    if trial.training.temperature_scaling:
        check_scalable(model, trial.architecture.name)
    trial.labels = data.validation.labels
    trial.facts.update(
        parameter_count=int(model.count_params()),
        model_summary=layer_table(model),
        train_size=len(data.train),
        validation_size=len(data.validation),
    )
    unseen, held_out = data.unseen, data.validation
    if unseen is not None:
        trial.facts.update(validation_size_without_copies=len(unseen), copies_digest=unseen.digest)
        trial.without_copies = lambda judged: without_copies(
            judged.probabilities, held_out.labels, unseen, held_out.votes
        )
    return model


def _fit(
    trial: _Trial,
    model: Any,
    data: TrialData,
    report: Callable[[EpochReport], None],
    should_stop: Callable[[], bool],
) -> None:
    training, job = trial.training, trial.job
    steps = -(-len(data.train) // training.batch_size)
    loop = EpochLoop(job, training, model, data.validation, steps, report, should_stop)
    trial.loop = loop
    base_layer = trial.architecture.base_layer
    frozen = None
    if training.feature_views and base_layer is not None:
        frozen = functools.partial(
            FrozenBase,
            model,
            base_layer,
            training,
            data,
            data_seed=job.data_seed,
            seed=job.seed,
            precision=job.precision,
        )
    # Only faces that are sampled anyway are sampled as the network's first layers would.
    framed = cut(model) if Augmentation.of(training).geometric else None
    frame, core = framed or (None, None)
    course = Course(model, training, loop, base_layer, frozen, trial.architecture.stages, core)
    with trial.timed("fit"):
        if job.keep_state or job.leave_state:
            loop.keep_state = lambda: trial.keep_state(course, data)
        if job.continue_from is not None:
            trial.go_on(course, data, job.continue_from)
        course.run(epoch_batches(data, training, job.seed, frame))


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, HpoError):
        return False
    name, text = type(error).__name__, str(error).lower()
    return (
        isinstance(error, MemoryError)
        or name in ("ResourceExhaustedError", "OutOfMemoryError")
        or "out of memory" in text
        or "resource_exhausted" in text
    )
