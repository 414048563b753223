"""Whether memory stays what it is when one of the files is as large as a feature film."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks import fetch_clients as clients
from benchmarks.fetch_child import Run
from benchmarks.fetch_clients import HOME, Finish, Turn
from benchmarks.fetch_corpus import VIDEO_SECONDS, VIDEO_SIDES, write_video
from benchmarks.fetch_server import HOST
from benchmarks.fetch_turns import HEAD, Figures, Ground, line, measure_turn, summary

SIZE = 5_000_000_000
ROOM = 10_000_000_000
NAME = "video.mp4"
WITH_VIDEO = "with-video"


def enough_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free >= ROOM


def measure_video(ground: Ground, folder: Path, *, size: int = SIZE) -> Figures:
    """Fetch the files and a video of `size` bytes with sixteen connections, into `folder`."""
    write_video(ground.www / NAME, size)
    urls = [*ground.urls, f"https://{HOST}:{ground.port}/{NAME}"]
    home = ground.scratch / "video-home"
    settings = (f"max_bytes = {size}", "total_timeout = 3600")
    clients.prepare_home(
        home, ground.urls, port=ground.port, environment=ground.environment, videos=urls[-1:], settings=settings
    )
    ours = clients.postkeep(ground.environment, WITH_VIDEO, per_host=clients.CONNECTIONS)

    def finish(turn: Turn, run: Run) -> Finish:
        _check_video(turn.folder / HOME, size)
        return ours.finish(turn, run)

    print(HEAD, flush=True)
    one = measure_turn(replace(ground, home=home), replace(ours, finish=finish), folder / "video", urls=urls)
    print(line(WITH_VIDEO, one, len(urls)), flush=True)
    (ground.www / NAME).unlink()
    return {"video_bytes": size, **summary([one], len(urls))}


def _check_video(home: Path, size: int) -> None:
    query = """
        SELECT download_state, f.file_size, f.width, f.height, f.duration, f.incomplete_at_source
        FROM post_media LEFT JOIN media_files AS f USING (file_id) WHERE media_url LIKE '%.mp4'
    """
    with closing(sqlite3.connect(home / "postkeep.db")) as database:
        rows = database.execute(query).fetchall()
    if rows != [("fetched", size, *VIDEO_SIDES, float(VIDEO_SECONDS), 0)]:
        raise RuntimeError(f"the video was not kept as it was served: {rows}")
