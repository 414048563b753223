"""Figures of communities and authors on Reddit are those of the records they came from, counted a second time."""

from __future__ import annotations

import math
import os
import random
import statistics
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import orjson
import pytest

from postkeep.analytics.reddit_compat import content_type_as_built
from postkeep.analytics.registry import shown
from postkeep.analytics.stored import STORED_FIELDS
from postkeep.analytics.words import WEEKDAYS
from postkeep.errors import NotFound
from postkeep.store import creator_analytics
from postkeep.views.creators import AnalyticsMode, CreatorDetail, TopBy
from tests.library.world import World

NOW = datetime(2025, 9, 20, 12, tzinfo=UTC)
STAMP = int(NOW.timestamp())
DAY = 86_400
SAMPLE = Path(__file__).parents[1] / "data" / "reddit" / "reddit_oauth_r_popular_hot.json"
CORRECTED, COMPAT = AnalyticsMode
Record = dict[str, Any]

FORMS: dict[str, Record] = {
    "text": {"is_self": True},
    "image": {"url": "https://i.redd.it/{}abc.jpg"},
    "link": {"url": "https://news.example/{}"},
    "picture elsewhere": {"url": "https://pictures.example/{}.png"},
    "gallery": {"is_gallery": True, "url": "https://www.reddit.com/gallery/{}"},
    "video": {"is_video": True, "url": "https://v.redd.it/{}abc"},
}
GROUP = {"text": "text", "image": "image", "gallery": "image", "video": "video", "picture elsewhere": "link"}


def submission(number: int, *, ago: float = 1, form: str = "link", **more: Any) -> Record:
    """A record of r/python, so many days old."""
    name = f"p{number}"
    told = {
        "id": name,
        "name": f"t3_{name}",
        "title": f"Title {number}",
        "selftext": "",
        "subreddit": "python",
        "subreddit_id": "t5_py",
        "author": "ann",
        "created_utc": STAMP - int(ago * DAY),
        "score": 10,
        "num_comments": 2,
        "is_self": False,
        "media": None,
        "link_flair_text": form,
        "url": f"https://www.reddit.com/r/python/comments/{name}/",
        **{key: value.format(name) if isinstance(value, str) else value for key, value in FORMS[form].items()},
        **more,
    }
    if told["author"] is not None:
        told["author_fullname"] = f"t2_{told['author']}"
    return told


def listing(*records: Record, more: bool = True) -> Record:
    children = [{"kind": "t3", "data": each} for each in records]
    return {"kind": "Listing", "data": {"after": "t3_zz" if more else None, "children": children}}


def account(name: str, *, days: int | None = 100, karma: int | None = 50, comments: int | None = 5) -> Record:
    created = {} if days is None else {"created_utc": STAMP - days * DAY}
    return {
        "kind": "t2",
        "data": {"name": name, "id": name, "link_karma": karma, "comment_karma": comments, **created},
    }


def community(members: int) -> Record:
    return {"kind": "t5", "data": {"display_name": "python", "name": "t5_py", "subscribers": members}}


def bring(world: World, *records: Record, at: datetime = NOW) -> None:
    """Import these records, each as a file of its own, as observed at this time."""
    world.now_is(NOW)
    folder = Path(mkdtemp(dir=world.folder))
    for number, each in enumerate(records):
        path = folder / f"{number}.json"
        path.write_bytes(orjson.dumps(each))
        os.utime(path, (at.timestamp(), at.timestamp()))
    summary = world.library.import_([str(folder)], fetch=False)
    assert summary.quarantined == 0


def show(world: World, name: str = "r/python", mode: AnalyticsMode = CORRECTED, **more: Any) -> CreatorDetail:
    return world.library.creators.show(name, mode=mode, **more)


def told(detail: CreatorDetail) -> dict[str, str]:
    return {each.name: each.text for each in detail.figures}


# --- counted again --------------------------------------------------------------------------------------------


def generated(seed: int) -> tuple[list[Record], list[Record]]:
    chance = random.Random(seed)
    names = [f"user{number}" for number in range(chance.choice([4, 12]))]
    posts = []
    for number in range(chance.choice([12, 60])):
        form = chance.choice(list(FORMS))
        # What a post led to that was removed before it was seen, nobody told.
        gone = form != "picture elsewhere" and chance.random() < 0.1
        posts.append(
            submission(
                number,
                ago=chance.uniform(0, 30),
                form=form,
                author=chance.choice([*names, None]),
                score=chance.choice([0, 1, chance.randrange(5000)]),
                num_comments=chance.choice([0, chance.randrange(300)]),
                stickied=chance.random() < 0.1,
                hide_score=chance.random() < 0.15,
                over_18=chance.random() < 0.3,
                **({"removed_by_category": "moderator"} if gone else {}),
            )
        )
    accounts = [
        account(
            name,
            days=chance.choice([None, chance.randrange(3000)]),
            karma=chance.randrange(-20, 9000),
            comments=chance.choice([None, chance.randrange(9000)]),
        )
        for name in names
        if chance.random() < 0.9
    ]
    return posts, accounts


def mean(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else None


def slots(posts: list[Record], slot: Callable[[datetime], Any]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    for each in posts:
        found.setdefault(slot(datetime.fromtimestamp(each["created_utc"], UTC)), []).append(each["score"])
    return found


def weekday(at: datetime) -> str:
    return WEEKDAYS[at.weekday()]


def nine_of_ten(values: Iterable[int | None]) -> int | None:
    known = sorted(each for each in values if each is not None)
    return known[-(-len(known) // 10) - 1] if len(known) >= 5 else None


def best_median(found: dict[Any, list[int]], order: list[Any]) -> Any:
    fit = {name: statistics.median(scores) for name, scores in found.items() if len(scores) >= 3}
    return next((name for name in order if name in fit and fit[name] == max(fit.values())), None)


def counted_again(posts: list[Record], accounts: list[Record]) -> dict[str, Any]:
    posts = [each for each in posts if not each["stickied"] and "removed_by_category" not in each]
    open_ = [each for each in posts if not each["hide_score"]]
    votes, comments = mean(each["score"] for each in open_), mean(each["num_comments"] for each in open_)
    total = sum(each["score"] for each in open_)
    kinds: dict[str, list[int]] = {"image": [], "video": [], "text": [], "link": []}
    for each in open_:
        kinds[GROUP.get(each["link_flair_text"], "link")].append(each["score"])
    means = {name: mean(scores) for name, scores in kinds.items()}
    best = max((value for value in means.values() if value is not None), default=None)
    people = {each["data"]["name"]: each["data"] for each in accounts}
    writers = [people.get(name, {}) for name in {each["author"] for each in posts} - {None}]
    return {
        "avg_upvotes_per_post": votes,
        "avg_comments_per_post": mean(each["num_comments"] for each in posts),
        "engagement": sum(each["num_comments"] for each in open_) / total if total else None,
        "subreddit_score": None if votes is None or comments is None else math.sqrt(votes * comments),
        "best_posting_day": best_median(slots(open_, weekday), list(WEEKDAYS)),
        "best_posting_hour": best_median(slots(open_, lambda at: at.hour), list(range(24))),
        **{f"{name}_post_avg_score": value for name, value in means.items()},
        "top_content_type": None if best is None else next(name for name, value in means.items() if value == best),
        "min_account_age_days": nine_of_ten(
            (STAMP - each["created_utc"]) // DAY if "created_utc" in each else None for each in writers
        ),
        "min_post_karma": nine_of_ten(each.get("link_karma") for each in writers),
        "min_comment_karma": nine_of_ten(each.get("comment_karma") for each in writers),
    }


def as_built(posts: list[Record], accounts: list[Record]) -> dict[str, Any]:
    """The formulas of the predecessor; of a hidden score the archive has nothing, which is 0."""
    scores = {each["id"]: 0 if each["hide_score"] else each["score"] for each in posts}
    total, comments = sum(scores.values()), sum(each["num_comments"] for each in posts)
    typed = {
        name: [scores[each["id"]] for each in posts if content_type_as_built(each) == name]
        for name in ("image", "video", "text", "link")
    }
    means = {name: sum(found) / len(found) if found else 0 for name, found in typed.items()}
    open_ = [{**each, "score": scores[each["id"]]} for each in posts]
    days, hours = slots(open_, weekday), slots(open_, lambda at: at.hour)
    people = {each["data"]["name"]: each["data"] for each in accounts}
    writers = [people.get(each["author"] or "", {}) for each in posts]

    def tenth(values: list[int]) -> int | None:
        return sorted(values)[len(values) // 10] if len(values) >= 5 else None

    return {
        "avg_upvotes_per_post": total / len(posts),
        "avg_comments_per_post": comments / len(posts),
        "engagement": comments / total,
        "subreddit_score": math.sqrt(1000 * comments / len(posts)),
        "best_posting_day": max(days, key=lambda name: statistics.mean(days[name])),
        "best_posting_hour": max(hours, key=lambda name: statistics.mean(hours[name])),
        **{f"{name}_post_avg_score": value for name, value in means.items()},
        "top_content_type": max(means, key=lambda name: means[name]),
        "min_account_age_days": tenth(
            [(STAMP - each["created_utc"]) // DAY if "created_utc" in each else 0 for each in writers]
        ),
        "min_post_karma": tenth([each.get("link_karma") or 0 for each in writers]),
        "min_comment_karma": tenth([each.get("comment_karma") or 0 for each in writers]),
    }


@pytest.mark.parametrize("seed", range(6))
def test_a_community_counted_again(here: World, seed: int) -> None:
    posts, accounts = generated(seed)
    bring(here, listing(*posts), *accounts)
    for mode, again in ((CORRECTED, counted_again), (COMPAT, as_built)):
        detail = show(here, mode=mode)
        assert told(detail) == {name: shown(name, value) for name, value in again(posts, accounts).items()}
    figures = {each.name: each for each in show(here).figures}
    kept = [each for each in posts if not each["stickied"] and "removed_by_category" not in each]
    assert figures["avg_upvotes_per_post"].of == len(kept)
    assert figures["avg_upvotes_per_post"].counted == sum(not each["hide_score"] for each in kept)
    assert figures["min_post_karma"].of == len({each["author"] for each in kept} - {None})


def test_every_record_of_the_sample_is_of_the_type_that_was_seen_then(here: World) -> None:
    bring(here, orjson.loads(SAMPLE.read_bytes()))
    records = [each["data"] for each in orjson.loads(SAMPLE.read_bytes())["data"]["children"]]
    assert len(records) == 54
    seen = {
        each["subreddit"]: content_type_as_built(each)
        for each in records
        if each["score"] > 0 and not each["hide_score"]
    }
    built = {name: show(here, f"r/{name}", COMPAT, top=0).analytics["top_content_type"] for name in seen}
    # A gallery was a type of its own, and none of the four that were ranked.
    assert built == {name: None if found == "gallery" else found for name, found in seen.items()}
    assert set(seen.values()) == {"gallery", "image", "link", "text", "video"}


# --- what each mode makes of it -------------------------------------------------------------------------------


def both(world: World, name: str) -> tuple[Any, Any]:
    return show(world).analytics[name], show(world, mode=COMPAT).analytics[name]


def test_what_was_built_wrong_shows(here: World) -> None:
    bring(
        here,
        *(account(f"user{number}", karma=100 + number) for number in range(5)),
        listing(
            *(submission(n, ago=7 * n + 1.5, author=f"user{n}", score=100, num_comments=10) for n in range(5)),
            submission(10, ago=2, author="user0", hide_score=True, num_comments=10),
            submission(11, ago=2, author="stranger", score=7000, num_comments=999, stickied=True),
            submission(12, ago=2, author="stranger", score=0, num_comments=40, removed_by_category="moderator"),
            submission(13, ago=3, form="gallery", author="user4", score=150, num_comments=10),
            submission(14, ago=3.3, form="picture elsewhere", author="user4", score=50, num_comments=10),
        ),
    )
    assert both(here, "avg_upvotes_per_post") == (100, 770)
    assert both(here, "avg_comments_per_post") == (10, 111.9)
    assert both(here, "engagement") == (0.1, pytest.approx(1119 / 7700))
    assert both(here, "subreddit_score") == (pytest.approx(math.sqrt(1000)), pytest.approx(math.sqrt(111_900)))
    # A single pinned post made Thursday the best day.
    assert both(here, "best_posting_day") == ("Friday", "Thursday")
    assert both(here, "image_post_avg_score") == (150, 50)
    assert both(here, "link_post_avg_score") == (pytest.approx(550 / 6), pytest.approx(7500 / 8))
    # A stranger's unknown karma was nothing, and for two posts he was two.
    assert both(here, "min_post_karma") == (100, 0)
    assert show(here).analytics["sample"]["excluded"] == {"stickied": 1, "not_there": 1}
    assert show(here).analytics["sample"]["counted"] == 8


def test_what_spreads(here: World) -> None:
    bring(
        here,
        listing(
            submission(1, ago=1.5, score=500, num_comments=25),
            submission(2, ago=1.5, score=100, num_comments=1, over_18=True),
            submission(3, ago=2, score=0, num_comments=7),
            submission(4, ago=2.9, score=1, num_comments=0),
            submission(5, ago=4, score=9000, num_comments=900),
            submission(6, ago=1, score=9000, num_comments=900, stickied=True),
        ),
    )
    rising = show(here).rising
    assert [each.native_id for each in rising] == ["p1", "p3", "p2"]
    marks = 0.35 * 5 + 0.35 * 5 + 0.1 * 10 + 0.2 * 5
    assert rising[0].viral_score == pytest.approx(marks)
    assert [each.comments_per_vote for each in rising] == [0.05, None, 0.01]
    built = show(here, mode=COMPAT).rising
    assert [each.native_id for each in built] == ["p6", "p1", "p3"]
    assert built[1].viral_score == pytest.approx(marks * 1.1)
    assert built[2].comments_per_vote == 7


def test_hours_and_types_are_told_by_a_named_clock(here: World) -> None:
    bring(here, listing(*(submission(n, ago=n + 0.5, form="text", score=n) for n in range(3))))
    there = show(here, zone="Europe/Vienna")
    assert [day.index(1) for day in there.hours if any(day)] == [2, 2, 2]
    assert there.analytics["best_posting_hour"] == 2
    built = show(here, mode=COMPAT, zone="Europe/Vienna")
    assert (built.analytics["zone"], built.analytics["best_posting_hour"]) == ("UTC", 0)
    assert [day.index(1) for day in built.hours if any(day)] == [0, 0, 0]
    assert [(each.form, each.posts, each.mean_votes, each.rate) for each in there.types] == [
        ("text", 3, 1.0, None)
    ]


def test_members_grow(here: World) -> None:
    bring(here, community(1000), at=NOW - timedelta(days=7))
    bring(here, community(1100), listing(submission(1)))
    detail = show(here)
    assert (detail.kind, detail.followers) == ("subreddit", 1100)
    assert detail.growth["weekly"]["percent"] == pytest.approx(10)
    assert detail.newest_observation == NOW


# --- authors --------------------------------------------------------------------------------------------------


def test_an_author_counted_again(here: World) -> None:
    posts = [
        submission(n, ago=a, score=s, num_comments=n) for n, (a, s) in enumerate([(1, 8), (3, 4), (5, 0), (9, 4)])
    ]
    posts[1]["subreddit"], posts[1]["subreddit_id"] = "cats", "t5_ca"
    bring(here, account("ann", days=730, karma=900, comments=100), listing(*posts, more=False))
    detail = show(here, "u/ann")
    assert told(detail) == {
        **dict.fromkeys(("image_post_avg_score", "video_post_avg_score", "text_post_avg_score"), "-"),
        "avg_upvotes_per_post": "4.0",
        "avg_comments_per_post": "1.5",
        "engagement": "0.3750",
        "best_posting_day": "-",
        "best_posting_hour": "12",
        "link_post_avg_score": "4.0",
        "top_content_type": "link",
        "account_age_days": "730",
        "post_karma": "900",
        "comment_karma": "100",
        "karma_per_day": "1.37",
        "user_score": f"{0.15 * 10 + 0.35 * 4 + 0.5 * 6:.2f}",
        "last_post_days_ago": "1.0",
        "posting_frequency_per_week": f"{3 / 8 * 7:.2f}",
        "posting_consistency_score": f"{100 - 100 * statistics.pstdev([2, 2, 4]) / (8 / 3):.1f}",
        "most_active_day": "Thursday",
        "most_active_hour": "12",
    }
    assert (detail.rising, detail.top[0].native_id) == ((), "p0")


def test_who_was_only_met_elsewhere_has_no_rhythm(here: World) -> None:
    others = [submission(n, ago=n, author="bob") for n in range(10, 14)]
    bring(here, listing(*(submission(n, ago=n) for n in range(4)), *others))
    found = show(here, "u/ann").analytics
    assert found["avg_upvotes_per_post"] == 10
    for name in (
        "posting_frequency_per_week",
        "last_post_days_ago",
        "most_active_day",
        "karma_per_day",
        "user_score",
    ):
        assert found[name] is None, name


# --- what is kept, and where posts are found ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["r/python", "u/ann"])
def test_what_means_nothing_on_reddit_is_stored_as_unknown(here: World, name: str) -> None:
    bring(here, community(5), account("ann"), listing(*(submission(n, ago=n) for n in range(5)), more=False))
    bring(here, listing(submission(9, subreddit="cats", subreddit_id="t5_ca", ago=9), more=False))
    assert here.library.creators.update([name]).updated == 1
    [[profile_id]] = here.rows("SELECT profile_id FROM creator_analytics")
    with here.store.reading() as tx:
        stored = creator_analytics.read(tx, profile_id)
    assert stored is not None
    known = {"avg_comments_per_post_cached", "best_content_type", "last_scraped_at", "total_api_calls"}
    if name == "r/python":
        known.add("followers_last_updated")
    assert {each for each in STORED_FIELDS if stored[each] is not None} == known
    assert (stored["avg_comments_per_post_cached"], stored["best_content_type"]) == (2, "link")
    kept = orjson.loads(stored["details"])["analytics"]
    assert kept == show(here, name).analytics
    [line] = here.library.creators.page()
    assert (line.engagement_rate, line.best_content_type) == (None, "link")


def test_many_are_stored_as_one_is(here: World) -> None:
    bring(here, listing(*(submission(n, ago=n, author=f"user{n}", score=n) for n in range(12))))
    names = ["r/python", *(f"u/user{n}" for n in range(12))]
    assert here.library.creators.update(names).updated == 13
    [[details]] = here.rows(
        "SELECT details FROM creator_analytics JOIN profiles USING (profile_id) WHERE kind = 'subreddit'"
    )
    assert orjson.loads(details)["analytics"] == show(here).analytics
    for line in here.library.creators.page():
        assert (line.engagement_rate, line.posts_per_week, line.best_content_type) == (None, None, "link")


def test_a_communitys_posts_are_those_in_it(here: World) -> None:
    bring(
        here,
        listing(
            submission(1, ago=3, score=5),
            submission(2, ago=2, author="bob", score=9),
            submission(3, ago=1, subreddit="cats", subreddit_id="t5_ca", score=7),
        ),
    )
    library = here.library
    for name in ("r/python", "reddit/python", "reddit/subreddit/python", "https://www.reddit.com/r/python/"):
        assert [each.native_id for each in library.posts(author=name)] == ["p2", "p1"]
        assert [each.native_id for each in library.creators.top_posts(author=name)] == ["p2", "p1"]
    [first] = library.posts(author="r/python", limit=1)
    assert [each.native_id for each in library.posts(author="r/python", after=first.post_id)] == ["p1"]
    assert [each.native_id for each in library.posts(author="u/ann")] == ["p3", "p1"]
    assert [each.native_id for each in library.posts(author="ann")] == ["p3", "p1"]
    assert library.creators.top_posts(by=TopBy.RATE) == []
    assert {each.username: each.posts for each in library.people.profiles()} == {
        "python": 2,
        "cats": 1,
        "ann": 2,
        "bob": 1,
    }
    with pytest.raises(NotFound):
        library.posts(author="r/nobody")
