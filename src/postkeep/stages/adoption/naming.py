"""First of all: which old post is which, and which of their snapshots belong to another; noted in the staging."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from postkeep.model import Post
from postkeep.stages.adoption.identity import identify
from postkeep.stages.adoption.reading import Record, Records, is_own_activity, platform_of
from postkeep.store.adoption import old_rows
from postkeep.store.adoption.findings import FindingKind
from postkeep.store.adoption.old_rows import OldRow, OldTable
from postkeep.store.adoption.staging import Member, Staging, Target
from postkeep.store.adoption.writing import Writer
from postkeep.store.spelling import fold
from postkeep.store.types import to_text

VIRTUAL = "virtual_initial_point"
"""The id of the zero that the predecessor's view put before a curve: nobody observed it."""

_PAGE = 200
_AGELESS = "9"


class Naming:
    """Reads every record once, and says in `staging` what becomes of its row."""

    def __init__(
        self,
        writer: Writer,
        tables: Mapping[str, OldTable],
        records: Records,
        staging: Staging,
        *,
        told: Callable[[str, int, int], None],
    ) -> None:
        self.writer, self.tables, self.records, self.staging = writer, tables, records, staging
        self.tx, self.ids, self.now = writer.tx, writer.ids, writer.now
        self.findings = writer.findings
        self.told = told

    def run(self) -> None:
        """Name the posts, then place the snapshots."""
        self._name_posts()
        self._place_snapshots()

    # --- first: which post is which ---

    def _name_posts(self) -> None:
        table = self.tables["posts"]
        total, done = table.count(self.tx), 0
        for page in table.pages(self.tx, _PAGE):
            own = {each["post_id"]: self.records.of_post(each, self.now) for each in page}
            open_ones = [
                each["post_id"]
                for each in page
                if own[each["post_id"]].post is None and platform_of(each) in self.records.names
            ]
            seen = self._seen(open_ones)
            self.staging.add_members([self._member(each, own[each["post_id"]], seen) for each in page])
            self._note_kinds(own.values())
            done += len(page)
            self.told("posts", done, total)
        self.staging.settle()
        self._rename_posts()
        self.writer.flush()

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
                    (fold(profile.username), str(profile.kind))
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
