"""Posts and snapshots with the defects the predecessor gave them; each case adds a few posts."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.adoption.building import UNSET, Builder, Json
from tests.adoption.expectation import ExpectedPlace, ExpectedPost
from tests.records import author, stats


def urn(number: str) -> str:
    return f"urn:li:activity:{number}"


def number_of(record: Json) -> str:
    found: str = record["urn"]["activity_urn"]
    return found


def ordinary(b: Builder) -> None:
    """A post seen thrice, with tags and actions."""
    record, at = b.record(text=f"Plain words {b.serial()} #craft")
    post_id = b.post(urn(number_of(record)), record, at, is_marked=b.serial() % 2 == 0)
    post = b.plain("ordinary", record, post_id, marked=b.old.rows["posts"][-1]["is_marked"])
    for likes in (3, 8, 21):
        b.snapshot(post, post_id, record | {"stats": stats(likes, likes // 3, likes // 7)})
    b.action(post, post_id)
    b.post_tag(post, post_id, "aws")
    b.old.notes.append((len(b.old.notes) + 1, post_id, f"my note {b.serial()}"))


def twice(b: Builder) -> None:
    """One post under its bare and its prefixed name, each with what hangs on it."""
    record, at = b.record()
    number = number_of(record)
    bare = b.post(number, record | {"full_urn": None}, at)
    prefixed = b.post(urn(number), record, at, is_marked=True)
    post = b.plain("twice", record, bare, marked=True)
    post.ids.add(prefixed)
    b.expected.merged |= post.ids
    for post_id in (bare, prefixed, bare):
        b.snapshot(post, post_id, record | {"stats": stats(b.serial(), 2, 1)})
        b.action(post, post_id)
    b.post_tag(post, bare, "ai")
    b.post_tag(post, prefixed, "ai", note=f"by hand {b.serial()}")
    b.post_tag(post, prefixed, "startup")


def same_file_twice(b: Builder) -> None:
    """One post under two names whose snapshots come of the same file."""
    record, at = b.record()
    number = number_of(record)
    bare, prefixed = b.post(number, record, at), b.post(urn(number), record, at)
    post = b.plain("same_file_twice", record, bare)
    post.ids.add(prefixed)
    b.expected.merged |= post.ids
    file = b.stamped()
    first = b.snapshot(post, bare, record, file=file)
    b.snapshot(post, prefixed, record, file=file, again=first)


def other_names(b: Builder) -> None:
    """A post whose full_urn is a ugcPost (its own alias), and again under its activity."""
    record, at = b.record()
    number = number_of(record)
    ugc = str(int(number) - 1_000_003)
    record |= {"urn": {"activity_urn": number, "share_urn": None, "ugcPost_urn": ugc}}
    record |= {"full_urn": f"urn:li:ugcPost:{ugc}"}
    first = b.post(f"urn:li:ugcPost:{ugc}", record, at)
    second = b.post(number, record | {"full_urn": None}, at)
    post = b.plain("other_names", record, first)
    post.ids.add(second)
    b.expected.merged |= post.ids
    b.snapshot(post, first, record)
    b.snapshot(post, second, record)


def full_urn_differs(b: Builder) -> None:
    """A regular post whose full_urn has other digits than its activity: its alias, nobody's repost."""
    record, at = b.record()
    alias = str(int(number_of(record)) - 999)
    record |= {"full_urn": urn(alias)}
    post_id = b.post(urn(alias), record, at)
    post = b.plain("full_urn_differs", record, post_id)
    b.snapshot(post, post_id, record)


def names_alone(b: Builder) -> None:
    """No raw JSON at all: the urn is all there is."""
    for kind in ("share", "ugcPost", "activity"):
        record, at = b.record()
        number = number_of(record)
        post_id = b.post(f"urn:li:{kind}:{number}", None, at, text_content="kept", author_username="lone")
        post = b.expect("names_alone", at, number, post_id, text="kept", author="lone")
        b.snapshot(post, post_id, None, numbers=(None, None, None, None))


def seconds(b: Builder) -> None:
    """Seconds where milliseconds were meant, with raw JSON and without."""
    for kept in (True, False):
        record, at = b.record()
        number = number_of(record)
        post_id = b.post(urn(number), record if kept else None, at, posted_at_timestamp=int(at.timestamp()))
        post = b.expect("seconds", at, number, post_id)
        post.posted_ms.add(int(at.timestamp()) * 1000)
        b.snapshot(post, post_id, record)


def string_in_string(b: Builder) -> None:
    """raw_json that is a JSON string with the JSON inside, and one that breaks off."""
    record, at = b.record(text="told within a string")
    inner = b.dumped(record)
    post_id = b.post(urn(number_of(record)), record, at, raw=json.dumps(inner))
    post = b.plain("string_in_string", record, post_id)
    b.snapshot(post, post_id, record, raw=json.dumps(json.dumps(record | {"n": b.serial()})))
    record, at = b.record(text="cut short")
    whole = b.dumped(record)
    post_id = b.post(urn(number_of(record)), record, at, raw=whole[: len(whole) * 2 // 3])
    post = b.plain("cut_short", record, post_id)
    b.snapshot(post, post_id, record, raw=whole[: len(whole) // 3])


def numbers(b: Builder) -> None:
    """Zeros that mean unknown, zeros that mean zero, and numbers under other names."""
    record, at = b.record()
    post_id = b.post(urn(number_of(record)), record, at)
    post = b.plain("numbers", record, post_id)
    none = (None, None, None, None)
    without = {key: value for key, value in record.items() if key != "stats"}

    def stated(told: Json | None, expected: tuple[int | None, ...], total: int = 0) -> None:
        b.snapshot(
            post,
            post_id,
            without if told is None else record | {"stats": told},
            numbers=expected,
            total_reactions=total,
        )

    stated(None, none)
    stated({}, none)
    stated(stats(0, 0, 0), (0, 0, 0, None))
    stated({"total_reactions": 12, "comments": 1}, (12, 1, None, None))
    stated({"reactions": 7, "shares": 2, "views": 90}, (7, None, 2, 90))
    stated({"comments": 4}, (31, 4, None, None), total=31)


def sources(b: Builder) -> None:
    """Times from file names and folders, and none but the import's; one file imported thrice."""
    record, at = b.record()
    post_id = b.post(urn(number_of(record)), record, at)
    post = b.plain("sources", record, post_id)
    file = b.stamped()
    first = b.snapshot(post, post_id, record, file=file)
    b.snapshot(post, post_id, record, file=file, again=first)
    b.snapshot(post, post_id, record, file=(f"/Users/me/st/{file[0]}", file[1]), again=first)
    moment = b.stamped()[1].replace(microsecond=0)
    folder = f"data/{moment:%Y%m%d_%H%M%S}/linkedin/export.json"
    b.snapshot(post, post_id, record, file=(folder, moment), source="folder")
    b.snapshot(post, post_id, record, file=None)
    console = f"dataset_linkedin-profile-posts_{moment + timedelta(hours=1):%Y-%m-%d_%H-%M-%S}-007.json"
    b.snapshot(post, post_id, record, file=(console, moment + timedelta(hours=1, milliseconds=7)))


def quote(b: Builder) -> None:
    """A quote of a post that is stored too: two posts, each with its own numbers."""
    original, born = b.record(author=author("quoted-one", "Quoted", "One"))
    original_id = b.post(urn(number_of(original)), original, born)
    first = b.plain("quoted", original, original_id)
    b.snapshot(first, original_id, original, via="quoted-one")
    inner = {k: v for k, v in original.items() if k not in ("full_urn", "pagination_token")}
    inner["stats"] = dict.fromkeys(original["stats"], 0)
    record, at = b.record(born + timedelta(hours=5), kind="quote", reshared_post=inner)
    post_id = b.post(urn(number_of(record)), record, at)
    second = b.plain("quote", record, post_id)
    b.snapshot(second, post_id, record)


def company(b: Builder) -> None:
    """A company has no username in the record."""
    name = {"first_name": "Acme", "last_name": "Works Ltd", "headline": "37,761 followers"}
    record, at = b.record(author=name | {"profile_url": "https://www.linkedin.com/company/acme-works/posts"})
    post_id = b.post(urn(number_of(record)), record, at)
    post = b.plain("company", record, post_id)
    b.snapshot(post, post_id, record)


def words(b: Builder, *, long: bool = False) -> None:
    """Texts of all kinds, to the character."""
    texts = ["🎨🧵 emoji 👩‍🎨", "שלום עולם و مرحبا", "tabs\tand\r\nlines", "'quotes\" and \\ slashes"]
    for text in ["x" * 1_000_000 + "🎨"] if long else texts:
        record, at = b.record(text=text)
        post_id = b.post(urn(number_of(record)), record, at)
        b.plain("words", record, post_id)


def sparse(b: Builder) -> None:
    """Every column that may be NULL is."""
    record, at = b.record()
    number = number_of(record)
    free = (
        *("full_urn", "platform", "author_username", "text_content", "post_type", "url", "first_seen_at"),
        *("is_read", "is_marked", "created_at", "updated_at"),
    )
    post_id = b.post(urn(number), None, at, **dict.fromkeys(free))
    post = b.expect("sparse", at, number, post_id)
    b.snapshot(
        post,
        post_id,
        None,
        file=None,
        **dict.fromkeys(("run_id", "total_reactions", "stats_json", "created_at")),
    )
    b.action(post, post_id, status=None, priority=None, created_at=None, updated_at=None, action_params=None)
    b.action(None, None)


# --- platforms without a parser -----------------------------------------------------------------------


def youtube(b: Builder) -> None:
    """Seconds, `d-` snapshots without a run, UUID actions that are pending; ids that differ in case only."""
    b.expected.platforms_without_parser.add("youtube")
    name = f"vid{b.serial():08d}"
    for video in (f"{name}Q", f"{name}q"):
        at = b.birth().replace(microsecond=0)
        told = {"id": video, "statistics": {"viewCount": "90"}}
        post_id = b.post(
            video,
            None,
            at,
            raw=json.dumps(told),
            full_urn=f"youtube:video:{video}",
            platform="youtube",
            posted_at_timestamp=int(at.timestamp()),
            author_username="some-channel",
            text_content="Title\n\nDescription",
            post_type="video",
            url=f"https://www.youtube.com/watch?v={video}",
        )
        post = b.expect(
            "youtube",
            at,
            video,
            post_id,
            platform="youtube",
            text="Title\n\nDescription",
            author="some-channel",
        )
        shown = {"views": 900, "likes": 30, "comments": 4}
        for likes in (0, 31):
            b.snapshot(
                post,
                post_id,
                {"stats": shown},
                raw=None,
                file=None,
                prefix="d",
                run_id=None,
                numbers=(UNSET if not likes else 31, 4, None, 900),
                total_reactions=likes,
            )
        b.action(post, post_id, as_uuid=True, status="pending", action_type="w")
        for kind, url in (
            ("video", f"https://www.youtube.com/watch?v={video}"),
            ("image", f"https://i.ytimg.com/vi/{video}/hqdefault.jpg"),
        ):
            place = foreign_place(post, url)
            b.media(place, post_id, url, kind=kind)


def substack(b: Builder) -> None:
    """No raw JSON; counts of its own columns."""
    b.expected.platforms_without_parser.add("substack")
    at = b.birth().replace(microsecond=0)
    slug = f"letter-{b.serial()}"
    post_id = b.post(
        f"substack:writer:{slug}",
        None,
        at,
        platform="substack",
        posted_at_timestamp=int(at.timestamp()),
        author_username="writer",
        text_content="<p>Feed &amp; HTML</p>",
        post_type="article",
        url=f"https://writer.substack.example/p/{slug}",
        likes_count=17,
        comments_count=2,
    )
    post = b.expect("substack", at, None, post_id, platform="substack", author="writer")
    post.text, post.likes_count, post.comments_count = "<p>Feed &amp; HTML</p>", 17, 2
    url = f"https://cdn.substack.example/image/{slug}.png"
    place = foreign_place(post, url)
    b.media(place, post_id, url, analysis=f"a letter {slug}", status="completed")
    place.status = "completed"


def foreign_place(post: ExpectedPost, url: str) -> ExpectedPlace:
    place = ExpectedPlace(url, bears_work=False)
    post.places.append(place)
    return place


# --- what only SQLite could hold ----------------------------------------------------------------------


def odd_types(b: Builder) -> None:
    """Texts where numbers should be, and a NUL in a text."""
    record, at = b.record()
    post_id = b.post(urn(number_of(record)), record, at, posted_at_timestamp="yesterday, maybe")
    post = b.plain("odd_time", record, post_id)
    b.expected.texts.add("yesterday, maybe")
    b.snapshot(post, post_id, record, total_reactions="about a dozen")
    b.expected.texts.add("about a dozen")
    record, at = b.record()
    record["text"] = "before\x00after"
    post_id = b.post(urn(number_of(record)), record, at)
    b.plain("nul", record, post_id, text="before\ufffdafter")
    b.action(None, post_id, priority="high")
    b.expected.texts.add("high")


CASES = (
    ordinary,
    twice,
    same_file_twice,
    other_names,
    full_urn_differs,
    names_alone,
    seconds,
    string_in_string,
    numbers,
    sources,
    quote,
    company,
    words,
    sparse,
    youtube,
    substack,
)

__all__ = ["CASES", "number_of", "odd_types", "ordinary", "urn", "words"]
