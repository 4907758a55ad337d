"""``hpo ui`` decides who may reach it before anything starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hpo.cli.ui import LISTED_STUDIES, check_address, command, where
from hpo.spec.errors import EnvironmentProblem, InputError


def test_other_machines_are_kept_out_unless_let_in() -> None:
    with pytest.raises(InputError, match="--allow-remote"):
        check_address("0.0.0.0", 5000, allow_remote=False)


def test_a_taken_port_names_the_next() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentProblem, match=f"--port {port + 1}"):
            check_address("127.0.0.1", port, allow_remote=False)


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(EnvironmentProblem):
        # 203.0.113.0/24 is reserved for documentation (RFC 5737).
        check_address("203.0.113.7", 5000, allow_remote=True)


def test_the_server_reads_this_workspace_and_listens_where_told() -> None:
    words = command(Path("/w/mlruns/artifacts"), "127.0.0.1", 5001)
    assert "--backend-store-uri" not in words, "it may hold a password, and all can see it there"
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--port") + 1] == "5001"
    assert "--allowed-hosts" not in words


def test_beyond_loopback_only_known_names_are_answered() -> None:
    words = command(None, "192.168.1.5", 5000)
    allowed = words[words.index("--allowed-hosts") + 1].split(",")
    assert "192.168.1.5:*" in allowed
    assert "*" not in allowed


def test_studies_are_named_with_links_to_their_trials_and_the_list_only_where_needed() -> None:
    address = "http://127.0.0.1:5000"
    many = [(f"study{k}", str(k)) for k in range(LISTED_STUDIES + 1)]
    (line,) = where(address, many[:1])
    assert line.startswith(f"study0: {address}/#/experiments/0/runs?workflowType=machine_learning")
    *studies, last = where(address, many)
    assert len(studies) == LISTED_STUDIES
    assert last == f"older studies: {address}/#/experiments"
    assert where(address, []) == [f"{address}/#/experiments"]
