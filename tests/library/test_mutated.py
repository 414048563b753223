"""Any field of a record may hold anything: it is stored or kept with a reason, and its neighbours arrive."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pytest

from postkeep.ids import IdFactory
from postkeep.model import Json, RawRecord, utc_now
from postkeep.platforms import PLATFORMS, load_platform
from postkeep.stages.ingest import Ingest
from postkeep.stages.ingest.candidate import digest
from postkeep.store import Store, bulk, runs
from postkeep.store.verify import verify_rows
from tests.platforms import instagram_records, linkedin_records, mixed, reddit_records
from tests.records import activity_id, post, raw

IDS = IdFactory()
EVERY = 10
"""A good record stands before every so many mutated ones, and one at the end."""

GONE = object()
VALUES: tuple[Any, ...] = (
    GONE, None, True, False, 0, -1, 7, 1.5, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30, -(10**400),
    "", " ", "words", "12345678901234567890123", "x" * 10_240, "\0", "a\0b", "\ud800", "\udfff\ud800", "\x1b[31m",
    "http://", "https://[::1", "https://a.test/%00%ff", "urn:li:activity:", "2025-13-45", "9" * 4000,
    [], {}, [None], [[[]]], {"": None}, {"\0": "\ud800"}, {"url": []}, [{"url": {}}], ["\ud800"],
)  # fmt: skip


def paths(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a record below itself."""
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from paths(child, (*path, key))


def mutated(record: Json, path: tuple[Any, ...], value: Any) -> Json:
    found = copy.deepcopy(record)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return found


Chosen = tuple[int, tuple[Any, ...], int]
"""The number of a sample, a path in it, and the number of the value that stands there."""


def samples(platform: str) -> list[tuple[Json, str | None]]:
    """Records of every shape of a platform, with the profile each was seen through."""
    if platform == "reddit":
        return [*reddit_records.everything(), *reddit_records.pages()]
    return (linkedin_records if platform == "linkedin" else instagram_records).everything()


def mutations(platform: str) -> Iterator[Chosen]:
    """Every mutation of every sample."""
    for number, (record, _) in enumerate(samples(platform)):
        for path in paths(record):
            for value in range(len(VALUES)):
                yield number, path, value


def of_its_own(platform: str, record: Json, serial: int) -> bytes:
    """The record as bytes, with ids that no other has, so that each mutation is a post by itself."""
    if platform == "instagram":
        return mixed.of_its_own(record, serial)
    body = json.dumps(record)
    if platform == "linkedin":
        return re.sub(r"\b7[0-9]{18}\b", lambda found: str(int(found[0]) + 1000 * serial), body).encode()
    return _REDDIT.sub(lambda found: f"{found[0]}{serial:x}", body).encode()


_REDDIT = re.compile(
    r"(?<![A-Za-z0-9])(?:t[235]_)?(?:link01|text01|image1|gall01|video1|inline|cross1|parent|remov1|delet1|nullgl"
    r"|bare01|sidec1|other1|jane01|pots1)(?![A-Za-z0-9])"
)


def bodies(platform: str, chosen: Iterable[Chosen]) -> Iterator[tuple[bytes, str | None]]:
    known = samples(platform)
    for serial, (number, path, value) in enumerate(chosen, 1):
        record, via = known[number]
        yield of_its_own(platform, mutated(record, path, VALUES[value]), serial), via


def take_in(store: Store, records: Iterable[RawRecord]) -> Any:
    run_id = IDS.new("run")
    with store.writing() as tx:
        runs.start(tx, run_id, "import", utc_now(), {})
    ingest = Ingest(
        store,
        platforms=[load_platform(name) for name in PLATFORMS],
        ids=IDS,
        run_id=run_id,
        clock=utc_now,
        fetch_avatars=True,
    )
    for _ in ingest.feed(records):
        pass
    return ingest.tally


def check(store: Store, platform: str, chosen: list[Chosen]) -> None:
    good, sent, shas = [], [], []
    for number, (body, via) in enumerate(bodies(platform, chosen)):
        if number % EVERY == 0:
            good.append(raw(post(len(good)), number=len(sent) + len(good) + 1, name="mutated.json"))
            sent.append(good[-1])
        shas.append(digest(body))
        sent.append(raw(body, via=via, number=len(sent) + 1, name="mutated.json"))
    good.append(raw(post(len(good)), number=len(sent) + 1, name="mutated.json"))
    sent.append(good[-1])

    tally = take_in(store, sent)

    # A page counts as many as it shows posts, and an account without any counts none.
    assert platform != "linkedin" or tally.processed == len(sent)
    with store.reading() as tx:
        stored = {sha for (sha,) in bulk.execute(tx, "SELECT sha256 FROM raw_records").all()}
        kept = dict(bulk.execute(tx, "SELECT sha256, reason FROM quarantine").all())
        natives = {native for (native,) in bulk.execute(tx, "SELECT native_id FROM posts").all()}
    assert {activity_id(serial=n) for n in range(len(good))} <= natives
    assert [at for at, sha in zip(chosen, shas, strict=True) if sha not in stored and not kept.get(sha)] == []
    assert [at for at, sha in zip(chosen, shas, strict=True) if sha in stored and sha in kept] == []
    # Of a page what cannot be read is kept apart, with bytes of its own.
    whole = sum(sha in kept for sha in shas)
    assert tally.errors >= whole if platform != "linkedin" else tally.errors == whole
    assert len(kept) <= tally.errors < len(chosen) / 2
    assert verify_rows(store) == []

    again = take_in(store, sent)
    assert (again.new, again.errors, again.updated) == (0, tally.errors, 0)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_mutated_records_are_stored_or_kept_and_their_neighbours_arrive(store: Store, platform: str) -> None:
    everything = list(mutations(platform))
    assert len(everything) > 20_000
    several = 4000 if platform == "linkedin" else 1200
    check(store, platform, random.Random(20).sample(everything, several if store.is_sqlite else several // 4))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_mutation_of_every_sample(store: Store, platform: str) -> None:
    everything = iter(mutations(platform))
    while chosen := list(islice(everything, 2000)):
        with store.writing() as tx:
            for table in ("posts", "profiles", "raw_records", "quarantine", "work", "unknown_keys"):
                bulk.execute(tx, f"DELETE FROM {table}")
        check(store, platform, chosen)
