"""What Ray prints of its own accord stays out of the standard output, which an outcome is."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

# Ray takes the process that it is imported in for a part of a cluster.
PROGRAM = """
import sys, time
from hpo.study.launchers.ray_connection import connected

with connected(None) as ray:
    from ray._private.utils import publish_error_to_driver
    from ray._private.worker import global_worker, stdout_deduplicator

    # As the two agents of a node tell of its death: the second is held back until Ray ends.
    while not any(told.count for told in stdout_deduplicator.recent.values()):
        publish_error_to_driver("raylet_died", "it is dead", gcs_client=global_worker.gcs_client)
        time.sleep(0.2)
print("outcome")
"""


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install 'hpo[ray]'"
)
def test_word_of_a_dead_node_does_not_mix_with_the_outcome() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "outcome\n"), done.stderr[-2000:]
