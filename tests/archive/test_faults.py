"""What breaks on the way to a store, or in it: nothing unequal is called archived, nothing goes up twice."""

from __future__ import annotations

import contextlib
import http.client
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postkeep.archive.objects import Bucket, BucketArchive, Keys
from postkeep.model import RunStatus
from postkeep.points import ARCHIVE_POINTS
from postkeep.stages.archive import run
from postkeep.stages.archiving import Archives
from postkeep.store import Store
from tests import starting
from tests.archive.conftest import REGION
from tests.archive.rights import allow
from tests.archive.world import MB, World, files, in_background, lax_bucket, make, parts_of, through
from tests.servers.ceph import ACCESS, SECRET, Ceph
from tests.servers.s3lax import LaxS3, Tag
from tests.servers.s3proxy import (
    CutAnswer,
    CutBody,
    Fault,
    Flip,
    FlipAnswer,
    Hold,
    Request,
    S3Proxy,
    Say,
    nothing,
    wait_until,
)
from tests.stages.kept import File, Place, Post
from tests.starting import Process

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
LARGE = File("large", size=11 * MB, places=(Place(Post("one")),))
IN_PARTS = {"concurrency": 2, "multipart_at": 5 * MB, "part_size": 5 * MB}


@pytest.fixture
def world(store: Store, tmp_path: Path, database_url: str) -> World:
    return make(store, tmp_path, database_url, files(8))


@pytest.fixture
def strict(bucket: Bucket, strict_server: Ceph) -> Iterator[S3Proxy]:
    with S3Proxy(strict_server.port) as proxy:
        yield proxy


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rest between tries."""
    monkeypatch.setattr(run, "_RESTS", (0.0, 0.0, 0.0))


def uploads_of(request: Request) -> bool:
    return request.method == "PUT"


def some(fault: Fault, which: Callable[[Request], bool], times: int = 10**9) -> Callable[[Request], Fault | None]:
    """The fault for so many of these requests."""
    left = [times]

    def decide(request: Request) -> Fault | None:
        if which(request) and left[0] > 0:
            left[0] -= 1
            return fault
        return None

    return decide


# --- bytes that change on their way -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3000, 11 * MB], ids=["small", "in parts"])
def test_a_strict_store_refuses_what_changed_on_its_way(
    bucket: Bucket, strict: S3Proxy, store: Store, tmp_path: Path, database_url: str, size: int, at_once: None
) -> None:
    world = make(store, tmp_path, database_url, [*files(3), replace(LARGE, size=size)])
    world.config = replace(world.config, **IN_PARTS)
    archive = through(bucket, strict.endpoint)
    strict.fault = some(
        Flip(at=1234), lambda request: request.method == "PUT" and request.size >= min(size, 10**6)
    )

    summary = world.run(archive)

    failed = 1 if size > MB else 4
    # When nothing gets through, that is nobody's failure.
    assert (summary.status, summary.archived, summary.failed) == (
        (RunStatus.PARTIAL, 3, 1) if failed == 1 else (RunStatus.FAILED, 0, 0)
    ), summary.error
    assert "large" not in world.archived()
    assert sum(strict.answers["PUT", status] for status in (400, 403)) >= failed
    world.check(through(bucket, bucket.endpoint), whole=False)
    strict.fault = nothing
    assert world.run(archive).archived == failed
    world.check(through(bucket, bucket.endpoint))


def test_what_changed_once_goes_up_in_the_same_run(
    bucket: Bucket, strict: S3Proxy, world: World, at_once: None
) -> None:
    strict.fault = some(Flip(at=9), uploads_of, times=3)
    summary = world.run(through(bucket, strict.endpoint))
    assert (summary.status, summary.archived, summary.failed) == (RunStatus.COMPLETED, 8, 0)
    assert strict.stored == Counter(world.archived().values())
    world.check(through(bucket, bucket.endpoint))


@pytest.mark.parametrize("tag", Tag)
@pytest.mark.parametrize("in_parts", [False, True], ids=["whole", "in parts"])
def test_a_lax_store_is_found_out(
    store: Store, tmp_path: Path, database_url: str, tag: Tag, in_parts: bool
) -> None:
    world = make(store, tmp_path, database_url, [LARGE] if in_parts else files(2))
    world.config = replace(world.config, **IN_PARTS)
    number = len(world.files)
    with LaxS3(tag) as lax, S3Proxy(lax.port, some(Flip(at=5), uploads_of)) as proxy:
        archive = BucketArchive(lax_bucket(proxy.endpoint))
        summary = world.run(archive)
        assert (summary.archived, summary.kinds) == (0, {"differs": number})
        assert lax.objects == {}
        proxy.fault = nothing
        assert world.run(archive).archived == number
        world.check(archive)
        proofs = {proof for (proof,) in world.kept.rows("SELECT proof FROM archive_objects")}
        of_tag = "etag_parts" if in_parts else "etag"
        assert proofs == {of_tag if tag in (Tag.RIGHT, Tag.OF_KEPT) else "read_back"}


def test_a_store_that_damages_what_it_keeps(world: World) -> None:
    """It says the hash of what it keeps, which is something else."""
    with LaxS3(Tag.OF_KEPT, damage=True) as lax:
        archive = BucketArchive(lax_bucket(lax.endpoint))
        summary = world.run(archive)
        assert (summary.archived, summary.kinds) == (0, {"differs": 8})
        assert lax.objects == {}


def test_what_differs_and_cannot_be_removed_is_told_as_what_it_is(world: World) -> None:
    with LaxS3(Tag.KMS, damage=True) as lax:
        refuses = some(Say(403, "AccessDenied"), lambda request: "delete" in request.query)
        with S3Proxy(lax.port, refuses) as proxy:
            assert world.run(BucketArchive(lax_bucket(proxy.endpoint))).kinds == {"differs": 8}
    assert world.archived() == {}


def test_an_answer_that_changed_on_its_way_proves_nothing(world: World, at_once: None) -> None:
    flips = some(FlipAnswer(at=3), lambda request: request.method == "GET")
    with LaxS3(Tag.NONE) as lax, S3Proxy(lax.port, flips) as proxy:
        archive = BucketArchive(lax_bucket(proxy.endpoint))
        assert world.run(archive).kinds == {"differs": 8}
        assert world.archived() == {}
        proxy.fault = nothing
        assert world.run(archive).archived == 8
        world.check(archive)


# --- a store that is busy, slow or away ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Say(500, "InternalError"),
        Say(503, "SlowDown"),
        Say(503, "SlowDown", {"Retry-After": "1"}),
        Say(503),
        Say(429, headers={"Retry-After": "1"}),
        Say(429),
        Say(400, "RequestTimeout"),
        Say(200),
        CutBody(100),
        CutBody(0),
        CutAnswer(),
    ],
    ids=str,
)
def test_what_got_no_answer_is_tried_again_in_the_same_run(
    bucket: Bucket, strict: S3Proxy, world: World, answer: Fault, at_once: None
) -> None:
    strict.fault = some(answer, uploads_of, times=4)
    summary = world.run(through(bucket, strict.endpoint))
    if answer == Say(200):
        # A login page in the store's place, say: nothing is there when it is read.
        assert (summary.archived, summary.kinds) == (4, {"missing": 4})
        summary = world.run(through(bucket, strict.endpoint))
    assert (summary.status, summary.failed) == (RunStatus.COMPLETED, 0)
    # What did arrive before the answer was lost is found there, and not sent again.
    assert strict.stored == Counter(world.archived().values())
    world.check(through(bucket, bucket.endpoint))


@pytest.mark.parametrize("answer", [Say(503, "SlowDown", {"Retry-After": "3600"}), CutBody(10)], ids=str)
def test_a_store_that_stays_away_stops_the_run_and_spends_no_try(
    bucket: Bucket, strict: S3Proxy, world: World, answer: Fault, at_once: None
) -> None:
    strict.fault = some(answer, lambda request: True)
    # The first question, for uploads that broke off, is asked apart.
    strict.fault = some(answer, uploads_of)
    summary = world.run(through(bucket, strict.endpoint))
    assert (summary.status, summary.archived, summary.failed, summary.waiting) == (RunStatus.FAILED, 0, 0, 8)
    assert summary.error is not None
    assert "goes on with the next run" in summary.error
    assert strict.count("PUT") < 50
    assert world.kept.rows("SELECT DISTINCT fails FROM work") == [(0,)]
    strict.fault = nothing
    assert world.run(through(bucket, strict.endpoint)).archived == 8
    world.check(through(bucket, bucket.endpoint))


def test_one_object_in_vain_holds_nobody_up(bucket: Bucket, strict: S3Proxy, world: World, at_once: None) -> None:
    key: list[str] = []

    def decide(request: Request) -> Fault | None:
        if uploads_of(request) and not key:
            key.append(request.key)
        return Say(500, "InternalError") if request.key in key and request.method == "PUT" else None

    strict.fault = decide
    summary = world.run(through(bucket, strict.endpoint))
    assert (summary.status, summary.archived, summary.failed) == (RunStatus.PARTIAL, 7, 1)
    assert summary.kinds == {"unavailable": 1}
    assert strict.uploads[key[0]] == run._TRIES_IN_A_RUN


def test_a_store_that_says_nothing_is_waited_for_only_so_long(
    bucket: Bucket, strict: S3Proxy, world: World, at_once: None
) -> None:
    strict.fault = some(Hold(), uploads_of, times=2)
    summary = world.run(through(bucket, strict.endpoint, seconds=0.5))
    assert (summary.status, summary.archived) == (RunStatus.COMPLETED, 8)
    world.check(through(bucket, bucket.endpoint))


@pytest.mark.parametrize(
    ("number", "seed"),
    [(60, 1), pytest.param(600, 2, marks=pytest.mark.long), pytest.param(600, 3, marks=pytest.mark.long)],
)
def test_whatever_goes_wrong_at_random(
    bucket: Bucket,
    strict: S3Proxy,
    store: Store,
    tmp_path: Path,
    database_url: str,
    number: int,
    seed: int,
    at_once: None,
) -> None:
    world = make(store, tmp_path, database_url, [*files(number), LARGE])
    world.config = replace(world.config, **IN_PARTS)
    chance, lock = random.Random(seed), threading.Lock()

    def decide(request: Request) -> Fault | None:
        with lock:
            if chance.random() > 0.3 or ("uploads" in request.query and request.method == "GET"):
                return None
            return chance.choice(
                [
                    Say(503, "SlowDown"),
                    Say(500),
                    Say(429),
                    CutBody(chance.randrange(max(1, request.size))),
                    CutAnswer(),
                    CutAnswer(chance.randrange(3)),
                    Flip(chance.randrange(max(1, request.size))),
                ]
            )

    strict.fault = decide
    runs = 0
    while len(world.archived()) < number + 1:
        world.run(through(bucket, strict.endpoint))
        world.check(through(bucket, bucket.endpoint), whole=False)
        runs += 1
        assert runs < 40
    world.check(through(bucket, bucket.endpoint))
    del strict.stored[world.archived()["large"]]
    small = Counter(key for name, key in world.archived().items() if name != "large")
    assert strict.stored == small


@pytest.mark.parametrize("number", [150, pytest.param(2000, marks=pytest.mark.long)])
def test_a_store_that_is_killed_and_comes_back(
    bucket: Bucket,
    strict: S3Proxy,
    strict_server: Ceph,
    store: Store,
    tmp_path: Path,
    database_url: str,
    number: int,
) -> None:
    world = make(store, tmp_path, database_url, files(number))

    def kill_and_start() -> None:
        for share in (5, 2):
            wait_until(lambda share=share: sum(strict.stored.values()) > number // share)
            strict_server.stop()
            strict_server.start()

    with in_background(kill_and_start):
        summary = world.run(through(bucket, strict.endpoint))
        if summary.status is not RunStatus.COMPLETED:
            world.check(through(bucket, bucket.endpoint), whole=False)
            summary = world.run(through(bucket, strict.endpoint))
    assert (summary.status, summary.failed) == (RunStatus.COMPLETED, 0)
    world.check(through(bucket, bucket.endpoint))
    # What was stored when the store died, and found there, it never said.
    assert set(strict.stored.values()) == {1}
    assert number - 20 <= len(strict.stored) <= number


# --- rights -------------------------------------------------------------------------------------------------


def test_credentials_that_expire_in_the_middle_stop_the_run_at_once(
    bucket: Bucket, strict: S3Proxy, store: Store, tmp_path: Path, database_url: str
) -> None:
    world = make(store, tmp_path, database_url, files(40))
    expired = Say(400, "ExpiredToken")
    strict.fault = lambda request: expired if sum(strict.stored.values()) >= 10 else None
    summary = world.run(through(bucket, strict.endpoint))
    assert summary.status is RunStatus.FAILED
    assert summary.error is not None
    assert "the session's credentials have expired: renew them" in summary.error
    assert 10 <= summary.archived == sum(strict.stored.values()) < 30
    assert (summary.failed, summary.waiting) == (0, 40 - summary.archived)
    assert strict.count("PUT") < 40
    strict.fault = nothing
    assert world.run(through(bucket, strict.endpoint)).status is RunStatus.COMPLETED
    world.check(through(bucket, bucket.endpoint))
    assert strict.stored == Counter(world.archived().values())


def test_a_user_who_is_suspended_in_the_middle(
    bucket: Bucket, strict: S3Proxy, strict_server: Ceph, store: Store, tmp_path: Path, database_url: str
) -> None:
    world = make(store, tmp_path, database_url, files(40))
    suspended = threading.Lock()

    def decide(request: Request) -> Fault | None:
        if sum(strict.stored.values()) >= 10 and suspended.acquire(blocking=False):
            strict_server.suspend("tests")
        return None

    strict.fault = decide
    try:
        summary = world.run(through(bucket, strict.endpoint))
        assert summary.status is RunStatus.FAILED
        assert summary.error is not None
        assert "UserSuspended" in summary.error
        assert summary.archived < 40
    finally:
        strict_server.enable("tests")
    assert world.run(through(bucket, strict.endpoint)).status is RunStatus.COMPLETED
    world.check(through(bucket, bucket.endpoint))
    assert strict.stored == Counter(world.archived().values())


def test_keys_that_may_only_write_are_enough(
    bucket: Bucket, strict: S3Proxy, strict_server: Ceph, writer: Keys, world: World, at_once: None
) -> None:
    allow(strict_server, bucket.name, "s3:PutObject")
    archive = through(bucket, strict.endpoint, keys=lambda: writer)
    strict.fault = some(Say(503, "SlowDown"), uploads_of, times=2)
    summary = world.run(archive)
    assert (summary.status, summary.archived) == (RunStatus.COMPLETED, 8)
    assert world.kept.rows("SELECT DISTINCT proof FROM archive_objects") == [("etag",)]
    assert strict.answers["GET", 200] == strict.answers["HEAD", 200] == 0
    assert verify_says(world, archive) == "the keys may not list there: allow s3:ListBucket for this bucket"


def verify_says(world: World, archive: BucketArchive) -> str:
    parts = parts_of(world.database, world.kept.root, world.config)
    try:
        check = Archives(parts, archive).verify(
            sample=0.0, repair=True, stop=lambda: False, progress=lambda step: None
        )
    finally:
        parts.store.close()
    assert check.error is not None
    assert len(world.archived()) == 8, "what could not be looked at is no fault"
    return check.error.partition(": ")[2].partition(" (")[0]


def test_what_cannot_be_proven_says_which_right_is_missing(world: World) -> None:
    refuses = some(Say(403, "AccessDenied"), lambda request: request.method == "GET" and bool(request.key))
    with LaxS3(Tag.KMS) as lax, S3Proxy(lax.port, refuses) as proxy:
        archive = BucketArchive(lax_bucket(proxy.endpoint))
        summary = world.run(archive)
        assert summary.status is RunStatus.FAILED
        assert summary.error is not None
        assert "allow s3:GetObject" in summary.error
        assert "tags prove nothing" in summary.error
        assert world.archived() == {}
        proxy.fault = nothing
        puts = proxy.count("PUT")
        assert world.run(archive).archived == 8
        world.check(archive)
        # What had been sent before was read, and not sent again.
        assert puts + proxy.count("PUT") - puts == 8


_ELSEWHERE = "in another region or needs another"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            Say(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"}),
            "in another region or needs another",
        ),
        (Say(307, "TemporaryRedirect", {"Location": "http://127.0.0.1:9/"}), _ELSEWHERE),
        (Say(400, "AuthorizationHeaderMalformed"), "set AWS_S3_REGION"),
        (Say(403, "RequestTimeTooSkewed"), "clock is wrong by more than 15 minutes: set it"),
        (Say(403, "InvalidAccessKeyId"), "does not know this access key"),
        (Say(403, "SignatureDoesNotMatch"), "secret key is not the one"),
        (Say(404, "NoSuchBucket"), "postkeep archive setup"),
        (Say(501, "NotImplemented"), "does not know a header or method"),
        (Say(403), "allow s3:PutObject"),
        (Say(407), "HTTP 407"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_what_waiting_does_not_mend_stops_at_once_with_a_line(world: World, answer: Say, told: str) -> None:
    with LaxS3() as lax, S3Proxy(lax.port, some(answer, uploads_of)) as proxy:
        summary = world.run(BucketArchive(lax_bucket(proxy.endpoint)))
        assert summary.status is RunStatus.FAILED
        assert summary.error is not None
        assert told in summary.error
        assert "\n" not in summary.error
        assert proxy.count("PUT") <= 8
        proxy.fault = nothing
        assert world.run(BucketArchive(lax_bucket(proxy.endpoint))).archived == 8


def test_the_strict_store_says_the_same_of_a_wrong_clock(
    bucket: Bucket, strict: S3Proxy, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own answer to a request signed an hour ago, given to us."""
    from botocore import auth, awsrequest, credentials

    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr(auth, "get_current_datetime", lambda remove_tzinfo=True: an_hour_ago.replace(tzinfo=None))
    request = awsrequest.AWSRequest("PUT", f"{strict.endpoint}/{bucket.name}/k", data=b"x")
    auth.S3SigV4Auth(credentials.Credentials(ACCESS, SECRET), "s3", REGION).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", strict.port)
    with contextlib.closing(connection):
        connection.request("PUT", f"/{bucket.name}/k", b"x", dict(request.headers.items()))
        answer = connection.getresponse()
        said = Say(answer.status, body=answer.read())
    strict.fault = some(said, uploads_of)
    summary = world.run(through(bucket, strict.endpoint))
    assert summary.error is not None
    assert "clock is wrong" in summary.error


# --- processes ----------------------------------------------------------------------------------------------


def start(world: World, endpoint: str, bucket: Bucket, moment: str = "-", number: int = 1) -> Process:
    arguments = (world.database, str(world.kept.root), endpoint, bucket.name, moment, str(number))
    return starting.start("tests.archive.world", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def end(process: Process) -> tuple[int, str]:
    """Its exit code, and all that it said on either stream."""
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read().decode()
    return process.wait(120), said.strip()


@pytest.mark.parametrize("moment", ARCHIVE_POINTS)
def test_after_a_death_nothing_is_sent_twice(
    bucket: Bucket, strict: S3Proxy, store: Store, tmp_path: Path, database_url: str, moment: str
) -> None:
    world = make(store, tmp_path, database_url, [LARGE, *files(5)])
    world.config = replace(world.config, **IN_PARTS)
    number = 4 if moment == "object_uploaded" else 1
    assert end(start(world, strict.endpoint, bucket, moment, number)) == (-signal.SIGKILL, "")
    world.check(through(bucket, bucket.endpoint), whole=False)

    assert world.run(through(bucket, strict.endpoint)).status is RunStatus.COMPLETED

    archive = through(bucket, bucket.endpoint)
    archive.sweep(datetime.now(UTC) + timedelta(days=1))
    assert client_uploads(bucket) == 0
    world.check(archive)
    # One may have been on its way when the process died.
    twice = strict.stored - Counter(world.archived().values())
    assert sum(twice.values()) <= (1 if moment == "object_uploaded" else 0)


def client_uploads(bucket: Bucket) -> int:
    from postkeep.archive import upkeep

    return len(upkeep.client(bucket).list_multipart_uploads(Bucket=bucket.name).get("Uploads", ()))


def test_parts_of_a_dead_process_are_swept(
    bucket: Bucket, strict: S3Proxy, store: Store, tmp_path: Path, database_url: str
) -> None:
    world = make(store, tmp_path, database_url, [LARGE])
    world.config = replace(world.config, **IN_PARTS)
    strict.fault = some(Hold(), lambda request: request.query.get("partNumber") == ["3"])
    process = start(world, strict.endpoint, bucket)
    wait_until(lambda: strict.answers["PUT", 200] == 2 and strict.count("PUT") >= 3)
    process.kill()
    end(process)
    strict.letting_go.set()
    strict.fault = nothing
    archive = through(bucket, bucket.endpoint)
    assert client_uploads(bucket) == 1
    assert list(archive.listing()) == []
    assert archive.sweep(datetime.now(UTC) - timedelta(days=1)) == 0, "another's may be under way"
    assert world.run(through(bucket, strict.endpoint)).archived == 1
    assert archive.sweep(datetime.now(UTC) + timedelta(days=1)) == 1
    assert client_uploads(bucket) == 0
    world.check(archive)


def test_two_processes_at_once_send_everything_once(
    bucket: Bucket, strict: S3Proxy, store: Store, tmp_path: Path, database_url: str
) -> None:
    world = make(store, tmp_path, database_url, [LARGE, *files(100)])
    world.config = replace(world.config, **IN_PARTS)
    both = [start(world, strict.endpoint, bucket) for _ in range(2)]
    ends = [end(process) for process in both]
    assert {*ends} <= {(0, "completed"), (0, "taken")}
    world.check(through(bucket, bucket.endpoint))
    assert strict.stored == Counter(world.archived().values())


def test_a_disk_that_fails_is_not_the_stores_fault(bucket: Bucket, world: World) -> None:
    path = world.kept.path(world.files[0])
    path.unlink()
    path.mkdir()
    summary = world.run(through(bucket, bucket.endpoint))
    assert (summary.archived, summary.kinds) == (7, {"source": 1})
