"""The invented Reddit records: every shape, and what the sample file lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from postkeep.model import Json

FOLDER = Path(__file__).parents[1] / "data" / "reddit"
SAMPLE = FOLDER / "reddit_oauth_r_popular_hot.json"

CREATED = 1_760_000_000.0
SIGNED = "width={width}&format=pjpg&auto=webp&s=" + "ab" * 20


def sample() -> Json:
    """The hot list of r/popular, fresh each time."""
    return json.loads(SAMPLE.read_text(encoding="utf-8"))


def post(identity: str, **more: Any) -> dict[str, Any]:
    """A link to somewhere, when nothing else is said; a field given as `...` is left out."""
    made = {
        "id": identity,
        "name": f"t3_{identity}",
        "title": f"Title of {identity}",
        "selftext": "",
        "selftext_html": None,
        "author": "jane_potter",
        "author_fullname": "t2_jane01",
        "subreddit": "pottery",
        "subreddit_id": "t5_pots1",
        "subreddit_type": "public",
        "subreddit_subscribers": 41_000,
        "permalink": f"/r/pottery/comments/{identity}/title_of_{identity}/",
        "url": "https://kiln.example.com/fair",
        "url_overridden_by_dest": "https://kiln.example.com/fair",
        "domain": "kiln.example.com",
        "created_utc": CREATED,
        "edited": False,
        "score": 120,
        "ups": 120,
        "downs": 0,
        "upvote_ratio": 0.97,
        "num_comments": 14,
        "num_crossposts": 2,
        "gilded": 0,
        "total_awards_received": 1,
        "gildings": {"gid_1": 1},
        "hide_score": False,
        "view_count": None,
        "over_18": False,
        "stickied": False,
        "is_self": False,
        "is_video": False,
        "removed_by_category": None,
        "thumbnail": "default",
        "media": None,
        "secure_media": None,
        "likes": None,
        "saved": False,
    }
    made.update(more)
    return {name: value for name, value in made.items() if value is not ...}


def thing(content: dict[str, Any], kind: str = "t3") -> dict[str, Any]:
    return {"kind": kind, "data": content}


def listing(*children: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A page of a list; a child without a wrapper is a submission."""
    wrapped = [child if "kind" in child else thing(child) for child in children]
    page = {
        "after": None,
        "before": None,
        "dist": len(wrapped),
        "modhash": "",
        "geo_filter": "",
        "children": wrapped,
    }
    return {"kind": "Listing", "data": {**page, **more}}


def preview(host: str, name: str, width: int, height: int, **variants: Any) -> dict[str, Any]:
    source = {"url": f"https://{host}/{name}?{SIGNED.format(width=width)}", "width": width, "height": height}
    image = {"source": source, "resolutions": [], "variants": variants, "id": name.partition(".")[0]}
    return {"images": [image], "enabled": True}


def asset(
    name: str, extension: str = "jpg", *, width: int = 800, height: int = 600, **more: Any
) -> dict[str, Any]:
    """An entry of `media_metadata`."""
    address = f"https://preview.redd.it/{name}.{extension}?{SIGNED.format(width=width)}"
    return {
        "status": "valid",
        "e": "Image",
        "m": f"image/{extension}",
        "id": name,
        "p": [{"u": address, "x": 108, "y": 81}],
        "s": {"u": address, "x": width, "y": height},
        **more,
    }


def text_post(identity: str = "text01", **more: Any) -> dict[str, Any]:
    address = f"https://www.reddit.com/r/pottery/comments/{identity}/x/"
    body = "Ask u/kiln\\_master & co: [glazes](https://glaze.example.com/a_(b)), #wheel"
    made: dict[str, Any] = {"url": address, "url_overridden_by_dest": ..., "is_self": True, "thumbnail": "self"}
    html = '<!-- SC_OFF --><div class="md"><p>Ask</p></div><!-- SC_ON -->'
    return post(identity, **{**made, "selftext": body, "selftext_html": html, "domain": "self.pottery", **more})


def image_post(
    identity: str = "image1", address: str = "https://i.redd.it/bowl0000000aa.jpeg", **more: Any
) -> Any:
    shown = preview("preview.redd.it", "bowl0000000aa.jpeg", 1200, 900)
    made = {"url": address, "url_overridden_by_dest": address, "domain": "i.redd.it", "preview": shown}
    return post(identity, **{**made, "post_hint": "image", **more})


def gallery_post(identity: str = "gall01", **more: Any) -> dict[str, Any]:
    """Shown third, first; the second was deleted, the fourth failed, and what is known stands in another order."""
    items = [
        {
            "media_id": "vase0000000cc",
            "id": 3,
            "caption": "The vase",
            "outbound_url": "https://shop.example.com/vase",
        },
        {"media_id": "vase0000000bb", "id": 2, "is_deleted": True},
        {"media_id": "vase0000000aa", "id": 1, "caption": ""},
        {"media_id": "vase0000000dd", "id": 4},
    ]
    assets = {
        "vase0000000aa": asset("vase0000000aa", width=640, height=480),
        "vase0000000cc": asset("vase0000000cc", "png", width=2000, height=1000),
        "vase0000000dd": {"status": "failed"},
    }
    address = f"https://www.reddit.com/gallery/{identity}"
    made = {"url": address, "url_overridden_by_dest": address, "domain": "reddit.com", "is_gallery": True}
    return post(identity, **{**made, "gallery_data": {"items": items}, "media_metadata": assets, **more})


def reddit_video(name: str = "film00000001x", rendition: str = "DASH_720.mp4", **more: Any) -> dict[str, Any]:
    return {
        "bitrate_kbps": 2400,
        "fallback_url": f"https://v.redd.it/{name}/{rendition}?source=fallback",
        "has_audio": True,
        "height": 1280,
        "width": 720,
        "scrubber_media_url": f"https://v.redd.it/{name}/DASH_96.mp4",
        "dash_url": f"https://v.redd.it/{name}/DASHPlaylist.mpd?a=1770000000%2Cabc&v=1&f=sd",
        "duration": 12,
        "hls_url": f"https://v.redd.it/{name}/HLSPlaylist.m3u8?a=1770000000%2Cdef&v=1&f=sd",
        "is_gif": False,
        "transcoding_status": "completed",
        **more,
    }


def video_post(identity: str = "video1", video: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    film = {"reddit_video": reddit_video() if video is None else video}
    address = "https://v.redd.it/film00000001x"
    poster = preview("external-preview.redd.it", "Cover00_film.png", 720, 1280)
    made = {"url": address, "url_overridden_by_dest": address, "domain": "v.redd.it", "is_video": True}
    return post(identity, **{**made, "media": film, "secure_media": film, "preview": poster, **more})


def inline_post(identity: str = "inline", **more: Any) -> dict[str, Any]:
    """A text with a picture, a moving picture, a film and one from elsewhere; one upload is not shown any more."""
    body = (
        'First ![img](kiln0000000bb "The kiln") then\n\nhttps://preview.redd.it/kiln0000000aa.png?width=9&s=0f\n\n'
        "![gif](giphy|spin01) and ![video](film00000009z)"
    )
    assets = {
        "kiln0000000aa": asset("kiln0000000aa", "png"),
        "unused0000000": asset("unused0000000"),
        "kiln0000000bb": asset("kiln0000000bb"),
        "giphy|spin01": {
            **{"status": "valid", "e": "AnimatedImage", "m": "image/gif", "t": "giphy", "id": "giphy|spin01"},
            "s": {"gif": "https://external-preview.redd.it/Spin00.gif?width=200&s=aa", "x": 200, "y": 100},
        },
        "film00000009z": {
            **{"status": "valid", "e": "RedditVideo", "id": "film00000009z", "x": 854, "y": 480, "isGif": False},
            "dashUrl": f"https://v.redd.it/link/{identity}/asset/film00000009z/DASHPlaylist.mpd?a=1&v=1",
        },
    }
    return text_post(identity, **{"selftext": body, "media_metadata": assets, **more})


def crosspost(identity: str = "cross1", parent: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    shared = gallery_post("parent", author="omar_clay", author_fullname="t2_omar01") if parent is None else parent
    made = {name: shared.get(name) for name in ("media", "secure_media", "url", "url_overridden_by_dest")}
    made |= {"crosspost_parent": shared["name"], "crosspost_parent_list": [shared], "created_utc": CREATED + 60}
    return post(identity, **{**made, **more})


def removed_post(identity: str = "remov1", category: str = "moderator", **more: Any) -> dict[str, Any]:
    return text_post(identity, **{"selftext": "[removed]", "removed_by_category": category, **more})


def deleted_post(identity: str = "delet1", **more: Any) -> dict[str, Any]:
    gone = {"author": "[deleted]", "author_fullname": ..., "selftext": "[deleted]", "title": "[deleted by user]"}
    return text_post(identity, **{**gone, "removed_by_category": "deleted", **more})


def sidecar(content: dict[str, Any], number: int = 1, **more: Any) -> dict[str, Any]:
    """What gallery-dl writes beside a file."""
    own = {"category": "reddit", "subcategory": "submission", "date": "2025-10-09 08:53:20", "comment": None}
    return {**content, **own, "num": number, "filename": f"file{number}", "extension": "jpg", **more}


def comment(identity: str = "comm01") -> dict[str, Any]:
    body = {"id": identity, "name": f"t1_{identity}", "link_id": "t3_text01", "body": "Nice", "author": "tove"}
    return thing({**body, "subreddit": "pottery", "created_utc": CREATED, "replies": ""}, "t1")


def account(**more: Any) -> dict[str, Any]:
    own = {
        "display_name": "u_jane_potter",
        "title": "Jane & clay",
        "public_description": "Bowls",
        "subscribers": 321,
        "banner_img": "https://styles.redditmedia.com/t5_janes/styles/banner.png?width=1280&height=384&s=cc",
        "icon_img": "https://styles.redditmedia.com/t5_janes/styles/icon.png?width=256&height=256&s=dd",
    }
    shown = {
        "id": "jane01",
        "name": "jane_potter",
        "created_utc": 1_500_000_000.0,
        "total_karma": 9000,
        "link_karma": 8000,
        "comment_karma": 1000,
        "verified": True,
        "is_friend": False,
        "icon_img": "https://styles.redditmedia.com/t5_janes/styles/icon.png?width=256&height=256&s=dd",
        "snoovatar_img": "",
        "subreddit": own,
    }
    return thing({**shown, **more}, "t2")


def community(**more: Any) -> dict[str, Any]:
    shown = {
        "id": "pots1",
        "name": "t5_pots1",
        "display_name": "pottery",
        "title": "All about pots",
        "public_description": "Pots",
        "description": "# Rules",
        "description_html": '<!-- SC_OFF --><div class="md"><h1>Rules</h1></div><!-- SC_ON -->',
        "subscribers": 41_000,
        "accounts_active": 55,
        "created_utc": 1_300_000_000.0,
        "over18": False,
        "subreddit_type": "public",
        "community_icon": "https://styles.redditmedia.com/t5_pots1/styles/icon.png?width=256&s=ee",
        "icon_img": "",
        "banner_img": "",
        "banner_background_image": "https://styles.redditmedia.com/t5_pots1/styles/banner.png?width=4000&s=ff",
        "user_is_banned": None,
    }
    return thing({**shown, **more}, "t5")


def escaped(value: Json) -> Json:
    """The same as answered without `raw_json=1`."""
    if isinstance(value, dict):
        return {key: escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [escaped(each) for each in value]
    if isinstance(value, str):
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value


def posts() -> list[dict[str, Any]]:
    """One content of every kind."""
    return [
        *(post("link01"), text_post(), image_post(), gallery_post(), video_post(), inline_post(), crosspost()),
        *(removed_post(), deleted_post()),
        gallery_post("nullgl", gallery_data=None, media_metadata=None),
    ]


def everything() -> list[tuple[Json, str | None]]:
    """Records of every shape, all of whose fields are known."""
    others = text_post("other1", subreddit="kilns", subreddit_id="t5_kiln1", created_utc=CREATED - 9)
    return [
        *((thing(each), None) for each in posts()),
        (image_post("bare01"), "jane_potter"),
        (sidecar(gallery_post("sidec1")), None),
        (escaped(listing(text_post(), video_post())), "pottery"),
        (listing(image_post(created_utc=CREATED + 5), others), None),
        (listing(text_post(num_duplicates=0)), None),
    ]


def pages() -> list[tuple[Json, str | None]]:
    """Pages of profiles."""
    return [(account(), "jane_potter"), (community(), None), (escaped(community()), "Pottery")]
