"""Scrapy's files pipeline on a list of URLs: runs in Scrapy's own environment, `fetch_scrapy.py URLS FOLDER`.

Everything that is not fetching and storing is switched off, and of its download handlers the fastest is taken.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import default_settings

CONNECTIONS = 16
OFF = (
    "AUTOTHROTTLE_ENABLED",
    "COOKIES_ENABLED",
    "HTTPCACHE_ENABLED",
    "MEMUSAGE_ENABLED",
    "REDIRECT_ENABLED",
    "RETRY_ENABLED",
    "ROBOTSTXT_OBEY",
    "STATS_DUMP",
    "TELNETCONSOLE_ENABLED",
)


class Files(scrapy.Spider):
    """Hands the pipeline all URLs in one piece: in a piece each they take longer."""

    name = "files"
    urls: tuple[str, ...] = ()

    async def start(self) -> AsyncIterator[dict[str, list[str]]]:
        yield {"file_urls": list(self.urls)}


def settings(folder: str) -> dict[str, object]:
    """Scrapy's settings for one host and sixteen connections."""
    # The usual handler, Twisted's, opens a new connection for most of the requests when the machine is busy.
    handler = "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"
    # Without this one every request has ten seconds, its time in the queue included.
    middlewares = [name for name in default_settings.DOWNLOADER_MIDDLEWARES_BASE if "DownloadTimeout" not in name]
    return {
        **dict.fromkeys(OFF, False),
        "CONCURRENT_REQUESTS": CONNECTIONS,
        "CONCURRENT_REQUESTS_PER_DOMAIN": CONNECTIONS,
        "DOWNLOADER_MIDDLEWARES": dict.fromkeys(middlewares),
        "DOWNLOAD_DELAY": 0,
        "DOWNLOAD_TIMEOUT": 3600,
        "DOWNLOAD_HANDLERS": {"https": handler},
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_WARNSIZE": 0,
        "EXTENSIONS": dict.fromkeys(default_settings.EXTENSIONS_BASE),
        "FILES_STORE": folder,
        "LOG_LEVEL": "WARNING",
        "ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1},
        "SPIDER_MIDDLEWARES": dict.fromkeys(default_settings.SPIDER_MIDDLEWARES_BASE),
    }


def main(urls: str, folder: str) -> None:
    """Fetch every URL of a file, one a line, into a folder."""
    Files.urls = tuple(Path(urls).read_text().split())
    process = AsyncCrawlerProcess(settings(folder))
    process.crawl(Files)
    process.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
