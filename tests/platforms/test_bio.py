"""Where a profile's links lead."""

from __future__ import annotations

import pytest

from postkeep.platforms.bio import LinkKind, kind_of


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://onlyfans.com/paula", LinkKind.ONLYFANS),
        ("https://linktr.ee/paula", LinkKind.LINKTREE),
        ("linktr.ee/paula", LinkKind.LINKTREE),
        ("https://allmylinks.com/paula", LinkKind.ALLMYLINKS),
        ("https://beacons.ai/paula", LinkKind.BEACONS),
        ("https://bio.link/paula", LinkKind.BIO_LINK),
        ("https://fansly.com/paula", LinkKind.FANSLY),
        ("https://mym.fans/paula", LinkKind.MYM),
        ("https://www.patreon.com/paula", LinkKind.PATREON),
        ("https://cash.app/$paula", LinkKind.CASHAPP),
        ("https://www.paypal.me/paula", LinkKind.PAYPAL),
        ("https://mobile.twitter.com/paula", LinkKind.TWITTER),
        ("HTTPS://X.COM/paula?x=1", LinkKind.TWITTER),
        ("https://youtu.be/abc", LinkKind.YOUTUBE),
        ("https://www.tiktok.com/@paula", LinkKind.TIKTOK),
        ("https://snapchat.com/add/paula", LinkKind.SNAPCHAT),
        ("https://t.me/paula", LinkKind.TELEGRAM),
        ("https://discord.gg/abc", LinkKind.DISCORD),
        ("https://paula.example.com", LinkKind.PERSONAL_SITE),
        ("https://paula.co:8443/", LinkKind.OTHER),
        ("https://paula.gallery", LinkKind.OTHER),
        ("mailto:paula@example.com", LinkKind.OTHER),
        ("https://" + "x" * 5000, LinkKind.OTHER),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_kinds(url: str | None, kind: LinkKind | None) -> None:
    assert kind_of(url) is kind


@pytest.mark.parametrize(
    "url",
    [
        "https://www.netflix.com/title/1",
        "https://start.me/p/1",
        "https://paypal.com.example.net/login",
        "https://example.org/twitter.com",
        "https://notyoutube.com/",
        "https://twitter.com@example.com/",
    ],
)
def test_a_name_that_only_occurs_in_an_address_is_no_hit(url: str) -> None:
    assert kind_of(url) in (LinkKind.PERSONAL_SITE, LinkKind.OTHER)
