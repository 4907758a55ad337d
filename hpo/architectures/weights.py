"""Pretrained weights: checked before a study starts, read into the base when a model is built.

The check needs no Keras: ImageNet weights that lie in Keras's cache, ``none`` and a local file are
told apart by looking at the disk. Nothing falls back: what cannot be had is an error that names the
ways on.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.architectures.architecture import Architecture, PublishedWeights, load
from hpo.spec.errors import EnvironmentProblem, NotFoundError, SpecError

_SUFFIXES = (".weights.h5", ".h5", ".keras")
_SIGNATURES = {".h5": b"\x89HDF\r\n\x1a\n", ".keras": b"PK\x03\x04"}
_HELD_BASE = "a frozen base without weights learns nothing: its random features never change"


def check_weights(
    architecture: Architecture | str,
    weights: str | None,
    params: Mapping[str, Any] | None = None,
    *,
    where: str | None = None,
    timeout_seconds: float = 4.0,
) -> str:
    """Make sure, before any trial, that the weights can be had; return what will be used.

    ImageNet weights that are not in Keras's cache are downloaded into it.

    Args:
        architecture: the architecture or its name.
        weights: ``imagenet``, ``none``, a file, or None for the architecture's default.
        params: what is known of the trial's parameters (``unfreeze``, ``head_epochs``).
        where: what to name in an error, such as ``study.yaml:12``.
        timeout_seconds: how long the server of the weights may stay silent.

    Returns:
        ``imagenet``, ``none``, or ``<file name> sha256:<checksum>``.

    Raises:
        SpecError: weights for an architecture that takes none; a frozen base without weights; a
            file that is none of .weights.h5, .h5, .keras.
        NotFoundError: there is no such file.
        EnvironmentProblem: ImageNet weights are neither cached nor to be downloaded.
    """
    if isinstance(architecture, str):
        architecture = load(architecture, where)
    if not architecture.needs_weights:
        if weights not in (None, "none"):
            raise SpecError(
                f"architecture '{architecture.name}' takes no weights",
                where=where,
                expected="weights: none, or no 'weights' at all",
                got=weights,
            )
        return "none"
    weights = weights or _default_weights(architecture)
    if weights == "none":
        _refuse_frozen(architecture, params or {}, where)
        return "none"
    if weights == "imagenet":
        if architecture.imagenet is not None:
            _ensure_cached(architecture, architecture.imagenet, params or {}, timeout_seconds)
        return "imagenet"
    return describe_file(weights, where)


def describe_file(path: str, where: str | None = None) -> str:
    """Return ``<file name> sha256:<checksum>`` of a weights file.

    Raises:
        NotFoundError: there is no such file.
        SpecError: its name or its first bytes are those of no weights file.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise NotFoundError(
            f"there is no weights file '{path}'",
            where=where,
            expected="imagenet, none, or a file (.weights.h5, .h5 or .keras)",
            hint="Check the path; it is read from the current directory",
        )
    signature = _SIGNATURES.get(file.suffix)
    with file.open("rb") as stream:
        start = stream.read(8)
    if signature is None or not start.startswith(signature):
        raise SpecError(
            f"'{path}' is no file of weights",
            where=where,
            expected=f"an HDF5 or Keras file named {', '.join('*' + s for s in _SUFFIXES)}",
            got=f"a file that begins with {start!r}",
        )
    return f"{file.name} sha256:{_digest(file, 'sha256')}"


def cached_file(published: PublishedWeights) -> Path:
    """Return where Keras looks for a download: ``$KERAS_HOME/models`` or ``~/.keras/models``."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return Path(home) / "models" / published.file_name


def is_cached(published: PublishedWeights) -> bool:
    """Tell whether the weights lie in Keras's cache, whole."""
    target = cached_file(published)
    return target.is_file() and _digest(target, "md5") == published.md5


def ways_on(published: PublishedWeights, label: str, scratch: str) -> str:
    """Return what to do where ImageNet weights cannot be had, without a full stop.

    Args:
        published: the weights.
        label: of the architecture in its study.
        scratch: what to type to train from scratch; "" where that is no way on.
    """
    ways = [
        *([f"train from scratch: {scratch}"] if scratch else []),
        f"give a file of your own: --set architectures.{label}.weights=PATH.h5",
        f"download {published.url} on another machine and put it at {cached_file(published)}",
    ]
    return f"Either {'; or '.join(ways)}"


def read_into(network: Any, path: str) -> None:
    """Read a weights file into a base network.

    Args:
        network: a keras.Model of keras.applications without its top.
        path: ``.weights.h5`` or ``.h5`` of the base; or a ``.keras`` model that holds a layer of
            the base's name, such as a checkpoint of this package.

    Raises:
        SpecError: the file's layers do not fit the network's.
    """
    import keras

    file = Path(path).expanduser()
    try:
        if file.suffix == ".keras":
            model = keras.saving.load_model(file, compile=False, safe_mode=True)
            nested = next((n for n in model.layers if n.name == network.name), model)
            network.set_weights(nested.get_weights())
        else:
            with warnings.catch_warnings():
                # Keras only warns of layers that it finds no weights for, and leaves them random.
                warnings.filterwarnings("error", category=UserWarning)
                network.load_weights(file)
    except (ValueError, OSError, KeyError, TypeError, UserWarning) as error:
        reason = str(error).strip().splitlines()
        raise SpecError(
            f"the weights in '{path}' do not fit {network.name}",
            expected=f"the weights of {network.name} without its top, "
            f"{len(network.weights)} arrays",
            got=reason[0][:300] if reason else type(error).__name__,
        ) from error


def _default_weights(architecture: Architecture) -> str:
    fields = getattr(architecture.parameters, "model_fields", {})
    return str(fields["weights"].default) if "weights" in fields else "none"


def _default_unfreeze(architecture: Architecture, params: Mapping[str, Any]) -> str:
    fields = getattr(architecture.parameters, "model_fields", {})
    default = fields["unfreeze"].default if "unfreeze" in fields else "all"
    return str(params.get("unfreeze", default))


def _holds_frozen_base(architecture: Architecture, params: Mapping[str, Any]) -> str | None:
    """Return which parameter keeps the base frozen, for some epochs at least."""
    if _default_unfreeze(architecture, params) != "all":
        return "unfreeze"
    return "head_epochs" if params.get("head_epochs", 0) else None


def _refuse_frozen(
    architecture: Architecture, params: Mapping[str, Any], where: str | None
) -> None:
    culprit = _holds_frozen_base(architecture, params)
    if culprit is None:
        return
    needed = {"unfreeze": "all", "head_epochs": "0"}
    raise SpecError(
        f"weights: none with {culprit}: "
        f"{params.get(culprit, _default_unfreeze(architecture, params))}; {_HELD_BASE}",
        where=where,
        expected=f"{culprit}: {needed[culprit]}, or weights: imagenet or a file",
        hint=f"Try --set architectures.{architecture.name}.fixed.{culprit}={needed[culprit]}",
    )


def _ensure_cached(
    architecture: Architecture,
    published: PublishedWeights,
    params: Mapping[str, Any],
    timeout_seconds: float,
) -> None:
    if is_cached(published):
        return
    try:
        _download(published, cached_file(published), timeout_seconds)
    except (OSError, urllib.error.URLError, ValueError) as error:
        name = architecture.name
        scratch = f"--set architectures.{name}.weights=none"
        culprit = _holds_frozen_base(architecture, params)
        if culprit is not None:
            value = {"unfreeze": "all", "head_epochs": "0"}[culprit]
            scratch += f" --set architectures.{name}.fixed.{culprit}={value}"
        raise EnvironmentProblem(
            f"the ImageNet weights of {name} cannot be had",
            expected=f"{published.file_name} ({published.megabytes} MB) in Keras's cache, or a "
            "network to download it from",
            got=f"{type(error).__name__}: {getattr(error, 'reason', None) or error}",
            hint=ways_on(published, name, scratch),
        ) from error


def _download(published: PublishedWeights, target: Path, timeout_seconds: float) -> None:
    """Download to a neighbour of ``target``, check, rename: the cache never holds half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with (
            urllib.request.urlopen(published.url, timeout=timeout_seconds) as answer,
            part.open("wb") as out,
        ):
            while block := answer.read(1 << 20):
                out.write(block)
        if _digest(part, "md5") != published.md5:
            raise ValueError("the download's checksum is not the published one")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _digest(file: Path, algorithm: str) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()
