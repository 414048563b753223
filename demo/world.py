"""The invented people and companies, and the media their posts show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo import pictures
from demo.server import File

# Thursdays at midnight, as the platform signs: one that this program will not live to see, one long past.
FAR = 6783 * 604_800
PAST = 2878 * 604_800
AVATAR = "C4E03AQ"


@dataclass(frozen=True)
class Author:
    """A person, or a company (whose name is cut at its first space, like the scraper does)."""

    slug: str
    name: str
    headline: str
    company: bool = False


MARA = Author("mara-lindqvist", "Mara Lindqvist", "Potter. Slow glazes, fast kettles.")
TOMAS = Author("tomas-okafor", "Tomas Okafor", "Counting birds before breakfast")
INES = Author("ines-caldeira", "Ines Caldeira", "Bridge engineer, weekend baker")
OBSERVATORY = Author("harbour-lights-observatory", "Harbour Lights Observatory", "12,480 followers", company=True)
PRESS = Author("pinecone-press", "Pinecone Press", "3,207 followers", company=True)


@dataclass(frozen=True)
class Asset:
    """A file on the media host: `content` names what it shows, so that two assets may show the same.

    `served` is false for a dead link; `ends` is when its signature does (Unix seconds).
    """

    name: str
    content: str
    kind: str = "png"
    width: int = pictures.WIDTH
    height: int = pictures.HEIGHT
    served: bool = True
    ends: int = FAR

    @property
    def path(self) -> str:
        """The path on the media host, without an extension, like the real ones."""
        if self.kind == "mp4":
            return f"/playlist/vid/v2/{self.name}/mp4-720p-30fp-crf28/B4/0/1"
        if self.kind == "pdf":
            return f"/dms/document/media/v2/{self.name}/feedshare-document-url-metadata-scrapper-pdf/0/1"
        if self.name.startswith(AVATAR):
            return f"/dms/image/v2/{self.name}/profile-displayphoto-shrink_{self.width}_{self.height}/0/1"
        return f"/dms/image/v2/{self.name}/feedshare-shrink_{self.width}/0/1"

    def url(self, base: str, signature: str = "first") -> str:
        """The signed URL as a scraper would have seen it."""
        return f"{base}{self.path}?e={self.ends}&v=beta&t={self.name}{signature}"


@dataclass(frozen=True)
class Words:
    """A post without its surroundings: who, when (UTC, ISO), what, and what it shows."""

    author: Author
    posted: str
    text: str
    likes: int
    pictures: tuple[Asset, ...] = ()
    film: Asset | None = None
    thumbnail: Asset | None = None
    booklet: Asset | None = None
    cover: Asset | None = None
    article: tuple[str, str] | None = None
    preview: Asset | None = None
    quotes: Words | None = None
    edited: str | None = None
    seen_once: bool = False


def _picture(name: str, content: str, **more: object) -> Asset:
    return Asset(f"D4E22AQ{name}", content, **more)  # type: ignore[arg-type]


KILN = tuple(_picture(f"Kiln{number}", f"png {number}") for number in range(5))
GLAZE = _picture("Glaze1", "png 5")
TEST_TILES = tuple(_picture(f"Tiles{number}", f"png {6 + number}") for number in range(2))
HERON = _picture("Heron1", "png 8")
RINGS = tuple(_picture(f"Rings{number}", f"png {9 + number}") for number in range(3))
TRUSS = _picture("Truss1", "png 12")
LOAVES = tuple(_picture(f"Loaf{number}", f"png {13 + number}") for number in range(2))
NEBULA = _picture("Nebula1", "png 15")
COMET = tuple(_picture(f"Comet{number}", f"png {16 + number}") for number in range(3))
ENDPAPER = _picture("Endpaper1", "png 19")
# The press shows Mara's glaze on a cover: another address, the same bytes.
SAME_GLAZE = _picture("GlazeAgain1", "png 5")
FLICKER = _picture("Flicker1", "gif 21", kind="gif", width=240, height=180)
WHEEL = Asset("D4E05AQWheel1", "mp4 22", "mp4", 320, 240)
WHEEL_STILL = _picture("WheelStill1", "png 22")
DAWN = Asset("D4E05AQDawn1", "mp4 25", "mp4", 320, 240)
DAWN_STILL = _picture("DawnStill1", "png 25")
BOOKLET = Asset("D4E1FAQBooklet1", "pdf Twelve glazes for a small kiln", "pdf", 420, 595)
BOOKLET_COVER = _picture("BookletCover1", "png 26")
LEAFLET = Asset("D4E1FAQLeaflet1", "pdf How a truss carries a train", "pdf", 420, 595)
LEAFLET_COVER = _picture("LeafletCover1", "png 27")
ESSAY_PREVIEW = _picture("Essay1", "png 28")
CHART_PREVIEW = _picture("Chart1", "png 29")
LOST = _picture("Lost1", "none", served=False)
LATE = _picture("Late1", "png 30", ends=PAST)

AVATARS = {
    each.slug: Asset(f"{AVATAR}Face{number}", f"png {40 + number}", width=200, height=200)
    for number, each in enumerate((MARA, TOMAS, INES))
}

ASSETS: tuple[Asset, ...] = (
    *KILN, GLAZE, *TEST_TILES, HERON, *RINGS, TRUSS, *LOAVES, NEBULA, *COMET, ENDPAPER, SAME_GLAZE, FLICKER,
    WHEEL, WHEEL_STILL, DAWN, DAWN_STILL, BOOKLET, BOOKLET_COVER, LEAFLET, LEAFLET_COVER, ESSAY_PREVIEW,
    CHART_PREVIEW, LOST, LATE, *AVATARS.values(),
)  # fmt: skip

_MIME = {"png": "image/png", "gif": "image/gif", "mp4": "video/mp4", "pdf": "application/pdf"}


def files() -> dict[str, File]:
    """Every path that is served, drawn anew; equal contents are equal bytes."""
    return {each.path: File(_MIME[each.kind], _drawn(each)) for each in ASSETS if each.served}


def _drawn(asset: Asset) -> bytes:
    kind, _, rest = asset.content.partition(" ")
    if kind == "pdf":
        return pictures.pdf(rest)
    draw: dict[str, Callable[[int, int, int], bytes]] = {
        "png": pictures.png,
        "gif": pictures.gif,
        "mp4": pictures.mp4,
    }
    return draw[kind](int(rest), asset.width, asset.height)
