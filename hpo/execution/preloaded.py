"""Imported once by the fork server, never by anything else: loads Keras, touches no device.

This is the one module whose import does something, because ``multiprocessing`` can only be told
the names of modules to preload. A child forked afterwards has Keras ready in about 0.02 s; a fresh
interpreter needs 7 to 18 s on two slow cores.
"""

from __future__ import annotations

from hpo.training import backend

backend.preload()
