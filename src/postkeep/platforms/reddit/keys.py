"""The fields of Reddit's things that are known: what is not here is counted as unread."""

from __future__ import annotations

from .lasting import OF_TOOLS, OF_VIEWER

PAGE = frozenset({"kind", "data"})
LISTING = frozenset({"after", "before", "dist", "modhash", "geo_filter", "children", "facets"})

POST = OF_VIEWER | {
    *("id", "name", "title", "selftext", "selftext_html", "author", "author_fullname", "subreddit"),
    *("subreddit_id", "subreddit_name_prefixed", "subreddit_type", "subreddit_subscribers", "permalink", "url"),
    *("url_overridden_by_dest", "domain", "created", "created_utc", "edited", "score", "ups", "downs"),
    *("upvote_ratio", "num_comments", "num_crossposts", "num_duplicates", "view_count", "hide_score"),
    *("score_hidden", "gilded", "gildings", "total_awards_received", "all_awardings", "awarders"),
    *("top_awarded_type", "associated_award", "over_18", "spoiler", "locked", "stickied", "archived"),
    *("contest_mode", "pinned", "quarantine", "is_self", "is_video", "is_gallery", "is_meta", "media_only"),
    *("is_original_content", "is_reddit_media_domain", "is_robot_indexable", "is_created_from_ads_ui"),
    *("is_crosspost", "promoted", "distinguished", "suggested_sort", "removed_by", "removed_by_category"),
    *("removal_reason", "media", "secure_media", "media_embed", "secure_media_embed", "media_metadata"),
    *("gallery_data", "preview", "post_hint", "thumbnail", "thumbnail_width", "thumbnail_height"),
    *("crosspost_parent", "crosspost_parent_list", "poll_data", "discussion_type", "category"),
    *("content_categories", "treatment_tags", "allow_live_comments", "pwls", "wls", "whitelist_status"),
    *("parent_whitelist_status", "author_premium", "author_patreon_flair", "author_cakeday"),
    *("author_flair_background_color", "author_flair_css_class", "author_flair_richtext"),
    *("author_flair_template_id", "author_flair_text", "author_flair_text_color", "author_flair_type"),
    *("link_flair_background_color", "link_flair_css_class", "link_flair_richtext", "link_flair_template_id"),
    *("link_flair_text", "link_flair_text_color", "link_flair_type", "sr_detail", "event_start", "event_end"),
    *("event_is_live", "live_audio", "collections", "tournament_data", "embed_type", "embed_url"),
    *("call_to_action", "ad_user_targeting", "mobile_ad_url", "outbound_link", "brand_safe", "retrieved_on"),
    *("link_flair", "author_id", "is_removed", "unrepliable_reason", "is_blank", "ad_supplementary_text_md"),
}
SIDECAR = POST | OF_TOOLS

GALLERY = frozenset({"items"})
GALLERY_ENTRY = frozenset(
    {
        *("media_id", "id", "caption", "outbound_url", "is_deleted", "product", "call_to_action"),
        *("display_url", "outbound_url_created_at"),
    }
)
ASSET = frozenset(
    {
        *("status", "e", "m", "id", "p", "s", "o", "t", "x", "y", "dashUrl", "hlsUrl", "isGif", "ext"),
        *("rejection_reason", "sl", "has_audio"),
    }
)
VIDEO = frozenset(
    {
        *("bitrate_kbps", "fallback_url", "has_audio", "height", "width", "scrubber_media_url", "dash_url"),
        *("hls_url", "duration", "is_gif", "transcoding_status"),
    }
)
PREVIEW = frozenset({"images", "enabled", "reddit_video_preview"})
IMAGE = frozenset({"source", "resolutions", "variants", "id"})

_PAGE_OF_ONE = frozenset(
    {
        *("id", "name", "created", "created_utc", "icon_img", "icon_size", "icon_color", "banner_img"),
        *("banner_size", "subreddit_type", "quarantine", "accept_followers", "public_description"),
        *("disable_contributor_requests", "free_form_reports", "restrict_posting", "restrict_commenting"),
        *("display_name", "display_name_prefixed", "title", "description", "url", "subscribers", "show_media"),
        *("is_default_banner", "is_default_icon", "key_color", "primary_color", "header_img", "header_size"),
        *("header_title", "link_flair_enabled", "link_flair_position", "submit_link_label", "submit_text_label"),
        *("community_icon", "coins", "previous_names", "allowed_media_in_comments", "over_18", "over18"),
    }
)
ACCOUNT = (
    OF_VIEWER
    | _PAGE_OF_ONE
    | {
        *("subreddit", "is_employee", "snoovatar_img", "snoovatar_size", "is_gold", "is_mod", "verified"),
        *("has_verified_email", "hide_from_robots", "total_karma", "link_karma", "comment_karma"),
        *("awardee_karma", "awarder_karma", "is_suspended", "suspension_expiration_utc", "gold_expiration"),
        *("has_gold_subscription", "is_sponsor", "pref_show_presence"),
    }
)
COMMUNITY = (
    OF_VIEWER
    | _PAGE_OF_ONE
    | {
        *("accounts_active", "active_user_count", "accounts_active_is_fuzzed", "description_html"),
        *("public_description_html", "submit_text", "submit_text_html", "banner_background_image"),
        *("banner_background_color", "mobile_banner_image", "advertiser_category", "lang", "whitelist_status"),
        *("wls", "allow_images", "allow_videos", "allow_videogifs", "allow_polls", "allow_galleries"),
        *("allow_talks", "allow_predictions", "allow_prediction_contributors", "allow_predictions_tournament"),
        *("allow_discovery", "all_original_content", "original_content_tag_enabled", "spoilers_enabled"),
        *("submission_type", "suggested_comment_sort", "comment_score_hide_mins", "collapse_deleted_comments"),
        *("comment_contribution_settings", "emojis_enabled", "emojis_custom_size", "has_menu_widget"),
        *("hide_ads", "is_crosspostable_subreddit", "prediction_leaderboard_entry_type", "public_traffic"),
        *(
            "should_archive_posts",
            "should_show_media_in_comments_setting",
            "show_media_preview",
            "videostream_links_count",
        ),
        *("wiki_enabled", "community_reviewed", "restrict_posting", "can_assign_link_flair", "quarantine_message"),
        *("notification_level", "content_category", "is_chat_post_feature_enabled", "is_enrolled_in_new_modmail"),
    }
)
"""Fields that begin with `user_` are about who asks, and known."""
