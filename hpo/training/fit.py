"""``train``: a pure function from a ``TrialJob`` to a ``TrialResult`` and a stream of epochs.

It knows neither Optuna nor MLflow nor the study, so it runs unchanged in a child process, under
keras-tuner, in a notebook or in a test. It writes the checkpoint and, where the job asks for it,
after each epoch the state from which another attempt could go on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hpo.spec.errors import HpoError
from hpo.spec.records import EpochReport, TrialJob, TrialResult
from hpo.training import backend
from hpo.training.answers import no_softmax, try_model
from hpo.training.augmentation import Augmentation
from hpo.training.batches import TrialData, epoch_batches, load_data
from hpo.training.code_digest import code_of
from hpo.training.copies import confusion_without_copies, without_copies
from hpo.training.course import Course
from hpo.training.frame import cut
from hpo.training.frozen import FrozenBase
from hpo.training.gathered import Gathered
from hpo.training.kept_base import KeptBase
from hpo.training.layer_table import layer_table
from hpo.training.loop import EpochLoop, StopTrial
from hpo.training.served import check_scalable
from hpo.training.state import remove_state


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
    trial = Gathered.of(job)
    try:
        with trial.timed("load"):
            data = load_data(job)
        with trial.timed("build"):
            trial.choose_precision(data)
            backend.prepare(seed=job.seed, precision=trial.job.precision, threads=job.threads)
            trial.kept = KeptBase.find(trial, data)
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
    finally:
        if trial.kept is not None:
            trial.kept.file.close()
    if (job.keep_state or job.leave_state) and not (job.leave_state and trial.state == "complete"):
        remove_state(job.output)
    return trial.result()


def _build(trial: Gathered, data: TrialData) -> Any:
    model, kept = trial.build(data), trial.kept
    shape = tuple(getattr(model, "output_shape", ()))
    right = shape == (None, data.classes)
    problem = None if right else f"the shape {shape}"
    if right and kept is None:  # Only this package's own models are built without their base.
        problem = try_model(model, data.input_shape, data.classes)
    if problem is not None:
        raise no_softmax(trial.architecture.name, data.classes, problem)
    if trial.training.temperature_scaling:
        check_scalable(model, trial.architecture.name)
    trial.labels = data.validation.labels
    trial.facts.update(
        parameter_count=int(model.count_params()) + (kept.weights if kept else 0),
        model_summary=layer_table(model, kept.rows, kept.weights) if kept else layer_table(model),
        train_size=len(data.train),
        train_copies_left_out=data.left_out,
        validation_size=len(data.validation),
    )
    unseen, held_out = data.unseen, data.validation
    if unseen is not None:
        trial.facts.update(
            validation_size_without_copies=len(unseen),
            validation_copies_trained_on=unseen.remembered,
            copies_digest=unseen.digest,
        )
        trial.without_copies = lambda judged: without_copies(
            judged.probabilities, held_out.labels, unseen, held_out.votes
        )
        trial.confusion_without_copies = lambda judged: confusion_without_copies(
            judged.predictions, held_out.labels, unseen, data.classes
        )
    return model


def _fit(
    trial: Gathered,
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
        frozen = functools.partial(_frozen, trial, model, base_layer, data)
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


def _frozen(trial: Gathered, model: Any, base_layer: str, data: TrialData) -> FrozenBase:
    job = trial.job
    base = FrozenBase(
        model,
        base_layer,
        trial.training,
        data,
        data_seed=job.data_seed,
        seed=job.seed,
        precision=job.precision,
        code=code_of(trial.architecture.build),
        kept=trial.kept,
        build=lambda: trial.build_in_full(data),
    )
    trial.features_key = base.key
    return base


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
