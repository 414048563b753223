"""The guard by literals: what may be reached, what may not, and how exact the exceptions are."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.config import _network_port
from postkeep.errors import AddressRefused, ConfigError
from postkeep.net.guard import AddressGuard

OPEN = AddressGuard((), (80, 443))

_REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.192
192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.254 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:169.254.169.254
64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b::a9fe:a9fe 64:ff9b:1::1 64:ff9b:1:ffff::7f00:1
100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:808:808::1 3fff::1 3fff:fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1
fe80::1 fe80::1%eth0 fe80::1%2 2606:4700::1111%2 febf::1 fec0::1 feff::1 ff02::1 ff0e::1
"""


_PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.0.0.1 128.0.0.1 172.15.0.1
172.32.0.1 192.0.1.1 192.167.1.1 198.17.1.1 198.20.0.1 223.255.255.255 2606:4700::1111 2001:4860:4860::8888
2400:cb00::1 2a00:1450:4001::1 2620:fe::fe
"""


@pytest.mark.parametrize("ip", _REFUSED.split())
def test_what_is_not_public_is_refused(ip: str) -> None:
    assert OPEN.refusal(ip, 443) is not None
    assert OPEN.refusal(ip, 80) is not None


@pytest.mark.parametrize("ip", _PUBLIC.split())
def test_what_is_public_passes_on_its_ports_only(ip: str) -> None:
    assert OPEN.refusal(ip, 443) is None
    assert OPEN.refusal(ip, 80) is None
    assert "port 22" in (OPEN.refusal(ip, 22) or "")


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.2.3.4.", "[::1]", " 1.1.1.1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert OPEN.refusal(text, 443) is not None


@given(st.ip_addresses())
def test_nothing_passes_that_the_standard_library_does_not_call_global(address: ipaddress.IPv4Address) -> None:
    if OPEN.refusal(str(address), 443) is None:
        traits = ("private", "loopback", "link_local", "multicast", "reserved", "unspecified")
        assert address.is_global
        assert [trait for trait in traits if getattr(address, f"is_{trait}")] == []


PRIVATE_NETWORKS = [
    *ipaddress.IPv4Address("0.0.0.0")._constants._private_networks,  # type: ignore[attr-defined]
    *ipaddress.IPv6Address("::")._constants._private_networks,  # type: ignore[attr-defined]
]


@given(st.data())
def test_nothing_in_the_private_ranges_passes(data: st.DataObject) -> None:
    network = data.draw(st.sampled_from(PRIVATE_NETWORKS))
    address = network[data.draw(st.integers(0, network.num_addresses - 1))]
    assert OPEN.refusal(str(address), 443) is not None


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "::", "64:ff9b::", "::ffff:0:0:0"]))
def test_no_ipv4_address_passes_inside_ipv6(inner: ipaddress.IPv4Address, prefix: str) -> None:
    hidden = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(inner))
    assert OPEN.refusal(str(hidden), 443) is not None
    six_to_four = ipaddress.IPv6Address(0x2002 << 112 | int(inner) << 80 | 1)
    assert OPEN.refusal(str(six_to_four), 443) is not None
    teredo = ipaddress.IPv6Address(0x20010000 << 96 | int(inner) ^ 0xFFFFFFFF)
    assert OPEN.refusal(str(teredo), 443) is not None


def test_an_exception_allows_that_address_on_that_port_and_nothing_else() -> None:
    guard = AddressGuard(["127.0.0.1:8080", "10.1.0.0/16:443", "[::1]:8081", "[fd00:1::/32]:443"], (80, 443))
    allowed = [("127.0.0.1", 8080), ("10.1.255.9", 443), ("::1", 8081), ("fd00:1::7", 443)]
    refused = [
        ("127.0.0.1", 80), ("127.0.0.1", 443), ("127.0.0.1", 8081), ("127.0.0.2", 8080),
        ("::ffff:127.0.0.1", 8080), ("::1", 8080), ("::1%1", 8081), ("10.1.0.1", 80), ("10.2.0.1", 443),
        ("fd00:2::1", 443), ("1.1.1.1", 8080), ("169.254.169.254", 443),
    ]  # fmt: skip
    assert [pair for pair in allowed if guard.refusal(*pair)] == []
    assert [pair for pair in refused if not guard.refusal(*pair)] == []
    assert guard.refusal("1.1.1.1", 443) is None


@pytest.mark.parametrize(
    "entry",
    [
        "", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80:80", "localhost:80",
        "*", "*:80", "0.0.0.0/0:80", "[::]/0:80", "[::/0]:80", "1.0.0.0/7:80", "10.1.0.1/16:80", "127.1:80",
        "[127.0.0.1]:80", "[fe80::1%eth0]:80", "10.0.0.0/255.0.0.0:80", "10.0.0.0/33:80", " 127.0.0.1:80",
        "010.0.0.1:80", "127.0.0.1:80 ", "::1:80",
    ],
)  # fmt: skip
def test_an_exception_that_cannot_be_read_is_named(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AddressGuard([entry], (80, 443))
    assert repr(entry) in str(caught.value)


HIDING_ENTRIES = [
    "[::]:80", "[::/7]:80", "[::/8]:80", "[::2]:80", "[::/96]:80", "[::/127]:80", "[::7f00:1]:80", "[::/64]:80",
    "[::ffff:0:0/96]:80", "[::ffff:7f00:1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:0:7f00:1]:80",
    "[64:ff9b::/96]:80", "[64:ff9b::7f00:1]:80", "[64:ff9b:1::/48]:80", "[64:ff9b:1:2::/64]:80",
    "[64:ff9b::/32]:80",
    "[2000::/7]:80", "[2001::/32]:80", "[2001::/23]:80", "[2001:0:1::1]:80", "[2002::/16]:80",
    "[2002:7f00:1::]:80",
]  # fmt: skip
SOUND_ENTRIES = [
    "[::1]:80", "[::1/128]:80", "[0:0:0:0:0:0:0:1]:80", "[fc00::/7]:80", "[fd00::/8]:80", "[2001:db8::/32]:80",
    "[2003::/16]:80", "[fe80::1]:80", "[::fffe:0:0:0]:80", "127.0.0.1:80", "10.0.0.0/8:443",
]  # fmt: skip


@pytest.mark.parametrize("entry", HIDING_ENTRIES)
def test_an_exception_hides_no_ipv4_address(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AddressGuard([entry], (80, 443))
    assert "IPv4 addresses inside IPv6" in str(caught.value)


def _is_allowed(entry: str) -> bool:
    try:
        AddressGuard([entry], (80, 443))
    except ConfigError:
        return False
    return True


def _is_configurable(entry: str) -> bool:
    try:
        _network_port(entry, Path())
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("entry", [*HIDING_ENTRIES, *SOUND_ENTRIES, "[::/0]:80", "1.0.0.0/7:80", "[::1]:0"])
def test_the_configuration_judges_exceptions_as_the_guard_does(entry: str) -> None:
    assert _is_allowed(entry) is _is_configurable(entry) is (entry in SOUND_ENTRIES)


@given(
    st.ip_addresses(v=6), st.integers(0, 128), st.sampled_from(["::", "64:ff9b::", "2001::", "2002::", "fc00::"])
)
def test_the_configuration_judges_any_network_as_the_guard_does(
    address: ipaddress.IPv6Address, length: int, base: str
) -> None:
    for start in (int(address), int(address) >> 64 | int(ipaddress.IPv6Address(base))):
        entry = f"[{ipaddress.IPv6Network((start, length), strict=False)}]:80"
        assert _is_allowed(entry) is _is_configurable(entry)


REFUSED_URLS = [
    "", "x", "/x", "//example.com/x", "example.com/x", "ftp://example.com/", "file:///etc/passwd", "data:,x",
    "gopher://example.com/", "javascript:alert(1)", "http:", "http:/example.com", "http://", "http:///x",
    "http:///example.com/x", "https://:443/", "http://user@example.com/", "http://user:pw@example.com/",
    "http://@example.com/", "http://example.com:80@127.0.0.1/", "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\.example.com/", "http://exam ple.com/", " http://example.com/", "http://example.com/ ",
    "http://example.com/a\tb", "http://example.com/a\nb", "http://example.com/\x00", "http://example.com/\x7f",
    "http://example.com/\u2028", "http://example.com/\ud800", "http://example.com:0/", "http://example.com:65536/",
    "http://example.com:99999999/", "http://example.com:8x/", "http://example.com:-80/", "http://example.com:22/",
    "http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7F.1/", "http://127.1/",
    "http://127.0.1/", "http://0177.0.0.1/", "http://127.0.0.01/", "http://127.0.0.0x1/", "http://1.1.1.1./",
    "http://256.1.1.1/", "http://1.1.1.1.1/", "http://8.8.8.0x/", "http://0/", "http://example.1/",
    "http://%31%32%37.0.0.1/", "http://exa%2dmple.com/", "http://example..com/", "http://.example.com/",
    "http://１２７.0.0.1/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://[::1%25eth0]/", "http://[::1%lo]/",
    "http://[1.1.1.1]/", "http://[::1/", "http://::1/", "http://[]/", "http://[v1.x]/", "http://[::1]x/",
    "http://127.0.0.1/", "http://10.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[fd00:ec2::254]/",
    "http://example.com?@127.0.0.1:22/@" + "x" * 8000, "http://" + "a" * 64 + ".com/", "http://exa$mple.com/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_urls_that_no_transfer_starts_for(url: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        OPEN.check_url(url)
    assert caught.value.url == url
    assert caught.value.temporary is False


@pytest.mark.parametrize(
    "path",
    [
        "/..", "/.", "/../", "/./", "/a/../b", "/a/./b", "/a/..", "/a/.", "/a/../?x", "/a/..?x", "/a/.#x",
        "//../a", "/%2e", "/%2E%2e/a", "/a/.%2e/b", "/a/%2E./b", "/a/%2e?x", "/a/..%5cb", "/a%5C..%5Cb",
        "/a%5C.", "/..%5C",
    ],
)  # fmt: skip
def test_dot_segments_are_refused(path: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        OPEN.check_url("http://example.com" + path)
    assert "dot segments" in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["/...", "/..a", "/a..", "/.a/b.", "/a..b/.well-known", "/%2e%2e%2e", "?/../x", "#/./", "/a?b/../c", "/.;/"],
)
def test_other_dots_pass(path: str) -> None:
    assert OPEN.target("http://example.com" + path).wire == "http://example.com" + path


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://example.com", "example.com", 80),
        ("HTTPS://Media.Example.COM/a?b=c#d", "media.example.com", 443),
        ("https://example.com:/a", "example.com", 443),
        ("https://example.com:443/a@b:c?d=http://127.0.0.1/&e=%20", "example.com", 443),
        ("http://example.com?x=1", "example.com", 80),
        ("http://some_host.example.com/a[1]{2}|", "some_host.example.com", 80),
        ("http://1.1.1.1/", "1.1.1.1", 80),
        ("http://[2606:4700::1111]:443/", "2606:4700::1111", 443),
        ("http://1-2-3.4a.example/", "1-2-3.4a.example", 80),
    ],
)
def test_urls_that_pass(url: str, host: str, port: int) -> None:
    target = OPEN.target(url)
    assert (target.host, target.port, target.wire) == (host, port, url)


def test_what_is_beyond_ascii_is_encoded_as_browsers_do() -> None:
    target = OPEN.target("https://bücher.example/é/%41?q=ü#ß")
    assert target.host == "xn--bcher-kva.example"
    assert target.wire == "https://xn--bcher-kva.example:443/%C3%A9/%41?q=%C3%BC#%C3%9F"


def test_a_port_of_an_exception_passes_for_names_only() -> None:
    guard = AddressGuard(["127.0.0.1:8080"], (80, 443))
    guard.check_url("http://example.com:8080/")
    guard.check_url("http://127.0.0.1:8080/")
    for url in ("http://127.0.0.2:8080/", "http://1.1.1.1:8080/", "http://example.com:8081/"):
        with pytest.raises(AddressRefused):
            guard.check_url(url)


def test_a_final_dot_is_not_sent() -> None:
    target = OPEN.target("https://Example.com./a")
    assert (target.host, target.wire) == ("example.com", "https://example.com:443/a")


@given(st.text(max_size=60))
def test_no_text_does_anything_but_pass_or_be_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://example.com/{text}"):
        try:
            target = OPEN.target(url)
        except AddressRefused:
            continue
        assert target.wire.isascii()
        assert target.host
