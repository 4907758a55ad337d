"""Plain data that crosses process and room boundaries: job, epoch, result, and trial as stored."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from hpo.spec.confirmation import trial_title

SINGLE = "single"
"""Origin of a run that belongs to no budget: one configuration, trained by itself."""
SPACE_FILLING: Literal["space-filling"] = "space-filling"
"""Origin of a trial beyond the budget that samples the space evenly, for importance."""

FAILURES = (
    "nan_loss",
    "out_of_memory",
    "crashed",
    "time_limit",
    "disk_full",
    "interrupted",
    "worker_lost",
    "error",
)
"""What the reason of a failed trial may begin with.

``crashed``: its process ended without a word. ``interrupted`` and ``worker_lost``: its slot is
asked for again. ``error``: anything that training raised.
"""

WITHOUT_COPIES = "_without_copies"
"""After the name of a validation metric: the same over the faces of which training has no copy."""

TrialState = Literal["running", "waiting", "complete", "pruned", "failed"]


class _Plain:
    """JSON in and out for frozen dataclasses whose fields are plain data."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict with one key per field."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the record; keys that a newer version wrote are passed over."""
        known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        return cls(**{key: value for key, value in data.items() if key in known})


@dataclass(frozen=True)
class TrialJob(_Plain):
    """Everything that training needs to know, and nothing about the study around it.

    Args:
        job_id: a name for messages and folders, such as ``"thesis/cnn/3"``.
        architecture: a catalogue name, or ``package.module:build`` of the user's own.
        params: architecture and training parameters by name; those left out take their defaults.
        dataset: folder of the canonical store.
        dataset_digest: digest that the store's manifest must show.
        output: folder for the checkpoint; made if absent.
        seed: seeds weights, shuffling, augmentation and dropout.
        weights: ``"imagenet"``, ``"none"`` or a file, for architectures with pretrained weights.
        train_limit: train on a stratified subset of this many faces; None for all.
        validation_limit: the same for validation.
        leakage: ``"drop"`` leaves out of training what is a duplicate of a held-out face, before
            the subset is drawn; ``"keep"`` does not.
        data_seed: draws the subsets; the same for all trials of a study.
        objective: name of the metric by which the checkpoint is chosen, such as ``val_accuracy``.
        direction: ``"maximize"`` or ``"minimize"`` of the objective.
        precision: ``"float32"``, ``"mixed_bfloat16"`` or, for the faster one, ``"auto"``.
        threads: number of cores that the trial may use; None for all.
        gpu: the one GPU that the trial may see, as ``CUDA_VISIBLE_DEVICES`` takes it; None for all.
        keep_state: after each epoch but the last, write to ``output`` the state from which a later
            attempt could go on; deleted when the trial has ended.
        seconds_between_states: at the least; 0 for one after each epoch.
        continue_from: folder with such a state, of an earlier attempt at the same configuration
            with the same seed and data, or of its trial at the rung below: training goes on after
            its last epoch. None: from the beginning.
        rungs: epochs, ascending and below ``epochs``, at which earlier trials of the configuration
            ended: there the rate's schedule and patience begin anew.
        measure: what is measured of the checkpoint when training has ended, for objectives and
            constraints: ``latency_ms``, ``size_mib``, ``parameter_count``.
        leave_state: leave the state of the last epoch in ``output`` when the trial is complete, for
            the trial at the next rung.
        onednn: False where an earlier attempt's process crashed and TensorFlow's oneDNN may have
            been at fault: whoever starts the process then does so in an environment that switches
            it off.
    """

    job_id: str
    architecture: str
    params: dict[str, Any]
    dataset: str
    dataset_digest: str
    output: str
    seed: int
    weights: str | None = None
    train_limit: int | None = None
    validation_limit: int | None = None
    leakage: Literal["keep", "drop"] = "keep"
    data_seed: int = 0
    objective: str = "val_accuracy"
    direction: Literal["maximize", "minimize"] = "maximize"
    precision: str = "float32"
    threads: int | None = None
    gpu: str | None = None
    keep_state: bool = False
    seconds_between_states: float = 0.0
    continue_from: str | None = None
    rungs: list[int] = field(default_factory=list)
    leave_state: bool = False
    measure: list[str] = field(default_factory=list)
    onednn: bool = True


@dataclass(frozen=True)
class EpochReport(_Plain):
    """One epoch's metrics, in the order they were trained.

    Args:
        epoch: 1 for the first.
        metrics: at least ``loss, accuracy, val_loss, val_accuracy, learning_rate``.
        seconds: wall-clock time of this epoch, validation included.
    """

    epoch: int
    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class TrialResult(_Plain):
    """How a trial ended.

    Args:
        state: ``complete``, ``pruned`` or ``failed``.
        value: the objective of the checkpoint that would be served; None if there is none.
        reason: for failures a name (``FAILURES``) and, after a colon, the message; for early
            stops ``early_stopping``.
        best_epoch: epoch of the checkpoint, from 1; 0 if none.
        epochs_run: finished epochs, those of the attempt that was continued included.
        metrics: the metrics of the best epoch, and more scores of its answers
            (``hpo.training.scores``); with ``temperature_scaling`` those of validation are the
            scaled checkpoint's, and ``temperature`` is one more. All these over the validation
            faces of which training has no copy have names with ``WITHOUT_COPIES``. Where the job
            measures them, those of the checkpoint too: ``latency_ms`` (median of one face's
            prediction), ``latency_ms_spread`` (its interquartile range), ``size_mib``,
            ``parameter_count``.
        final_metrics: the metrics of the last epoch.
        seconds: wall-clock seconds of this attempt by phase: ``load, build, fit, evaluate,
            checkpoint, total``, and ``state`` where the job keeps one.
        checkpoint: path of the ``.keras`` file; None if none was kept.
        checkpoint_sha256: its checksum.
        parameter_count: weights in the model.
        model_summary: Keras's table of layers.
        weights_used: ``imagenet``, ``none`` or the file's name and checksum.
        images_per_second: training throughput of this attempt after its first epoch (or of that, if
            there is one).
        confusion: rows true, columns predicted, of the checkpoint on validation; () if none.
        predictions: for each validation face the predicted class; () if none.
        correct: for each validation face whether that is its label, packed by ``pack_bits``; "" if
            none, and in trials of before it was kept. Whoever compares two trials face by face
            needs it, and cannot have it from predictions without the dataset.
        params: every parameter with its default filled in.
        environment: versions (``python, keras, backend, tensorflow, numpy, hpo``), ``device``,
            ``precision``, ``cores``; ``onednn: off`` where TensorFlow did without it.
        train_size: faces trained on.
        train_copies_left_out: training faces that were left out, before any limit, as duplicates of
            held-out ones; None in trials of before it was kept, and where they are not left out.
        validation_size: faces validated on.
        validation_size_without_copies: those of them of which training has no exact, mirrored or
            near duplicate; None in trials of before that was looked for.
        validation_copies_trained_on: of how many of the others a copy is among the faces that this
            trial trained on, which may be a part of the training split; None where not known.
        copies_digest: ``sha256:…`` of the pixels of the others: trials whose digests are equal
            leave the same faces out; "" where not known.
        confusion_without_copies: ``confusion`` over the validation faces of which training has no
            copy; () where that is all of them or none, and in trials of before it was kept.
        unseen: for each validation face whether it is one of these, packed as ``correct`` is; ""
            where ``confusion_without_copies`` is ().
        continued_from_epoch: last epoch of the earlier attempt that training went on from; 0 if
            it began at the beginning. Reports were sent of the epochs after it only.
        notes: what went otherwise than the job asked, a sentence each: a state that could not be
            continued from, or not be kept; that it trained without oneDNN.
    """

    state: TrialState
    value: float | None = None
    reason: str = ""
    best_epoch: int = 0
    epochs_run: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    final_metrics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    checkpoint: str | None = None
    checkpoint_sha256: str | None = None
    parameter_count: int = 0
    model_summary: str = ""
    weights_used: str = "none"
    images_per_second: float = 0.0
    confusion: list[list[int]] = field(default_factory=list)
    predictions: list[int] = field(default_factory=list)
    correct: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    train_size: int = 0
    train_copies_left_out: int | None = None
    validation_size: int = 0
    validation_size_without_copies: int | None = None
    validation_copies_trained_on: int | None = None
    copies_digest: str = ""
    confusion_without_copies: list[list[int]] = field(default_factory=list)
    unseen: str = ""
    continued_from_epoch: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RankAgreement(_Plain):
    """How well the order of configurations at a rung foretells that at the next.

    The order is that of the best of each rung's own epochs (``search.rungs.agreements``).

    Args:
        lower, upper: the rungs, in epochs.
        pairs: configurations with a value at both.
        measured: Spearman's rank correlation over the pairs, from -1 to 1; None with fewer than
            two, or where all values of a rung are equal.
        corrected: what it would be over all configurations of the lower rung, of which the best
            went on; None where ``measured`` is. Of 27 of which the best third went on, a true
            correlation of 0.8 is measured under 0.5 in 43 % of all cases, and so corrected in 20 %.
    """

    lower: int
    upper: int
    pairs: int
    measured: float | None
    corrected: float | None


@dataclass(frozen=True)
class TrialRecord(_Plain):
    """A trial as Optuna's storage holds it: what tables, reports and evidence read.

    Args:
        study: name of the study.
        architecture: label of the architecture in the study file.
        number: number within its architecture, from 0.
        state: ``running, waiting, complete, pruned`` or ``failed``.
        value: the objective; for a pruned trial its best so far; None if none.
        params: every parameter that the trial ran with (searched, fixed, defaults).
        searched: the subset that the sampler chose.
        slot: which place of the budget the trial fills, from 0; space-filling trials have places
            beyond it.
        epochs: its epoch reports, in order.
        result: its result without ``model_summary``; None while it runs.
        seconds: wall-clock seconds from claim to tell; 0.0 while it runs.
        started: ISO 8601 time (UTC) of the claim; "" if waiting.
        finished: ISO 8601 time (UTC) of the tell; "" if not yet.
        mlflow_run_id: its run in MLflow; "" if none yet.
        origin: ``"sampler"``, ``"enqueued"``, ``"thesis"``, ``"default"``, ``"warm_start"`` (tried
            first since it was good in an earlier study), ``SPACE_FILLING``, ``"confirmation"``
            (run again with another seed), or ``SINGLE``.
        space: the search space that it was drawn from, as plain data by parameter name.
        attempt: how many earlier attempts at its slot were lost.
        retry_of: number of the attempt that it replaces; None if it is the first.
        seed: of its training; None where it is not recorded.
        lost: whether it was lost, so that its slot was or will be asked for again.
        repeats: number of the trial with the same configuration whose value it has, untrained: no
            evidence of its own. None if it was trained.
        rung: at which rung of its study its training ends, from 0; None in a study without rungs.
        rungs: epochs at which the earlier rungs of its configuration ended.
        continues: number of the trial at the rung below; None if it is its configuration's first.
        space_version: which version of the study's space ``space`` is, from 1.
        moved: of a trial of the thesis's or the default configuration the values that were asked
            for and lie outside their ranges, by name; the trial has the nearest. Empty in studies
            of before this was kept.
        values: of a complete trial in a study of several objectives, each by its metric, ``value``
            first; else empty.
        excess: of a complete trial, by how much each constraint is broken, in its metric's unit; 0
            or less keeps it. Empty without constraints.
    """

    study: str
    architecture: str
    number: int
    state: TrialState
    value: float | None
    params: dict[str, Any]
    searched: dict[str, Any]
    slot: int = 0
    epochs: list[EpochReport] = field(default_factory=list)
    result: TrialResult | None = None
    seconds: float = 0.0
    started: str = ""
    finished: str = ""
    mlflow_run_id: str = ""
    origin: str = "sampler"
    space: dict[str, Any] = field(default_factory=dict)
    attempt: int = 0
    retry_of: int | None = None
    seed: int | None = None
    lost: bool = False
    repeats: int | None = None
    rung: int | None = None
    rungs: list[int] = field(default_factory=list)
    continues: int | None = None
    space_version: int = 1
    moved: dict[str, Any] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    excess: dict[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return what people call the trial, such as ``cnn #7``."""
        return trial_title(self.architecture, self.number, self.slot, self.origin)

    @property
    def feasible(self) -> bool:
        """Return whether the trial breaks no constraint, as far as is known."""
        return not self.broken

    @property
    def broken(self) -> list[str]:
        """Return the metrics whose constraints the trial breaks, as far as is known."""
        return [metric for metric, excess in self.excess.items() if not excess <= 0]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the record with its nested epochs and result rebuilt."""
        data = dict(data)
        data["epochs"] = [EpochReport.from_json(e) for e in data.get("epochs", [])]
        if data.get("result") is not None:
            data["result"] = TrialResult.from_json(data["result"])
        return super().from_json(data)

    @property
    def epochs_run(self) -> int:
        """Return the number of epochs that were reported, those of earlier rungs included."""
        return len(self.epochs)

    @property
    def epochs_trained(self) -> int:
        """Return the number of epochs without those that were trained at earlier rungs."""
        inherited = self.rungs[-1] if self.continues is not None else 0
        if self.result is not None:
            inherited = min(inherited, self.result.continued_from_epoch)
        return max(0, self.epochs_run - inherited)
