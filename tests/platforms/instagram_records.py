"""Invented Instagram records of every shape, made fresh on each call."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from postkeep.model import Json, Post
from postkeep.platforms import load_platform

INSTAGRAM = load_platform("instagram")
FOLDER = Path(__file__).parents[1] / "data" / "instagram"
PROFILE = "instagram_looter2_profile.json"
REELS = "instagram_looter2_reels_page1.json"
FEED = "instagram_looter2_user_feeds_page1.json"

OWNER = "4401122334"
GUEST = "5502233445"
PHOTO = "3700000000000000101"
CLIP = "3700000000000000203"
CAROUSEL = "3700000000000000307"
FIRST, SECOND, THIRD = "3700000000000000401", "3700000000000000402", "3700000000000000403"
TAKEN = 1756900000
HOST = "https://scontent-aaa1-1.cdninstagram.com"


def sample(name: str) -> Json:
    """One of the sample files, fresh."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def code_of(number: str) -> str:
    """The shortcode of a number, by the standard library's own alphabet."""
    return base64.urlsafe_b64encode(int(number).to_bytes(9, "big")).decode().lstrip("A")


def picture(name: str, *, server: str = HOST, signature: str = "aa") -> str:
    return f"{server}/v/t51.2885-15/{name}_n.jpg?stp=dst-jpg_e35&_nc_ht={signature}&oh=00_{signature}&oe=68CF764C"


def film(name: str, size: str = "720") -> str:
    return f"{HOST}/o1/v/t2/f2/m86/AQ{name}{size}x.mp4?_nc_cat=1&oh=00_ff&oe=68CB7A7C"


def user(number: str = OWNER, name: str = "paula.paints") -> dict[str, Json]:
    return {
        "pk": number,
        "id": number,
        "username": name,
        "full_name": name.partition(".")[0].title(),
        "is_verified": False,
        "profile_pic_url": picture("111_222_333") + "&stp=dst-jpg_s150x150_tt6",
    }


def candidates(name: str) -> dict[str, Json]:
    return {
        "candidates": [
            {"url": picture(name), "width": 240, "height": 320},
            {"url": picture(name), "width": 720, "height": 960},
        ]
    }


def photo() -> dict[str, Json]:
    return {
        "pk": 3700000000000000000,
        "id": f"{PHOTO}_{OWNER}",
        "code": code_of(PHOTO),
        "media_type": 1,
        "product_type": "feed",
        "taken_at": TAKEN,
        "device_timestamp": 17569000001234,
        "caption": {"text": "Grün #köln with @guest.gail. https://shop.example.com/a", "created_at": TAKEN + 2},
        "user": user(),
        "image_versions2": candidates("400_401_402"),
        "original_width": 1440,
        "original_height": 1920,
        "accessibility_caption": "A green wall",
        "like_count": 10,
        "comment_count": 0,
        "reshare_count": 3,
        "media_repost_count": None,
        "usertags": {"in": [{"user": user(GUEST, "guest.gail"), "position": [0.5, 0.5]}]},
        "coauthor_producers": [user(GUEST, "guest.gail")],
        "location": {"pk": 213, "name": "Köln", "lat": 50.94, "lng": 6.96},
        "is_paid_partnership": True,
        "comments_disabled": False,
        "like_and_view_counts_disabled": False,
        "caption_is_edited": True,
        "timeline_pinned_user_ids": [int(OWNER)],
    }


def clip() -> dict[str, Json]:
    return {
        "pk": CLIP,
        "id": f"{CLIP}_{OWNER}",
        "code": code_of(CLIP),
        "media_type": 2,
        "product_type": "clips",
        "taken_at": TAKEN - 86400,
        "caption": None,
        "user": user(),
        "image_versions2": candidates("500_501_502"),
        "video_versions": [
            {"type": 101, "width": 480, "height": 852, "url": film("Clip", "480"), "bandwidth": 900},
            {"type": 103, "width": 720, "height": 1280, "url": film("Clip", "720a"), "bandwidth": None},
            {"type": 102, "width": 720, "height": 1280, "url": film("Clip", "720b"), "bandwidth": 1289347},
        ],
        "video_duration": 15.366,
        "like_count": 948,
        "comment_count": 35,
        "play_count": 10125,
        "ig_play_count": 9000,
        "clips_tab_pinned_user_ids": [],
    }


def child(number: str, name: str, *, moving: bool = False) -> dict[str, Json]:
    found: dict[str, Json] = {
        "pk": int(number) // 1000 * 1000,
        "id": f"{number}_{OWNER}",
        "media_type": 2 if moving else 1,
        "product_type": "carousel_item",
        "image_versions2": candidates(name),
    }
    if moving:
        found["video_versions"] = [{"type": 101, "width": 720, "height": 960, "url": film(name)}]
    return found


def carousel() -> dict[str, Json]:
    return {
        "pk": CAROUSEL,
        "id": f"{CAROUSEL}_{OWNER}",
        "code": code_of(CAROUSEL),
        "media_type": 8,
        "product_type": "carousel_container",
        "taken_at": TAKEN - 2 * 86400,
        "caption": {"text": "Three"},
        "user": user(),
        "carousel_media_count": 3,
        "carousel_media": [
            child(SECOND, "602_1_1"),
            child(FIRST, "601_1_1", moving=True),
            child(THIRD, "603_1_1"),
        ],
        "like_count": None,
        "comment_count": 4,
    }


def reels_page() -> dict[str, Json]:
    return {
        "items": [{"media": clip(), "like_count": 1, "view_count": 77}],
        "paging_info": {"max_id": "QVFB", "more_available": True},
        "status": "ok",
        "attempts": "1",
    }


def feed_page() -> dict[str, Json]:
    return {
        "items": [photo(), clip(), carousel()],
        "more_available": False,
        "next_max_id": f"{CAROUSEL}_{OWNER}",
        "attempts": "6",
    }


def node(number: str = PHOTO) -> dict[str, Json]:
    return {
        "__typename": "GraphImage",
        "id": number,
        "shortcode": code_of(number),
        "dimensions": {"height": 1440, "width": 1080},
        "display_url": picture("400_401_402"),
        "display_resources": [{"src": picture("400_401_402"), "config_width": 640, "config_height": 853}],
        "is_video": False,
        "owner": {"id": OWNER, "username": "paula.paints"},
        "accessibility_caption": "A green wall",
        "edge_media_to_caption": {"edges": [{"node": {"text": "Grün #köln"}}]},
        "edge_media_preview_like": {"count": 1382},
        "edge_liked_by": {"count": 1294},
        "edge_media_to_comment": {"count": 38},
        "edge_media_to_tagged_user": {
            "edges": [{"node": {"user": {"id": GUEST, "username": "guest.gail", "full_name": "Gail"}}}]
        },
        "taken_at_timestamp": TAKEN,
        "location": {"id": "213", "name": "Köln", "slug": "koln"},
        "coauthor_producers": [{"id": GUEST, "username": "guest.gail"}],
        "comments_disabled": True,
        "pinned_for_users": [],
    }


def sidecar_node() -> dict[str, Json]:
    def inner(number: str, name: str, **more: Json) -> dict[str, Json]:
        size = {"height": 960, "width": 720}
        return {
            "node": {"id": number, "dimensions": size, "display_url": picture(name), "is_video": False, **more}
        }

    return {
        **node(CAROUSEL),
        "__typename": "XDTGraphSidecar",
        "edge_sidecar_to_children": {
            "edges": [
                inner(SECOND, "602_1_1"),
                inner(FIRST, "601_1_1", is_video=True, video_url=film("601_1_1")),
                inner(THIRD, "603_1_1"),
            ]
        },
    }


def profile() -> dict[str, Json]:
    return {
        "status": True,
        "attempts": "1",
        "id": OWNER,
        "username": "paula.paints",
        "full_name": "Paula",
        "biography": "Walls",
        "external_url": "https://x.com/paula",
        "bio_links": [
            {"title": "Shop", "url": "https://linktr.ee/paula", "lynx_url": "https://l.instagram.com/?u=a&e=AT1"}
        ],
        "edge_followed_by": {"count": 108221},
        "edge_follow": {"count": 0},
        "edge_owner_to_timeline_media": {
            "count": 34,
            "edges": [{"node": {**node(), "pinned_for_users": [{"id": OWNER}]}}, {"node": sidecar_node()}],
        },
        "is_private": False,
        "is_verified": True,
        "is_business_account": False,
        "is_professional_account": True,
        "category_name": "Artist",
        "highlight_reel_count": 3,
        "eimu_id": "17341022930532879",
        "business_email": None,
        "profile_pic_url": picture("111_222_333") + "&stp=dst-jpg_s150x150_tt6",
        "profile_pic_url_hd": picture("111_222_333").replace("stp=dst-jpg_e35", "stp=dst-jpg_s320x320_tt6"),
    }


def graphql_profile() -> dict[str, Json]:
    user = profile()
    del user["status"], user["attempts"]
    user["edge_owner_to_timeline_media"]["page_info"] = {"has_next_page": False, "end_cursor": None}
    return {"data": {"user": user}, "status": "ok"}


def timeline_page() -> dict[str, Json]:
    """A later page of a timeline, which does not say whose it is."""
    edges = {"count": 34, "edges": [{"node": node()}], "page_info": {"has_next_page": True, "end_cursor": "QVFB"}}
    return {"data": {"user": {"edge_owner_to_timeline_media": edges}}, "status": "ok"}


TIMELINE = "xdt_api__v1__feed__user_timeline_graphql_connection"
CLIPS = "xdt_api__v1__clips__user__connection_v2"
TAGGED = "xdt_api__v1__usertags__user_id__feed_connection"
LOOKED_UP = "xdt_api__v1__media__shortcode__web_info"


def web_page(*nodes: Json, name: str = TIMELINE, more: bool = True) -> dict[str, Json]:
    """A list as the website asks for it: what the app answers, in a connection of GraphQL."""
    edges = [{"node": each, "cursor": f"{number}_{OWNER}"} for number, each in enumerate(nodes)]
    page = {"end_cursor": "QVFB", "has_next_page": more, "has_previous_page": False, "start_cursor": None}
    data = {name: {"edges": edges, "page_info": page}, "xdt_viewer": {"user": {"id": GUEST}}}
    return {"data": data, "extensions": {"is_final": True}, "status": "ok"}


def web_node(item: dict[str, Json]) -> dict[str, Json]:
    """A post of the app as the website's own answers spell it: what it lacks is null."""
    empty = {"carousel_media": None, "carousel_media_count": None, "video_versions": None, "usertags": None}
    return {
        **empty,
        "__typename": "XDTMediaDict",
        **item,
        "pk": item["id"].partition("_")[0],
        "owner": item["user"],
    }


def web_feed_page() -> dict[str, Json]:
    return web_page(*map(web_node, (photo(), clip(), carousel())))


def web_reels_page() -> dict[str, Json]:
    pinned = {**clip(), "clips_tab_pinned_user_ids": [int(OWNER)]}
    return web_page({"media": web_node(pinned)}, name=CLIPS, more=False)


def web_post() -> dict[str, Json]:
    return {"data": {LOOKED_UP: {"items": [web_node(carousel())]}}, "status": "ok"}


def app_profile() -> dict[str, Json]:
    return {
        "user": {
            **user(),
            "biography": "",
            "follower_count": 5,
            "following_count": 6,
            "media_count": 7,
            "hd_profile_pic_url_info": {"url": picture("111_222_333"), "width": 1080, "height": 1080},
            "category": "Artist",
            "is_business": True,
        },
        "status": "ok",
    }


def instaloader(kind: str, inner: dict[str, Json]) -> dict[str, Json]:
    return {"node": inner, "instaloader": {"version": "4.14", "node_type": kind}}


def instaloader_story() -> dict[str, Json]:
    return instaloader(
        "StoryItem",
        {
            "__typename": "GraphStoryVideo",
            "id": CLIP,
            "dimensions": {"height": 1280, "width": 720},
            "display_url": picture("500_501_502"),
            "video_resources": [
                {"src": film("Clip", "480"), "config_width": 480, "config_height": 852, "profile": "BASELINE"},
                {"src": film("Clip", "720b"), "config_width": 720, "config_height": 1280, "profile": "MAIN"},
            ],
            "taken_at_timestamp": TAKEN,
            "expiring_at_timestamp": TAKEN + 86400,
            "owner": {"id": OWNER, "username": "paula.paints"},
            "is_video": True,
        },
    )


def instaloader_profile() -> dict[str, Json]:
    user = profile()
    del user["status"], user["attempts"], user["edge_owner_to_timeline_media"]
    return instaloader("Profile", user)


def gallery(num: int, number: str, name: str, **more: Json) -> dict[str, Json]:
    return {
        "category": "instagram",
        "subcategory": "posts",
        "post_id": CAROUSEL,
        "post_shortcode": code_of(CAROUSEL),
        "post_url": f"https://www.instagram.com/p/{code_of(CAROUSEL)}/",
        "post_date": "2025-09-03 11:46:40",
        "date": "2025-09-03 11:46:40",
        "description": "Three #walls",
        "likes": 12,
        "liked": False,
        "pinned": [],
        "owner_id": OWNER,
        "username": "paula.paints",
        "fullname": "Paula",
        "sidecar_media_id": CAROUSEL,
        "sidecar_shortcode": code_of(CAROUSEL),
        "media_id": number,
        "shortcode": code_of(number),
        "num": num,
        "count": 3,
        "display_url": picture(name),
        "video_url": None,
        "width": 720,
        "height": 960,
        "tagged_users": [{"id": GUEST, "username": "guest.gail", "full_name": "Gail"}],
        "location_id": "213",
        "location_slug": "old-town",
        "extension": "jpg",
        "filename": f"{name}_n",
        **more,
    }


def gallery_story() -> dict[str, Json]:
    story = gallery(1, CLIP, "500_501_502", video_url=film("Clip"), width=720, height=1280, count=1)
    del story["sidecar_media_id"], story["description"], story["likes"]
    return {
        **story,
        "subcategory": "stories",
        "post_id": OWNER,
        "post_shortcode": code_of(OWNER),
        "post_url": "https://www.instagram.com/stories/paula.paints/",
        "expires": "2025-09-04 11:46:40",
    }


def gallery_avatar() -> dict[str, Json]:
    return {
        "category": "instagram",
        "subcategory": "avatar",
        "post_id": "avatar:1",
        "owner_id": OWNER,
        "username": "paula.paints",
        "display_url": picture("111_222_333"),
        "user": user(),
    }


def gallery_info() -> dict[str, Json]:
    found = profile()
    del found["status"], found["attempts"], found["edge_owner_to_timeline_media"]
    return {**found, "category": "instagram", "subcategory": "info"}


def everything() -> list[tuple[Json, str | None]]:
    shapes: list[Json] = [
        *(
            reels_page(),
            feed_page(),
            photo(),
            {"media": clip()},
            profile(),
            graphql_profile(),
            timeline_page(),
            app_profile(),
        ),
        *(node(), {"node": sidecar_node()}, {"graphql": {"shortcode_media": node()}}),
        *({"data": {"xdt_shortcode_media": sidecar_node()}}, {"graphql": {"user": profile()}}),
        {"xdt_shortcode_media": node()},
        instaloader("Post", {**node(), "iphone_struct": photo()}),
        *(instaloader_story(), instaloader_profile()),
        *(web_feed_page(), web_reels_page(), web_post(), web_feed_page()["data"]),
        gallery(2, FIRST, "601_1_1", video_url=film("601_1_1")),
        *(gallery_story(), gallery_avatar(), gallery_info()),
    ]
    return [*((shape, None) for shape in shapes), (reels_page(), "Paula.Paints")]


MIXED = [("own", SECOND), ("own", FIRST), ("thumbnail", "601_1_1_n"), ("own", THIRD)]
"""The media of the carousel, in its order."""


def read(record: Json) -> Post:
    """The one post of a record."""
    (post,) = INSTAGRAM.parse(record).posts
    return post


def account_of(record: Json) -> Any:
    """What the record's first profile tells of itself."""
    return INSTAGRAM.parse(record).profiles[0].account


def media_of(post: Post) -> list[tuple[str, str]]:
    return [(media.role, media.media_key) for media in post.media]
