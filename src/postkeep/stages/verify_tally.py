"""What proving the cache has found so far, kept by the two passes together."""

from __future__ import annotations

from dataclasses import dataclass, field

from postkeep.views import Finding


@dataclass(slots=True)
class VerifyTally:
    """Counts of files, and the paths of those that are not as they should be; `bytes` are those of sound files."""

    files: int = 0
    total_bytes: int = 0
    done_bytes: int = 0
    checked: int = 0
    sound: int = 0
    bytes: int = 0
    adopted: int = 0
    moved: int = 0
    removed: int = 0
    quarantined: int = 0
    queued: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    to_remake: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    misnamed: list[Finding] = field(default_factory=list)
    collisions: list[Finding] = field(default_factory=list)
    strangers: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing that the rows promise is lost or unread."""
        return not (self.damaged or self.missing or self.unreadable)
