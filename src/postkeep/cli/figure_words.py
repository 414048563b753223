"""What figures are called where people read who do not know the names that programs use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, str]] = {
    "reels_analyzed": "Reels in the sample",
    "posts_analyzed": "Other posts in the sample",
    "total_content_analyzed": "Posts in the sample",
    "avg_reel_views": "Views of a reel",
    "avg_reel_likes": "Likes of a reel",
    "avg_reel_comments": "Comments of a reel",
    "avg_reel_saves": "Saves of a reel",
    "avg_reel_shares": "Shares of a reel",
    "avg_post_likes": "Likes of a post",
    "avg_post_comments": "Comments of a post",
    "avg_post_saves": "Saves of a post",
    "avg_post_shares": "Shares of a post",
    "avg_post_engagement": "Engagement of a post",
    "total_views": "Views in all",
    "total_likes": "Likes in all",
    "total_comments": "Comments in all",
    "total_saves": "Saves in all",
    "total_shares": "Shares in all",
    "total_engagement": "Engagement in all",
    "avg_engagement_per_content": "Engagement of a post or reel",
    "engagement_rate": "Engagement rate",
    "reel_engagement_rate": "Engagement rate of reels",
    "post_engagement_rate": "Engagement rate of posts",
    "content_reach_rate": "Views of a reel, of the followers",
    "comment_to_like_ratio": "Comments for each like",
    "save_to_like_ratio": "Saves for each like",
    "reels_vs_posts_performance": "Engagement of a reel over that of a post",
    "viral_content_count": "Viral posts",
    "viral_content_rate": "Part of posts that went viral",
    "viral_threshold_multiplier": "Viral from, over the median",
    "best_performing_type": "What does best",
    "avg_caption_length": "Characters of a caption",
    "uses_hashtags": "Uses hashtags",
    "avg_hashtag_count": "Hashtags of a post",
    "last_post_days_ago": "Since the last post",
    "posting_frequency_per_week": "Posts a week",
    "posting_consistency_score": "Regularity",
    "most_active_day": "Day with most posts",
    "most_active_hour": "Hour with most posts",
    "avg_upvotes_per_post": "Votes of a post",
    "avg_comments_per_post": "Comments of a post",
    "engagement": "Comments per vote",
    "subreddit_score": "Score of the community",
    "best_posting_day": "Best day",
    "best_posting_hour": "Best hour",
    "image_post_avg_score": "Votes of a picture",
    "video_post_avg_score": "Votes of a video",
    "text_post_avg_score": "Votes of a text",
    "link_post_avg_score": "Votes of a link",
    "top_content_type": "Best kind of post",
    "min_account_age_days": "Age of nearly all accounts that post",
    "min_post_karma": "Post karma of nearly all who post",
    "min_comment_karma": "Comment karma of nearly all who post",
    "karma_per_day": "Karma a day",
    "user_score": "Score of the account",
    "account_age_days": "Age of the account",
    "post_karma": "Post karma",
    "comment_karma": "Comment karma",
}


def words(name: str) -> str:
    """What a figure is called; by its name with spaces where there are no words for it."""
    return _WORDS.get(name) or name.replace("_", " ").capitalize()
