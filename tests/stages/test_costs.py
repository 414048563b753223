"""What was used, priced and divided: reproducible by hand, exact to the last digit, unknown where no price is."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.archive import counting
from postkeep.archive.counting import CountedArchive
from postkeep.archive.directory import DirectoryArchive
from postkeep.config import CostsConfig, load_config
from postkeep.costing import Measure, Prices, Sum, Use, pieces, read_price, shown
from postkeep.errors import ArchiveUnavailable, ConfigError, ObjectDiffers
from postkeep.model import RunStatus, utc_now
from postkeep.stages.archive import run as stage
from postkeep.stages.archive.checking import Checking
from postkeep.stages.archiving import Archives
from postkeep.stages.costs import accounted, run_costs
from postkeep.stages.parts import Parts
from postkeep.store import Store, bulk, costs
from postkeep.store.costs import Entry, Seller
from postkeep.views.costs import CostBy, CostKind, Costs, CostSum
from tests.stages.archiving import archive_all, parts_of
from tests.stages.kept import IDS, File, Kept, Place, Post, made, post_id, profile_id

GB = 10**9
PRICES = (
    "s3 storage 0.023 USD per GB-month from 2025-01-01",
    "s3 put+list 5 USD per million from 2025-01-01",
    "s3 get+head 0.40 USD per million from 2025-01-01",
    "s3 egress 0.09 USD per GB from 2025-01-01",
)
ZERO = Fraction()


def use(operation: str = "put", **more: Any) -> Use:
    kind = CostKind.STORAGE if operation == "storage" else CostKind.REQUEST
    day = date(2025, 3, 10)
    made = Use(kind, "s3", "s3://bucket", operation, day, None if operation == "storage" else day, 1, 0)
    return replace(made, **more)


def cost(uses: Sequence[Use], *prices: str, since: date | None = None, until: date = date(2026, 1, 1)) -> Sum:
    table, total = Prices(prices), Sum()
    for each in uses:
        for piece in pieces(each, table, since=since, until=until):
            total.add(piece.measure, piece.amount)
    return total


def decimals(total: Sum) -> CostSum:
    return shown(total, [])[0]


# --- prices -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("s3 put 5 USD per million", "is not SOURCE"),
        ("s3 put 5 per million from 2025-01-01", "is not SOURCE"),
        ("s3 put -5 USD per million from 2025-01-01", "is not SOURCE"),
        ("s3 put 5 usd per million from 2025-01-01", "is not SOURCE"),
        ("s3 put 5 USD per million from 2025-02-30", "there is no day"),
        ("s4 put 5 USD per million from 2025-01-01", "'s4' is not"),
        ("s3 post 5 USD per million from 2025-01-01", "'post' is not one of"),
        ("s3 put 5 USD per GB from 2025-01-01", "not per GB"),
        ("s3 storage 5 USD per million from 2025-01-01", "not per million"),
        ("s3 put+egress 5 USD per million from 2025-01-01", "egress is priced per"),
    ],
)
def test_a_price_that_says_too_little_or_wrong_is_refused(line: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        read_price(line)


def test_prices_come_from_the_configuration_and_none_is_built_in(tmp_path: Path) -> None:
    assert load_config(environ={}, user_folder=tmp_path).costs.prices == ()
    (tmp_path / "postkeep.toml").write_text(f"[costs]\nprices = ['{PRICES[0]}', '{PRICES[1]}']\n")
    assert load_config(environ={}, user_folder=tmp_path).costs.prices == PRICES[:2]
    given = {"POSTKEEP_COSTS_PRICES": f"{PRICES[2]}, {PRICES[3]}"}
    assert load_config(environ=given, user_folder=tmp_path).costs.prices == PRICES[2:]
    with pytest.raises(ConfigError, match=r"costs\.prices.*'post' is not one of"):
        load_config(environ={"POSTKEEP_COSTS_PRICES": "s3 post 5 USD per million from 2025-01-01"})
    with pytest.raises(ConfigError, match="two prices from 2025-01-01"):
        Prices([PRICES[1], "s3 put 6 USD per million from 2025-01-01"])


def test_a_price_holds_from_its_day_and_the_stores_own_comes_first() -> None:
    table = (
        "s3 put 5 USD per million from 2025-03-01",
        "s3 put 6 USD per million from 2025-03-11",
        "s3://bucket put 7 EUR per million from 2025-03-20",
    )
    days = [use(begin=date(2025, 3, day), quantity=10**6) for day in (10, 11, 20)]
    assert decimals(cost(days, *table)).amounts == {"EUR": 7, "USD": 11}
    before = decimals(cost([use(begin=date(2025, 2, 28), quantity=3)], *table))
    assert before.amounts == {}
    assert [(each.source, each.operation, each.quantity) for each in before.unknown] == [("s3", "put", 3)]


def test_unknown_is_not_zero_and_a_price_of_zero_is_known() -> None:
    total = decimals(cost([use(), use("delete", quantity=2)], "s3 delete 0 USD per million from 2025-01-01"))
    assert total.amounts == {"USD": 0}
    assert [(each.operation, each.quantity) for each in total.unknown] == [("put", 1)]
    assert decimals(cost([])) == CostSum()


def test_reading_costs_the_request_and_the_bytes() -> None:
    total = cost([use("get", quantity=2, size=3 * GB)], *PRICES)
    assert decimals(total).amounts == {"USD": Decimal("0.2700008")}
    only = decimals(cost([use("get", quantity=2, size=3 * GB)], PRICES[2]))
    assert [(each.operation, each.unit, each.quantity) for each in only.unknown] == [("egress", "GB", 3)]


def test_a_charge_of_the_sellers_own_needs_no_price() -> None:
    charged = use(
        kind="ai", source="a-model", operation="answer", quantity=3, charged=Decimal("0.1"), currency="EUR"
    )
    assert decimals(cost([charged], *PRICES)).amounts == {"EUR": Decimal("0.3")}
    unknown = use(kind="ai", source="a-model", operation="input_tokens", quantity=1200)
    assert decimals(cost([unknown], *PRICES)).unknown[0].quantity == 1200


# --- storage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "end", "months"),
    [
        (date(2025, 3, 1), date(2025, 4, 1), {"2025-03": Fraction(1)}),
        (date(2025, 3, 31), date(2025, 4, 2), {"2025-03": Fraction(1, 31), "2025-04": Fraction(1, 30)}),
        (date(2024, 2, 29), date(2024, 3, 1), {"2024-02": Fraction(1, 29)}),
        (date(2025, 12, 31), date(2026, 1, 1), {"2025-12": Fraction(1, 31)}),
        (date(2025, 3, 3), date(2025, 3, 3), {}),
        (date(2025, 12, 30), None, {"2025-12": Fraction(2, 31)}),
    ],
)
def test_storage_is_bytes_times_days_of_each_month(
    begin: date, end: date | None, months: dict[str, Fraction]
) -> None:
    kept = use("storage", begin=begin, end=end, size=2 * GB)
    found = {each.month: each.amount for each in pieces(kept, Prices(PRICES), since=None, until=date(2026, 1, 1))}
    price = {month: share * 2 * Fraction("0.023") for month, share in months.items() if month >= "2025"}
    unpriced = {month: share * 2 for month, share in months.items() if month < "2025"}
    assert found == price | unpriced


def test_a_price_that_changes_within_a_month_divides_it() -> None:
    kept = use("storage", begin=date(2025, 4, 1), end=date(2025, 5, 1), size=GB)
    table = ("s3 storage 3 USD per GB-month from 2025-01-01", "s3 storage 6 USD per GB-month from 2025-04-11")
    assert decimals(cost([kept], *table)).amounts == {"USD": 5}
    assert decimals(cost([kept], *table, since=date(2025, 4, 16))).amounts == {"USD": 3}


DAYS = st.dates(date(2025, 1, 1), date(2025, 12, 31))


@given(DAYS, DAYS, DAYS, st.integers(0, 10**13))
def test_storage_before_and_since_a_day_is_all_of_it(begin: date, end: date, cut: date, size: int) -> None:
    kept = [use("storage", begin=begin, end=end, size=size)]
    table = (*PRICES, "s3 storage 0.021 USD per GB-month from 2025-06-07")
    whole = cost(kept, *table)
    parts = cost(kept, *table, until=cut)
    parts += cost(kept, *table, since=cut)
    assert whole.amounts == parts.amounts


MEASURES = [Measure("USD"), Measure("EUR"), Measure("", "s3", "put", "one")]
SUMS = st.dictionaries(st.sampled_from(MEASURES), st.fractions(min_value=0, max_value=100)).map(Sum)


@given(st.lists(SUMS, max_size=12))
def test_shown_parts_add_up_to_the_shown_whole(parts: list[Sum]) -> None:
    total = Sum()
    for part in parts:
        total += part
    whole, told = shown(total, parts)
    for currency, amount in whole.amounts.items():
        assert sum(each.amounts.get(currency, Decimal()) for each in told) == amount
    for unknown in whole.unknown:
        assert sum(each.quantity for one in told for each in one.unknown) == unknown.quantity
    for part, one in zip(parts, told, strict=True):
        for currency, amount in one.amounts.items():
            assert abs(Fraction(amount) - part.amounts[Measure(currency)]) < Fraction(1, 10**9)


# --- what is counted ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def asked(archive: CountedArchive) -> dict[tuple[str | None, str], tuple[int, int]]:
    with archive.taking() as taken:
        return {(each.key, each.operation): (each.quantity, each.size) for each in taken}


def test_every_request_counts_with_its_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "LISTED_AT_ONCE", 2)
    archive = CountedArchive(DirectoryArchive(folder))
    archive.put("a", b"12345", "text/plain")
    archive.put_parts("b", iter((b"123", b"45")), 3, "text/plain")
    assert asked(archive) == {("a", "put"): (1, 5), ("b", "put"): (4, 5)}
    archive.put("c", b"1", "text/plain")
    asked(archive)
    assert [each.key for each in archive.listing()] == ["a", "b", "c"]
    assert b"".join(archive.read("a")) == b"12345"
    archive.head("a")
    archive.head("nothing")
    archive.delete("a")
    archive.sweep(utc_now())
    archive.link("b", 60)
    assert asked(archive) == {
        (None, "list"): (3, 0),
        ("a", "get"): (1, 5),
        ("a", "head"): (1, 0),
        ("nothing", "head"): (1, 0),
        ("a", "delete"): (1, 0),
    }
    assert not archive.has_asked


def test_a_request_that_failed_counts_and_none_is_lost_when_it_cannot_be_written_down(folder: Path) -> None:
    archive = CountedArchive(DirectoryArchive(folder / "not-there"))
    with pytest.raises(ArchiveUnavailable):
        archive.put("a", b"123", "text/plain")
    with pytest.raises(RuntimeError), archive.taking() as taken:
        raise RuntimeError(str(taken))
    assert asked(archive) == {("a", "put"): (1, 3)}


# --- what stands in the ledger ------------------------------------------------------------------------------

ONE, TWO = Post("one", author="jane"), Post("two", author="joe")
FILES = (
    File("a", size=100, places=(Place(ONE), Place(TWO))),
    File("b", size=200, places=(Place(ONE), Place(ONE))),
    File("avatar", size=300, places=(Place(None),)),
    File("alone", size=400),
)
FREE = tuple(
    f"directory {operations} {amount} USD per {unit} from 2025-01-01"
    for operations, amount, unit in (
        ("storage", "3000000", "GB-month"), ("put+list", "2", "one"), ("get+head+delete", "1", "one"),
        ("egress", "0", "GB"),
    )
)  # fmt: skip


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return made(store, tmp_path, *FILES)


@pytest.fixture
def parts(kept: Kept, database_url: str, folder: Path) -> Iterator[Parts]:
    parts = parts_of(database_url, kept.root, folder)
    parts = replace(parts, config=replace(parts.config, costs=CostsConfig(prices=FREE)))
    yield parts
    parts.store.close()


def at(parts: Parts, day: str) -> Parts:
    """The same with a clock that stands at noon of a day."""
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    return replace(parts, clock=lambda: noon)


def told(parts: Parts, by: CostBy = CostBy.KIND, *, limit: int = 20, **more: Any) -> Costs:
    return run_costs(parts, by=by, since=None, limit=limit, **more)


def usd(cost: CostSum | None) -> Decimal:
    assert cost is not None
    assert cost.unknown == ()
    return cost.amounts["USD"]


def ledger(kept: Kept) -> list[tuple[Any, ...]]:
    return kept.rows(
        "SELECT operation, quantity, size, file_id FROM costs WHERE kind = 'request' ORDER BY operation, file_id"
    )


def test_archiving_is_paid_by_the_posts_that_show_a_file(kept: Kept, parts: Parts) -> None:
    archive_all(at(parts, "2025-04-16"))

    later = at(parts, "2025-05-31")
    # 15 of April's 30 days and all of May, at 3 USD for a KB; four uploads and a look for old ones at 2 USD.
    by_month = told(later, CostBy.MONTH)
    assert [(each.key, usd(each.cost)) for each in by_month.lines] == [
        ("2025-04", Decimal("11.5")), ("2025-05", Decimal(3)),
    ]  # fmt: skip
    by_kind = told(later, CostBy.KIND)
    assert {each.key: usd(each.cost) for each in by_kind.lines} == {"request": 10, "storage": Decimal("4.5")}
    by_post = told(later, CostBy.POST)
    # Of 4.50 USD for 1000 bytes: a is divided in two, b shown twice by one post is that post's alone.
    assert [(each.key, each.name, usd(each.cost)) for each in by_post.lines] == [
        (post_id(ONE), "one", Decimal("4.125")), (post_id(TWO), "two", Decimal("1.225")),
    ]  # fmt: skip
    assert usd(by_post.unassigned) == Decimal("9.15")
    by_profile = told(later, CostBy.PROFILE)
    assert [(each.key, each.name, usd(each.cost)) for each in by_profile.lines] == [
        (profile_id("jane"), "jane", Decimal("4.125")), (profile_id("joe"), "joe", Decimal("1.225")),
    ]  # fmt: skip
    for each in (by_kind, by_month, by_post, by_profile):
        assert usd(each.total) == Decimal("14.5")
    assert by_kind.until == later.clock()
    assert set(by_kind.prices) == {FREE[0], FREE[1]}
    first = told(later, CostBy.POST, limit=1)
    assert (first.others_count, usd(first.others)) == (1, Decimal("1.225"))
    since = run_costs(later, by=CostBy.KIND, since=datetime(2025, 5, 17, 9, tzinfo=UTC), limit=20)
    assert (since.since, usd(since.total)) == (
        date(2025, 5, 17),
        Decimal(3) * 15 / 31 // Decimal("1e-9") * Decimal("1e-9"),
    )
    assert told(later, place="s3://elsewhere").total == CostSum()


def test_without_prices_all_is_unknown(kept: Kept, parts: Parts) -> None:
    archive_all(at(parts, "2025-04-16"))
    unpriced = replace(at(parts, "2025-04-30"), config=replace(parts.config, costs=CostsConfig()))
    found = told(unpriced, CostBy.POST)
    assert found.total.amounts == {}
    amounts = {(each.operation, each.unit): each.quantity for each in found.total.unknown}
    assert amounts == {
        ("list", "one"): 1, ("put", "one"): 4, ("storage", "GB-month"): Decimal("0.0000005"),
    }  # fmt: skip
    assert found.prices == ()
    for operation in ("list", "put", "storage"):
        shares = [each.cost for each in found.lines] + [found.unassigned or CostSum()]
        assert sum(one.quantity for each in shares for one in each.unknown if one.operation == operation) == sum(
            each.quantity for each in found.total.unknown if each.operation == operation
        )


def test_uploads_that_fail_are_paid_and_keep_nothing(
    kept: Kept, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage(self: DirectoryArchive, key: str, content: bytes, mime_type: str) -> str:
        raise ObjectDiffers(self.url(key))

    monkeypatch.setattr(DirectoryArchive, "put", damage)
    assert archive_all(parts).failed == 4
    puts = [row for row in ledger(kept) if row[0] == "put"]
    assert [row[1] for row in puts] == [1] * 4
    assert {row[3] for row in puts} == set(kept.file_ids.values())
    assert kept.rows("SELECT count(*) FROM costs WHERE kind = 'storage'") == [(0,)]


def test_what_was_asked_of_a_store_that_did_not_answer_is_paid(
    kept: Kept, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def silent(self: DirectoryArchive, key: str, content: bytes, mime_type: str) -> str:
        nonlocal asked
        asked += 1
        raise ArchiveUnavailable("not now")

    monkeypatch.setattr(DirectoryArchive, "put", silent)
    monkeypatch.setattr(stage, "_RESTS", (0.0, 0.0))
    assert archive_all(parts).status is RunStatus.FAILED
    assert asked > len(FILES)
    assert sum(row[1] for row in ledger(kept) if row[0] == "put") == asked


def test_what_is_found_missing_is_paid_no_longer_and_again_when_it_is_back(
    kept: Kept, parts: Parts, folder: Path
) -> None:
    archive_all(at(parts, "2025-04-16"))
    [gone] = kept.rows("SELECT key FROM archive_objects WHERE file_id = ?", kept.file_ids["alone"])
    (folder / gone[0]).unlink()
    later = at(parts, "2025-04-21")
    archive = DirectoryArchive(folder)
    with accounted(later, archive) as counted:
        Archives(later, counted).verify(sample=0.0, repair=True, stop=lambda: False, progress=lambda step: None)
    # The looks for what broke off when they went up, and now for what is there.
    assert [(row[0], row[3]) for row in ledger(kept) if row[0] in ("head", "list")] == [
        ("head", kept.file_ids["alone"]), ("list", None), ("list", None),
    ]  # fmt: skip
    storage = {each.key: each.cost for each in told(at(parts, "2025-04-30")).lines}["storage"]
    assert usd(storage) == Decimal(3) * 600 / 1000 / 2 + Decimal(3) * 400 / 1000 * 5 / 30

    archive_all(at(parts, "2025-04-26"))
    spans = kept.rows(
        "SELECT substr(cast(began_at AS text), 1, 10), substr(cast(ended_at AS text), 1, 10) FROM costs"
        " WHERE kind = 'storage' AND file_id = ? ORDER BY 1",
        kept.file_ids["alone"],
    )
    assert spans == [("2025-04-16", "2025-04-21"), ("2025-04-26", None)]
    storage = {each.key: each.cost for each in told(at(parts, "2025-04-30")).lines}["storage"]
    assert usd(storage) == Decimal(3) * 600 / 1000 / 2 + Decimal(3) * 400 / 1000 * 10 / 30


def test_reading_back_is_paid_and_proves_no_new_storage(kept: Kept, parts: Parts, folder: Path) -> None:
    archive_all(parts)
    with accounted(parts, DirectoryArchive(folder)) as archive:
        Checking(parts.store, archive, prefix="", sample=1.0, clock=utc_now).run()
    assert [(row[1], row[2]) for row in ledger(kept) if row[0] == "get"] != []
    assert sum(row[2] for row in ledger(kept) if row[0] == "get") == 1000
    archive_all(parts)
    assert kept.rows("SELECT count(*) FROM costs WHERE kind = 'storage'") == [(4,)]


@pytest.mark.parametrize("moment", ["object_uploaded", "proofs_written", "proofs_committed"])
def test_after_a_death_what_is_kept_is_what_is_proven(
    kept: Kept, parts: Parts, folder: Path, database_url: str, moment: str
) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.stages.archiving",
        database_url,
        str(kept.root),
        str(folder),
        moment,
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    for _ in range(2):
        proven = kept.rows("SELECT file_id FROM archive_objects WHERE state = 'proven' ORDER BY file_id")
        assert kept.rows("SELECT file_id FROM costs WHERE kind = 'storage' ORDER BY file_id") == proven
        archive_all(parts)
    assert len(proven) == 4


def test_a_random_ledger_adds_up_whatever_it_is_taken_apart_by(
    store: Store, tmp_path: Path, database_url: str, folder: Path
) -> None:
    chance = random.Random(6)
    posts = [Post(f"p{n}", author=f"author{n % 4}") for n in range(12)]
    files = [
        File(f"f{n}", places=tuple(Place(post) for post in chance.sample(posts, chance.randint(0, 7))))
        for n in range(25)
    ]
    kept = made(store, tmp_path, *files)
    first = datetime(2025, 1, 20, tzinfo=UTC)

    def entry(file_id: str | None) -> Entry:
        began = first + timedelta(hours=chance.randint(0, 5000))
        operation = chance.choice(("put", "get", "head", "storage", "storage"))
        return Entry(
            CostKind.STORAGE if operation == "storage" else CostKind.REQUEST,
            chance.choice(("s3", "s3", "r2")),
            operation,
            chance.randint(1, 9),
            began,
            place="s3://bucket",
            size=chance.randint(0, 10**10),
            ended_at=began + timedelta(hours=chance.randint(0, 3000)) if chance.random() < 0.5 else None,
            file_id=file_id,
        )

    entries = [entry(chance.choice([*kept.file_ids.values(), None])) for _ in range(300)]
    charged = {"source": "collector", "operation": "call", "charged": Decimal("0.0075"), "currency": "EUR"}
    entries += [
        replace(entry(None), kind="collection", post_id=post_id(posts[3]), **charged),
        replace(entry(None), kind="collection", profile_id=profile_id("author1"), **charged),
    ]
    with store.writing() as tx:
        costs.enter(tx, entries, ids=IDS)
    parts = parts_of(database_url, kept.root, folder)
    later = datetime(2025, 10, 3, tzinfo=UTC)
    parts = replace(parts, config=replace(parts.config, costs=CostsConfig(prices=PRICES)), clock=lambda: later)

    found = {(by, limit): told(parts, by, limit=limit) for by in CostBy for limit in (1, 5, 1000)}
    parts.store.close()

    totals = {repr(each.total) for each in found.values()}
    assert len(totals) == 1
    for each in found.values():
        lines = [line.cost for line in each.lines] + [each.others or CostSum(), each.unassigned or CostSum()]
        for currency, amount in each.total.amounts.items():
            assert sum(line.amounts.get(currency, Decimal()) for line in lines) == amount
        for unknown in each.total.unknown:
            same = [
                one for line in lines for one in line.unknown if replace(one, quantity=unknown.quantity) == unknown
            ]
            assert sum(one.quantity for one in same) == unknown.quantity
    assert set(found[CostBy.KIND, 5].total.amounts) == {"EUR", "USD"}
    assert found[CostBy.KIND, 5].total.unknown != ()
    euros = {line.key: line.cost.amounts.get("EUR") for line in found[CostBy.PROFILE, 1000].lines}
    assert sum(filter(None, euros.values())) == found[CostBy.KIND, 5].total.amounts["EUR"]
    assert len(found[CostBy.POST, 1000].lines) == 12


def test_a_seller_is_named_by_the_kind_of_store(kept: Kept, parts: Parts, folder: Path) -> None:
    archive_all(parts)
    rows = kept.rows("SELECT DISTINCT source, place FROM costs")
    assert rows == [("directory", folder.as_uri())]
    with parts.store.writing() as tx:
        bulk.execute(tx, "DELETE FROM costs")
        sizes = {kept.file_ids["a"]: 100}
        for _ in range(2):
            costs.begin_storage(tx, Seller("r2", "s3://other"), sizes, ids=IDS, now=utc_now())
    assert kept.rows("SELECT source, place, size FROM costs") == [("r2", "s3://other", 100)]
