"""What the library answers about who may look in through Supabase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AccessUserView:
    """A user of Supabase who may see and change everything, and since when."""

    user_id: str
    note: str | None
    created_at: datetime
