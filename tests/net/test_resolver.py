"""Names are looked up once, judged whole, and libcurl connects to what was judged or to nothing."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from postkeep.errors import AddressRefused, ConfigError, FetchError, NameUnresolved, TimedOut
from postkeep.model import Fetched
from postkeep.net import resolver, transfer
from postkeep.net.fetcher import Fetcher
from postkeep.net.guard import AddressGuard
from postkeep.net.job import Outcome
from postkeep.net.resolver import KEPT_SECONDS, AddressBook, SystemResolver
from tests.net.fetching import BASE, Spool, content, get
from tests.servers import media
from tests.servers.media import MediaServer

PUBLIC = "93.184.216.34"


class Answers:
    """Gives one answer after another, the last one for ever; an exception is raised."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_name_is_looked_up_once_for_all_who_wait(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    go = threading.Event()

    class Slow(Answers):
        def resolve(self, host: str, port: int) -> Sequence[str]:
            go.wait(20)
            return super().resolve(host, port)

    server.route("/a", b"x")
    resolver, outcomes = Slow(["127.0.0.1"]), queue.SimpleQueue[Outcome]()
    fetcher = make(resolver=resolver)
    for at in range(20):
        fetcher.begin(server.url(f"/a?{at}", host="name.example"), outcomes.put)
    # Another host does not wait for it.
    assert content(get(fetcher, server.url("/a")).body) == b"x"
    go.set()
    assert not [each for _ in range(20) if isinstance(each := outcomes.get(timeout=30), BaseException)]
    assert resolver.asked == [("name.example", server.port)]
    assert {each.headers["host"] for each in server.requests} == {
        f"127.0.0.1:{server.port}",
        f"name.example:{server.port}",
    }


def test_an_answer_is_kept_for_a_minute_and_then_replaced(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    url = server.route("/a", b"x", headers={"Connection": "close"}).replace("127.0.0.1", "name.example")
    clock, resolver = Clock(), Answers(["127.0.0.1"], ["127.0.0.2"])
    fetcher = make(resolver=resolver, clock=clock, allow=(f"127.0.0.2:{server.port}",))
    get(fetcher, url)
    clock.now += KEPT_SECONDS - 1
    get(fetcher, url)
    assert len(resolver.asked) == 1
    clock.now += 1
    # Nobody listens there: libcurl's own memory of the older answer would have led to the server.
    with pytest.raises(FetchError):
        get(fetcher, url, fresh=True)
    assert len(resolver.asked) == 2
    assert server.count() == 2


def test_public_first_and_private_later_is_refused(
    server: MediaServer, other: MediaServer, make: Callable[..., Fetcher]
) -> None:
    url = server.route("/a", b"x").replace("127.0.0.1", "name.example")
    clock = Clock()
    resolver = Answers(["127.0.0.1"], ["127.0.0.2"])
    fetcher = make(resolver=resolver, clock=clock)
    get(fetcher, url)
    clock.now += KEPT_SECONDS
    with pytest.raises(AddressRefused) as caught:
        get(fetcher, url + "?secret")
    assert "loopback" in str(caught.value)
    assert caught.value.url == url + "?secret"
    # A connection that is still open is no way around it.
    assert server.count() == 1
    assert fetcher.statistics.connections == 1


def test_a_redirect_hop_is_judged_by_its_own_lookup(
    server: MediaServer, other: MediaServer, make: Callable[..., Fetcher]
) -> None:
    server.route("/a", media.redirect(other.url("/b", host="inside.example")))
    other.route("/b", b"secret")
    resolver = Answers(["127.0.0.1"], ["127.0.0.1"])
    fetcher = make(replace(BASE, ports=(80, 443, other.port)), resolver=resolver)
    with pytest.raises(AddressRefused):
        get(fetcher, server.url("/a", host="outside.example"))
    assert [host for host, _ in resolver.asked] == ["outside.example", "inside.example"]
    assert (server.count(), other.count()) == (1, 0)
    assert fetcher.statistics.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        ["::ffff:127.0.0.1"],
        ["::127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["2001:0:7f00:1::"],
        ["fe80::1%lo"],
        ["169.254.169.254"],
        ["0.0.0.0"],
        ["127.1"],
        ["localhost"],
        [""],
    ],
)
def test_one_address_that_must_not_be_reached_refuses_them_all(
    server: MediaServer, spool: Spool, answer: list[str]
) -> None:
    config = replace(BASE, ports=(server.port,))
    fetcher = Fetcher(config, spool=spool, resolver=Answers(answer))
    with pytest.raises(AddressRefused) as caught:
        get(fetcher, server.url("/a", host="name.example"))
    fetcher.close()
    assert caught.value.temporary is False
    assert fetcher.statistics.connections == 0
    assert server.count() == 0


def test_of_mixed_answers_those_count_that_the_configuration_names(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    server.route("/a", b"x")
    for answer in (["::1", "127.0.0.1"], [PUBLIC, "127.0.0.1"], ["10.0.0.1", "127.0.0.1", "127.0.0.1"]):
        fetcher = make(resolver=Answers(answer))
        get(fetcher, server.url("/a", host="name.example"))
        assert fetcher.statistics.connections == 1
    # The port counts too.
    with pytest.raises(AddressRefused):
        get(make(resolver=Answers(["127.0.0.1"])), "http://name.example/")


def test_localhost_works_through_the_system(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", b"x")
    assert content(get(make(), server.url("/a", host="localhost")).body) == b"x"


def test_where_lookup_and_socket_disagree_nothing_is_sent(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.route("/a", b"x")
    # Both addresses may be reached; libcurl is made to remember one that was not the answer.
    fetcher = make(resolver=Answers(["127.0.0.2"]), allow=(f"127.0.0.2:{server.port}",))
    monkeypatch.setattr(transfer, "handed_over", lambda host, port, _: f"{host}:{port}:127.0.0.1")
    with pytest.raises(AddressRefused) as caught:
        get(fetcher, server.url("/a", host="name.example"))
    assert "when it was judged" in str(caught.value)
    assert fetcher.statistics.connections == 0
    assert server.count() == 0


def test_a_detour_must_lead_to_an_address_and_is_judged(server: MediaServer, spool: Spool) -> None:
    with pytest.raises(ConfigError):
        Fetcher(BASE, spool=spool, connect_to=["::localhost:80"])
    resolver = Answers(["127.0.0.1"])
    fetcher = Fetcher(BASE, spool=spool, resolver=resolver, connect_to=[f"name.example::127.0.0.1:{server.port}"])
    with pytest.raises(AddressRefused):
        get(fetcher, "http://name.example/a")
    assert resolver.asked == []
    with pytest.raises(AddressRefused):
        get(fetcher, "http://other.example/a")
    assert resolver.asked == [("other.example", 80)]
    fetcher.close()
    assert server.count() == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "no address"),
        (socket.gaierror(-2, "Name or service not known"), "not known"),
        (OSError("the network is down"), "down"),
        (NameUnresolved("no such name"), "no such name"),
    ],
)
def test_names_without_an_address(
    server: MediaServer, make: Callable[..., Fetcher], answer: Any, words: str
) -> None:
    url = server.route("/a", b"x").replace("127.0.0.1", "name.example")
    fetcher = make(resolver=Answers(answer, ["127.0.0.1"]))
    with pytest.raises(NameUnresolved) as caught:
        get(fetcher, url)
    assert words in str(caught.value)
    assert caught.value.temporary
    assert caught.value.url == url
    # A failure is not kept.
    assert get(fetcher, url).body.size == 1


def test_a_mistake_in_the_resolver_reaches_the_caller(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", b"x")
    fetcher = make(resolver=Answers(ZeroDivisionError("a mistake")))
    with pytest.raises(ZeroDivisionError):
        get(fetcher, server.url("/a", host="name.example"))
    assert get(fetcher, server.url("/a")).body.size == 1


class Hanging:
    """Answers for no name but `good.example` before it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.entered = threading.Semaphore(0)

    def resolve(self, host: str, port: int) -> Sequence[str]:
        if host != "good.example":
            self.entered.release()
            self.go.wait(60)
        return ["127.0.0.1"]


def test_lookups_that_hang_end_as_too_slow_and_their_threads_have_a_bound(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.route("/a", b"x")
    monkeypatch.setattr(resolver, "_MOST_THREADS", 40)
    hanging, outcomes = Hanging(), queue.SimpleQueue[Outcome]()
    fetcher = make(replace(BASE, connect_timeout=0.1), resolver=hanging)
    for _ in range(2):
        # The second time those that still hang are waited for once more, and not asked again.
        for at in range(60):
            fetcher.begin(server.url("/a", host=f"h{at}.example"), outcomes.put)
        for _ in range(60):
            assert isinstance(outcomes.get(timeout=30), TimedOut)
    assert sum(thread.name == "postkeep-dns" for thread in threading.enumerate()) == 40
    with pytest.raises(TimedOut) as caught:
        get(fetcher, server.url("/a", host="good.example"))
    assert "too many" in str(caught.value)
    hanging.go.set()
    while True:
        try:
            assert get(fetcher, server.url("/a", host="good.example")).body.size == 1
            break
        except TimedOut:
            continue
    assert server.count() == 1


def test_a_host_does_not_wait_for_lookups_that_hang(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.route("/a", b"x")
    monkeypatch.setattr(resolver, "_SLOW_SECONDS", 0.1)
    hanging, outcomes = Hanging(), queue.SimpleQueue[Outcome]()
    fetcher = make(replace(BASE, connect_timeout=60), resolver=hanging)
    for at in range(100):
        fetcher.begin(server.url("/a", host=f"h{at}.example"), outcomes.put)
    assert get(fetcher, server.url("/a", host="good.example")).body.size == 1
    assert outcomes.empty()
    # A name that is known late is known.
    hanging.go.set()
    assert all(isinstance(outcomes.get(timeout=30), Fetched) for _ in range(100))


@pytest.mark.parametrize("way", ["abort", "close"])
def test_neither_close_nor_abort_waits_for_a_lookup(
    server: MediaServer, make: Callable[..., Fetcher], way: str
) -> None:
    resolver, outcomes = Hanging(), queue.SimpleQueue[Outcome]()
    fetcher = make(replace(BASE, connect_timeout=60), resolver=resolver)
    job = fetcher.begin(server.url("/a", host="name.example"), outcomes.put)
    assert resolver.entered.acquire(timeout=20)
    if way == "abort":
        fetcher.abort(job)
    else:
        fetcher.close()
    assert type(outcomes.get(timeout=20)) is FetchError
    fetcher.close()
    resolver.go.set()
    assert server.count() == 0


def test_addresses_are_not_looked_up(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    resolver = Answers(ZeroDivisionError())
    get(make(resolver=resolver), server.route("/a", b"x"))
    assert resolver.asked == []


def test_the_book_forgets_what_is_old() -> None:
    clock = Clock()
    book = AddressBook(AddressGuard((), (80,)), clock)
    for at in range(2000):
        book.put(f"h{at}.example", [PUBLIC])
    clock.now += KEPT_SECONDS
    book.put("new.example", [PUBLIC])
    assert len(book._entries) == 1
    assert book.get("new.example", 80) == (PUBLIC,)
    assert book.get("h1.example", 80) is None


def test_the_system_is_not_asked_for_what_it_must_not_see() -> None:
    for name in ("something.onion", "a" * 64 + ".example"):
        with pytest.raises(NameUnresolved):
            SystemResolver().resolve(name, 80)
