"""The cache's own folders: made when first needed, then remembered, and never made anew under a lost root."""

from __future__ import annotations

from pathlib import Path

from postkeep.errors import CacheError
from postkeep.media.disk import Disk, make_folders
from postkeep.media.syncing import Syncing


class Folders:
    """Folders below one root, by their relative names; safe to share between threads.

    A folder that was there is not looked at again: whoever finds it missing calls `again`.
    """

    def __init__(self, root: Path, disk: Disk, syncing: Syncing) -> None:
        self.root = root
        self._disk = disk
        self._syncing = syncing
        self._known: dict[str, str] = {}
        self._seen = False

    def need(self, name: str = "") -> str:
        """The absolute path of a folder, which is there or was a while ago; raises OSError or CacheError."""
        return self._known.get(name) or self.again(name)

    def again(self, name: str = "") -> str:
        """Look for a folder, and make it where it is missing; raises CacheError when the whole root went away."""
        folder = self.root / name
        self._known.pop(name, None)
        # A disk that was unmounted under us must not be replaced by a new folder on its mount point.
        if self._seen and not self.root.is_dir():
            raise self.gone()
        self._refuse_links(folder)
        made = make_folders(folder, self._disk)
        # Another process may have made these folders and not have brought them to the disk yet.
        above = [each for each in folder.parents if each.is_relative_to(self.root)]
        for each in {*above, *(path.parent for path in made)}:
            self._syncing.touch(str(each))
        self._seen = True
        self._known[name] = str(folder)
        return self._known[name]

    def _refuse_links(self, folder: Path) -> None:
        # The root itself may be a link; below it readers follow none that leaves it, so nothing is written there.
        for each in (folder, *folder.parents):
            if each == self.root:
                return
            if each.is_symlink():
                raise CacheError(
                    f"{each} is a link, and nothing is stored through one: make it a folder;"
                    " for a larger disk set cache.directory (POSTKEEP_CACHE_DIRECTORY) to a folder there"
                )

    def lost(self) -> CacheError | None:
        """The error to raise when the whole root is not there."""
        return None if self.root.is_dir() else self.gone()

    def gone(self) -> CacheError:
        return CacheError(
            f"the cache folder {self.root} is not there: mount or restore it; "
            "if it was removed on purpose, make it anew, empty"
        )
