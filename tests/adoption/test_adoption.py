"""A predecessor's database becomes ours: the expectations are written from the facts, not from the code."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postkeep.ids import is_id
from postkeep.library import open_library
from postkeep.store import Store
from postkeep.store.verify import verify_rows, verify_schema
from tests.adoption.adopted import Comparison
from tests.adoption.conftest import Json, Small, Whole, sizes
from tests.adoption.dumps import dump
from tests.adoption.predecessor import NOTES_TABLE, TABLES, Variant

_SHOWN = 25
_FRESH_LENGTH = 17
_DRAWN = re.compile(r"\b[a-z]{1,3}-[0-9a-f]{17}\b")


def nothing(lines: list[str]) -> None:
    """Fail with so many that one sees what is wrong, and how often."""
    if lines:
        shown = "\n".join(line[:400] for line in lines[:_SHOWN])
        pytest.fail(f"{len(lines)} are wrong:\n{shown}", pytrace=False)


def findings_of(url: str) -> list[str]:
    store = Store(url)
    try:
        return [str(each) for each in (*verify_schema(store), *verify_rows(store))]
    finally:
        store.close()


# --- announced and done -------------------------------------------------------------------------------


def test_the_database_is_as_large_as_promised(whole: Whole) -> None:
    assert sum(whole.built.old.counts().values()) >= whole.rows


def test_a_dry_run_changes_nothing(whole: Whole) -> None:
    assert whole.after_announcing == whole.before
    assert [name for name in whole.files_after_announcing if "backup" in name or name.endswith(".bak")] == []


def test_a_dry_run_announces_what_is_then_done(whole: Whole) -> None:
    announced, done = lasting(whole.announced), lasting(whole.report)
    assert announced == done
    assert (whole.announced["dry_run"], whole.report["dry_run"]) == (True, False)
    assert {each["table"]: each["before"] for each in done["tables"]} == whole.built.old.counts()
    for each in done["tables"]:
        assert each["after"] == len(whole.found.rows[each["table"]])
        assert each["before"] == each["after"] - each["made"] + each["merged"] + each["set_aside"]


def test_a_dry_run_names_no_ids_that_will_not_be_given(whole: Whole) -> None:
    announced = whole.announced["adopted"]["examples"]
    drawn = [each for each in announced if _DRAWN.search(f"{each['subject']} {each['detail']}")]
    assert drawn == []
    assert {each["subject"] for each in announced if each["kind"] == "split_post"} == {"a new post"}
    done = [each["subject"] for each in whole.report["adopted"]["examples"] if each["kind"] == "split_post"]
    assert all(each in whole.found.by_id["posts"] for each in done)


def test_times_in_findings_can_be_read(whole: Whole) -> None:
    found = [row["detail"] for row in whole.found.rows["adoption_findings"] if row["kind"] == "posted_at_differs"]
    assert found
    nothing([each for each in found if re.search(r"\d{9}", each)])
    assert any(re.search(r"stored as of 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", each) for each in found)


def test_links_that_had_ended_say_why_they_are_not_fetched(whole: Whole) -> None:
    ended = [row for row in whole.found.rows["post_media"] if row["download_state"] == "expired"]
    assert ended
    assert {row["error_kind"] for row in ended} == {"expired"}
    nothing(
        [row["error_message"] for row in ended if not row["error_message"].startswith("the link expired at 20")]
    )
    with open_library(whole.config, read_only=True) as library:
        assert library.media_failures(kinds=["expired"])


def lasting(report: Json) -> Json:
    """The numbers; the examples name ids that are drawn anew."""
    return {name: report["adopted"][name] for name in ("tables", "media_queued", "findings")}


def test_nothing_is_sent_to_anybody(whole: Whole) -> None:
    assert whole.asked == []
    assert whole.connected == 0


def test_the_database_verifies(whole: Whole) -> None:
    nothing(findings_of(whole.url))


# --- contents -----------------------------------------------------------------------------------------


def test_posts(whole: Whole) -> None:
    nothing(whole.compared.posts())


def test_snapshots(whole: Whole) -> None:
    nothing(whole.compared.snapshots())


def test_media(whole: Whole) -> None:
    nothing(whole.compared.media())


def test_tags_and_actions(whole: Whole) -> None:
    nothing(whole.compared.tags_and_actions())


def test_counts(whole: Whole) -> None:
    found, expected, old = whole.found, whole.built.expected, whole.built.old.counts()
    assert len(found.rows["posts"]) == len(expected.posts)
    assert len(found.rows["data_downloads"]) == sum(len(post.snapshots) for post in expected.posts)
    assert len(found.rows["post_tags"]) == sum(len(post.tags) for post in expected.posts)
    for table in ("action_queue", "tags", "download_runs"):
        assert (table, len(found.rows[table])) == (table, old[table])
    from_old = {
        row["media_id"]
        for old_id, table in expected.ids.items()
        if table == "post_media" and (row := found.resolve(table, old_id))
    }
    assert len(from_old) == sum(len(post.places) for post in expected.posts)


def test_actions_runs_and_tags(whole: Whole) -> None:
    found, expected = whole.found, whole.built.expected
    statuses = {old_id: (found.resolve("action_queue", old_id) or {}).get("status") for old_id in expected.actions}
    assert statuses == expected.actions
    for row in whole.built.old.rows["download_runs"]:
        run = found.by_id["download_runs"][row["run_id"]]
        ended = row["status"] not in ("running", None)
        assert run["status"] == (row["status"] if ended else "interrupted")
        assert run["completed_at"] == row["completed_at"]
        assert (run["posts_fetched"], run["error_message"]) == (row["posts_fetched"], row["error_message"])
    assert {row["name"] for row in found.rows["tags"]} == expected.tag_names


def test_profiles_keep_their_notes_and_tags(whole: Whole) -> None:
    found, old = whole.found, whole.built.old
    tags = {row["profile_tag_id"]: row["tag_id"] for row in old.rows["profile_tags"]}
    for row in old.rows["profiles"]:
        profile = found.resolve("profiles", row["profile_id"])
        assert profile is not None, row["username"]
        assert profile["platform"] == (row["platform"] or "linkedin")
        assert profile["username"].lower() in (row["username"].lower(), "rené-imagined")
    for old_id, tag_id in tags.items():
        tagged = found.resolve("profile_tags", old_id)
        assert tagged is not None
        assert tagged["tag_id"] == tag_id


# --- nothing is lost ----------------------------------------------------------------------------------


def test_every_id_leads_somewhere(whole: Whole) -> None:
    found, expected = whole.found, whole.built.expected
    nothing([old_id for old_id, table in expected.ids.items() if found.resolve(table, old_id) is None])
    kept = [old_id for old_id in expected.kept() if old_id not in found.by_id[expected.ids[old_id]]]
    # Profiles whose names differ in case only may be one.
    nothing([old_id for old_id in kept if expected.ids[old_id] not in ("profiles", "profile_tags")])


def test_ids_of_other_forms_are_made_anew(whole: Whole) -> None:
    found, expected = whole.found, whole.built.expected
    wrong = []
    for old_id, prefix in expected.renamed.items():
        table = expected.ids[old_id]
        new_id = found.new_ids.get((table, old_id), "")
        merged_into_a_good_one = old_id in expected.merged and new_id in expected.ids
        fresh = is_id(new_id, prefix) and len(new_id) == len(prefix) + 1 + _FRESH_LENGTH
        if old_id in found.by_id[table] or not (fresh or merged_into_a_good_one):
            wrong.append(f"{old_id} -> {new_id}")
    nothing(wrong)
    for table, columns in TABLES.items():
        key = columns[0].split(" ", 1)[0]
        nothing([row[key] for row in found.rows[table] if not is_id(row[key])])


def test_every_text_is_found_again(whole: Whole) -> None:
    lost = [each for each in whole.built.expected.texts if not whole.found.has_text(each)]
    nothing([each[:200] for each in lost])


def test_the_users_own_column_and_table(whole: Whole) -> None:
    found, expected = whole.found, whole.built.expected
    kept: dict[str, str] = {}
    for row in found.rows["adopted_columns"]:
        if row["table_name"] == "posts" and "my_rating" in (values := json.loads(row["values_json"])):
            kept[row["row_id"]] = values["my_rating"]
    merged = {old_id for old_id in expected.ratings if old_id in expected.merged}
    alone = {old_id: value for old_id, value in expected.ratings.items() if old_id not in merged}
    assert {old_id: kept.get(old_id) for old_id in alone} == alone
    nothing([value for value in expected.ratings.values() if not found.has_text(value)])
    notes = sorted(tuple(row.values()) for row in found.others[NOTES_TABLE])
    assert notes == whole.built.old.notes
    after = [line for line in dump(whole.url) if NOTES_TABLE in line and "adoption_findings" not in line]
    assert after == [line for line in whole.before if NOTES_TABLE in line]


def test_what_cannot_be_decided_is_listed(whole: Whole) -> None:
    listed = whole.found.listed
    missing = [sorted(ids) for ids in whole.built.expected.undecided if not any(each in listed for each in ids)]
    nothing([str(ids) for ids in missing])
    for platform in whole.built.expected.platforms_without_parser:
        assert platform in listed


def test_media_nobody_can_read_have_no_work(whole: Whole) -> None:
    subjects = {row["subject"] for row in whole.found.rows["work"]}
    foreign = {
        row["media_id"]
        for post in whole.found.rows["posts"]
        if post["platform"] in whole.built.expected.platforms_without_parser
        for row in whole.found.of("post_media", "post_id", post["post_id"])
    }
    assert foreign
    assert subjects & foreign == set()


def test_an_archive_url_proves_nothing(whole: Whole) -> None:
    files = whole.found.rows["media_files"]
    assert any(row["archive_url"] for row in files)
    assert [row for row in files if row["sha256"] or row["proven_at"] or row["cached_at"]] == []


def test_no_policy_lets_everybody_in(whole: Whole) -> None:
    always = [line for line in dump(whole.url) if line.startswith("('policy'") and "always true" in line]
    assert always == []


# --- again --------------------------------------------------------------------------------------------


def test_a_second_upgrade_changes_nothing(whole: Whole) -> None:
    before = dump(whole.url)
    again = whole.upgrade()
    assert again["steps"] == 0
    assert again["adopted"] is None
    assert dump(whole.url) == before


@pytest.mark.parametrize("whole", sizes("sqlite"), indirect=True)
def test_the_backup_is_the_old_database(whole: Whole) -> None:
    backup = Path(whole.report["adopted"]["backup"])
    assert dump(f"sqlite:///{backup}") == whole.before
    assert backup.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# --- variants -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variant",
    [Variant(late_columns=False, users_own=False), Variant(naive_times=True)],
    ids=["early", "naive"],
)
def test_other_ages(small: Small, variant: Variant) -> None:
    small.upgrade()
    assert findings_of(small.url) == []
    found = small.read()
    compared = Comparison(found, small.built.expected)
    nothing(compared.snapshots())
    nothing(compared.tags_and_actions())
    if variant.late_columns:
        nothing([*compared.posts(), *compared.media()])
    else:
        assert {row["archive_url"] for row in found.rows["post_media"]} == {None}
        assert [row["ai_analysis_log"] for row in found.rows["post_media"] if row["ai_analysis_log"] != []] == []


def test_the_library_opens_what_was_adopted(small: Small) -> None:
    small.upgrade()
    adopted = dump(small.url)
    with open_library(small.config) as library:
        assert library.verify_database() == []
        assert library.posts(limit=3)
    assert dump(small.url) == adopted


def test_a_repost_has_its_own_urn(small: Small) -> None:
    """The old row, which was made of the repost, has the original's; it is kept beside."""
    small.upgrade()
    found = small.read()
    reposts = [row for row in found.rows["posts"] if row["post_type"] == "repost"]
    assert len(reposts) > 3
    assert [row["urn"] for row in reposts if row["native_id"] not in row["urn"]] == []
    moved = small.built.expected.post("repost first")
    (kept,) = [row for row in found.rows["adopted_columns"] if row["row_id"] in moved.ids]
    old = next(row for row in small.built.old.rows["posts"] if row["post_id"] in moved.ids)
    assert json.loads(kept["values_json"])["urn"] == old["urn"]
    with open_library(small.config, read_only=True) as library:
        assert moved.native_id in library.post(min(moved.ids)).urn
