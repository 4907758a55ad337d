"""What happens at each step and epoch of a trial, apart from Keras's own stepping.

``EpochLoop`` sets the rate, looks for a NaN and for the order to stop, validates, remembers the
best weights, reports, and says when to end. Keras calls it through ``callback``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.spec.records import EpochReport, TrialJob
from hpo.training.averaging import WeightAverage
from hpo.training.batches import Labelled
from hpo.training.parameters import TrainingParameters
from hpo.training.schedules import Patience, RateSchedule
from hpo.training.scores import scores
from hpo.training.validation import Judgement, judge_model


class StopTrial(Exception):
    """Ends ``fit`` at once, in the middle of an epoch if need be.

    Args:
        state: ``pruned`` or ``failed``.
        reason: as in ``TrialResult``.
    """

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


class EpochLoop:
    """The course of one trial.

    Args:
        job: whose objective decides what is best.
        training: its training parameters.
        model: the model, compiled.
        validation: what it is judged by.
        steps_per_epoch: training steps in an epoch.
        report: takes each epoch; must return at once.
        should_stop: asked at each step.
    """

    def __init__(
        self,
        job: TrialJob,
        training: TrainingParameters,
        model: Any,
        validation: Labelled,
        steps_per_epoch: int,
        report: Callable[[EpochReport], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._job, self._training, self._model = job, training, model
        # Trained and judged at the moment: the model, or its head on features of the same faces.
        self._active, self._validation = model, validation
        self._judged = model
        self._faces = validation
        self._report, self._should_stop = report, should_stop
        self.schedule = RateSchedule(training, steps_per_epoch, job.rungs)
        self.average: WeightAverage | None = None
        self.keep_state: Callable[[], None] | None = None
        self._stopping: Patience | None = None
        if training.early_stopping_monitor != "none":
            self._stopping = Patience(
                training.early_stopping_monitor, training.early_stopping_patience
            )
        self._step = 0
        self._rate = math.nan
        self._began = 0.0
        self.epochs: list[EpochReport] = []
        self.train_seconds: list[float] = []
        self.validation_seconds = 0.0
        self.best: EpochReport | None = None
        self.best_weights: list[Any] = []
        self.best_judgement: Judgement | None = None
        self.stopped_early = False

    def look_at(self, model: Any, validation: Labelled | None) -> None:
        """Train and judge ``model``, which shares the model's weights, from the next epoch on.

        Args:
            model: the model itself, or a part of it.
            validation: what the part takes for the validation faces; None for the faces, which
                the model itself is asked.
        """
        self._active, self._validation = model, validation or self._faces
        self._judged = self._model if validation is None else model

    def recompiled(self) -> None:
        """Forget what was set on an optimizer that is gone."""
        self._rate = math.nan

    def restart_patience(self) -> None:
        """Forget what earlier epochs reached, and that patience ended: other layers train now."""
        self.stopped_early = False
        if self._stopping is not None:
            self._stopping.restart()
        self.schedule.restart_patience()

    def begin_epoch(self) -> None:
        """Start the clock of an epoch."""
        self._began = time.perf_counter()

    def begin_step(self) -> None:
        """Set the rate if it has changed."""
        rate = self.schedule.rate(self._step)
        if rate != self._rate:
            self._active.optimizer.learning_rate = rate
            self._rate = rate

    def rates(self, count: int) -> npt.NDArray[np.float32]:
        """Return the rates of the next ``count`` steps, for who sets them itself."""
        rates = [self.schedule.rate(self._step + k) for k in range(count)]
        self._rate = rates[-1]
        return np.asarray(rates, np.float32)

    def end_steps(self, loss: float, count: int = 1) -> None:
        """Look at the running loss and for the order to stop.

        Args:
            loss: its mean or its sum over the epoch so far.
            count: steps since the last look.

        Raises:
            StopTrial: the loss is no number, or the trial is to stop.
        """
        self._step += count
        if not math.isfinite(loss):
            raise StopTrial("failed", f"nan_loss: the loss was {loss} at step {self._step}")
        if self.average is not None:
            self.average.after_steps(count)
        self._stop_if_told()

    def end_epoch(self, loss: float, accuracy: float) -> bool:
        """Validate, keep the best, report; tell whether training is over.

        Raises:
            StopTrial: the validation loss is no number, or the trial is to stop.
        """
        trained = time.perf_counter()
        self.train_seconds.append(trained - self._began)
        judgement = self._judge()
        metrics = {
            "loss": loss,
            "accuracy": accuracy,
            **judgement.metrics,
            "learning_rate": self._rate,
        }
        self.validation_seconds += time.perf_counter() - trained
        number = len(self.epochs) + 1
        if not math.isfinite(metrics["val_loss"]):
            raise StopTrial("failed", f"nan_loss: the validation loss after epoch {number}")
        epoch = EpochReport(number, metrics, time.perf_counter() - self._began)
        self.epochs.append(epoch)
        if self._improves(epoch):
            self.best, self.best_judgement = epoch, judgement
            self._remember()
        self._give_back()
        self.schedule.end_epoch(metrics)
        self._report(epoch)
        self._stop_if_told()
        over = self._is_over(number, metrics)
        # After the report, so that whoever goes on from a state has heard of all of its epochs. The
        # last epoch needs none, but for the next rung: what is left to do is the checkpoint.
        last = over or number == self._training.epochs
        wanted = self._job.leave_state if last else self._job.keep_state
        if self.keep_state is not None and wanted:
            self.keep_state()
        return over

    def _is_over(self, number: int, metrics: Mapping[str, float]) -> bool:
        """Tell whether patience ends the trial after epoch ``number``."""
        exhausted = self._stopping is not None and self._stopping.exhausted(
            metrics[self._stopping.monitor]
        )
        rungs = self._job.rungs
        if number in rungs or (exhausted and rungs and number < rungs[-1]):
            # A trial that starts over takes the course that its configuration took rung by rung.
            self.restart_patience()
            return False
        if exhausted:
            self.stopped_early = number < self._training.epochs
        return exhausted

    def state(self) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        """Return, after an epoch, numbers and arrays for ``restore``; ``epochs`` go beside them.

        Seconds are left out: they are the attempt's own.
        """
        assert self.best is not None
        assert self.best_judgement is not None
        numbers = {
            "step": self._step,
            "best_epoch": self.best.epoch,
            "schedule": self.schedule.state(),
            "stopping": self._stopping.state() if self._stopping is not None else None,
        }
        best = self.best_judgement
        judgement: list[Any] = [best.predictions, best.confusion]
        if best.probabilities is not None:  # A state of before there were any has none.
            judgement.append(best.probabilities)
        return numbers, {"best_weights": self.best_weights, "best_judgement": judgement}

    def restore(
        self,
        epochs: list[EpochReport],
        numbers: Mapping[str, Any],
        arrays: Mapping[str, list[Any]],
    ) -> None:
        """Go on where a loop of the same arguments was when it gave this state."""
        self.epochs = list(epochs)
        self._step = numbers["step"]
        self.schedule.restore(numbers["schedule"])
        if self._stopping is not None:
            self._stopping.restore(numbers["stopping"])
        self.best = self.epochs[numbers["best_epoch"] - 1]
        metrics = {k: v for k, v in self.best.metrics.items() if k.startswith("val_")}
        self.best_judgement = Judgement(metrics, *arrays["best_judgement"])
        self.best_weights = arrays["best_weights"]

    def best_scores(self) -> dict[str, float]:
        """Return what else is told of the best epoch's answers; {} where they are not known."""
        best, faces = self.best_judgement, self._faces
        if best is None or best.probabilities is None:
            return {}
        return scores(best.probabilities, faces.labels, faces.votes)

    def _judge(self) -> Judgement:
        if self.average is not None:
            self.average.lend()
        # As in Keras, validation runs in the batches of training; 64 at least, for speed.
        size = max(64, self._training.batch_size)
        return judge_model(self._judged, self._validation, size, self._training.test_views)

    def _give_back(self) -> None:
        if self.average is not None:
            self.average.take_back()

    def _remember(self) -> None:
        # In memory, and written once at the end: a .keras file of the CNN's 10 million weights
        # takes 0.3 s to write, and pruned trials need none.
        self.best_weights = self._model.get_weights()

    def _improves(self, epoch: EpochReport) -> bool:
        if self.best is None:
            return True
        new, old = epoch.metrics[self._job.objective], self.best.metrics[self._job.objective]
        return new > old if self._job.direction == "maximize" else new < old

    def _stop_if_told(self) -> None:
        if self._should_stop():
            raise StopTrial("pruned", "stopped on request")


def callback(loop: EpochLoop, batches: Any) -> Any:
    """Return the Keras callback that calls ``loop`` and turns ``batches`` to each epoch."""
    import keras

    class Bridge(keras.callbacks.Callback):  # type: ignore[misc]
        """Hands Keras's events on."""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            batches.turn_to(epoch + 1)
            loop.begin_epoch()

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            loop.begin_step()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            loop.end_steps(float(logs["loss"]))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = loop.end_epoch(float(logs["loss"]), float(logs["accuracy"]))

    return Bridge()
