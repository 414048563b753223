"""Bodies keep the order of their bytes and cost about what they hold, however small their chunks are."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.model import Body
from postkeep.net.body import Intake, Memory, discard_body
from tests.net.fetching import Spool, content

MANY = 1024 * 1024


def taken(spool: Spool, chunks: list[bytes], *, spill_at: int = MANY, limit: int = 16 * MANY) -> Body:
    memory = Memory(limit)
    intake = Intake(spool, memory, spill_at)
    held = 0
    for chunk in chunks:
        intake.add(chunk)
        held += len(chunk)
        assert intake.size == held
    body = intake.finish()
    assert memory.held == 0
    return body


@given(st.lists(st.sampled_from([0, 1, 2, 4095, 4096, 5000, 16384]), max_size=30), st.integers(1, 100_000))
def test_the_order_of_bytes_is_kept(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], spill_at: int
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    chunks = [bytes([at]) * size for at, size in enumerate(sizes)]
    body = taken(spool, chunks, spill_at=spill_at)
    assert content(body) == b"".join(chunks)
    assert (body.path is not None) is (body.size > spill_at)
    discard_body(body)
    assert spool.left == []


def test_small_chunks_are_gathered_and_large_ones_are_not(spool: Spool) -> None:
    body = taken(spool, [b"ab"] * 10_000)
    assert [len(chunk) for chunk in body.chunks] == [16384, 20_000 - 16384]
    large = b"x" * 4096
    body = taken(spool, [b"a", large, b"b", b"c", large])
    assert body.chunks == (b"a", large, b"bc", large)
    assert body.chunks[1] is large


def test_tiny_chunks_cost_what_they_hold(spool: Spool) -> None:
    some = MANY // 4
    tracemalloc.start()
    try:
        intake = Intake(spool, Memory(16 * MANY), MANY)
        for at in range(some // 2):
            intake.add(b"%02d" % (at % 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * some
    assert intake.finish().size == some


def test_what_is_left_of_small_chunks_is_kept_with_a_part(spool: Spool) -> None:
    memory = Memory(MANY)
    intake = Intake(spool, memory, 10)
    for chunk in (b"a" * 5000, b"b", b"c" * 4096, b"d"):
        intake.add(chunk)
    path = intake.keep()
    assert path is not None
    assert path.read_bytes() == b"a" * 5000 + b"b" + b"c" * 4096 + b"d"
    assert memory.held == 0


def test_discarding_gives_all_memory_back(spool: Spool) -> None:
    memory = Memory(MANY)
    intake = Intake(spool, memory, MANY)
    intake.add(b"a")
    intake.add(b"b" * 5000)
    intake.discard()
    intake.discard()
    assert memory.held == 0
