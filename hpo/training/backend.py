"""The one door to TensorFlow, JAX or PyTorch: nothing else in the package imports one.

Call ``backend_choice.configure`` (or ``preload``) before anything imports Keras; the choice of a
backend and the number of threads cannot be changed afterwards.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from hpo.data.decoding import opencv
from hpo.spec.errors import EnvironmentProblem
from hpo.training.backend_choice import backend_name, configure

_PRELOADED = (
    "h5py",
    "numpy",
    "keras",
    "keras.applications",
    "hpo.architectures.cnn",
    "hpo.architectures.resnet50",
    "hpo.architectures.xception",
    "hpo.data.store",
    "hpo.training.fit",
)
"""What a trial imports on its way, beside OpenCV; a forked child finds it loaded."""


def preload() -> None:
    """Import all that training needs and touch no device, so that the process may be forked.

    A forked child of a process that has run as much as one TensorFlow operation hangs: its thread
    pools do not survive the fork.

    Raises:
        EnvironmentProblem: Keras, its backend or OpenCV cannot be imported.
    """
    configure()
    # Not by name: its own door sets the limits that it reads when it is loaded.
    opencv()
    for name in _PRELOADED:
        try:
            importlib.import_module(name)
        except Exception as error:
            # Broad: Keras raises what it likes, and a server that dies of it is started for ever.
            raise EnvironmentProblem(
                f"cannot import {name}",
                expected=f"the packages of hpo, with Keras's backend '{backend_name()}'",
                got=str(error),
                hint="Install hpo again in this environment",
            ) from error
    if backend_name() == "tensorflow":
        # Keras and TensorFlow import these at the first fit or save; here it costs once.
        for name in (
            "keras.src.saving.saving_lib",
            "tensorflow.python.data.ops.from_generator_op",
            "tensorflow.python.distribute.distribute_lib",
        ):
            importlib.import_module(name)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep standard error to ourselves while a backend is imported.

    Its C++ greets there before any log level applies, over the live table.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silence)


def prepare(*, seed: int, precision: str, threads: int | None) -> None:
    """Ready this process for one trial.

    Args:
        seed: seeds Python, numpy and the backend: weights, dropout and the order of faces.
            On one machine and with as many threads the same seed gives the same losses on a CPU;
            on a GPU atomic additions make them differ in the last digits.
        precision: ``float32`` or ``mixed_bfloat16``.
        threads: cores to use; None for all.
    """
    configure()
    set_threads(threads)
    import keras

    # Layer names are counted from the start, so that equal trials have equal summaries. This also
    # forgets the dtype policy, which therefore comes after.
    keras.utils.clear_session(free_memory=False)
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(seed)


def set_threads(threads: int | None) -> None:
    """Limit the backend and OpenCV to ``threads`` cores; no effect once the device is in use."""
    # Faces are small and warped one by one; OpenCV's own threads would only take cores away.
    opencv().setNumThreads(0)
    if threads is None:
        return
    if backend_name() == "tensorflow":
        import tensorflow as tf

        if tf.config.threading.get_intra_op_parallelism_threads() == threads:
            return
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            return  # the device is in use: this process has trained before
    elif backend_name() == "torch":
        importlib.import_module("torch").set_num_threads(threads)


def device_name() -> str:
    """Return the name of the device that trains: a GPU's or the processor's."""
    if backend_name() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(gpu)
            return str(details.get("device_name", gpu.name))
    elif backend_name() == "jax":
        device = importlib.import_module("jax").devices()[0]
        if device.platform != "cpu":
            return str(device.device_kind)
    elif backend_name() == "torch":
        torch = importlib.import_module("torch")
        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
    return _processor()


@lru_cache(maxsize=1)
def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Return the versions of Python, Keras, its backend, numpy and hpo."""
    import keras
    import numpy

    import hpo

    name = backend_name()
    module: Any = sys.modules.get(name)
    return {
        "python": platform.python_version(),
        "keras": str(keras.__version__),
        "backend": name,
        name: str(getattr(module, "__version__", "unknown")),
        "numpy": str(numpy.__version__),
        "hpo": str(getattr(hpo, "__version__", "unknown")),
    }


def on_accelerator() -> bool:
    """Tell whether something else than the processor trains."""
    return device_name() != _processor()


def compiled(function: Any, *like: tuple[tuple[int | None, ...], str], small: bool = False) -> Any:
    """Return ``function`` of arrays to arrays, compiled at its first call.

    PyTorch runs it as it is, and keeps nothing for gradients.

    Args:
        function: what to compile.
        like: shape and type of each argument, None where a length may be any; TensorFlow alone
            needs it, and would compile anew for each length without it.
        small: whether it runs in less time than TensorFlow needs to rewrite its graph first, which
            it then does not.
    """
    if backend_name() == "jax":
        return importlib.import_module("jax").jit(function)
    if backend_name() == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec(*one) for one in like] or None
        graph = tf.function(function, input_signature=signature, autograph=False)
        return _unoptimised(graph) if small else graph
    return importlib.import_module("torch").no_grad()(function)


def _unoptimised(graph: Any) -> Any:
    """Return a TensorFlow function that runs as it was traced."""
    import tensorflow as tf

    def call(*arguments: Any) -> Any:
        options = tf.config.optimizer
        before = options.get_experimental_options().get("disable_meta_optimizer", False)
        # At each call: the function is another one under other options.
        options.set_experimental_options({"disable_meta_optimizer": True})
        try:
            return graph(*arguments)
        finally:
            options.set_experimental_options({"disable_meta_optimizer": before})

    return call


def normalised(images: Any, scale: Any, offset: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Return a batch normalised by its own statistics, and these; TensorFlow only, one operation.

    Args:
        images: a tensor ``(n, height, width, channels)``.
        scale: a variable ``(channels,)``, float32.
        offset: likewise.
        epsilon: is added to the variance.

    Returns:
        The normalised images in their own type, and each channel's mean and variance, float32.
    """
    import tensorflow as tf

    shape = tf.shape(images)
    count = tf.cast(shape[0] * shape[1] * shape[2], "float32")
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images,
        scale=tf.convert_to_tensor(scale, "float32"),
        offset=tf.convert_to_tensor(offset, "float32"),
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=epsilon,
        is_training=True,
    )
    # The operation normalises by the variance of the batch and returns an estimate of the
    # population's, which is larger by n / (n - 1); Keras keeps that of the batch.
    return outputs, mean, variance * tf.maximum(count - 1.0, 1.0) / count


def compiled_step(function: Any, *, xla: bool) -> Any:
    """Return ``function``, compiled on its own within a larger one: TensorFlow alone does it.

    Args:
        function: of arrays to arrays.
        xla: whether TensorFlow hands it to XLA, as Keras does on a GPU.
    """
    if backend_name() != "tensorflow":
        return function
    import tensorflow as tf

    return tf.function(function, autograph=False, jit_compile=xla)


def gradients_of(function: Any, variables: Any) -> tuple[Any, Any, Any]:
    """Return what ``function`` does, a value and something beside it, and the value's gradients.

    TensorFlow and PyTorch.

    Args:
        function: of nothing, to ``(value, aux)``.
        variables: Keras's.
    """
    tensors = [variable.value for variable in variables]
    if backend_name() == "torch":
        torch = importlib.import_module("torch")
        with torch.enable_grad():
            value, aux = function()
        gradients = torch.autograd.grad(value, tensors, allow_unused=True)
        return value.detach(), aux.detach(), list(gradients)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value, aux = function()
    return value, aux, tape.gradient(value, tensors)


def with_gradient(function: Any) -> Any:
    """Return a function to ``((value, aux), gradient)``; JAX only.

    Args:
        function: to ``(value, aux)``; the gradient is by its first argument.
    """
    return importlib.import_module("jax").value_and_grad(function, has_aux=True)
