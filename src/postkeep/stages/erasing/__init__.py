"""Erasing: what goes, what stays, and the bytes afterwards."""

from postkeep.stages.erasing.removing import Removing, remove_files
from postkeep.stages.erasing.run import erase, finish
from postkeep.stages.erasing.scope import Asked
from postkeep.stages.erasing.stones import list_tombstones, readmit

__all__ = ["Asked", "Removing", "erase", "finish", "list_tombstones", "readmit", "remove_files"]
