"""How much of the best of several trials is luck: they were compared on the faces that judge them.

The best of n values that each carry noise is, on average, better than it is in truth, and the more
so the more trials there are and the closer they lie (the winner's curse).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

RESAMPLES = 500


@dataclass(frozen=True)
class Optimism:
    """What choosing the best did to its accuracy, or to its gain over a baseline.

    Args:
        apparent: the accuracy (or gain) of the chosen trial on the faces that chose it.
        honest: that of trials chosen in the same way, on faces that had no part in choosing them.
        optimism: ``apparent - honest``, at least 0: what is due to the choice.
        trials: how many were chosen from.
        n: faces.
        resamples: bootstrap resamples behind it.
    """

    apparent: float
    honest: float
    optimism: float
    trials: int
    n: int
    resamples: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self)


def optimism(
    correct: Sequence[Sequence[bool]],
    baseline: Sequence[bool] | None = None,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Optimism:
    """Estimate the optimism of the most accurate trial by choosing again on resampled faces.

    Faces are drawn with replacement, the most accurate trial on them is chosen, and judged on the
    faces that were not drawn (Tsamardinos, Greasidou and Borboudakis, 2018, "Bootstrapping the
    out-of-sample predictions for efficient and accurate cross-validation", Machine Learning 107,
    algorithm 4). A resample holds 63 % of the faces, so it chooses a little worse than all of them
    do, and the estimate is rather too large than too small. It speaks of the choice among trials;
    that each trial's epoch was chosen on the same faces is not in it.

    Args:
        correct: for each trial, in the order that breaks ties, whether it got each face right.
        baseline: the same of what a gain is measured over; None for the accuracy itself. It was
            chosen beforehand, and may be one of the trials as well.
        seed: seeds the resamples.
        resamples: how many.

    Raises:
        ValueError: there are no trials or no faces, or their numbers of faces differ.
    """
    import numpy as np

    sizes = {len(each) for each in correct} | ({len(baseline)} if baseline is not None else set())
    if len(sizes) != 1 or sizes == {0} or len(correct) == 0:
        raise ValueError(f"no choice among {len(correct)} trials with {sorted(sizes)} faces")
    n = sizes.pop()
    right = np.asarray(correct, dtype=np.float32)
    base = np.zeros(n, np.float32) if baseline is None else np.asarray(baseline, np.float32)
    generator = np.random.default_rng(seed)
    apparent = float(right[right.sum(axis=1).argmax()].mean() - base.mean())
    total, used = 0.0, 0
    # In blocks, so that a thousand trials need no more memory than they must.
    for start in range(0, resamples, 100):
        size = min(100, resamples - start)
        places = generator.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        drawn = np.bincount(places.ravel(), minlength=size * n).reshape(size, n)
        chosen = (drawn.astype(np.float32) @ right.T).argmax(axis=1)
        out = drawn == 0
        left = out.sum(axis=1)
        gains = (right[chosen] - base).sum(axis=1, where=out)
        # Of very few faces a resample may leave none out.
        total += float((gains[left > 0] / left[left > 0]).sum())
        used += int((left > 0).sum())
    honest = total / used if used else apparent
    return Optimism(apparent, honest, max(0.0, apparent - honest), len(correct), n, used)
