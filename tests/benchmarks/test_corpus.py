"""The invented posts keep the rules that were found true of real ones, and change only what they are told to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from benchmarks.corpus import Corpus, write_corpus

from postkeep.model import Parsed
from postkeep.platforms import load_platform

LINKEDIN = load_platform("linkedin")


def written(folder: Path, posts: int, **more: Any) -> Corpus:
    return write_corpus(folder, posts, **{"seed": 1, **more})


def records(corpus: Corpus) -> list[dict[str, Any]]:
    return [record for path in corpus.files for record in orjson.loads(path.read_bytes())]


def parsed(corpus: Corpus) -> list[Parsed]:
    return [LINKEDIN.parse(record) for record in records(corpus)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return written(tmp_path_factory.mktemp("corpus"), 1000)


def test_every_post_has_an_id_of_its_own_that_tells_its_time(corpus):
    found = records(corpus)
    numbers = [int(record["urn"]["activity_urn"]) for record in found]

    assert len(set(numbers)) == corpus.posts == 1000
    assert [number >> 22 for number in numbers] == [record["posted_at"]["timestamp"] for record in found]


def test_files_hold_a_hundred_posts_and_carry_the_profile_and_the_time(corpus):
    assert [len(orjson.loads(path.read_bytes())) for path in corpus.files] == [100] * 10
    assert len({path.name for path in corpus.files}) == 10
    assert all(path.name.endswith("_2025-11-25_23-22-57-717.json") for path in corpus.files)
    for path in corpus.files:
        user = path.name.removeprefix("dataset_").rsplit("_", 2)[0]
        authors = Counter(record["author"].get("username") for record in orjson.loads(path.read_bytes()))
        assert authors.most_common(1)[0][0] in (user, None)


def test_the_mix_and_the_size_are_those_of_real_posts(corpus):
    found = parsed(corpus)
    kinds = Counter(post.kind for each in found for post in each.posts)

    assert kinds == {"regular": 860, "quote": 120, "repost": 20}
    assert sum(len(post.media) for each in found for post in each.posts) == corpus.media
    assert 1.9 < corpus.media / corpus.posts < 2.1
    assert 2200 < sum(len(orjson.dumps(record)) for record in records(corpus)) / corpus.posts < 3000


def test_the_platform_reads_everything_in_it(corpus):
    for each in parsed(corpus):
        assert each.shape == "apimaestro"
        assert each.unknown_keys == ()
        [post] = each.posts
        assert post.tells_media
        assert all(ref.expires_at is not None for ref in post.media)


def test_a_seed_gives_the_same_posts_and_a_longer_corpus_begins_with_a_shorter_one(tmp_path):
    one, two = written(tmp_path / "a", 200), written(tmp_path / "b", 300)
    other = written(tmp_path / "c", 200, seed=2)

    assert [path.read_bytes() for path in one.files] == [path.read_bytes() for path in two.files[:2]]
    assert records(one) != records(other)


def test_signing_again_changes_nothing_that_lasts(tmp_path):
    before, after = (records(written(tmp_path / str(n), 200, resign=n)) for n in range(2))

    assert all(one != other for one, other in zip(before, after, strict=True))
    assert list(map(LINKEDIN.canonical, before)) == list(map(LINKEDIN.canonical, after))


def test_growing_makes_every_number_larger_and_changes_nothing_else(tmp_path):
    before, after = (records(written(tmp_path / str(n), 200, grow=n)) for n in range(2))

    for one, other in zip(before, after, strict=True):
        first, second = one.pop("stats"), other.pop("stats")
        assert one == other
        for name in ("total_reactions", "like", "comments", "reposts"):
            assert second[name] > first[name]


def test_a_base_url_replaces_the_media_hosts_and_no_other(tmp_path):
    base = "http://127.0.0.1:8080"
    corpus = written(tmp_path, 200, media_base=base)
    urls = [ref.url for each in parsed(corpus) for post in each.posts for ref in post.media]

    assert len(urls) == len({url.partition("?")[0] for url in urls}) == corpus.media
    assert {url.rsplit("/", 2)[0] for url in urls} == {base}
    assert {url.rsplit("/", 2)[1] for url in urls} == {"img", "vid", "doc"}
    assert b"licdn.com" not in b"".join(path.read_bytes() for path in corpus.files)
