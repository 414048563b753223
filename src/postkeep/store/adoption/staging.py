"""Which old post becomes which, in tables that last as long as the transaction: a memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from postkeep.store import bulk

_TABLES = {
    "adopting_members": "old_id TEXT PRIMARY KEY, new_id TEXT NOT NULL, platform TEXT NOT NULL,"
    " native_id TEXT NOT NULL, age TEXT NOT NULL, doubt TEXT, target_id TEXT",
    "adopting_posts": "target_id TEXT PRIMARY KEY, platform TEXT NOT NULL, native_id TEXT NOT NULL,"
    " split_from TEXT, UNIQUE (native_id, platform)",
    "adopting_moves": "download_id TEXT PRIMARY KEY, old_post_id TEXT NOT NULL, target_id TEXT NOT NULL",
    "adopting_kinds": "username TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (username, kind)",
}
_INDEXES = (
    "CREATE INDEX adopting_members_by_target ON adopting_members (target_id)",
    "CREATE INDEX adopting_moves_by_target ON adopting_moves (target_id)",
    "CREATE INDEX adopting_moves_by_post ON adopting_moves (old_post_id)",
)


@dataclass(frozen=True, slots=True)
class Member:
    """An old post: what it is on its platform, and how old its row is (text that sorts by time).

    `new_id` is its id as it must be; `doubt` says what could not be decided.
    """

    old_id: str
    new_id: str
    platform: str
    native_id: str
    age: str
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A post to be: the old posts that become it, the oldest first (none: it is split off `split_from`)."""

    post_id: str
    platform: str
    native_id: str
    split_from: str | None
    members: tuple[Member, ...] = ()


class Staging:
    """The temporary tables of one adoption; make it inside its transaction."""

    def __init__(self, tx: Connection) -> None:
        self.tx = tx
        for name, columns in _TABLES.items():
            end = "" if tx.dialect.name == "sqlite" else " ON COMMIT DROP"
            tx.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ({columns}){end}")

    def close(self) -> None:
        """Drop the tables, which another adoption on this connection would find."""
        for name in _TABLES:
            self.tx.exec_driver_sql(f"DROP TABLE {name}")

    def add_members(self, members: Sequence[Member]) -> None:
        if members:
            self._insert(
                "adopting_members (old_id, new_id, platform, native_id, age, doubt)",
                [(m.old_id, m.new_id, m.platform, m.native_id, m.age, m.doubt) for m in members],
            )

    def settle(self) -> None:
        """Let old posts that are the same one become the oldest of them."""
        self.tx.exec_driver_sql(
            "INSERT INTO adopting_posts (target_id, platform, native_id) SELECT new_id, platform, native_id"
            " FROM (SELECT new_id, platform, native_id, row_number() OVER"
            " (PARTITION BY platform, native_id ORDER BY age, old_id) AS place FROM adopting_members) q"
            " WHERE place = 1"
        )
        self.tx.exec_driver_sql(
            "UPDATE adopting_members SET target_id = (SELECT p.target_id FROM adopting_posts p"
            " WHERE p.native_id = adopting_members.native_id AND p.platform = adopting_members.platform)"
        )
        for statement in _INDEXES:
            self.tx.exec_driver_sql(statement)

    def split_off(self, targets: Iterable[Target]) -> None:
        self._insert(
            "adopting_posts (target_id, platform, native_id, split_from)",
            [(each.post_id, each.platform, each.native_id, each.split_from) for each in targets],
        )

    def move(self, moves: Sequence[tuple[str, str, str]]) -> None:
        """Snapshots (download_id, old post_id, target_id) that belong to another post."""
        self._insert("adopting_moves (download_id, old_post_id, target_id)", moves)

    def note_kinds(self, seen: Iterable[tuple[str, str]]) -> None:
        """Kinds (username in lower case, kind) as which records show profiles."""
        self._insert("adopting_kinds (username, kind)", sorted(seen), " ON CONFLICT DO NOTHING")

    def kinds(self, usernames: Iterable[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for username, kind in bulk.among(
            self.tx, "SELECT username, kind FROM adopting_kinds WHERE username {in}", usernames
        ):
            found.setdefault(username, set()).add(kind)
        return found

    def targets_of(self, old_ids: Iterable[str]) -> dict[str, Target]:
        """What old posts become, by their old ids; without members."""
        rows = bulk.among(
            self.tx,
            "SELECT m.old_id, p.target_id, p.platform, p.native_id, p.split_from FROM adopting_members m"
            " JOIN adopting_posts p ON p.target_id = m.target_id WHERE m.old_id {in}",
            old_ids,
        )
        return {row[0]: Target(*row[1:]) for row in rows}

    def targets_called(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Target]:
        """Posts to be by (platform, native_id); without members."""
        wanted = set(keys)
        rows = bulk.among(
            self.tx,
            "SELECT target_id, platform, native_id, split_from FROM adopting_posts WHERE native_id {in}",
            {native_id for _, native_id in wanted},
        )
        found = (Target(*row) for row in rows)
        return {(each.platform, each.native_id): each for each in found}

    def pages(self, size: int) -> Iterator[list[Target]]:
        """All posts to be with their members, by id."""
        last = ""
        while True:
            rows = bulk.execute(
                self.tx,
                "SELECT target_id, platform, native_id, split_from FROM adopting_posts WHERE target_id > ?"
                " ORDER BY target_id LIMIT ?",
                last,
                size,
            ).all()
            if not rows:
                return
            last = rows[-1][0]
            members = self._members([row[0] for row in rows])
            yield [Target(row[0], row[1], row[2], row[3], tuple(members.get(row[0], ()))) for row in rows]

    def _members(self, target_ids: Sequence[str]) -> dict[str, list[Member]]:
        found: dict[str, list[Member]] = {}
        for row in bulk.among(
            self.tx,
            "SELECT target_id, old_id, new_id, platform, native_id, age, doubt FROM adopting_members"
            " WHERE target_id {in} ORDER BY age, old_id",
            target_ids,
        ):
            found.setdefault(row[0], []).append(Member(*row[1:]))
        return found

    def moved_from(self, old_post_ids: Iterable[str]) -> dict[str, str]:
        """The snapshots that leave these old posts: download_id -> target_id."""
        return dict(
            tuple(row)
            for row in bulk.among(
                self.tx,
                "SELECT download_id, target_id FROM adopting_moves WHERE old_post_id {in}",
                old_post_ids,
            )
        )

    def moved_to(self, target_ids: Iterable[str]) -> dict[str, str]:
        """The snapshots that come to these posts: download_id -> target_id."""
        return dict(
            tuple(row)
            for row in bulk.among(
                self.tx, "SELECT download_id, target_id FROM adopting_moves WHERE target_id {in}", target_ids
            )
        )

    def _insert(self, into: str, rows: Iterable[Sequence[object]], end: str = "") -> None:
        rows = [tuple(row) for row in rows]
        if rows:
            mark = "?" if self.tx.dialect.name == "sqlite" else "%s"
            marks = ", ".join([mark] * len(rows[0]))
            self.tx.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks}){end}", rows)  # noqa: S608
