"""The launcher ``ray``: workers on the nodes of a Ray cluster, watched from here.

This process only places workers and looks after them; each runs what ``hpo worker`` runs, and what
happens is read in the storage. Nothing of the study is held here or by Ray, so either may be killed
and ``--resume`` goes on.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.spec.errors import EnvironmentProblem, HpoError, NotFoundError, TrainingError
from hpo.study.following import Follower
from hpo.study.jobs import open_mirror
from hpo.study.launchers.launch import Ended, Launch
from hpo.study.launchers.options import ray_options
from hpo.study.launchers.ray_connection import connected, require_ray
from hpo.study.launchers.ray_nodes import check_reach, check_room, servers
from hpo.study.launchers.remote_worker import Assignment, RemoteWorker

if TYPE_CHECKING:
    from hpo.spec.records import TrialRecord

MOST_LOSSES = 3
"""How often in a row a worker is placed again with no trial finishing in between."""
_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 20.0
"""How long the first note on workers without room waits, and workers have to stop at once."""


@dataclass
class _Placed:
    """A worker that Ray was asked for: its actor, and what its calls will return."""

    actor: Any
    report: Any
    where: Any
    losses: int
    finished_before: int
    host: str = ""


class RayLauncher:
    """Keeps ``launcher.workers`` workers on the cluster until the budget is used."""

    def __init__(self, launch: Launch) -> None:
        require_ray()
        self._launch = launch
        self._options = ray_options(launch.spec)
        self._placed: list[_Placed] = []
        self._used_up = False
        self._stops = 0
        self._stopped_at = 0.0
        self._notes: list[str] = []
        self._errors: list[HpoError] = []
        self._began = 0.0

    def work(self) -> Ended:
        """Place workers and watch until the budget is used; see ``Launcher.work``."""
        launch = self._launch
        mirror = open_mirror(launch.plan, launch.workspace, launch.watcher.note)
        try:
            mirror.wait_ready(give_up=lambda: launch.interrupts.draining)
        finally:
            self._notes += mirror.close()
        with connected(self._options.address) as ray:
            check_room(ray.nodes(), self._options, launch.watcher.note)
            check_reach(ray.nodes(), launch.storage_url, launch.tracking_uri)
            follower = Follower(
                launch.storage_url, launch.spec.name, launch.watcher, self._known_trials()
            )
            launch.announce()
            try:
                self._watch(ray, follower)
            finally:
                for placed in self._placed:
                    _kill(ray, placed)
            follower.look(now=True)
        if self._errors and not self._used_up:
            raise self._errors[0]
        return Ended(self._used_up, [*self._notes, *map(str, self._errors)])

    def _known_trials(self) -> list[TrialRecord]:
        from hpo.search.studies import read_trials

        try:
            return read_trials(self._launch.storage_url, self._launch.spec.name, attempts=True)
        except NotFoundError:
            return []

    def _watch(self, ray: Any, follower: Follower) -> None:
        self._began = time.monotonic()
        for _ in range(self._options.workers):
            self._place(ray, 0, 0)
        while self._placed:
            ended, _ = ray.wait([p.report for p in self._placed], timeout=_LOOK_SECONDS)
            follower.look()
            self._greet(ray)
            for placed in [p for p in self._placed if p.report in ended]:
                self._placed.remove(placed)
                self._take(ray, placed, follower)
            self._stop_where_asked(ray)

    def _place(self, ray: Any, losses: int, finished: int) -> None:
        options = self._options
        # Two calls at once: the work, and the wish to stop it. Never restarted by Ray, which does
        # not know whether anything is left to do.
        worker = ray.remote(RemoteWorker).options(
            num_cpus=options.num_cpus,
            num_gpus=options.num_gpus,
            resources=self._bound_to(ray),
            max_concurrency=2,
        )
        actor = worker.remote()
        assigned = actor.work.remote(self._assignment())
        self._placed.append(_Placed(actor, assigned, actor.where.remote(), losses, finished))

    def _bound_to(self, ray: Any) -> dict[str, float]:
        """Return what keeps a worker on this machine if a store is a file of it.

        The cluster may grow: a worker on a new machine would begin the study over in a file of its
        own.
        """
        if servers(self._launch.storage_url, self._launch.tracking_uri):
            return {}
        return {f"node:{ray.util.get_node_ip_address()}": 0.001}

    def _assignment(self) -> Assignment:
        launch, options = self._launch, self._options
        return Assignment(
            study=launch.spec.to_plain(),
            home=str(launch.workspace.home),
            storage=launch.storage_url,
            tracking=launch.tracking_uri,
            target=launch.target,
            # Less than a core is still a thread.
            cores=max(1, int(options.num_cpus)) if options.num_cpus else 0,
            gpus=options.num_gpus,
            path=_own_path(),
        )

    def _greet(self, ray: Any) -> None:
        """See which workers have come up, and say so once if some find no room."""
        waiting = [p for p in self._placed if not p.host]
        for placed in waiting:
            up, _ = ray.wait([placed.where], timeout=0)
            with contextlib.suppress(ray.exceptions.RayError):
                placed.host = ray.get(placed.where) if up else ""
        late = sum(not p.host for p in self._placed)
        if late and self._began and time.monotonic() - self._began > _PATIENCE_SECONDS:
            self._began = 0.0
            self._launch.watcher.note(
                f"{late} of {self._options.workers} workers wait for room on the cluster "
                f"(num_cpus {self._options.num_cpus:g}, num_gpus {self._options.num_gpus:g})."
            )

    def _take(self, ray: Any, placed: _Placed, follower: Follower) -> None:
        """Take a worker's report, or see that it was lost."""
        try:
            report = ray.get(placed.report)
        except ray.exceptions.RayError:
            _kill(ray, placed)
            self._replace(ray, placed, follower)
            return
        self._notes += [note for note in report.notes if note not in self._notes]
        self._used_up = self._used_up or report.used_up
        if report.error is not None:
            self._errors.append(report.error)
            if not isinstance(report.error, TrainingError):
                # This node lacks something; the others go on.
                self._launch.watcher.note(f"A worker on {placed.host or 'a node'}: {report.error}")

    def _replace(self, ray: Any, placed: _Placed, follower: Follower) -> None:
        """Place a worker in a lost one's stead, unless nobody should or it is lost every time."""
        if self._used_up or self._stopping:
            return
        host = placed.host or "its node"
        losses = 1 if follower.finished > placed.finished_before else placed.losses + 1
        if losses <= MOST_LOSSES:
            self._launch.watcher.note(f"A worker on {host} was lost; another is placed.")
            self._place(ray, losses, follower.finished)
            return
        problem = EnvironmentProblem(
            f"a worker was lost {losses} times in a row, and no trial finished meanwhile",
            where=host,
            hint="Ray's logs tell why (session_latest/logs in Ray's folder on the node); often its "
            "memory was short. The same command goes on, hpo run with --resume",
        )
        self._errors.append(problem)
        self._launch.watcher.note(str(problem))

    @property
    def _stopping(self) -> bool:
        return self._launch.interrupts.draining or any(
            isinstance(error, TrainingError) for error in self._errors
        )

    def _stop_where_asked(self, ray: Any) -> None:
        """Pass the wish to stop on to the workers, once for each time that it was said."""
        interrupts = self._launch.interrupts
        wished = 2 if interrupts.now else int(self._stopping)
        while self._stops < wished:
            self._stops += 1
            self._stopped_at = time.monotonic()
            for placed in self._placed:
                placed.actor.stop.remote()
        if wished or self._used_up:
            # Those that wait for room would wait for the others to end, and begin then.
            for placed in [p for p in self._placed if not p.host]:
                self._placed.remove(placed)
                _kill(ray, placed)
        if interrupts.now and time.monotonic() - self._stopped_at > _PATIENCE_SECONDS:
            for placed in self._placed:
                _kill(ray, placed)


def _own_path() -> list[str]:
    """Return where the person's modules are found: the path without what Python brings itself."""
    python = (sys.prefix, sys.base_prefix)
    return [entry for entry in sys.path if os.path.isdir(entry) and not entry.startswith(python)]


def _kill(ray: Any, placed: _Placed) -> None:
    with contextlib.suppress(ray.exceptions.RayError, ValueError):
        ray.kill(placed.actor)
