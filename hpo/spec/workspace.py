"""Where things are: a workspace is a folder with ``data/``, ``mlruns/`` and ``reports/``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hpo.spec.errors import EnvironmentProblem


@dataclass(frozen=True)
class Workspace:
    """The folders of one workspace; nothing is created until something is written.

    Args:
        home: absolute path of the workspace.
    """

    home: Path

    @classmethod
    def at(cls, home: str | os.PathLike[str] | None = None) -> Workspace:
        """Return the workspace at ``home``, by default the current directory."""
        return cls(Path(home or ".").expanduser().resolve())

    @property
    def data(self) -> Path:
        """Imported datasets: ``data/<name>/``."""
        return self.home / "data"

    @property
    def runs(self) -> Path:
        """Stores: ``optuna.db``, ``mlflow.db``, ``artifacts/``, ``checkpoints/``."""
        return self.home / "mlruns"

    @property
    def reports(self) -> Path:
        """Report pages: ``reports/<study>/``."""
        return self.home / "reports"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of trials: ``mlruns/checkpoints/<study>/<architecture>/<trial>/``."""
        return self.runs / "checkpoints"

    def storage_url(self, configured: str | None = None) -> str:
        """Return Optuna's storage: ``configured``, ``HPO_STORAGE``, or SQLite in ``mlruns/``."""
        return configured or os.environ.get("HPO_STORAGE") or f"sqlite:///{self.runs}/optuna.db"

    def tracking_uri(self, configured: str | None = None) -> str:
        """Return MLflow's: ``configured``, ``MLFLOW_TRACKING_URI``, or SQLite in ``mlruns/``."""
        return (
            configured
            or os.environ.get("MLFLOW_TRACKING_URI")
            or f"sqlite:///{self.runs}/mlflow.db"
        )

    def ensure(self, folder: Path) -> Path:
        """Create ``folder`` and check that it can be written to.

        Raises:
            EnvironmentProblem: the folder cannot be made or written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError("no permission to write")
        except OSError as error:
            raise EnvironmentProblem(
                "cannot write to this folder",
                expected="a folder that you may write to",
                got=error.strerror or str(error),
                where=str(folder),
                hint="Choose another workspace with --home FOLDER, or change its permissions",
            ) from error
        return folder
