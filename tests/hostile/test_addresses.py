"""No address inside is reached: not by its name, not by an odd spelling, not at the end of a redirect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from postkeep.errors import FetchError
from postkeep.model import utc_now
from tests.hostile.addresses import ADDRESSES, OTHER_SCHEMES, REACHED, RELATIVE, SPELLINGS, inside
from tests.hostile.scene import Scene, scene
from tests.hostile.servers import bare, exactly
from tests.hostile.table import GOOD
from tests.servers.media import MediaServer, Reply, raw, redirect

HOW = ("literal", "name", "redirect", "redirect to a name")
# A line break ends the header.
LOCATIONS = [each for each in (*SPELLINGS, *OTHER_SCHEMES) if not set(each) & set("\r\n")]
REFUSED = ("refused", "refused")


@dataclass
class Ran:
    """What came of all these URLs in one import, and of each without a post."""

    scene: Scene
    server: MediaServer
    urls: dict[tuple[str, str], str] = field(default_factory=dict)
    direct: dict[str, str | None] = field(default_factory=dict)

    def filled(self, url: str) -> str:
        return url.replace("{trap}", str(self.scene.trap.port)).replace("{good}", str(self.server.port))

    def sent(self, key: tuple[str, str]) -> int:
        """How many requests the URL's own host got."""
        host = self.urls[key].partition("//")[2].partition("/")[0]
        return sum(request.headers["host"] == host for request in self.server.requests)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with MediaServer() as server, scene(tmp_path_factory.mktemp("addresses"), server) as here:
        ran = Ran(here, server)
        for name in ("localhost", "localhost.localdomain", "a.localhost", "ip6-localhost"):
            here.names.answers[name] = [["127.0.0.1", "::1"]]
        for number, (name, address) in enumerate(ADDRESSES.items()):
            here.names.answers[f"inside{number}.example"] = [[address]]
            literal = f"http://{inside(address)}:{here.trap.port}/secret.png"
            named = f"http://inside{number}.example:{here.trap.port}/secret.png"
            ran.urls["literal", name], ran.urls["name", name] = literal, named
            for how, target in (("redirect", literal), ("redirect to a name", named)):
                path = f"/{how.replace(' ', '-')}/{number}.png"
                server.route(path, redirect(target))
                ran.urls[how, name] = server.url(path, host=f"{how.replace(' ', '-')}{number}.test")
        for number, location in enumerate(LOCATIONS):
            path = f"/location/{number}.png"
            filled = ran.filled(location)
            # Servers send what they like: this goes out as these bytes.
            server.route(path, raw(b"HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n" % filled.encode()))
            ran.urls["location", location] = server.url(path, host=f"location{number}.test")
        for spelled in (*SPELLINGS, *OTHER_SCHEMES, *RELATIVE):
            ran.urls["spelled", spelled] = ran.filled(spelled)
        here.bring(*dict.fromkeys(ran.urls.values()))
        before = len(server.requests)
        outcomes = here.world.library.fetch_urls([*dict.fromkeys(ran.urls.values())])
        ran.direct = {each.url: each.kind for each in outcomes}
        assert len(server.requests) == 2 * before
        yield ran
        assert here.world.cached() == {}


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("how", HOW)
def test_an_address_inside_is_refused(ran: Ran, how: str, name: str) -> None:
    assert ran.scene.row(ran.urls[how, name]) == REFUSED
    assert ran.direct[ran.urls[how, name]] == "refused"
    # Once for the post, once without one: the redirect was asked for, and what it leads to was not.
    assert ran.sent((how, name)) == (2 if how.startswith("redirect") else 0)


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_an_odd_spelling_is_refused(ran: Ran, spelled: str) -> None:
    assert ran.scene.row(ran.urls["spelled", spelled]) in (REFUSED, None)
    assert ran.direct[ran.urls["spelled", spelled]] == "refused"


@pytest.mark.parametrize("spelled", [*OTHER_SCHEMES, *RELATIVE])
def test_what_is_no_url_of_the_web_is_refused(ran: Ran, spelled: str) -> None:
    assert ran.scene.row(ran.urls["spelled", spelled]) is None
    assert ran.direct[ran.urls["spelled", spelled]] == "refused"


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_redirect_to_either_is_refused(ran: Ran, location: str) -> None:
    assert ran.scene.row(ran.urls["location", location]) == REFUSED
    assert ran.direct[ran.urls["location", location]] == "refused"
    assert ran.sent(("location", location)) == 2


@pytest.mark.parametrize("location", RELATIVE)
def test_a_redirect_to_a_path_stays_with_its_host(tmp_path, location: str) -> None:
    with MediaServer() as server, scene(tmp_path, server) as here:
        server.route("/a/b.png", redirect(location.replace("{trap}", str(here.trap.port))))
        url = server.url("/a/b.png", host="good.test")
        here.bring(url)
        assert here.row(url) in (("gone", "http_404"), ("refused", "redirects"))
        assert {request.headers["host"] for request in server.requests} == {f"good.test:{server.port}"}
        assert (here.trap.caught, here.connections) == ([], 1)


def test_nothing_was_sent_and_nobody_was_connected_to(ran: Ran) -> None:
    assert ran.scene.trap.caught == []
    # All connections there were are those over which our own server was asked.
    assert 0 < ran.scene.connections <= len(ran.server.requests)
    assert {request.method for request in ran.server.requests} == {"GET"}


def test_names_are_asked_for_only_when_they_may_be_reached(ran: Ran) -> None:
    asked = set(ran.scene.names.asked)
    assert {f"inside{number}.example" for number in range(len(ADDRESSES))} <= asked
    assert not asked & set(ADDRESSES.values())


# --- what may be reached ----------------------------------------------------------------------------------


def test_what_is_allowed_is_reached_however_it_is_written(tmp_path) -> None:
    with MediaServer(default=lambda _path: Reply(GOOD)) as server, scene(tmp_path, server) as here:
        for spelled in REACHED:
            url = spelled.replace("{good}", str(server.port))
            before = server.count()
            assert here.fetch_url(url) is None, url
            assert server.count() == before + 1
        here.bring(*(spelled.replace("{good}", str(server.port)) for spelled in REACHED))
        assert set(here.world.states().values()) == {"fetched"}
        assert here.trap.caught == []


def test_the_proxy_of_the_environment_is_never_asked(tmp_path) -> None:
    with MediaServer() as server, scene(tmp_path, server) as here:
        server.route("/a.png", exactly(GOOD))
        here.bring(server.url("/a.png", host="one.test"))
        assert here.fetch_url(server.url("/a.png", host="two.test")) is None
        assert (here.trap.caught, server.count()) == ([], 2)


# --- names that change ------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", ["10.0.0.1", "127.0.0.2", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_a_name_that_leads_inside_on_the_second_try_is_refused(tmp_path, inner: str) -> None:
    with MediaServer() as server, scene(tmp_path, server) as here:
        server.route("/a.png", bare(500, b"not yet"))
        here.names.answers["rebinding.example"] = [["127.0.0.1"], [inner]]
        url = server.url("/a.png", host="rebinding.example")
        here.bring(url)
        assert here.row(url) == ("retry", "http_500")
        opened = here.connections

        here.world.now_is(utc_now() + timedelta(days=2))
        here.world.library.fetch_due()

        assert here.row(url) == REFUSED
        assert (server.count(), here.connections) == (1, opened)
        assert here.names.asked == ["rebinding.example"] * 2


def test_a_name_that_leads_inside_after_a_redirect_to_itself_is_refused(tmp_path) -> None:
    with MediaServer() as server, MediaServer() as other, scene(tmp_path, server, ports=(other.port,)) as here:
        other.route("/a.png", exactly(GOOD))
        server.route("/a.png", redirect(f"http://rebinding.example:{other.port}/a.png"))
        here.names.answers["rebinding.example"] = [["127.0.0.1"], ["127.0.0.1"]]
        url = server.url("/a.png", host="rebinding.example")
        here.bring(url)
        assert here.row(url) == REFUSED
        assert (server.count(), other.count(), here.connections) == (1, 0, 1)


@pytest.mark.parametrize("mixed", [["10.0.0.1", "93.184.216.34"], ["93.184.216.34", "::1"]])
def test_a_name_that_leads_outside_and_inside_is_refused_whole(tmp_path, mixed: list[str]) -> None:
    with MediaServer() as server, scene(tmp_path, server) as here:
        here.names.answers["mixed.example"] = [mixed]
        here.bring("http://mixed.example/a.png")
        assert here.row("http://mixed.example/a.png") == REFUSED
        assert here.fetch_url("https://mixed.example/a.png") == "refused"
        assert here.connections == 0


def test_an_answer_that_is_no_address_is_refused(tmp_path) -> None:
    with MediaServer() as server, scene(tmp_path, server) as here:
        for number, answer in enumerate(("127.1", "0x7f000001", "localhost", "", "fe80::1%lo", "127.0.0.1\0")):
            here.names.answers[f"odd{number}.example"] = [[answer]]
            assert here.fetch_url(f"http://odd{number}.example:{here.trap.port}/a.png") == "refused"
        assert (here.connections, here.trap.caught) == (0, [])


# --- what goes along with a redirect ----------------------------------------------------------------------


def test_neither_cookies_nor_credentials_nor_the_address_of_origin_go_along(tmp_path) -> None:
    with MediaServer() as server, MediaServer() as other, scene(tmp_path, server, other) as here:
        setting = {
            "Content-Length": "0",
            "Set-Cookie": "session=secret; Domain=test; Path=/",
            "WWW-Authenticate": "Basic realm=all",
            "Authorization": "Basic c2VjcmV0OnNlY3JldA==",
            "Refresh": f"0; url=http://127.0.0.1:{here.trap.port}/",
            "Link": f"<http://127.0.0.1:{here.trap.port}/>; rel=preload",
            "Alt-Svc": f'http/1.1="127.0.0.1:{here.trap.port}"; ma=86400',
        }
        where = {"/a.png": server.url("/b.png", host="one.test"), "/b.png": other.url("/c.png", host="two.test")}
        for path, location in where.items():
            server.route(path, lambda exchange, to=location: exchange.head(302, {**setting, "Location": to}))
        other.route("/c.png", exactly(GOOD, **{"Set_Cookie": "session=other"}))
        url = server.url("/a.png", host="one.test") + "?token=secret"
        here.bring(url)
        assert here.fetch_url(url + "&again") is None

        requests = [*server.requests, *other.requests]
        assert len(requests) == 6
        for request in requests:
            assert sorted(request.headers) == ["accept", "accept-encoding", "host", "user-agent"]
        assert all("secret" not in request.path for request in other.requests)
        assert here.trap.caught == []


def test_a_demand_for_a_password_is_not_answered(tmp_path) -> None:
    with MediaServer() as server, scene(tmp_path, server) as here:
        for path, status, name in (("/a.png", 401, "WWW"), ("/b.png", 407, "Proxy")):
            demand = {f"{name}-Authenticate": "Basic realm=x, Negotiate, NTLM", "Content-Length": "0"}
            server.route(path, lambda exchange, status=status, demand=demand: exchange.head(status, demand))
        urls = [server.url(path, host=f"host{at}.test") for at, path in enumerate(("/a.png", "/b.png"))]
        here.bring(*urls)
        assert [here.row(url) for url in urls] == [("retry", "http_401"), ("failed", "http_407")]
        assert server.count() == 2
        with pytest.raises(FetchError):
            here.world.library.fetch_url(urls[0])
