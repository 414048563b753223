"""`postkeep report`: a creator as one HTML file to send, print or keep."""

from __future__ import annotations

from pathlib import Path

import click

from postkeep.cli.as_json import write_json
from postkeep.cli.creators import mode_option, zone_option
from postkeep.cli.face import Face, json_option, pass_face
from postkeep.cli.output import write
from postkeep.cli.text import plural, visible
from postkeep.views import human_size
from postkeep.views.creators import AnalyticsMode


@click.command("report")
@click.argument("creator")
@click.option(
    "--html",
    "target",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the page is written; a file that is there is replaced.",
)
@mode_option
@zone_option
@click.option(
    "--top", type=click.IntRange(min=0), default=12, show_default=True, metavar="N", help="How many posts."
)
@json_option
@pass_face
def report(face: Face, creator: str, target: Path, mode: str, zone: str, top: int, as_json: bool) -> int:
    """Write a creator's figures as one HTML page.

    The page stands alone: charts and pictures are in it, it needs no network and no script. Pictures of posts are
    those in the cache.
    """
    from postkeep.cli.report_page import report_page

    with face.library(read_only=True) as library:
        found = library.creators.report(creator, mode=AnalyticsMode(mode), zone=zone, top=top)
    content = report_page(found).encode()
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise click.ClickException(f"cannot write {target}: {error.strerror}") from error
    pictures, size = len(found.pictures), len(content)
    if as_json:
        write_json({"path": target, "size": size, "posts": len(found.detail.top), "pictures": pictures})
    else:
        posts = plural(len(found.detail.top), "post")
        write(f"{visible(str(target))}: {human_size(size)}, {posts}, {plural(pictures, 'picture')}")
    return 0
