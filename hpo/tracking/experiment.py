"""The experiment of a study in MLflow: where its runs are looked up and files are put."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# MLflow takes at most so many parameters and tags in one batch.
BATCH_PARAMS = 100
# Longer values are cut: MLflow refuses parameters over 6000 and tags over 8000 characters.
LONGEST_VALUE = 5000


@dataclass(frozen=True)
class Experiment:
    """An experiment and the client that reaches it.

    Args:
        client: from ``store.open_client``.
        experiment_id: in MLflow.
    """

    client: Any
    experiment_id: str

    def find(self, tags: Mapping[str, str]) -> list[Any]:
        """Return at most two runs that have these tags, the older first.

        Two are enough to see that several workers made one each.
        """
        condition = " and ".join(
            f"tags.`{name}` = '{_quoted(value)}'" for name, value in tags.items()
        )
        return list(
            self.client.search_runs(
                [self.experiment_id],
                condition,
                order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
                max_results=2,
            )
        )

    def log_texts(self, run_id: str, files: Mapping[str, str]) -> None:
        """Put files with these texts at the top of a run's artifacts; empty ones are left out."""
        present = {name: text for name, text in files.items() if text}
        if not present:
            return
        with tempfile.TemporaryDirectory(prefix="hpo-") as folder:
            for name, text in present.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            self.client.log_artifacts(run_id, folder)


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")
