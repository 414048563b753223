from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postkeep.model import ObservedSource
from postkeep.sources import observe

MTIME = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
NAMED = datetime(2025, 11, 25, 22, 22, 57, 717_000, tzinfo=UTC)


def seen(path: str) -> tuple[datetime, ObservedSource, bool, str | None]:
    observation, via = observe(Path(path), zone=PARIS, mtime=MTIME)
    return observation.at, observation.source, observation.zone_assumed, via


@pytest.mark.parametrize(
    "name",
    [
        "dataset_ada_2025-11-25_23-22-57-717.json",
        "dataset_ada_2025-11-25_23-22-57-717.jsonl",
        "dataset_ada_2025-11-25_23-22-57-717.ndjson.gz",
        "dataset_ada_2025-11-25_23-22-57-717.json.gz",
        "dataset_ada_2025-11-25_23-22-57-717 (1).json",
        "dataset_ada_2025-11-25_23-22-57-717 copy.json",
        "Copy of dataset_ada_2025-11-25_23-22-57-717.json",
        "20200101_000000/dataset_ada_2025-11-25_23-22-57-717.json",
    ],
)
def test_the_stamp_in_the_file_name_comes_first(name: str) -> None:
    assert seen(name) == (NAMED, ObservedSource.FILE_NAME, True, "ada")


@pytest.mark.parametrize(
    ("written", "microseconds"), [("7", 7000), ("07", 7000), ("70", 70_000), ("700", 700_000)]
)
def test_milliseconds_are_a_number(written: str, microseconds: int) -> None:
    at, *_ = seen(f"dataset_ada_2025-11-25_23-22-57-{written}.json")
    assert at == NAMED.replace(microsecond=microseconds)


@pytest.mark.parametrize(
    ("user", "via"),
    [
        ("jane-doe-4489271", "jane-doe-4489271"),
        ("Jane_Doe", "Jane_Doe"),
        ("ana%C3%AFs", "anaïs"),
        ("linkedin-profile-posts", None),
        ("linkedin-company-posts", None),
        ("linkedin-profile-posts-scraper", None),
        ("linkedin-fan", "linkedin-fan"),
        ("a%00b", None),
        ("%20", None),
    ],
)
def test_the_username(user: str, via: str | None) -> None:
    assert seen(f"dataset_{user}_2025-11-25_23-22-57-717.json")[3] == via


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("/d/20251125_232257/linkedin/x.json", datetime(2025, 11, 25, 22, 22, 57, tzinfo=UTC)),
        ("/d/20251125/linkedin/x.json", datetime(2025, 11, 24, 23, 0, tzinfo=UTC)),
        ("/20240101/20251125/x.json", datetime(2025, 11, 24, 23, 0, tzinfo=UTC)),
        ("/20251125/20251345_000000/x.json", datetime(2025, 11, 24, 23, 0, tzinfo=UTC)),
        ("20251125/dataset_ada_2025-13-25_23-22-57-717.json", datetime(2025, 11, 24, 23, 0, tzinfo=UTC)),
    ],
)
def test_the_nearest_stamped_folder_comes_next(path: str, at: datetime) -> None:
    assert seen(path)[:3] == (at, ObservedSource.FOLDER, True)


@pytest.mark.parametrize(
    "path",
    [
        "posts.json",
        "20251125.json",
        "/d/x20251125/posts.json",
        "/d/202511251/posts.json",
        "/d/20251125_99/posts.json",
        "dataset_ada_1999-01-01_00-00-00-000.json",
        "dataset_ada_2101-01-01_00-00-00-000.json",
        "dataset_ada_2025-02-30_00-00-00-000.json",
        "dataset_ada_2025-01-01_24-00-00-000.json",
        "dataset_ada_2025-01-01_10-00-00-0000.json",
        "dataset_ada_٢٠٢٥-01-01_10-00-00-000.json",
        "/20021231/posts.json",
        "/21010101_000000/posts.json",
    ],
)
def test_without_a_possible_stamp_the_file_time_is_a_guess(path: str) -> None:
    at, source, zone_assumed, _ = seen(path)
    assert (at, source, zone_assumed) == (MTIME, ObservedSource.MTIME, False)


def test_a_time_that_occurs_twice_is_the_earlier_and_a_skipped_one_still_counts() -> None:
    assert seen("dataset_a_2025-10-26_02-30-00-000.json")[0] == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert seen("dataset_a_2025-03-30_02-30-00-000.json")[0] == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)
