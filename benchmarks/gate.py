"""How often the gate of promotion crowns a challenger that is no better than the champion.

    python benchmarks/gate.py

All classifiers are equally good: each is right for certain on some faces, wrong for certain on
others, and right with probability 1/2 on the rest, so that any two differ on a fifth of the faces.
The challenger is the best of so many trials on the faces on which it is then compared, as a study's
winner is; the champion is one that was not selected on them, or the best of some itself. Told is
the share of challengers whose gain has an interval above 0: the 95 % one, and the gate's, which
allows for the selection. The last column is of noise: of trials that are right as often as the
most frequent class is, how often the best is let through as a first champion.

Shares have 95 % Wilson intervals. A minute on one core.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from hpo.evidence.intervals import wilson
from hpo.evidence.paired import Paired, paired_difference

FACES = (350, 1000, 3589)
SELECTED_FROM = ((1, 1), (5, 1), (20, 1), (60, 1), (20, 5), (20, 20))
DIFFER = 0.2
MAJORITY = 0.25


def drawn(generator: np.random.Generator, faces: int, trials: int, champions: int) -> Paired:
    """Draw the best of so many challengers, and the best of so many champions."""
    unsure = int(generator.binomial(faces, 2 * DIFFER))
    sure = int(generator.binomial(faces - unsure, 0.6))
    challenger = int(generator.binomial(unsure, 0.5, trials).max())
    champion = int(generator.binomial(unsure, 0.5, champions).max())
    both = int(generator.hypergeometric(champion, unsure - champion, challenger))
    alone = challenger - both, champion - both
    return Paired(sure + both, *alone, faces - sure - both - sum(alone))


def noise_is_crowned(generator: np.random.Generator, faces: int, trials: int) -> bool:
    """Draw the best of trials at the majority's rate, and ask the gate about it."""
    right = int(generator.binomial(faces, MAJORITY, trials).max())
    return wilson(right / faces, faces, 1 - 0.05 / trials).low > MAJORITY


def share(hits: int, of: int) -> str:
    """Return a share with its interval."""
    interval = wilson(hits / of, of)
    return f"{interval.point:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    print("| faces | challenger: best of | champion: best of | 95 % | the gate | noise |")
    print("| --- | --- | --- | --- | --- | --- |")
    for faces in FACES:
        for trials, champions in SELECTED_FROM:
            plain = gate = noise = 0
            level = 1 - 0.05 / math.ceil(trials / champions)
            for _ in range(arguments.repeats):
                table = drawn(generator, faces, trials, champions)
                plain += paired_difference(table).low > 0.0
                gate += paired_difference(table, level).low > 0.0
                noise += noise_is_crowned(generator, faces, trials)
            told = " | ".join(share(hits, arguments.repeats) for hits in (plain, gate, noise))
            print(f"| {faces:,} | {trials} | {champions} | {told} |")


if __name__ == "__main__":
    main()
