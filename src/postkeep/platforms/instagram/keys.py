"""The keys that each dialect is known to have, read or not: what is not among them is told as unread."""

from __future__ import annotations


def _keys(names: str) -> frozenset[str]:
    return frozenset(names.split())


PAGE_KEYS = _keys(
    """
    attempts auto_load_more_enabled items max_id message more_available next_max_id num_results paging_info
    pinned_profile_grid_items_ids profile_grid_items profile_grid_items_cursor showQRModal status user
    """
)
ITEM_KEYS = _keys(
    """
    __typename accessibility_caption ad_id all_previous_submitters are_remixes_crosspostable audience
    avatar_stickers follow_hashtag_info group saved_collection_ids upcoming_event
    visual_comment_reply_sticker_info wearable_attribution_info
    boost_unavailable_identifier boost_unavailable_reason boost_unavailable_reason_v2 boosted_status
    branded_content_tag_info can_modify_carousel can_reply can_reshare can_save can_see_insights_as_brand
    can_view_more_preview_comments can_viewer_comment can_viewer_reshare can_viewer_save caption
    caption_is_edited caption_position carousel_media carousel_media_count carousel_media_ids
    carousel_media_pending_post_count carousel_parent_id client_cache_key clips_metadata
    clips_tab_pinned_user_ids coauthor_producer_can_see_organic_insights coauthor_producers code
    collaborator_edit_eligibility comment_count comment_inform_treatment comment_likes_enabled
    comment_threading_enabled comments comments_disabled commerce_integrity_review_decision
    commerciality_status community_notes_info creative_config creative_tools creator_viewer_insights
    crosspost_metadata cutout_sticker_info deleted_reason device_timestamp display_uri dr_ad_type
    edit_media_info enable_media_notes_production expiring_at explore_pivot_grid facepile_top_likers
    fb_aggregated_comment_count fb_aggregated_like_count fb_comment_count fb_like_count fb_play_count
    fb_user_tags fbid featured_products feed_demotion_control feed_recs_demotion_control feed_type filter_type
    floating_context_items fundraiser_tag gen_ai_chat_with_ai_cta_info gen_ai_detection_method has_audio
    has_delayed_metadata has_high_risk_gen_ai_inform_treatment has_liked has_more_comments has_privately_liked
    has_shared_to_fb has_tagged_users has_views_fetching has_views_fetching_on_search_grid headline
    hidden_likes_string_variant hide_like_and_view_counts hide_view_all_comment_entrypoint id
    ig_media_sharing_disabled ig_play_count igbio_product igtv_exists_in_viewer_series image_versions2
    imported_taken_at injected inline_composer_display_condition inline_composer_imp_trigger_time
    integrity_review_decision inventory_source invited_coauthor_producers is_ad is_affiliate is_artist_pick
    is_comments_gif_composer_enabled is_commercial is_cutout_sticker_allowed is_dash_eligible
    is_eligible_content_for_post_roll_ad is_eligible_for_meta_ai_share is_eligible_for_poe is_igtv_video
    is_in_profile_grid is_open_to_public_submission is_organic_product_tagging_eligible is_paid_partnership
    is_post_live_clips_media is_quiet_post is_reel_media is_reshare_of_text_post_app_media_in_ig
    is_reuse_allowed is_seen is_social_ufi_disabled is_tagged_media_shared_to_viewer_profile_grid
    is_third_party_downloads_eligible is_unified_video is_visual_reply_commenter_notice_enabled
    is_visual_search_eligible lat like_and_view_counts_disabled like_count liker_config likes link link_text
    lng location logging_info_token main_feed_carousel_has_unseen_cover_media
    main_feed_carousel_starting_media_id main_feed_carousel_starting_position mashup_info
    max_num_visible_preview_comments media_attributions_data media_code media_cropping_info media_id
    media_level_comment_controls media_notes media_overlay_info media_repost_count
    media_reposter_bottomsheet_enabled media_type media_ui_attributions_data
    meta_ai_contextual_entrypoint_data meta_ai_contextual_voice_data meta_ai_suggested_prompts mezql_token
    music_metadata nearly_complete_copyright_match next_max_id number_of_qualities
    open_carousel_show_follow_button open_carousel_submission_state organic_post_id organic_tracking_token
    original_height original_lang_for_translations original_media_has_visual_reply_media original_width owner
    photo_of_you pk play_count preview preview_comment_count preview_comments product_suggestions product_tags
    product_type profile_grid_control profile_grid_control_enabled profile_grid_thumbnail_fitting_style
    reel_mentions related_ads_pivots_media_info report_info reshare_count save_count saves share_count
    share_count_disabled shares sharing_friction_info shop_routing_user_id shop_tagged_media
    should_request_ads should_show_author_pog_for_tagged_media_shared_to_profile_grid
    should_show_preview_comments_only_after_inline_expansion show_one_tap_fb_share_tooltip social_context
    sponsor_tags story_bloks_stickers story_cta story_feed_media story_hashtags story_link_stickers
    story_locations story_music_stickers story_polls strong_id__ subscribe_cta_visible subtype_name_for_REST__
    supports_reel_reactions taken_at thumbnails timeline_pinned_user_ids timezone_offset title top_likers
    translated_langs_for_autodub user usertags video_codec video_dash_manifest video_duration
    video_sticker_locales video_subtitles_confidence video_subtitles_uri video_versions video_view_count
    view_count view_state view_state_item_type
    """
)
CHILD_KEYS = _keys(
    """
    accessibility_caption carousel_parent_id code commerciality_status creative_config display_uri
    explore_pivot_grid fb_user_tags featured_products has_audio id image_versions2 is_dash_eligible location
    media_overlay_info media_type number_of_qualities original_height original_width pk preview
    product_suggestions product_tags product_type sharing_friction_info shop_routing_user_id strong_id__
    taken_at user usertags video_codec video_dash_manifest video_duration video_sticker_locales video_versions
    """
)
CAPTION_KEYS = _keys(
    """
    bit_flags comment_like_count content_type created_at created_at_for_fb_app created_at_utc
    did_report_as_spam has_liked has_liked_comment has_translation is_covered is_edited is_ranked_comment
    media_id pk private_reply_status share_enabled status strong_id__ text type user user_id
    """
)
NODE_KEYS = _keys(
    """
    __typename accessibility_caption ad_id affiliate_product_info audience can_see_insights_as_brand caption
    caption_is_edited clips_music_attribution_info coauthor_producers code comment_count
    commenting_disabled_for_viewer comments comments_disabled dash_info date dimensions display_resources
    display_src display_url edge_liked_by edge_media_preview_comment edge_media_preview_like
    edge_media_to_caption edge_media_to_comment edge_media_to_hoisted_comment edge_media_to_parent_comment
    edge_media_to_sponsor_user edge_media_to_tagged_user edge_related_profiles edge_sidecar_to_children
    edge_story_media_viewers edge_web_media_to_related_media encoding_status expiring_at_timestamp
    fact_check_information fact_check_overall_rating felix_profile_grid_crop follow_hashtag_info gating_info
    has_audio has_ranked_comments has_upcoming_event id iphone_struct is_ad is_affiliate is_paid_partnership
    is_published is_quiet_post is_video like_and_view_counts_disabled like_count location media_notice
    media_overlay_info media_preview media_type nft_asset_info overlay_image_resources owner pinned_for_users
    product_type profile_grid_thumbnail_fitting_style related_media sharing_friction_info shop_product_group
    shortcode should_have_sharing_friction should_log_client_event
    should_show_author_pog_for_tagged_media_shared_to_profile_grid sponsor_tags story_app_attribution
    story_cta_url story_view_count taken_at taken_at_timestamp tall_profile_grid_crop tappable_objects
    thumbnail_resources thumbnail_src thumbnail_tall_src title tracking_token video_duration video_play_count
    video_resources video_url video_view_count viewer_can_reshare viewer_has_liked viewer_has_saved
    viewer_has_saved_to_collection viewer_in_photo_of_you
    """
)
PROFILE_KEYS = _keys(
    """
    account_badges account_type address_street ai_agent_owner_username attempts bio_links biography
    biography_with_entities blocked_by_viewer business_address_json business_category_name
    business_contact_method business_email business_phone business_phone_number category category_enum
    category_name city_name connected_fb_page contact_phone_number country_block
    edge_felix_combined_draft_uploads edge_felix_combined_post_uploads edge_felix_drafts
    edge_felix_pending_draft_uploads edge_felix_pending_post_uploads edge_felix_video_timeline edge_follow
    edge_followed_by edge_media_collections edge_mutual_followed_by edge_owner_to_timeline_media
    edge_related_profiles edge_saved_media eimu_id external_lynx_url external_url external_url_linkshimmed
    fb_profile_biolink fbid fbid_v2 followed_by_viewer follower_count following_count follows_viewer
    friendship_status full_name geo_media_count group_metadata guardian_id has_anonymous_profile_picture
    has_ar_effects has_blocked_viewer has_channel has_clips has_guides has_highlight_reels
    has_onboarded_to_text_post_app has_public_story has_requested_viewer has_videos hd_profile_pic_url_info
    hd_profile_pic_versions hide_like_and_view_counts highlight_reel_count id interop_messaging_user_fbid
    iphone_struct is_business is_business_account is_call_to_action_enabled is_embeds_disabled is_favorite
    is_guardian_of_viewer is_joined_recently is_private is_professional_account is_regulated_c18
    is_supervised_by_viewer is_supervised_user is_supervision_enabled is_unpublished is_verified
    is_verified_by_mv4b latest_highlights_reel latest_reel_media media_count mutual_followers_count
    overall_category_name pinned_channels_list_count pk pk_id profile_pic_id profile_pic_url
    profile_pic_url_hd pronouns public_email public_phone_country_code public_phone_number
    remove_message_entrypoint requested_by_viewer restricted_by_viewer should_show_category
    should_show_public_contacts show_account_transparency_details show_text_post_app_badge status strong_id__
    text_post_app_badge_label total_ar_effects total_clips_count total_igtv_videos transparency_label
    transparency_product transparency_product_enabled username usertags_count zip
    """
)
WRAPPER_KEYS = _keys(
    """
    always_show_message_button_to_pro_account attempts data errors extensions graphql logging_page_id message
    node seo_category_infos shortcode_media showQRModal show_follow_dialog show_qr_modal
    show_suggested_profiles status toast_content_on_load user xdt_shortcode_media
    """
)
GALLERY_KEYS = _keys(
    """
    audio_artist audio_duration audio_timestamps audio_title audio_url audio_user author category coauthors
    collection_id collection_name count date description display_url expires extension filename fullname guide
    height highlight_title keywords liked likes location_id location_slug location_url media_id num order
    owner owner_id pinned post_date post_id post_shortcode post_url shortcode sidecar_media_id
    sidecar_shortcode subcategory tag tagged_full_name tagged_owner_id tagged_username tagged_users tags
    timestamp type typename user username video_url width
    """
)
