"""What the nodes of a cluster can take and reach, from what Ray tells of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpo.search.storage import sqlite_path
from hpo.spec.errors import EnvironmentProblem
from hpo.study.launchers.options import RayOptions

Node = Mapping[str, Any]

_SERVERS = ("http://", "https://", "postgresql", "mysql", "mssql", "databricks")
"""How the tracking URIs of MLflow's stores begin that are no files."""


def hosts(nodes: Sequence[Node]) -> set[str]:
    """Return the addresses of the machines that are up."""
    return {node["NodeManagerAddress"] for node in nodes if node["Alive"]}


def servers(storage_url: str, tracking_uri: str) -> bool:
    """Tell whether both stores are servers, which any machine may reach, and none is a file."""
    return sqlite_path(storage_url) is None and tracking_uri.startswith(_SERVERS)


def check_reach(nodes: Sequence[Node], storage_url: str, tracking_uri: str) -> None:
    """Check that workers on all machines of the cluster see one and the same stores.

    Raises:
        EnvironmentProblem: a store is a file, and there are several machines.
    """
    count = len(hosts(nodes))
    if count < 2:
        return
    if sqlite_path(storage_url) is not None:
        raise EnvironmentProblem(
            "workers on other machines do not see a storage that is an SQLite file",
            where="storage",
            expected="postgresql://USER@HOST/DATABASE",
            got=f"an SQLite file, and a cluster of {count} machines",
            hint="Set up PostgreSQL and name it in HPO_STORAGE (docs/cluster.md shows how)",
        )
    if not tracking_uri.startswith(_SERVERS):
        raise EnvironmentProblem(
            "workers on other machines do not see an MLflow store that is a file",
            where="tracking.uri",
            expected="http://HOST:PORT of an MLflow server",
            got=f"a file, and a cluster of {count} machines",
            hint="Run `mlflow server` and name it in MLFLOW_TRACKING_URI (docs/cluster.md shows "
            "how)",
        )


def check_room(nodes: Sequence[Node], options: RayOptions, notify: Callable[[str], object]) -> None:
    """Check that a worker fits on some node.

    Args:
        nodes: what ``ray.nodes`` returned.
        options: of the launcher.
        notify: is told if it does not yet: a cluster may grow.

    Raises:
        EnvironmentProblem: the cluster is this machine alone, and it does not fit.
    """
    needed = {"CPU": options.num_cpus, "GPU": options.num_gpus}
    if any(
        node["Alive"] and all(node["Resources"].get(k, 0) >= v for k, v in needed.items())
        for node in nodes
    ):
        return
    what = f"num_cpus {options.num_cpus:g} and num_gpus {options.num_gpus:g}"
    if options.address is not None:
        notify(f"No node of the cluster offers {what} yet; workers start when one does.")
        return
    (node,) = nodes
    offered = ", ".join(f"{node['Resources'].get(k, 0):g} {k}" for k in needed)
    raise EnvironmentProblem(
        "this machine has no room for a worker",
        where="launcher",
        expected=what,
        got=offered,
        hint="Ask for less, or name a cluster by launcher.address",
    )
