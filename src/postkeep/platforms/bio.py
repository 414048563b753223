"""Where a link that a profile shows leads, told by its host as a whole and never by a piece of its text."""

from __future__ import annotations

from enum import StrEnum

from .urls import split


class LinkKind(StrEnum):
    ONLYFANS = "onlyfans"
    LINKTREE = "linktree"
    ALLMYLINKS = "allmylinks"
    BEACONS = "beacons"
    BIO_LINK = "bio_link"
    FANSLY = "fansly"
    MYM = "mym"
    PATREON = "patreon"
    CASHAPP = "cashapp"
    PAYPAL = "paypal"
    TWITTER = "twitter"
    YOUTUBE = "youtube"
    TIKTOK = "tiktok"
    SNAPCHAT = "snapchat"
    TELEGRAM = "telegram"
    DISCORD = "discord"
    INSTAGRAM = "instagram"
    THREADS = "threads"
    FACEBOOK = "facebook"
    WHATSAPP = "whatsapp"
    REDDIT = "reddit"
    LINKEDIN = "linkedin"
    PERSONAL_SITE = "personal_site"
    OTHER = "other"


_HOSTS = {
    "onlyfans.com": LinkKind.ONLYFANS,
    "linktr.ee": LinkKind.LINKTREE,
    "linktree.com": LinkKind.LINKTREE,
    "allmylinks.com": LinkKind.ALLMYLINKS,
    "all.my": LinkKind.ALLMYLINKS,
    "beacons.ai": LinkKind.BEACONS,
    "beacons.page": LinkKind.BEACONS,
    "bio.link": LinkKind.BIO_LINK,
    "fans.ly": LinkKind.FANSLY,
    "fansly.com": LinkKind.FANSLY,
    "mym.fans": LinkKind.MYM,
    "patreon.com": LinkKind.PATREON,
    "cash.app": LinkKind.CASHAPP,
    "cashapp.com": LinkKind.CASHAPP,
    "paypal.com": LinkKind.PAYPAL,
    "paypal.me": LinkKind.PAYPAL,
    "twitter.com": LinkKind.TWITTER,
    "x.com": LinkKind.TWITTER,
    "youtube.com": LinkKind.YOUTUBE,
    "youtu.be": LinkKind.YOUTUBE,
    "tiktok.com": LinkKind.TIKTOK,
    "snapchat.com": LinkKind.SNAPCHAT,
    "t.me": LinkKind.TELEGRAM,
    "telegram.me": LinkKind.TELEGRAM,
    "telegram.org": LinkKind.TELEGRAM,
    "discord.com": LinkKind.DISCORD,
    "discord.gg": LinkKind.DISCORD,
    "discordapp.com": LinkKind.DISCORD,
    "instagram.com": LinkKind.INSTAGRAM,
    "threads.net": LinkKind.THREADS,
    "threads.com": LinkKind.THREADS,
    "facebook.com": LinkKind.FACEBOOK,
    "fb.com": LinkKind.FACEBOOK,
    "wa.me": LinkKind.WHATSAPP,
    "whatsapp.com": LinkKind.WHATSAPP,
    "reddit.com": LinkKind.REDDIT,
    "linkedin.com": LinkKind.LINKEDIN,
}
_PERSONAL = frozenset({"com", "net", "org", "io", "co"})


def kind_of(url: str | None) -> LinkKind | None:
    """What kind of place a link leads to, with or without its scheme; None for no link at all.

    A host nobody knows is a personal site under the common endings (com, net, org, io, co), else `other`.
    """
    plain = url.strip() if url else ""
    if not plain:
        return None
    address = split(plain if "://" in plain[:10] else f"https://{plain}")
    labels = address.host.rstrip(".").split(".") if address else []
    for length in range(2, len(labels) + 1):
        kind = _HOSTS.get(".".join(labels[-length:]))
        if kind is not None:
            return kind
    return LinkKind.PERSONAL_SITE if len(labels) > 1 and labels[-1] in _PERSONAL else LinkKind.OTHER
