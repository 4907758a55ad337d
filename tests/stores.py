"""MLflow's tables, made once and copied: making them takes seconds of nothing but migrations."""

from __future__ import annotations

from pathlib import Path


def make_mlflow_tables(database: Path) -> None:
    """Make a database with MLflow's tables and nothing in them, as its own store would.

    That a store makes its tables itself, and that several at once do not meet, is in
    ``tests/contract/test_mirror.py``.
    """
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    database.parent.mkdir(parents=True, exist_ok=True)
    engine = create_sqlalchemy_engine(f"sqlite:///{database}")
    _initialize_tables(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # as hpo.tracking.store has it
    engine.dispose()
