"""Imported once by the fork server, never by anything else: loads Keras, touches no device.

This is the one module whose import does something, because ``multiprocessing`` can only be told
the names of modules to preload. A child forked afterwards has Keras ready in about 0.02 s; a fresh
interpreter needs 7 to 18 s on two slow cores.
"""

from __future__ import annotations

import gc

from hpo.spec.errors import EnvironmentProblem
from hpo.training import backend

problem: EnvironmentProblem | None = None
"""Why Keras could not be loaded. The server lives on to say so: a dead one could only be guessed
at, trial after trial."""


try:
    with backend.quietly():
        backend.preload()
except EnvironmentProblem as error:
    problem = error
# What lives now lives as long as the server. Left to the collector, a child would walk through all
# of Keras at each full collection (0.3 s per trial, measured), and copy the pages it marks.
gc.freeze()
