"""An SQLite database is kept off network file systems, whichever way the path leads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.search import filesystems
from hpo.search.filesystems import NETWORK, filesystem_of
from hpo.search.storage import open_storage
from hpo.search.studies import check_study
from hpo.spec.errors import EnvironmentProblem
from tests.unit.search.analytic import make_spec

MOUNTS = r"""overlay / overlay rw,relatime,lowerdir=/a:/b 0 0
proc /proc proc rw,nosuid 0 0
server:/export/home /home nfs4 rw,vers=4.2 0 0
/dev/sda1 /home/me/scratch ext4 rw 0 0
//server/share /mnt/our\040data cifs rw 0 0
back\134slash /mnt/back\134slash lustre rw 0 0
systemd-1 /auto autofs rw 0 0
server:/auto /auto nfs rw 0 0
server:/export/home /srv/bound nfs4 rw,vers=4.2 0 0
/dev/sda1 /covered ext4 rw 0 0
me@server:/ /covered fuse.sshfs rw 0 0
host /vm 9p rw,trans=virtio 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/optuna.db", "overlay"),
        ("/home/me/optuna.db", "nfs4"),
        ("/home/me/scratch/mlruns/optuna.db", "ext4"),
        ("/home/me/scratchy/optuna.db", "nfs4"),
        ("/homes/optuna.db", "overlay"),
        ("/mnt/our data/optuna.db", "cifs"),
        ("/mnt/back\\slash/optuna.db", "lustre"),
        ("/auto/optuna.db", "nfs"),
        ("/srv/bound/deep/er/optuna.db", "nfs4"),
        ("/covered/optuna.db", "fuse.sshfs"),
        ("/vm/optuna.db", "9p"),
    ],
)
def test_the_innermost_and_latest_mount_holds_a_path(path: str, kind: str) -> None:
    assert filesystem_of(Path(path), MOUNTS) == kind


def test_a_disk_that_virtual_machines_see_is_none_of_a_network() -> None:
    assert "9p" not in NETWORK


@pytest.mark.parametrize(
    "kind",
    ["panfs", "wekafs", "pvfs2", "ocfs2", "gfs2", "vboxsf", "fuse.juicefs", "fuse.rclone"],
)
def test_what_clusters_share_beside_nfs_is_refused_too(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nshared {tmp_path}/shared {kind} rw 0 0\n")
    monkeypatch.setattr(filesystems, "_MOUNTS", mounts)
    with pytest.raises(EnvironmentProblem, match=rf"got a file on {kind}\."):
        filesystems.refuse_network(tmp_path / "shared" / "optuna.db")


@pytest.fixture
def on_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mounts = tmp_path / "mounts"
    shared = tmp_path / "shared"
    shared.mkdir()
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/export {shared} nfs4 rw 0 0\n")
    monkeypatch.setattr(filesystems, "_MOUNTS", mounts)
    return shared


def test_a_database_on_a_network_is_neither_made_nor_opened(on_nfs: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(on_nfs)
    for folder in (on_nfs, on_nfs / "not" / "yet", tmp_path / "link"):
        url = f"sqlite:///{folder}/optuna.db"
        with pytest.raises(EnvironmentProblem, match=r"got a file on nfs4\. .*PostgreSQL"):
            open_storage(url)
        with pytest.raises(EnvironmentProblem, match="network file system"):
            check_study(url, make_spec(), resume=False)
    assert list(on_nfs.iterdir()) == []
    open_storage(f"sqlite:///{tmp_path}/optuna.db").engine.dispose()


def test_where_the_system_tells_nothing_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystems, "_MOUNTS", tmp_path / "absent")
    open_storage(f"sqlite:///{tmp_path}/optuna.db").engine.dispose()
