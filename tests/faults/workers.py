"""Workers on an analytic objective: the real worker, engine, children and mirror, no training."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import select
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpo.execution.children import ChildServer
from hpo.execution.devices import Share
from hpo.execution.interrupts import Interrupts
from hpo.execution.lanes import Lane
from hpo.execution.watch import Silence, Watcher
from hpo.execution.worker import Worker
from hpo.search.engine import Proposal
from hpo.spec.records import TrialJob
from hpo.spec.study import StudySpec
from hpo.study.reconciling import reconcile
from hpo.tracking.cards import DatasetCard, StudyCard
from hpo.tracking.mirror import Mirror, MlflowMirror, NullMirror
from hpo.tracking.store import open_client
from tests.unit.search.analytic import open_it

OBJECTIVE = "tests.faults.objective:train"
Change = Callable[[Proposal], dict[str, Any]]


def card(spec: StudySpec) -> StudyCard:
    """What MLflow is told of a study."""
    data = DatasetCard("none", "0" * 64, "nowhere", {"train": 1, "validation": 1}, classes=("a",))
    return StudyCard(spec.name, "val_accuracy", "maximize", spec.seed, data, "0", {}, commit="c")


def mirror_of(spec: StudySpec, tracking_uri: str | None) -> Mirror:
    """The mirror in MLflow; none where no address is given."""
    return MlflowMirror(tracking_uri, card(spec)) if tracking_uri else NullMirror()


class Claims:
    """Process ids of workers as they claim, from many processes to this one.

    A pipe and no queue: a worker that is killed while it holds a queue's lock keeps it for ever,
    and so short a message goes into a pipe whole.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def put(self, pid: int) -> None:
        """Tell of a claim."""
        os.write(self._writer, pid.to_bytes(8, "little"))

    def empty(self) -> bool:
        """Tell whether there is nothing to get."""
        return not select.select([self._reader], [], [], 0)[0]

    def get(self) -> int:
        """Return the next claim's process id, waiting for it."""
        return int.from_bytes(os.read(self._reader, 8), "little")


def work(
    url: str,
    spec: StudySpec,
    home: Path,
    *,
    tracking_uri: str | None = None,
    claims: Any = None,
    change: Change = lambda proposal: {},
    watcher: Watcher | None = None,
    interrupts: Interrupts | None = None,
) -> list[str]:
    """Work on a study until it is done; return what the mirror could not write.

    Args:
        url: of Optuna's storage.
        spec: the study.
        home: for checkpoints and logs.
        tracking_uri: of MLflow.
        claims: a queue that is given this process's id at each claim.
        change: parameters that a trial is given beside its configuration.
        watcher: is told what happens.
        interrupts: when to stop.
    """
    mirror = mirror_of(spec, tracking_uri)
    interrupts = interrupts or Interrupts()

    def job(proposal: Proposal, share: Share) -> TrialJob:
        if claims is not None:
            claims.put(os.getpid())
        fixed = dict(spec.architectures["cnn"].fixed)
        return TrialJob(
            job_id=f"study/cnn/{proposal.number}",
            architecture="cnn",
            params={**proposal.configuration(fixed), **change(proposal)},
            dataset="",
            dataset_digest="",
            output=str(home / str(proposal.number)),
            seed=proposal.trial_seed,
            threads=share.threads,
        )

    def lanes() -> Iterator[Lane]:
        mirror.start_architecture("cnn")
        done = lambda: mirror.finish_architecture("cnn")  # noqa: E731
        yield Lane("cnn", open_it(url, spec, resume=True), job, done)

    worker = Worker(
        lanes=lanes(),
        mirror=mirror,
        server=ChildServer(preload=("tests.faults.objective",)),
        watcher=watcher or Silence(),
        interrupts=interrupts,
        keep=lambda record: None,
        shares=[Share(1, None)] * spec.workers,
        limits=spec.limits,
        target=OBJECTIVE,
    )
    try:
        with interrupts.installed():
            worker.work()
    finally:
        problems = mirror.close()
    if tracking_uri and not worker.unfinished:
        client = open_client(tracking_uri, home / "artifacts")
        problems += [d.what for d in reconcile(client, url, spec, home / "artifacts")]
    return problems


def start(*arguments: Any, before: Callable[[], None] = lambda: None, **keywords: Any) -> Any:
    """Start a worker in a process forked from this one, which has loaded Optuna and MLflow.

    Args:
        arguments: of ``work``, as are the keywords.
        before: is called first in that process.
        keywords: see ``arguments``.
    """
    process = multiprocessing.get_context("fork").Process(
        target=_in_group_of_its_own, args=(before, arguments, keywords)
    )
    process.start()
    return process


def _in_group_of_its_own(
    before: Callable[[], None], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    before()
    # So that a signal to the group reaches this worker and its children, not the tests.
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    work(*arguments, **keywords)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What another program reads in the database."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return list(database.execute(query))
    import psycopg

    with psycopg.connect(url) as connection:
        return list(connection.execute(query.encode()))


def states(url: str) -> Counter[str]:
    """Count Optuna's states as another program reads them."""
    query = "SELECT state, COUNT(*) FROM trials GROUP BY state"
    return Counter({str(state): n for state, n in rows(url, query)})
