"""Carries a predecessor's rows into our tables, page by page, inside the one transaction of an upgrade."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import IdFactory
from postkeep.model import Platform, Post, PostKind, Profile
from postkeep.stages.adoption import plain
from postkeep.stages.adoption.files import adopt_files, files_of
from postkeep.stages.adoption.identity import identify
from postkeep.stages.adoption.media import merge_places, read_media
from postkeep.stages.adoption.posts import (
    AdoptedPost,
    OldPost,
    adopt_post,
    fold,
    read_post,
    shown_media,
    split_post,
)
from postkeep.stages.adoption.reading import Reader, Record, Records, is_own_activity, platform_of
from postkeep.stages.adoption.snapshots import OldSnapshot, adopt_snapshot, merged_by_time
from postkeep.stages.adoption.storing import store_posts
from postkeep.store import known
from postkeep.store.adoption import old_rows
from postkeep.store.adoption.findings import FindingKind
from postkeep.store.adoption.old_rows import OldRow, OldTable
from postkeep.store.adoption.staging import Member, Staging, Target
from postkeep.store.adoption.writing import Writer
from postkeep.store.types import to_text

VIRTUAL = "virtual_initial_point"
"""The id of the zero that the predecessor's view put before a curve: nobody observed it."""

_PAGE = 200
_AGELESS = "9"


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
        self._name_posts()
        self._place_snapshots()
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

    # --- first: which post is which ---

    def _name_posts(self) -> None:
        table = self.tables["posts"]
        total, done = table.count(self.tx), 0
        for page in table.pages(self.tx, _PAGE):
            own = {each["post_id"]: self._record_of(each) for each in page}
            open_ones = [post_id for post_id, record in own.items() if record.post is None]
            seen = self._seen(open_ones)
            self.staging.add_members([self._member(each, own[each["post_id"]], seen) for each in page])
            self._note_kinds(own.values())
            done += len(page)
            self.told("posts", done, total)
        self.staging.settle()
        self._rename_posts()
        self.writer.flush()

    def _record_of(self, row: OldRow) -> Record:
        at = old_rows.as_time(row.get("first_seen_at")) or old_rows.as_time(row.get("created_at")) or self.now
        return self.records.of_post(row, platform_of(row), at)

    def _seen(self, post_ids: Iterable[str]) -> dict[str, list[Post]]:
        """What the snapshots of these old posts show, where a parser can tell."""
        found: dict[str, list[Post]] = defaultdict(list)
        for row in self.tables["data_downloads"].among(self.tx, "post_id", post_ids):
            record, _ = self.records.of_snapshot(row, "linkedin", self.now)
            if record.post is not None:
                found[row["post_id"]].append(record.post)
        return found

    def _member(self, row: OldRow, record: Record, seen: Mapping[str, list[Post]]) -> Member:
        old_id, platform = row["post_id"], platform_of(row)
        posted = old_rows.as_time(old_rows.as_milliseconds(row.get("posted_at_timestamp")))
        made = identify(
            platform,
            old_rows.as_text(row.get("urn")) or "",
            old_rows.as_text(row.get("full_urn")),
            old_rows.as_text(row.get("url")),
            posted,
            record.post,
            seen.get(old_id, ()) if platform == "linkedin" else (),
        )
        new_id = self.writer.id_for("posts", old_id)
        if record.why is not None:
            self.findings.add(FindingKind.UNREADABLE_JSON, new_id, f"posts.raw_json: {record.why}; kept as it was")
        if made.doubt is not None:
            kind = FindingKind.NAMELESS_POST if made.nameless else FindingKind.UNDECIDED_POST
            self.findings.add(kind, new_id, made.doubt)
        age = old_rows.as_time(row.get("created_at")) or old_rows.as_time(row.get("first_seen_at"))
        return Member(old_id, new_id, platform, made.native_id, to_text(age) if age else _AGELESS, made.doubt)

    def _rename_posts(self) -> None:
        tally = self.writer.tallies["posts"]
        for page in self.staging.pages(_PAGE):
            for target in page:
                for number, member in enumerate(target.members):
                    self.writer.renamed("posts", member.old_id, target.post_id)
                    tally.kept += number == 0
                    tally.merged += number > 0
                    tally.renamed += number == 0 and member.old_id != target.post_id

    def _note_kinds(self, records: Iterable[Record]) -> None:
        found: set[tuple[str, str]] = set()
        for record in records:
            if record.found is not None:
                # Without a name a profile is only that of the list, whose kind is a guess.
                found |= {
                    (profile.username, str(profile.kind))
                    for profile in record.found.parsed.profiles
                    if profile.username and profile.name
                }
        self.staging.note_kinds(found)

    # --- then: which snapshot is whose ---

    def _place_snapshots(self) -> None:
        table = self.tables["data_downloads"]
        total, done = table.count(self.tx), 0
        for page in table.pages(self.tx, _PAGE):
            targets = self.staging.targets_of(each["post_id"] for each in page)
            records = {
                each["download_id"]: self.records.of_snapshot(each, target.platform, self.now)[0]
                for each in page
                if (target := targets.get(each["post_id"])) is not None
            }
            self._move(page, targets, records)
            self._note_kinds(records.values())
            done += len(page)
            self.told("data_downloads", done, total)
            self.writer.flush()

    def _move(self, page: Sequence[OldRow], targets: Mapping[str, Target], records: Mapping[str, Record]) -> None:
        wrong: list[tuple[str, str, tuple[str, str]]] = []
        for row in page:
            download_id, target = row["download_id"], targets.get(row["post_id"])
            post = records[download_id].post if target is not None else None
            if target is None or post is None or download_id == VIRTUAL or post.native_id == target.native_id:
                continue
            if is_own_activity(post):
                wrong.append((download_id, row["post_id"], (post.platform, post.native_id)))
            elif target.native_id not in {alias.value for alias in post.aliases}:
                why = f"its raw JSON names {post.urn}, but not the activity it is; it stays with {target.post_id}"
                self.findings.add(FindingKind.UNDECIDED_SNAPSHOT, download_id, why)
        found = self.staging.targets_called(key for *_, key in wrong)
        fresh: dict[tuple[str, str], Target] = {}
        for _, old_post, key in wrong:
            if key not in found and key not in fresh:
                fresh[key] = Target(self.ids.new("p"), *key, split_from=targets[old_post].post_id)
        self.staging.split_off(fresh.values())
        for key, target in fresh.items():
            self.writer.tallies["posts"].made += 1
            why = f"split from {target.split_from}: the raw JSON of snapshots says that it is post {key[1]}"
            self.findings.add(FindingKind.SPLIT_POST, target.post_id, why)
        self.staging.move(
            [(download_id, old_post, (found | fresh)[key].post_id) for download_id, old_post, key in wrong]
        )

    # --- then the posts, with all that hangs on them ---

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
        for name, kind, why in (
            ("data_downloads", FindingKind.DANGLING, "its post is not there; the row is kept as JSON"),
            ("post_media", FindingKind.DANGLING, "its post is not there; the row is kept as JSON"),
        ):
            table = self.tables.get(name)
            for page in table.pages(self.tx, plain.PAGE) if table is not None else ():
                there = self.staging.targets_of(each["post_id"] for each in page)
                for each in page:
                    if each.get("download_id") == VIRTUAL:
                        virtual = "a zero that nobody observed; it is no snapshot"
                        self.writer.set_aside(name, VIRTUAL, each, FindingKind.VIRTUAL_ROW, virtual)
                    elif each["post_id"] not in there:
                        self.writer.set_aside(name, str(each[table.key] if table else ""), each, kind, why)
                self.writer.flush()

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
            found[row["post_id"]] = read_post(read, row["post_id"], self._record_of(row), self.now)
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
                why = (
                    f"no part of postkeep reads {platform}: its {count} posts stay, and its media are not fetched"
                )
                self.findings.add(FindingKind.NO_PARSER, platform, why)


__all__ = ["VIRTUAL", "Adoption"]
