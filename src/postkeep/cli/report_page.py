"""A creator as one page of HTML that stands alone: no script, no font, no address is asked for anything.

Whatever comes from the archive is text of strangers and is escaped; a link leads only where a browser may go.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

from postkeep.cli.creator_page import (
    VOTED,
    basis_text,
    figure_text,
    is_voted,
    members,
    rate_text,
    short_name,
)
from postkeep.cli.figure_words import words
from postkeep.cli.report_charts import date_words, growth_chart, hours_chart, types_chart
from postkeep.cli.text import UNKNOWN, plural, visible
from postkeep.cli.top_posts import grouped, percent
from postkeep.model import ProfileKind
from postkeep.views.creators import CreatorDetail, CreatorReport, Picture, TopPost

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--paper:#fff;--line:#d1d9e0;--mark:#1f6feb}
@media (prefers-color-scheme:dark){
:root{--ink:#e6edf3;--dim:#9198a1;--paper:#0d1117;--line:#3d444d;--mark:#4493f8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:52rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--paper);overflow-wrap:break-word}
header{display:flex;gap:1rem;align-items:flex-start}header div{min-width:0}
.avatar{width:5rem;height:5rem;flex:none;object-fit:cover;border-radius:50%}
.about{white-space:pre-line}
h1{margin:0;font-size:1.6rem}h2{margin:2rem 0 .5rem;font-size:1.15rem}
p{margin:.3rem 0}.dim,footer{color:var(--dim);font-size:.875rem}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.5rem;margin:1rem 0}
.key div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}
.key b{display:block;font-size:1.25rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:0 2rem}
.charts section{min-width:0;max-width:30rem;break-inside:avoid}
svg{display:block;width:100%;height:auto}text{font-family:system-ui,sans-serif;fill:var(--dim)}
polyline{fill:none;stroke:var(--mark);stroke-width:2}circle,rect{fill:var(--mark)}
.cell{stroke:var(--line);stroke-width:.5}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th,td{padding:.25rem .5rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.w{white-space:nowrap}
.raw{display:block;color:var(--dim);font-size:.75rem;overflow-wrap:anywhere}
@media (max-width:30rem){.w{display:none}th,td{padding:.25rem}}
.posts{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.75rem}
.posts li{border:1px solid var(--line);border-radius:.5rem;padding:.75rem;break-inside:avoid}
.posts img{display:block;width:100%;height:12rem;object-fit:cover;border-radius:.25rem;margin-bottom:.5rem}
a{color:var(--mark)}
@media print{:root{--ink:#000;--dim:#444;--paper:#fff;--line:#bbb}body{max-width:none;padding:0;font-size:11pt}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}h2{break-after:avoid}svg,tr{break-inside:avoid}}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_KEY = (
    "engagement_rate",
    "posting_frequency_per_week",
    "avg_reel_views",
    "avg_engagement_per_content",
    "viral_content_count",
    "avg_upvotes_per_post",
    "avg_comments_per_post",
    "engagement",
    "top_content_type",
    "best_posting_day",
    "best_posting_hour",
    "karma_per_day",
)


def report_page(report: CreatorReport) -> str:
    """The page as HTML."""
    detail = report.detail
    title = f"{detail.name} ({detail.platform})"
    body = "\n".join(part for part in _parts(report) if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_told(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_told(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _parts(report: CreatorReport) -> Iterator[str]:
    detail = report.detail
    yield _head(detail, report.avatar)
    yield _key(detail)
    yield _charts(detail)
    yield _posts(
        "Posts with most votes" if is_voted(detail) else "Posts with most engagement", detail.top, report.pictures
    )
    yield _posts("Rising", detail.rising, report.pictures)
    yield _figures(detail)
    yield _foot(detail)


def _charts(detail: CreatorDetail) -> str:
    whom, zone = members(detail), detail.analytics["zone"]
    charts = (
        _chart(whom, growth_chart(detail.history, whom), _growth(detail)),
        _types(detail),
        _chart("When posts come", hours_chart(detail.hours, zone), _hours(detail, zone)),
    )
    drawn = "\n".join(filter(None, charts))
    return f'<div class="charts">\n{drawn}\n</div>' if drawn else ""


def _hours(detail: CreatorDetail, zone: str) -> str:
    """Of which posts the chart is made: those of the time that is known whole."""
    shown, of = sum(map(sum, detail.hours)), detail.analytics["sample"]["counted"]
    clock = f"hours of {zone}"
    if detail.kind == ProfileKind.SUBREDDIT:
        return _told(f"The {plural(shown, 'post')} in the archive, by the {clock}.")
    since = next((each.since for each in detail.figures if each.name == "most_active_day"), None)
    if since is None:
        return _told(f"{shown} of {plural(of, 'post')} of the sample, by the {clock}.")
    whole = f"since {date_words(since)}, from when on every list is known whole"
    return _told(f"{shown} of {plural(of, 'post')} of the sample, those {whole}; {clock}.")


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


def _head(detail: CreatorDetail, avatar: Picture | None) -> str:
    name = short_name(detail.platform, detail.kind, detail.username) or detail.profile_id
    line = f"{_link(detail.url, name)}, {_told(detail.kind)}"
    if detail.private:
        line += ", private: no rate is known of a private account"
    image = f'<img class="avatar" alt="" src="{_source(avatar)}">' if avatar is not None else ""
    about = ""
    if detail.biography:
        text = visible(detail.biography.strip(), lines=True)
        about = f'<p class="about">{escape(text, quote=True)}</p>'
    told = f'<h1>{_told(detail.name)}</h1><p class="dim">{line}</p>{about}'
    return f"<header>{image}<div>{told}</div></header>"


def _key(detail: CreatorDetail) -> str:
    values = {each.name: figure_text(each) for each in detail.figures}
    cells = [(members(detail), grouped(detail.followers))]
    cells += [(words(name), values[name]) for name in _KEY if values.get(name, UNKNOWN) != UNKNOWN]
    return (
        '<div class="key">'
        + "".join(f"<div><b>{_told(v)}</b>{_told(label)}</div>" for label, v in cells)
        + "</div>"
    )


def _growth(detail: CreatorDetail) -> str:
    grown = detail.growth
    return _told(f"A day: {rate_text(grown['daily'], 'day')}. A week: {rate_text(grown['weekly'], 'week')}.")


def _chart(title: str, svg: str, note: str) -> str:
    """A chart under its title; `note` is HTML."""
    return f'<section><h2>{_told(title)}</h2>\n{svg}\n<p class="dim">{note}</p></section>' if svg else ""


def _post(post: TopPost, picture: Picture | None) -> str:
    image = ""
    if picture is not None:
        image = f'<img alt="" src="{_source(picture)}">'
    text = " ".join((post.text or "").split())
    text = text if len(text) <= 160 else text[:159].rstrip() + "…"
    liked = "votes" if post.platform == VOTED else "likes"
    likes = "hidden" if post.hidden else grouped(post.likes)
    counts = f"{likes} {liked}, {grouped(post.comments)} comments"
    if post.views is not None:
        counts += f", {grouped(post.views)} views"
    if post.rate is not None:
        counts += f", {percent(post.rate)} of {grouped(post.followers)} followers"
    if post.comments_per_vote is not None:
        counts += f", {post.comments_per_vote:.4f} comments per vote"
    if post.viral_score is not None:
        counts += f", viral score {post.viral_score:.2f} / 10"
    when = _link(post.url, date_words(post.posted_at))
    seen = f"counted {date_words(post.observed_at)}" if post.observed_at else "never counted"
    return f'<li>{image}<p>{_told(text)}</p><p>{_told(counts)}</p><p class="dim">{when}, {_told(seen)}</p></li>'


def _figures(detail: CreatorDetail) -> str:
    counted = detail.analytics["sample"]["counted"]
    rows = [
        f'<tr><td>{_told(words(each.name))} <span class="raw">{_told(each.name)}</span></td>'
        f'<td class="n">{_told(figure_text(each))}</td><td class="n">{_told(basis_text(each))}</td>'
        f'<td class="w">{_told(date_words(each.since)) if each.since else ""}</td></tr>'
        for each in detail.figures
        if each.same_as is None and (counted or each.value is not None)
    ]
    if not rows:
        return ""
    head = '<tr><th>Figure</th><th class="n">Value</th><th class="n">Posts</th><th class="w">Since</th></tr>'
    note = f"Posts: of how many a figure is made, of how many there are. {UNKNOWN} is unknown, never zero."
    return (
        f'<h2>All figures</h2>\n<p class="dim">{_told(note)}</p>\n'
        f"<table><thead>{head}</thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table>"
    )


def _foot(detail: CreatorDetail) -> str:
    result = detail.analytics
    sample, zone = result["sample"], str(result["zone"])
    newest = detail.newest_observation
    told = (
        f"{sample['counted']} of {plural(sample['handed'], 'post')} counted; newest observation "
        f"{_moment(newest, zone) if newest else 'unknown'}. Calculated "
        f"{_moment(str(result['calculated_at']), zone)} by the {result['mode']} formulas, "
        f"version {result['version']}."
    )
    return f"<footer><p>{_told(told)}</p></footer>"


def _moment(at: datetime | str, zone: str) -> str:
    """A time by the clock of a zone, in UTC where that is not known here; what is no time stays as it is."""
    try:
        told = datetime.fromisoformat(at) if isinstance(at, str) else at
    except ValueError:
        return str(at)
    try:
        local = told.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        local, zone = told.astimezone(UTC), "UTC"
    return f"{date_words(local)}, {local:%H:%M} {zone}"


def _source(picture: Picture) -> str:
    return _told(f"data:{picture.mime_type};base64,{b64encode(picture.content).decode()}")


def _link(url: str | None, text: str) -> str:
    if url is None or not url.lower().startswith(("https://", "http://")):
        return _told(text)
    return f'<a rel="noreferrer noopener" href="{_told(url)}">{_told(text)}</a>'


def _told(text: str) -> str:
    return escape(visible(text), quote=True)
