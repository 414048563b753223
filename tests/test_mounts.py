"""Which file system a path is on is read from literal tables, and SQLite is refused on those over a network."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from postkeep.config import Config
from postkeep.errors import StoreError
from postkeep.library import open_library, upgrade_database
from postkeep.mounts import Mount, mount_of, network_mount
from postkeep.store import local

TABLE = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 27 0:40 / /home rw,relatime shared:5 master:1 - nfs4 files:/home rw,vers=4.2,hard
32 31 0:41 / /home/me/local rw - xfs /dev/vdb rw
33 27 0:42 / /srv/with\040blank\134s rw propagate_from:2 - fuse.sshfs me@host:/srv rw
34 27 0:43 / /over rw - nfs old:/x rw
35 27 0:44 / /over rw - tmpfs tmpfs rw
36 27 0:45 / /mnt/c rw - 9p C:\134 rw,aname=drvfs
37 27 0:46 / /homestead rw - btrfs /dev/vdc rw
a line that is none
""".strip()


@pytest.mark.parametrize(
    ("path", "point", "kind"),
    [
        ("/var/lib/postkeep.db", "/", "ext4"),
        ("/", "/", "ext4"),
        ("/home", "/home", "nfs4"),
        ("/home/me/postkeep/postkeep.db", "/home", "nfs4"),
        ("/home/me/local/postkeep.db", "/home/me/local", "xfs"),
        ("/home/me/localities/postkeep.db", "/home", "nfs4"),
        ("/homestead/postkeep.db", "/homestead", "btrfs"),
        ("/homes/postkeep.db", "/", "ext4"),
        ("/srv/with blank\\s/postkeep.db", "/srv/with blank\\s", "fuse.sshfs"),
        ("/over/postkeep.db", "/over", "tmpfs"),
        ("/mnt/c/Users/postkeep.db", "/mnt/c", "9p"),
    ],
)
def test_the_mount_of_a_path_is_the_nearest_above_it(path: str, point: str, kind: str) -> None:
    assert mount_of(PurePosixPath(path), TABLE) == Mount(point, kind)


@pytest.mark.parametrize("table", ["", "\n\n", "1 2 3 - ext4", "27 1 254:0 / /elsewhere rw - ext4 /dev/vda rw"])
def test_a_table_that_tells_nothing_of_a_path(table: str) -> None:
    assert mount_of(PurePosixPath("/home/postkeep.db"), table) is None


@pytest.mark.parametrize(
    "kind",
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "davfs",
        "ncpfs",
        "9p",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.glusterfs",
        "fuse.mount-s3",
    ],
)
def test_what_other_machines_share_is_a_network(kind: str) -> None:
    assert Mount("/x", kind).over_network


@pytest.mark.parametrize(
    "kind",
    [
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "tmpfs",
        "overlay",
        "f2fs",
        "virtiofs",
        "vboxsf",
        "fuseblk",
        "fuse",
        "fuse.bindfs",
        "fuse.gocryptfs",
        "apfs",
        "something-new",
        "fuse.something-new",
    ],
)
def test_what_is_local_or_unknown_is_allowed(kind: str) -> None:
    assert not Mount("/x", kind).over_network


def test_a_sandbox_that_has_all_its_files_so_may_use_them() -> None:
    assert not Mount("/", "9p").over_network
    assert Mount("/", "nfs").over_network


def test_links_are_followed_and_the_file_need_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        f"1 0 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / {(tmp_path / 'far').resolve()} rw - nfs files:/ rw\n"
    )
    monkeypatch.setattr("postkeep.mounts._TABLE", table)
    (tmp_path / "far").mkdir()
    (tmp_path / "home").symlink_to("far")

    found = network_mount(tmp_path / "home" / "not" / "yet.db")

    assert found is not None
    assert found.type == "nfs"
    assert network_mount(tmp_path / "near.db") is None
    table.unlink()
    assert network_mount(tmp_path / "home" / "x.db") is None


@pytest.mark.parametrize("opener", [open_library, upgrade_database])
def test_sqlite_on_a_network_is_refused_before_a_file_is_made(
    opener: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"1 0 0:1 / {tmp_path.resolve()} rw - cifs //files/home rw\n")
    monkeypatch.setattr("postkeep.mounts._TABLE", table)
    home = tmp_path / "home"

    with pytest.raises(StoreError) as caught:
        opener(Config(home))  # type: ignore[operator]

    for told in ("cifs", str(tmp_path.resolve()), "PostgreSQL", "--home", "write-ahead log"):
        assert told in caught.value.message
    assert caught.value.exit_code == 3
    assert not home.exists()


def test_another_database_may_have_its_home_anywhere() -> None:
    def everywhere(_path: Path) -> Mount:
        return Mount("/", "nfs")

    local.must_be_local("postgresql+psycopg://me@db.example/posts", found=everywhere)
    with pytest.raises(StoreError):
        local.must_be_local("sqlite:////srv/postkeep.db", found=everywhere)
