"""Every name the contract fixes can be imported and called as it says."""

from __future__ import annotations

import inspect

import pytest

from postkeep.api import instagram, manage_data, media_archive, media_cache

SIGNATURES = {
    media_cache: {
        "calculate_md5": ["file_path"],
        "calculate_md5_from_bytes": ["data"],
        "detect_media_type": ["url", "mime_type=None"],
        "get_media_cache_path": ["media_type", "md5_sum", "extension"],
        "download_and_cache_media": ["media_url", "media_type=None", "timeout=30"],
        "download_multiple_media": ["urls", "max_workers=5", "timeout=30"],
        "verify_cached_media": ["local_path", "expected_md5"],
        "find_cached_by_md5": ["md5_sum"],
        "find_cached_by_url": ["url"],
        "get_cached_image_path": ["url"],
        "get_cache_stats": [],
        "format_size": ["bytes"],
        "get_image_dimensions": ["file_path"],
    },
    media_archive: {
        "upload_to_s3": ["local_path", "media_id"],
        "generate_s3_key": ["media_id", "extension", "created_at=None"],
        "verify_s3_upload": ["s3_url", "expected_md5"],
    },
    instagram: {
        "store_reels": ["creator_id", "username", "reels"],
        "store_posts": ["creator_id", "username", "posts"],
        "calculate_analytics": ["reels", "posts", "followers", "now=None", "mode='corrected'"],
        "get_creator_content_counts": ["creator_id"],
        "track_follower_growth": ["creator_id", "username", "followers", "following=None", "media_count=None"],
        "update_creator_profile": [
            *("creator_id", "profile_data", "growth_data=None", "external_url_type=None", "bio_links=None"),
            "profile_pic_url=None",
        ],
        "update_creator_analytics": ["creator_id", "analytics", "api_calls"],
        "extract_hashtags": ["text"],
        "extract_mentions": ["text"],
        "calculate_engagement_rate": ["likes", "comments", "followers"],
        "identify_external_url_type": ["url"],
        "extract_bio_links": ["raw_profile"],
    },
    manage_data: {"extract_and_store_media": ["library", "post_id", "post_data"]},
}


def _shown(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default!r}"


@pytest.mark.parametrize(
    ("module", "name", "parameters"),
    [(module, name, wanted) for module, names in SIGNATURES.items() for name, wanted in names.items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_contracts_functions_have_their_signatures(module, name, parameters):
    signature = inspect.signature(getattr(module, name))

    assert [_shown(each) for each in signature.parameters.values()] == parameters


def test_every_public_function_of_the_contract_modules_is_in_the_table():
    for module, names in SIGNATURES.items():
        public = {
            name
            for name, value in inspect.getmembers(module, inspect.isfunction)
            if value.__module__ == module.__name__ and not name.startswith("_")
        }
        assert public == set(names)
