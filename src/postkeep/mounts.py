"""Which file system a path is on: a database whose locks do not hold must be refused before it is damaged."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_TABLE = Path("/proc/self/mountinfo")

# Shared over a network: other machines write the same files, and neither locks nor shared memory reach them.
_NETWORK = "afs beegfs ceph cifs coda davfs glusterfs gpfs lustre ncp ncpfs nfs nfs4 orangefs pvfs2 smb3 smbfs"
# The same through FUSE, where the type names the program.
_NETWORK_FUSE = (
    "beegfs blobfuse blobfuse2 ceph ceph-fuse cephfs curlftpfs davfs davfs2 gcsfuse glusterfs goofys juicefs"
    " mount-s3 nfs rclone s3fs seaweedfs smbnetfs sshfs"
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a file system is mounted, and of what type it is."""

    point: str
    type: str

    @property
    def over_network(self) -> bool:
        """Whether other machines may have the same files open; a type nobody here knows is taken to be local.

        virtiofs is local: its one host's files, with locks and shared memory that hold within this machine. 9p is
        a share of the host (WSL's `/mnt/c`), where they do not; but a sandbox that has everything on 9p, from the
        root on, has its files to itself.
        """
        kind, _, program = self.type.partition(".")
        if kind == "fuse" and program:
            return program in _NETWORK_FUSE.split()
        return kind in _NETWORK.split() or (kind == "9p" and self.point != "/")


def mount_of(path: PurePosixPath, table: str) -> Mount | None:
    """The mount an absolute path without links is on, by the text of a mountinfo file; None when it tells none."""
    found: Mount | None = None
    for line in table.splitlines():
        before, dash, after = line.partition(" - ")
        fields, types = before.split(" "), after.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        # Of several mounts on one place the last hides the others.
        if path.is_relative_to(point) and (found is None or len(point) >= len(found.point)):
            found = Mount(point, types[0])
    return found


def network_mount(path: Path) -> Mount | None:
    """The network file system a path is on, whether it exists yet or not; None for a local one, or an unknown."""
    try:
        table = os.fsdecode(_TABLE.read_bytes())
        mount = mount_of(PurePosixPath(path.resolve()), table)
    except (OSError, RuntimeError):
        return None
    return mount if mount is not None and mount.over_network else None
