"""Where a setting comes from, what is refused and how, and that nothing happens before it is asked for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.config import BROWSER_AGENT, Config, describe, load_config, settings
from postkeep.errors import ConfigError
from postkeep.net.guard import AddressGuard

DOCS = Path(__file__).parents[1] / "docs" / "configuration.md"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def load(home: Path, user: Path, **more: object) -> Config:
    environ = {"POSTKEEP_HOME": str(home), **more.pop("environ", {})}  # type: ignore[dict-item]
    return load_config(environ=environ, user_folder=user, **more)  # type: ignore[arg-type]


# --- precedence ---------------------------------------------------------------------------------


def test_nothing_given_means_the_defaults(home: Path, user: Path) -> None:
    config = load(home, user)
    assert config == Config(home, origins=config.origins)
    assert config.origins["fetch.per_host"] == "default"
    assert config.origins["home"] == "environment POSTKEEP_HOME"
    assert set(config.origins) == {each.name for each in settings()}


def test_each_source_wins_over_the_next(home: Path, user: Path) -> None:
    seen: list[tuple[int, str]] = []

    def note(**more: object) -> None:
        config = load(home, user, **more)
        seen.append((config.fetch.per_host, config.origins["fetch.per_host"]))

    note()
    (user / "postkeep.toml").write_text("[fetch]\nper_host = 11\n")
    note()
    (home / "postkeep.toml").write_text("[fetch]\nper_host = 12\n")
    note()
    (user / ".env").write_text("POSTKEEP_FETCH_PER_HOST=13\n")
    note()
    (home / ".env").write_text("POSTKEEP_FETCH_PER_HOST=14\n")
    note()
    other = home.parent / "other.env"
    other.write_text("POSTKEEP_FETCH_PER_HOST=15\n")
    note(env_file=other)
    note(env_file=other, environ={"POSTKEEP_FETCH_PER_HOST": "16"})
    note(env_file=other, environ={"POSTKEEP_FETCH_PER_HOST": "16"}, flags={"fetch.per_host": 17})
    assert seen == [
        (5, "default"),
        (11, f"postkeep.toml ({user}/postkeep.toml)"),
        (12, f"postkeep.toml ({home}/postkeep.toml)"),
        (13, f".env ({user}/.env)"),
        (14, f".env ({home}/.env)"),
        (15, f".env ({other})"),
        (16, "environment POSTKEEP_FETCH_PER_HOST"),
        (17, "flag"),
    ]


def test_the_folder_one_stands_in_says_nothing(
    home: Path, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "postkeep.toml").write_text("[fetch]\nper_host = 99\n")
    (tmp_path / ".env").write_text("POSTKEEP_FETCH_PER_HOST=98\n")
    monkeypatch.chdir(tmp_path)
    assert load(home, user).fetch.per_host == 5


def test_an_env_file_replaces_the_others(home: Path, user: Path, tmp_path: Path) -> None:
    (home / ".env").write_text("POSTKEEP_FETCH_TRIES=9\n")
    empty = tmp_path / "empty.env"
    empty.write_text("")
    assert load(home, user, env_file=empty).fetch.tries == 5
    with pytest.raises(ConfigError, match="no such file"):
        load(home, user, env_file=tmp_path / "missing.env")


def test_the_home_is_a_flag_a_variable_or_the_platforms_place(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    environ = {"POSTKEEP_HOME": str(tmp_path / "two")}
    assert load_config(environ={}, user_folder=user).home.name == "postkeep"
    assert load_config(environ=environ, user_folder=user).home == tmp_path / "two"
    flags = {"home": tmp_path / "three"}
    config = load_config(environ=environ, flags=flags, user_folder=user)
    assert (config.home, config.origins["home"]) == (tmp_path / "three", "flag")
    assert not (tmp_path / "three").exists()


def test_a_file_in_the_home_cannot_move_the_home(home: Path, user: Path) -> None:
    (home / ".env").write_text("POSTKEEP_HOME=/elsewhere\n")
    with pytest.raises(ConfigError, match="cannot say where the home is"):
        load(home, user)


def test_flags_that_were_not_given_are_none(home: Path, user: Path) -> None:
    config = load(home, user, flags={"database": None, "fetch.per_host": None})
    assert config.origins["database"] == config.origins["fetch.per_host"] == "default"


def test_an_empty_variable_is_not_set(home: Path, user: Path) -> None:
    config = load(home, user, environ={"POSTKEEP_FETCH_PER_HOST": "", "SENTRY_DSN": ""})
    assert (config.fetch.per_host, config.origins["sentry_dsn"]) == (5, "default")


def test_variables_of_others_are_left_alone(home: Path, user: Path) -> None:
    (home / ".env").write_text("AWS_S3_BUCKET=pictures\nexport HOMEWORK=1\n# a remark\n")
    assert load(home, user, environ={"PATH": "/bin", "_POSTKEEP_COMPLETE": "x"}) is not None


# --- every kind of value ------------------------------------------------------------------------


def test_every_kind_of_value_in_toml(home: Path, user: Path) -> None:
    (home / "postkeep.toml").write_text(
        """
        database = "posts.db"
        sentry_dsn = "https://abc@sentry.example/1"
        [fetch]
        connect_timeout = 3
        max_bytes = "1.5 MB"
        ports = [80, 443, 8443]
        allow = ["127.0.0.1:8080"]
        avatars = true
        [fetch.user_agents]
        "example.org" = "an agent, with a comma"
        [cache]
        directory = "pictures"
        max_bytes = "20GiB"
        [import]
        timezone = "Europe/Paris"
        """
    )
    config = load(home, user)
    assert config.database == str(home / "posts.db")
    assert config.database_url == f"sqlite:///{home}/posts.db"
    assert config.fetch.connect_timeout == 3.0
    assert isinstance(config.fetch.connect_timeout, float)
    assert config.fetch.max_bytes == 1_500_000
    assert config.fetch.ports == (80, 443, 8443)
    assert config.fetch.allow == ("127.0.0.1:8080",)
    assert config.fetch.avatars is True
    assert config.fetch.user_agents == {
        "licdn.com": BROWSER_AGENT,
        "example.org": "an agent, with a comma",
    }
    assert config.cache_root == home / "pictures"
    assert config.cache.max_bytes == 20 * 2**30
    assert config.imports.timezone == "Europe/Paris"


def test_every_kind_of_value_in_the_environment(home: Path, user: Path) -> None:
    environ = {
        "POSTKEEP_FETCH_PORTS": "80, 8443",
        "POSTKEEP_FETCH_ALLOW": "127.0.0.1:8080,[::1]:81",
        "POSTKEEP_FETCH_AVATARS": "Yes",
        "POSTKEEP_FETCH_BACKOFF": "0.5",
        "POSTKEEP_FETCH_USER_AGENTS": '{"licdn.com": ""}',
        "POSTKEEP_CACHE_MAX_BYTES": "100 mb",
        "POSTKEEP_IMPORT_TIMEZONE": "Asia/Tokyo",
        "SENTRY_DSN": "https://abc@sentry.example/1",
    }
    config = load(home, user, environ=environ)
    assert config.fetch.ports == (80, 8443)
    assert config.fetch.allow == ("127.0.0.1:8080", "[::1]:81")
    assert config.fetch.avatars is True
    assert config.fetch.backoff == 0.5
    assert config.fetch.user_agents == {}
    assert config.cache.max_bytes == 100_000_000
    assert config.imports.timezone == "Asia/Tokyo"
    assert config.sentry_dsn == "https://abc@sentry.example/1"


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("100 MB", 10**8), ("10GiB", 10 * 2**30), ("2k", 2000), ("2 KiB", 2048), ("0.5 tb", 5 * 10**11)],
)
def test_sizes(home: Path, user: Path, text: str, size: int) -> None:
    assert load(home, user, flags={"cache.max_bytes": text}).cache.max_bytes == size


@given(number=st.integers(1, 10**6), unit=st.sampled_from(["", "KiB", "MiB", "GiB", "TiB"]))
def test_a_size_as_shown_reads_as_itself(number: int, unit: str) -> None:
    away = Path("/nonexistent")
    config = load_config(flags={"home": away, "cache.max_bytes": f"{number} {unit}"}, user_folder=away, environ={})
    shown = {name: value for name, value, _ in describe(config)}["cache.max_bytes"]
    again = load_config(flags={"home": away, "cache.max_bytes": shown}, user_folder=away, environ={})
    assert again.cache.max_bytes == config.cache.max_bytes


_ENTRIES = st.one_of(
    st.text("0123456789abcdf.:/[]% ", max_size=24),
    st.builds(
        "{}{}:{}".format,
        st.one_of(
            st.ip_addresses(v=4).map(str),
            st.ip_addresses(v=6).map(lambda six: f"[{six}]"),
            st.ip_addresses(v=6).map(str),
            st.sampled_from(["10.0.0.0", "[fd00::]", "127.1", "[::1", "[1.2.3.4]", "010.0.0.1"]),
        ),
        st.one_of(st.just(""), st.integers(0, 130).map("/{}".format), st.just("/255.0.0.0")),
        st.one_of(st.integers(0, 70_000), st.sampled_from(["", "http", "-1"])),
    ),
    st.builds("[fd00::]/{}:1".format, st.integers(0, 9)),
    st.builds("[fd00::/{}]:1".format, st.integers(0, 9)),
    st.builds("10.0.0.0/{}:1".format, st.integers(0, 33)),
)


@given(_ENTRIES)
def test_an_exception_is_refused_here_exactly_when_the_guard_would(entry: str) -> None:
    away = Path("/nonexistent")
    try:
        AddressGuard((entry,), ())
        readable = True
    except ConfigError:
        readable = False
    try:
        load_config(flags={"home": away, "fetch.allow": [entry]}, user_folder=away, environ={})
        accepted = True
    except ConfigError:
        accepted = False
    assert accepted == readable


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[fetch]\nper_hots = 3", "unknown key fetch.per_hots in postkeep.toml|nearest known key is fetch.per"),
        ("[fetchh]\ntries = 3", "unknown key fetchh.tries|fetch.tries"),
        ("[fetchh]", "unknown key fetchh|nearest known key is"),
        ("fetch = 3", "unknown key fetch in|nearest known key is fetch."),
        ("databse = 'x'", "unknown key databse|nearest known key is database"),
        ("[imports]\ntimezone = 'UTC'", "unknown key imports.timezone|import.timezone"),
        ("[fetch]\nper_host = 'many'", "fetch.per_host = 'many', from postkeep.toml|not a whole number"),
        ("[fetch]\nper_host = '5'", "fetch.per_host|not a whole number"),
        ("[fetch]\nper_host = 0", "fetch.per_host = '0'|must be at least 1"),
        ("[fetch]\nper_host = true", "fetch.per_host|not a whole number"),
        ("[fetch]\nper_host = 2.5", "fetch.per_host|not a whole number"),
        ("[archive]\npart_size = 1000", "archive.part_size = '1000'|must be at least 5 MiB"),
        ("[archive]\nstore = 's4'", "archive.store = 's4'|not one of s3, r2, gcs, azure, directory"),
        ("[fetch]\nports = [80, 65536]", "fetch.ports = '80, 65536'|must be at most 65535"),
        ("[fetch]\nports = 80", "fetch.ports|not a list"),
        ("[fetch]\nconnect_timeout = nan", "fetch.connect_timeout|not a finite number"),
        ("[fetch]\nstall_timeout = 0", "fetch.stall_timeout|must be at least 0.001"),
        ("[fetch]\nmax_bytes = '10 apples'", "fetch.max_bytes|not a size"),
        ("[fetch]\nmax_bytes = '10 i'", "fetch.max_bytes|not a size"),
        ("[fetch]\navatars = 1", "fetch.avatars|not true or false"),
        ("[fetch]\nallow = ['127.0.0.1']", "fetch.allow = '127.0.0.1'|'127.0.0.1' is not network:port"),
        ("[fetch]\nallow = ['[::1]:81', 'localhost:80']", "fetch.allow|'localhost:80' is not network:port"),
        ("[fetch]\nallow = ['10.0.0.1/8:80']", "fetch.allow|host bits"),
        ("[fetch]\nallow = ['0.0.0.0/0:80']", "fetch.allow|wider than any private network"),
        ("[fetch]\nallow = ['10.1.2.3:65536']", "fetch.allow|no port 65536"),
        ("[fetch]\nuser_agent = \"a\\nb: c\"", "fetch.user_agent|control character"),
        ("[fetch.user_agents]\nexample.org = 'x'", "fetch.user_agents|in quotes"),
        ("[import]\ntimezone = 'Mars/Olympus'", "import.timezone = 'Mars/Olympus'|time zone"),
        ("[import]\ntimezone = '../../etc/passwd'", "import.timezone|time zone"),
        ("database = 'mysql://me:geheim@host/db'", "database = 'mysql://me:\\*\\*\\*@host/db'|postgresql"),
        ("database = 7", "database|not a text"),
        ("sentry_dsn = 7", "sentry_dsn = '\\*\\*\\*'|not a text"),
        ("[cache]\ndirectory = ''", "cache.directory|not a path"),
        ("[fetch\n", "postkeep.toml:"),
    ],
)  # fmt: skip
def test_what_toml_cannot_say(home: Path, user: Path, toml: str, words: str) -> None:
    (home / "postkeep.toml").write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load(home, user)
    assert caught.value.exit_code == 2
    for each in (*words.split("|"), re.escape(str(home / "postkeep.toml"))):
        assert re.search(each, str(caught.value)), str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("POSTKEEP_FETCH_PER_HOTS", "3", "unknown key POSTKEEP_FETCH_PER_HOTS|POSTKEEP_FETCH_PER_HOST"),
        ("POSTKEEP_SENTRY_DSN", "x", "unknown key POSTKEEP_SENTRY_DSN|SENTRY_DSN"),
        ("POSTKEEP_IMPORTS_TIMEZONE", "UTC", "POSTKEEP_IMPORT_TIMEZONE"),
        ("POSTKEEP_FETCH_PER_HOST", "three", "fetch.per_host = 'three'|POSTKEEP_FETCH_PER_HOST|whole number"),
        ("POSTKEEP_FETCH_AVATARS", "perhaps", "fetch.avatars|not true or false"),
        ("POSTKEEP_FETCH_BACKOFF", "inf", "fetch.backoff|finite"),
        ("POSTKEEP_FETCH_USER_AGENTS", "licdn.com=x", "fetch.user_agents|JSON"),
        ("POSTKEEP_FETCH_USER_AGENTS", "[1]", "fetch.user_agents|table"),
        ("POSTKEEP_CACHE_DIRECTORY", "~nobody-of-this-name/x", "cache.directory"),
    ],
)
def test_what_variables_cannot_say(home: Path, user: Path, variable: str, value: str, words: str) -> None:
    for source, more in (
        ("environment", {"environ": {variable: value}}),
        (str(home / ".env"), {}),
    ):
        if not more:
            (home / ".env").write_text(f"{variable}='{value}'\n")
        with pytest.raises(ConfigError) as caught:
            load(home, user, **more)
        for each in (*words.split("|"), source):
            if each != variable or more:
                assert each in str(caught.value)


def test_an_env_line_that_is_none_is_named(home: Path, user: Path) -> None:
    (home / ".env").write_text("# fine\nPOSTKEEP_FETCH_TRIES=3\nthis is = not 'a line\n")
    with pytest.raises(ConfigError, match="line 3"):
        load(home, user)


def test_nothing_is_interpolated(home: Path, user: Path) -> None:
    (home / ".env").write_text("POSTKEEP_FETCH_USER_AGENT='a ${PATH} agent'\n")
    assert load(home, user).fetch.user_agent == "a ${PATH} agent"


def test_a_file_that_is_no_text_is_named(home: Path, user: Path) -> None:
    (home / "postkeep.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"postkeep\.toml: cannot be read"):
        load(home, user)


def test_a_byte_order_mark_is_no_reason_to_fail(home: Path, user: Path) -> None:
    (home / "postkeep.toml").write_text("\ufeff[fetch]\ntries = 2\n")
    (home / ".env").write_text("\ufeffPOSTKEEP_FETCH_PER_HOST=2\n")
    assert (load(home, user).fetch.tries, load(home, user).fetch.per_host) == (2, 2)


def test_an_unknown_flag_names_the_nearest(home: Path, user: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key fetch\.perhost in flag.*fetch\.per_host"):
        load(home, user, flags={"fetch.perhost": 3})


# --- databases and showing ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("database", "url"),
    [
        (" postgres://u:p@h/db ", "postgresql+psycopg://u:p@h/db"),
        ("postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql://u@h:5432/db?sslmode=require", "postgresql+psycopg://u@h:5432/db?sslmode=require"),
        ("postgresql+psycopg://h/db", "postgresql+psycopg://h/db"),
        ("sqlite:////srv/posts.db", "sqlite:////srv/posts.db"),
        ("/srv/posts.db", "sqlite:////srv/posts.db"),
    ],
)
def test_databases(home: Path, user: Path, database: str, url: str) -> None:
    assert load(home, user, flags={"database": database}).database_url == url


@pytest.mark.parametrize(
    "database",
    [
        "host=db dbname=posts password=geheim",
        "dbname = posts",
        "u:geheim@h/db",
        "postgresql:/u:geheim@h/db",
        " mysql://u:geheim@h/db",
    ],
)
def test_what_is_meant_for_a_server_is_no_path_and_shows_no_password(
    home: Path, user: Path, database: str
) -> None:
    with pytest.raises(ConfigError, match="postgresql://") as caught:
        load(home, user, flags={"database": database})
    assert "geheim" not in str(caught.value)


def test_relative_paths_start_at_the_file_that_names_them(home: Path, user: Path) -> None:
    (user / "postkeep.toml").write_text("database = 'a.db'\n[cache]\ndirectory = 'c'\n")
    config = load(home, user)
    assert (config.database, config.cache.directory) == (str(user / "a.db"), user / "c")
    assert load(home, user, flags={"database": "a.db"}).database == str(Path("a.db").absolute())


def test_showing_hides_what_is_secret(home: Path, user: Path) -> None:
    environ = {
        "POSTKEEP_DATABASE": "postgresql://me:ge:h@im/x@host/db?password=geheim",
        "SENTRY_DSN": "https://geheim@sentry.example/1",
    }
    shown = {name: (value, origin) for name, value, origin in describe(load(home, user, environ=environ))}
    assert shown["database"] == ("postgresql://me:***@host/db?password=***", "environment POSTKEEP_DATABASE")
    assert shown["sentry_dsn"] == ("***", "environment SENTRY_DSN")
    assert shown["fetch.max_bytes"] == ("100 MiB", "default")
    assert shown["cache.directory"] == (str(home / "cache"), "default")
    assert list(shown) == [each.name for each in settings()]
    assert {name: value for name, value, _ in describe(load(home, user))}["sentry_dsn"] == ""


# --- the page, and start-up ---------------------------------------------------------------------


def test_the_page_names_every_key_variable_and_default(home: Path, user: Path) -> None:
    rows = {
        cells[1].strip(" `"): line
        for line in DOCS.read_text().splitlines()
        if len(cells := line.split("|")) > 4 and "`" in cells[1]
    }
    assert set(rows) == {each.name for each in settings()}
    shown = {name: value for name, value, _ in describe(load(home, user))}
    for each in settings():
        assert f"`{each.variable}`" in rows[each.name]
        if each.kind in (int, float, bool) or each.name in ("fetch.ports", "import.timezone"):
            assert f" {shown[each.name]} " in rows[each.name], each.name


def test_importing_reads_nothing_and_brings_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, builtins, os, io\n"
        "from pathlib import Path\n"
        "import postkeep.errors, typing, dataclasses, json, re\n"
        "Path.read_text = Path.open = Path.mkdir = None\n"
        "import postkeep.config, postkeep.log\n"
        "late = {'dotenv', 'tomllib', 'platformdirs', 'structlog', 'zoneinfo', 'difflib', 'sentry_sdk'}\n"
        "assert not late & set(sys.modules), late & set(sys.modules)\n"
        "print(sorted(os.listdir('.')))"
    )
    environ = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("home", "cache", "archive"),
    [
        ("home", "", "home/cache"),
        ("home", "", "home/cache/second"),
        ("home", "", "home"),
        ("home", "", "home/archive"),
        ("home", "", "."),
        ("home", "cache", "cache"),
        ("home", "cache", "cache/a"),
        ("home", "disk/cache", "disk"),
        ("home", "cache", "link/a"),
        ("home", "link", "cache"),
    ],
)
def test_an_archive_is_apart_from_what_it_is_the_second_copy_of(
    home: str, cache: str, archive: str, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "cache")
    flags = {"home": tmp_path / home, "archive.directory": tmp_path / archive}
    if cache:
        flags["cache.directory"] = tmp_path / cache
    with pytest.raises(ConfigError, match="is inside"):
        load_config(flags=flags, environ={}, user_folder=tmp_path / "user")
    flags["archive.directory"] = tmp_path / "cache-2"
    assert load_config(flags=flags, environ={}, user_folder=tmp_path / "user").archive.active == "directory"
