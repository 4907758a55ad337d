"""Where things are: a workspace is a folder with ``data/``, ``mlruns/`` and ``reports/``."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from hpo.spec.addresses import is_url
from hpo.spec.errors import InputError


@dataclass(frozen=True)
class Workspace:
    """The folders of one workspace, and its two stores where those lie elsewhere.

    Nothing is created until something is written.

    Args:
        home: absolute path of the workspace.
        storage: URL of Optuna's storage, before what a study file or the environment says.
        tracking: MLflow's tracking URI, likewise.
    """

    home: Path
    # Out of the repr: URLs may hold passwords, and a repr ends up in tracebacks.
    storage: str | None = dataclasses.field(default=None, repr=False)
    tracking: str | None = dataclasses.field(default=None, repr=False)

    @classmethod
    def at(
        cls,
        home: str | os.PathLike[str] | None = None,
        *,
        storage: str | None = None,
        tracking: str | None = None,
    ) -> Workspace:
        """Return the workspace at ``home``, by default the current directory.

        Raises:
            InputError: ``storage`` or ``tracking`` is no URL.
        """
        return cls(Path(home or ".").expanduser().resolve()).kept_in(storage, tracking)

    def kept_in(self, storage: str | None, tracking: str | None) -> Workspace:
        """Return the workspace with these stores in place of its own; None keeps what it has.

        Raises:
            InputError: one of them is no URL.
        """
        _check_url("storage", storage, "sqlite:///FILE or postgresql://USER@HOST/DATABASE")
        _check_url("tracking", tracking, "http://HOST:PORT or sqlite:///FILE")
        return dataclasses.replace(
            self, storage=storage or self.storage, tracking=tracking or self.tracking
        )

    def of_file(self, storage: str | None, tracking: str | None) -> Workspace:
        """Return the workspace with what a study file says, where nothing was given before."""
        return dataclasses.replace(
            self, storage=self.storage or storage, tracking=self.tracking or tracking
        )

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
        """Return Optuna's storage.

        It is the workspace's own, else ``configured`` (a study file's), else ``HPO_STORAGE``, else
        SQLite in ``mlruns/``.
        """
        return (
            self.storage
            or configured
            or os.environ.get("HPO_STORAGE")
            or f"sqlite:///{self.runs}/optuna.db"
        )

    def tracking_uri(self, configured: str | None = None) -> str:
        """Return MLflow's, in the same order, with ``MLFLOW_TRACKING_URI`` of the environment."""
        return (
            self.tracking
            or configured
            or os.environ.get("MLFLOW_TRACKING_URI")
            or f"sqlite:///{self.runs}/mlflow.db"
        )

    def ensure(self, folder: Path) -> Path:
        """Create ``folder`` and check that it can be written to.

        Raises:
            InputError: the folder cannot be made or written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError("no permission to write")
        except OSError as error:
            raise InputError(
                "cannot write to this folder",
                expected="a folder that you may write to",
                got=error.strerror or str(error),
                where=str(_there(folder)),
                hint="Choose another workspace with --home FOLDER, or change its permissions",
            ) from error
        return folder


def _there(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists: its permissions count."""
    return next((f for f in (folder, *folder.parents) if os.path.exists(f)), folder)


def shown_url(url: str) -> str:
    """Return a store's URL as it may be shown: ``...`` for one that may hold a password."""
    # Passwords stand before an @ or among the parameters after a question mark.
    return "..." if "@" in url or "?" in url else url


def _check_url(option: str, url: str | None, expected: str) -> None:
    if url is not None and not is_url(url):
        # Not shown: a slip in a URL with a password would print the password.
        raise InputError("this is no URL", where=f"--{option}", expected=expected)


def machine_cache() -> Path:
    """Return the folder of what this machine remembers between studies; it may be deleted."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "hpo"
