"""A creator as one page of HTML that stands alone: no script, no font, no address is asked for anything.

Whatever comes from the archive is text of strangers and is escaped; a link leads only where a browser may go.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from postkeep.cli.creator_page import VOTED, basis_text, figure_text, is_voted, members, rate_text, short_name
from postkeep.cli.report_charts import growth_chart, hours_chart, types_chart
from postkeep.cli.text import UNKNOWN, visible
from postkeep.cli.top_posts import grouped, percent
from postkeep.model import ProfileKind
from postkeep.views.creators import CreatorDetail, CreatorReport, Picture, TopPost

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--paper:#fff;--line:#d1d9e0;--mark:#1f6feb}
@media (prefers-color-scheme:dark){
:root{--ink:#e6edf3;--dim:#9198a1;--paper:#0d1117;--line:#3d444d;--mark:#4493f8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:52rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--paper);overflow-wrap:anywhere}
h1{margin:0;font-size:1.6rem}h2{margin:2rem 0 .5rem;font-size:1.15rem}
p{margin:.3rem 0}.dim,footer{color:var(--dim);font-size:.875rem}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.5rem;margin:1rem 0}
.key div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}
.key b{display:block;font-size:1.25rem}
svg{display:block;width:100%;height:auto}text{font:12px system-ui,sans-serif;fill:var(--dim)}
polyline{fill:none;stroke:var(--mark);stroke-width:2}circle,rect{fill:var(--mark)}
.cell{stroke:var(--line);stroke-width:.5}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th,td{padding:.25rem .5rem;text-align:left;border-bottom:1px solid var(--line)}
.n{text-align:right;font-variant-numeric:tabular-nums}
.posts{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.75rem}
.posts li{border:1px solid var(--line);border-radius:.5rem;padding:.75rem;break-inside:avoid}
.posts img{display:block;width:100%;height:12rem;object-fit:cover;border-radius:.25rem;margin-bottom:.5rem}
a{color:var(--mark)}
@media print{:root{--ink:#000;--dim:#444;--paper:#fff;--line:#bbb}body{max-width:none;padding:0;font-size:11pt}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}h2{break-after:avoid}svg,tr{break-inside:avoid}}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HOURS: dict[str, str] = {ProfileKind.SUBREDDIT: "Of the posts that are in the archive, by the hours"}
_KEY = (
    ("engagement_rate", "Engagement rate"),
    ("posting_frequency_per_week", "Posts a week"),
    ("avg_reel_views", "Views of a reel"),
    ("avg_engagement_per_content", "Engagement of a post"),
    ("viral_content_count", "Viral posts"),
    ("avg_upvotes_per_post", "Votes of a post"),
    ("avg_comments_per_post", "Comments of a post"),
    ("engagement", "Comments per vote"),
    ("top_content_type", "Best kind of post"),
    ("best_posting_day", "Best day"),
    ("best_posting_hour", "Best hour"),
    ("karma_per_day", "Karma a day"),
)


def report_page(report: CreatorReport) -> str:
    """The page as HTML."""
    detail = report.detail
    title = f"{detail.name} ({detail.platform})"
    body = "\n".join(part for part in _parts(detail, report.pictures) if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_told(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_told(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _parts(detail: CreatorDetail, pictures: Mapping[str, Picture]) -> Iterator[str]:
    result = detail.analytics
    yield _head(detail)
    yield _key(detail)
    yield _chart(members(detail), growth_chart(detail.history, members(detail)), _growth(detail))
    yield _types(detail)
    yield _chart(
        "When posts come",
        hours_chart(detail.hours, result["zone"]),
        f"{_HOURS.get(detail.kind, 'Hours')} of {_told(result['zone'])}.",
    )
    yield _posts(
        "Posts with most votes" if is_voted(detail) else "Posts with most engagement", detail.top, pictures
    )
    yield _posts("Rising", detail.rising, pictures)
    yield _figures(detail)
    yield _foot(detail)


def _types(detail: CreatorDetail) -> str:
    if is_voted(detail):
        note = "Mean of votes for minus votes against; behind it how many posts have known ones, of how many."
        means = [(each, each.mean_votes) for each in detail.types]
        return _chart("Votes by type", types_chart(means, "votes"), note)
    note = "Mean likes plus comments; behind it how many posts have both, of how many."
    means = [(each, each.mean_engagement) for each in detail.types]
    return _chart("Engagement by type", types_chart(means, "engagement"), note)


def _posts(title: str, posts: Sequence[TopPost], pictures: Mapping[str, Picture]) -> str:
    told = "\n".join(_post(post, pictures.get(post.post_id)) for post in posts)
    return f'<h2>{title}</h2>\n<ul class="posts">\n{told}\n</ul>' if posts else ""


def _head(detail: CreatorDetail) -> str:
    name = short_name(detail.platform, detail.kind, detail.username) or detail.profile_id
    line = f"{_link(detail.url, name)}, {_told(detail.kind)}"
    return f'<header><h1>{_told(detail.name)}</h1><p class="dim">{line}</p></header>'


def _key(detail: CreatorDetail) -> str:
    values = {each.name: figure_text(each) for each in detail.figures}
    cells = [(members(detail), grouped(detail.followers))]
    cells += [(label, values[name]) for name, label in _KEY if values.get(name, UNKNOWN) != UNKNOWN]
    return (
        '<div class="key">'
        + "".join(f"<div><b>{_told(v)}</b>{_told(label)}</div>" for label, v in cells)
        + "</div>"
    )


def _growth(detail: CreatorDetail) -> str:
    return _told("; ".join(rate_text(detail.growth[name], name) for name in ("daily", "weekly")) + ".")


def _chart(title: str, svg: str, note: str) -> str:
    """A chart under its title; `note` is HTML."""
    return f'<h2>{_told(title)}</h2>\n{svg}\n<p class="dim">{note}</p>' if svg else ""


def _post(post: TopPost, picture: Picture | None) -> str:
    image = ""
    if picture is not None:
        source = f"data:{picture.mime_type};base64,{b64encode(picture.content).decode()}"
        image = f'<img alt="" src="{_told(source)}">'
    text = " ".join((post.text or "").split())
    text = text if len(text) <= 160 else text[:159].rstrip() + "…"
    liked = "votes" if post.platform == VOTED else "likes"
    counts = f"{grouped(post.likes)} {liked}, {grouped(post.comments)} comments"
    if post.views is not None:
        counts += f", {grouped(post.views)} views"
    if post.rate is not None:
        counts += f", {percent(post.rate)} of {grouped(post.followers)} followers"
    if post.comments_per_vote is not None:
        counts += f", {post.comments_per_vote:.4f} comments per vote"
    if post.viral_score is not None:
        counts += f", viral score {post.viral_score:.2f} / 10"
    when = _link(post.url, f"{post.posted_at:%Y-%m-%d}")
    seen = f"counted {post.observed_at:%Y-%m-%d}" if post.observed_at else "never counted"
    return f'<li>{image}<p>{_told(text)}</p><p>{_told(counts)}</p><p class="dim">{when}, {_told(seen)}</p></li>'


def _figures(detail: CreatorDetail) -> str:
    rows = [
        f'<tr><td>{_told(each.name)}</td><td class="n">{_told(figure_text(each))}</td>'
        f'<td class="n">{_told(basis_text(each))}</td>'
        f"<td>{f'{each.since:%Y-%m-%d}' if each.since else ''}</td></tr>"
        for each in detail.figures
        if each.same_as is None
    ]
    if not rows:
        return ""
    head = '<tr><th>Figure</th><th class="n">Value</th><th class="n">Posts</th><th>Since</th></tr>'
    return f"<h2>All figures</h2>\n<table><thead>{head}</thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table>"


def _foot(detail: CreatorDetail) -> str:
    result = detail.analytics
    sample = result["sample"]
    newest = detail.newest_observation
    told = (
        f"{sample['counted']} of {sample['handed']} posts counted; newest observation "
        f"{f'{newest:%Y-%m-%d %H:%M} UTC' if newest else 'unknown'}. Calculated {result['calculated_at']} by "
        f"{result['mode']} {result['version']}; {UNKNOWN} is unknown, never zero."
    )
    return f"<footer><p>{_told(told)}</p></footer>"


def _link(url: str | None, text: str) -> str:
    if url is None or not url.lower().startswith(("https://", "http://")):
        return _told(text)
    return f'<a rel="noreferrer noopener" href="{_told(url)}">{_told(text)}</a>'


def _told(text: str) -> str:
    return escape(visible(text), quote=True)
