"""Training steps on a device: a batch gathered, changed and learned from, many in one call.

A step is the same on every backend; what differs is where weights lie meanwhile. JAX's steps are a
function from state to state, TensorFlow's and PyTorch's change the model's own variables. (Under
JAX ``fit`` itself would not do: it hides weights from its callbacks within an epoch, and reads the
rate that they set only where the next begins.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from hpo.training import backend, backend_choice
from hpo.training.augmentation import Augmentation
from hpo.training.resident import changed, mixed

Tensors = dict[str, Any]


class Steps(Protocol):
    """Takes the steps of one epoch after the other."""

    def begin(self, resident: Tensors, draws: Tensors) -> None:
        """Turn to an epoch.

        Args:
            resident: ``inputs``, ``goals`` and ``weights`` of every face, and ``noise``.
            draws: of ``EpochDraws``, with the ``rate`` of each step.
        """

    def take(self, first: int, until: int) -> float:
        """Take steps ``first`` to before ``until``; return the epoch's sum of losses so far."""

    def put_back(self) -> None:
        """Make the model and its optimizer those of the last step."""

    def right(self) -> float:
        """Return how many answers were right in this epoch."""


def steps_of(
    model: Any, augmentation: Augmentation, size: tuple[int, int] | None, *, loops: bool
) -> Steps:
    """Return what takes the steps of ``model`` on this backend.

    Args:
        model: compiled with a Keras optimizer, whose variables are made.
        augmentation: what is done with faces.
        size: height and width of what the model takes, if faces are sampled to it.
        loops: whether a call may be asked for several steps.
    """
    batch = _batches(augmentation, size)
    if backend_choice.backend_name() == "jax":
        return _StatelessSteps(model, batch, loops=loops)
    return _StatefulSteps(model, batch)


def _batches(augmentation: Augmentation, size: tuple[int, int] | None) -> Callable[..., Any]:
    """Return the function from what lies on the device and the draws of one step to its batch."""
    from keras import ops

    def batch(resident: Tensors, draws: Tensors) -> tuple[Any, Any, Any]:
        index = draws["index"]
        inputs = ops.cast(ops.take(resident["inputs"], index, axis=0), "float32")
        goals = ops.take(resident["goals"], index, axis=0)
        weights = ops.take(resident["weights"], index, axis=0)
        if augmentation != Augmentation():
            faces = changed(inputs[..., 0], draws, augmentation, resident.get("noise"), size)
            inputs = faces[..., None]
        if augmentation.mixup_alpha:
            inputs, goals, weights = (mixed(rows, draws) for rows in (inputs, goals, weights))
        return inputs, goals, weights * draws["weight"]

    return batch


def _loss(answers: Any, goals: Any, weights: Any, penalties: Any) -> Any:
    import keras
    from keras import ops

    losses = keras.losses.categorical_crossentropy(goals, answers)
    return ops.mean(losses * weights) + sum(penalties)


def _right(answers: Any, goals: Any, draws: Tensors) -> Any:
    """Return how many answers of a batch are right, of faces that count."""
    from keras import ops

    right = ops.equal(ops.argmax(answers, axis=-1), ops.argmax(goals, axis=-1))
    return ops.sum(ops.cast(ops.logical_and(right, draws["weight"] > 0), "float32"))


State = tuple[list[Any], list[Any], list[Any]]


class _StatelessSteps:
    """Of JAX: from the state of model and optimizer, and sums over the epoch, to the next.

    Without ``loops`` a call takes one step: on a processor JAX compiles convolutions in loops to
    slow code.
    """

    def __init__(self, model: Any, batch: Callable[..., Any], *, loops: bool) -> None:
        self._model = model
        self._steps = backend.compiled(_stateless(model, batch, loops=loops))

    def begin(self, resident: Tensors, draws: Tensors) -> None:
        from keras import ops

        self._arrays = resident, draws
        # Read at each epoch: the loop lends the model its weights' average for validation.
        self._state: State = tuple([v.value for v in some] for some in self._variables())  # type: ignore[assignment]
        self._sums = (ops.zeros(()), ops.zeros(()))

    def take(self, first: int, until: int) -> float:
        self._state, self._sums = self._steps(self._state, self._sums, *self._arrays, first, until)
        return float(self._sums[0])

    def put_back(self) -> None:
        for variables, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def right(self) -> float:
        return float(self._sums[1])

    def _variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        model = self._model
        return (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )


def _stateless(model: Any, batch: Callable[..., Any], *, loops: bool) -> Callable[..., Any]:
    """Return the function that takes steps ``begin`` to ``end`` of an epoch.

    It takes and returns the state of model and optimizer and the sums over the epoch of loss and of
    right answers; ``begin`` and ``end`` may be any, without compiling anew.
    """
    from keras import ops

    optimizer = model.optimizer
    place = [v is optimizer._learning_rate for v in optimizer.variables].index(True)

    def loss_of(
        trained: list[Any], others: list[Any], inputs: Any, goals: Any, weights: Any
    ) -> tuple[Any, Any]:
        answers, others, penalties = model.stateless_call(
            trained, others, inputs, return_losses=True, training=True
        )
        answers = ops.cast(answers, "float32")
        return _loss(answers, goals, weights, penalties), (answers, others)

    gradient = backend.with_gradient(loss_of)

    def one(step: Any, carried: Any, resident: Tensors, epoch: Tensors) -> Any:
        (trained, others, kept), sums = carried
        draws = {key: rows[step] for key, rows in epoch.items()}
        inputs, goals, weights = batch(resident, draws)
        kept = [*kept[:place], draws["rate"], *kept[place + 1 :]]
        (loss, (answers, others)), gradients = gradient(trained, others, inputs, goals, weights)
        trained, kept = optimizer.stateless_apply(kept, gradients, trained)
        sums = (sums[0] + loss, sums[1] + _right(answers, goals, draws))
        return (list(trained), list(others), list(kept)), sums

    def steps(
        state: State, sums: Any, resident: Tensors, epoch: Tensors, begin: Any, end: Any
    ) -> Any:
        if not loops:
            return one(begin, (state, sums), resident, epoch)
        return ops.fori_loop(
            begin, end, lambda step, carried: one(step, carried, resident, epoch), (state, sums)
        )

    return steps


class _StatefulSteps:
    """Of TensorFlow and PyTorch: they change the model's own variables.

    A step of TensorFlow's is compiled as Keras's ``fit`` would (``model.jit_compile``: by XLA on a
    GPU), and the loop around it is a graph; PyTorch runs both as they are.
    """

    def __init__(self, model: Any, batch: Callable[..., Any]) -> None:
        self._steps = backend.compiled(_stateful(model, batch))

    def begin(self, resident: Tensors, draws: Tensors) -> None:
        self._arrays = resident, draws
        self._sums = (0.0, 0.0)

    def take(self, first: int, until: int) -> float:
        from keras import ops

        bounds = (ops.convert_to_tensor(step, "int32") for step in (first, until))
        loss, right = self._steps(*self._arrays, *bounds)
        self._sums = self._sums[0] + float(loss), self._sums[1] + float(right)
        return self._sums[0]

    def put_back(self) -> None:
        """Nothing is elsewhere."""

    def right(self) -> float:
        return self._sums[1]


def _stateful(model: Any, batch: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that takes steps ``begin`` to ``end`` and sums loss and right answers."""
    from keras import ops

    optimizer, trained = model.optimizer, model.trainable_variables

    def one(resident: Tensors, draws: Tensors) -> tuple[Any, Any]:
        inputs, goals, weights = batch(resident, draws)
        optimizer.learning_rate.assign(draws["rate"])

        def loss_of() -> tuple[Any, Any]:
            answers = ops.cast(model(inputs, training=True), "float32")
            return _loss(answers, goals, weights, model.losses), answers

        loss, answers, gradients = backend.gradients_of(loss_of, trained)
        optimizer.apply(gradients, trained)
        return loss, _right(answers, goals, draws)

    step_of = backend.compiled_step(one, xla=bool(getattr(model, "jit_compile", False)))

    def steps(resident: Tensors, epoch: Tensors, begin: Any, end: Any) -> tuple[Any, Any]:
        def body(step: Any, loss: Any, right: Any) -> tuple[Any, Any, Any]:
            more = step_of(resident, {key: rows[step] for key, rows in epoch.items()})
            return step + 1, loss + more[0], right + more[1]

        _, loss, right = ops.while_loop(
            lambda step, loss, right: step < end, body, (begin, ops.zeros(()), ops.zeros(()))
        )
        return loss, right

    return steps
