"""Carries a predecessor's rows into our tables, page by page, inside the one transaction of an upgrade."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import IdFactory
from postkeep.model import Platform, PostKind, Profile
from postkeep.stages.adoption import plain
from postkeep.stages.adoption.files import adopt_files, files_of
from postkeep.stages.adoption.media import merge_places, read_media
from postkeep.stages.adoption.naming import VIRTUAL, Naming
from postkeep.stages.adoption.posts import (
    AdoptedPost,
    OldPost,
    adopt_post,
    fold,
    read_post,
    shown_media,
    split_post,
)
from postkeep.stages.adoption.reading import Reader, Records
from postkeep.stages.adoption.snapshots import OldSnapshot, adopt_snapshot, merged_by_time
from postkeep.stages.adoption.storing import store_posts
from postkeep.store import known
from postkeep.store.adoption.findings import FindingKind
from postkeep.store.adoption.old_rows import OldRow, OldTable
from postkeep.store.adoption.staging import Staging, Target
from postkeep.store.adoption.writing import Writer

_PAGE = 200


class Adoption:
    """One adoption: the old tables are aside, ours are there and empty."""

    def __init__(
        self,
        writer: Writer,
        tables: Mapping[str, OldTable],
        records: Records,
        *,
        platforms: Sequence[Platform],
        told: Callable[[str, int, int], None],
    ) -> None:
        self.writer, self.tables, self.records = writer, tables, records
        self.tx: Connection = writer.tx
        self.ids: IdFactory = writer.ids
        self.now: datetime = writer.now
        self.findings = writer.findings
        self.parsed = frozenset(each.name for each in platforms)
        self.staging = Staging(self.tx)
        self.told = told

    def run(self) -> None:
        """Convert every row; what it is called and counted as stands in the writer."""
        self._plain("download_runs", plain.adopt_runs)
        self._plain("tags", plain.adopt_tags)
        Naming(self.writer, self.tables, self.records, self.staging, told=self.told).run()
        if (profiles := self.tables.get("profiles")) is not None:
            plain.adopt_profiles(self.writer, profiles, self.staging)
        self._plain("profile_tags", plain.adopt_profile_tags)
        if (media := self.tables.get("post_media")) is not None:
            adopt_files(self.writer, media, self.staging)
        self._posts()
        self._plain("post_tags", plain.adopt_post_tags)
        self._plain("action_queue", plain.adopt_actions)
        self.writer.link_authors()
        self.staging.close()

    def _plain(self, name: str, adopt: Callable[[Writer, OldTable], None]) -> None:
        if (table := self.tables.get(name)) is not None:
            adopt(self.writer, table)

    # --- the posts, with all that hangs on them ---

    def _posts(self) -> None:
        self._set_strays_aside()
        total = self.writer.tallies["posts"].kept + self.writer.tallies["posts"].made
        done = 0
        for page in self.staging.pages(_PAGE):
            posts = self._page(page)
            self._media(posts)
            rows = self._known(posts)
            intent = fold(posts, rows, self.ids, self.now)
            store_posts(self.writer, posts, intent, self.parsed)
            self.writer.flush()
            done += len(page)
            self.told("posts with media and snapshots", done, total)
        self._note_foreign_platforms()

    def _set_strays_aside(self) -> None:
        """Snapshots and media of posts that are not there, and the zeros that a view made up."""
        for name in ("data_downloads", "post_media"):
            if (table := self.tables.get(name)) is None:
                continue
            for page in table.strays(self.tx, _PAGE):
                for each in page:
                    why = "its post is not there; the row is kept as JSON"
                    self.writer.set_aside(name, str(each[table.key]), each, FindingKind.DANGLING, why)
                self.writer.flush()
        for each in self.tables["data_downloads"].among(self.tx, "download_id", [VIRTUAL]):
            why = "a zero that nobody observed; it is no snapshot"
            if each["post_id"] in self.staging.targets_of([each["post_id"]]):
                self.writer.set_aside("data_downloads", VIRTUAL, each, FindingKind.VIRTUAL_ROW, why)

    def _page(self, targets: Sequence[Target]) -> list[AdoptedPost]:
        old_posts = self._old_posts(targets)
        snapshots = self._old_snapshots(targets)
        made = []
        for target in targets:
            mine = snapshots.get(target.post_id, [])
            if target.members:
                post = adopt_post(target, [old_posts[each.old_id] for each in target.members], self.findings)
            else:
                first = min(mine, key=lambda each: (each.observation.at, each.old_id))
                seen = min(each.downloaded_at for each in mine)
                post = split_post(target, first.record, seen, self.now)
            made.append(post)
            for each in mine:
                if post.is_repost and each.record.post is None:
                    self._undecided(each, target, "its post is a repost, whose row the original shared")
            adopted = [
                adopt_snapshot(
                    each,
                    target.post_id,
                    of_original=each.record.post.metrics_of_original if each.record.post else post.is_repost,
                )
                for each in mine
            ]
            post.snapshots = merged_by_time(adopted)
        return made

    def _old_posts(self, targets: Sequence[Target]) -> dict[str, OldPost]:
        ids = {each.old_id: target.post_id for target in targets for each in target.members}
        found = {}
        for row in self.tables["posts"].among(self.tx, "post_id", ids):
            read = Reader("posts", ids[row["post_id"]], row, self.findings)
            found[row["post_id"]] = read_post(read, row["post_id"], self.records.of_post(row, self.now), self.now)
        return found

    def _old_snapshots(self, targets: Sequence[Target]) -> dict[str, list[OldSnapshot]]:
        """The old snapshots of each post to be: those of its old rows that do not leave, and those that come."""
        of_member = {each.old_id: target for target in targets for each in target.members}
        by_id = {target.post_id: target for target in targets}
        table = self.tables["data_downloads"]
        leaving = self.staging.moved_from(of_member)
        coming = self.staging.moved_to(by_id)
        rows = [
            (of_member[row["post_id"]], row)
            for row in table.among(self.tx, "post_id", of_member)
            if row["download_id"] not in leaving and row["download_id"] != VIRTUAL
        ]
        rows += [(by_id[coming[row["download_id"]]], row) for row in table.among(self.tx, "download_id", coming)]
        mixed = self._mixed(leaving)
        runs = self._runs(row.get("run_id") for _, row in rows)
        found: dict[str, list[OldSnapshot]] = defaultdict(list)
        for target, row in rows:
            old = self._old_snapshot(row, target, runs)
            found[target.post_id].append(old)
            if old.record.post is None and row["post_id"] in mixed and target.platform in self.parsed:
                self._undecided(old, target, "other snapshots that stood with it are another post's")
        return found

    def _undecided(self, old: OldSnapshot, target: Target, reason: str) -> None:
        why = f"{reason}, and it has no raw JSON that tells: it stays with {target.post_id}"
        self.findings.add(FindingKind.UNDECIDED_SNAPSHOT, old.new_id, why)

    def _mixed(self, leaving: Mapping[str, str]) -> set[str]:
        """Old posts of which some snapshots leave: what they cannot tell of the others is undecided."""
        gone = self.tables["data_downloads"].among(self.tx, "download_id", leaving)
        return {row["post_id"] for row in gone}

    def _old_snapshot(self, row: OldRow, target: Target, runs: Mapping[str, str]) -> OldSnapshot:
        download_id = self.writer.id_for("data_downloads", row["download_id"])
        read = Reader("data_downloads", download_id, row, self.findings)
        downloaded = read.time("downloaded_at") or read.time("created_at") or self.now
        record, observation = self.records.of_snapshot(row, target.platform, downloaded)
        if record.why is not None:
            why = f"data_downloads.raw_json: {record.why}; kept as it was"
            self.findings.add(FindingKind.UNREADABLE_JSON, download_id, why)
        run_id = read.text("run_id")
        if run_id is not None and run_id not in runs:
            read.left["run_id"] = run_id
        return OldSnapshot(
            reader=read,
            old_id=row["download_id"],
            new_id=download_id,
            run_id=runs.get(run_id or ""),
            downloaded_at=downloaded,
            created_at=read.time("created_at") or downloaded,
            observation=observation,
            record=record,
            source=read.text("source_file_path"),
        )

    def _runs(self, run_ids: Iterable[Any]) -> dict[str, str]:
        """What runs are called now, by their old ids; those that are not there are left out."""
        wanted = {str(each) for each in run_ids if each}
        renamed = self.writer.current(wanted)
        there = self.writer.existing("download_runs", {renamed.get(each, each) for each in wanted})
        return {each: new for each in wanted if (new := renamed.get(each, each)) in there}

    def _media(self, posts: Sequence[AdoptedPost]) -> None:
        table = self.tables.get("post_media")
        if table is None:
            return
        owners = {each.old_id: post for post in posts for each in post.target.members}
        rows: dict[str, list[Any]] = defaultdict(list)
        for row in table.among(self.tx, "post_id", owners):
            read = Reader("post_media", row["media_id"], row, self.findings)
            rows[owners[row["post_id"]].row.post_id].append(read_media(read, row["media_id"], self.now))
        files = files_of(self.tx, {each.md5 for some in rows.values() for each in some if each.md5})
        for post in posts:
            records = [*(one.record for one in post.rows), *(o.record for s in post.snapshots for o in s.rows)]
            post.places = merge_places(
                post.row.post_id,
                rows.get(post.row.post_id, ()),
                shown_media([record.post for record in records if record.post is not None]),
                files,
                of_original=post.row.post_type == PostKind.REPOST,
                new_id=self.ids.new,
            )

    def _known(self, posts: Sequence[AdoptedPost]) -> known.Known:
        """The profiles that the records of these posts show."""
        rows = known.Known()
        people: list[Profile] = []
        for post in posts:
            for record in (*(o.record for o in post.rows), *(o.record for s in post.snapshots for o in s.rows)):
                if record.found is not None:
                    people += record.found.parsed.profiles
                    if record.found.parsed.via is not None:
                        people.append(record.found.parsed.via)
        rows.profiles, rows.names = known.load_profiles(
            self.tx,
            {each.username for each in people if each.username},
            {each.native_id for each in people if each.native_id},
        )
        return rows

    def _note_foreign_platforms(self) -> None:
        counts: Counter[str] = Counter()
        for platform, count in self.tx.exec_driver_sql("SELECT platform, count(*) FROM posts GROUP BY platform"):
            counts[platform] = int(count)
        for platform, count in sorted(counts.items()):
            if platform not in self.parsed:
                why = f"no part of postkeep reads {platform}: its posts ({count}) stay, its media are not fetched"
                self.findings.add(FindingKind.NO_PARSER, platform, why)
