"""Every command of the tree, and a way to call each."""

from __future__ import annotations

from collections.abc import Iterator

import click

from postkeep.cli.root import postkeep

MD5 = "0" * 32
UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"

# A call of each command that has `--json`, and the verb of the library it asks.
CALLS: dict[str, tuple[str, ...]] = {
    "import": ("import", "a.json"),
    "data import": ("data", "import", "a.json"),
    "data stats": ("data", "stats"),
    "posts list": ("posts", "list"),
    "posts show": ("posts", "show", "p-1"),
    "posts top": ("posts", "top"),
    "creators list": ("creators", "list"),
    "creators show": ("creators", "show", "instagram/jane"),
    "creators compare": ("creators", "compare", "instagram/jane", "john"),
    "creators update": ("creators", "update"),
    "report": ("report", "jane", "--html", "jane.html"),
    "metrics": ("metrics",),
    "posts gone": ("posts", "gone"),
    "posts note": ("posts", "note", "p-1", "quoted in March"),
    "erase post": ("erase", "post", "p-1", "--yes"),
    "erase profile": ("erase", "profile", "jane-doe", "--dry-run"),
    "posts delete": ("posts", "delete", "p-1", "--yes"),
    "profiles erase": ("profiles", "erase", "jane-doe", "--dry-run"),
    "erase finish": ("erase", "finish"),
    "erase list": ("erase", "list"),
    "erase readmit": ("erase", "readmit", "7123456789"),
    "profiles list": ("profiles", "list"),
    "profiles show": ("profiles", "show", "jane-doe"),
    "profiles add": ("profiles", "add", "https://www.linkedin.com/in/jane-doe/"),
    "profiles activate": ("profiles", "activate", "jane-doe"),
    "profiles deactivate": ("profiles", "deactivate", "jane-doe"),
    "profiles note": ("profiles", "note", "jane-doe", "met in Oslo"),
    "profiles import": ("profiles", "import", "people.csv"),
    "profiles export": ("profiles", "export", "people.csv"),
    "tags list": ("tags", "list"),
    "tags add": ("tags", "add", "aws"),
    "tags rename": ("tags", "rename", "aws", "cloud"),
    "tags remove": ("tags", "remove", "aws"),
    "tags put": ("tags", "put", "aws", "--profile", "jane-doe"),
    "tags take": ("tags", "take", "aws", "--post", "p-1"),
    "media list": ("media", "list"),
    "media download-all": ("media", "download-all"),
    "media fetch": ("media", "fetch", "https://media.example/1"),
    "media stats": ("media", "stats"),
    "media verify": ("media", "verify", MD5),
    "media verify-cache": ("media", "verify-cache"),
    "cache adopt": ("cache", "adopt", "."),
    "media backfill": ("media", "backfill"),
    "media failures": ("media", "failures"),
    "media retry": ("media", "retry", "--all-failed"),
    "media warm": ("media", "warm"),
    "media join": ("media", "join"),
    "media placeholders": ("media", "placeholders"),
    "media archive": ("media", "archive", "--all"),
    "archive status": ("archive", "status"),
    "archive failures": ("archive", "failures"),
    "archive verify": ("archive", "verify"),
    "archive restore": ("archive", "restore", "--all"),
    "archive url": ("archive", "url", "med-1"),
    "archive setup": ("archive", "setup"),
    "costs": ("costs",),
    "export": ("export", "posts", "posts.csv"),
    "hosts list": ("hosts", "list"),
    "hosts resume": ("hosts", "resume", "media.example"),
    "hold add": ("hold", "add", "p-1", "--reason", "a case"),
    "hold list": ("hold", "list"),
    "hold release": ("hold", "release", "hld-1"),
    "retention add": ("retention", "add", "old", "--older-than", "365d"),
    "retention list": ("retention", "list"),
    "retention remove": ("retention", "remove", "old"),
    "retention apply": ("retention", "apply", "--dry-run"),
    "runs list": ("runs", "list"),
    "runs show": ("runs", "show", "run-1"),
    "quarantine list": ("quarantine", "list"),
    "quarantine replay": ("quarantine", "replay"),
    "db upgrade": ("db", "upgrade"),
    "db findings": ("db", "findings"),
    "db verify": ("db", "verify"),
    "db allow": ("db", "allow", UUID),
    "db deny": ("db", "deny", UUID),
    "db allowed": ("db", "allowed"),
    "db backup": ("db", "backup", "copy.db"),
    "db copy": ("db", "copy", "--to", "copy.db"),
    "config show": ("config", "show"),
}


def tree(group: click.Group = postkeep, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Name and command of all commands and groups below one."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        full = f"{prefix}{name}"
        yield full, command
        if isinstance(command, click.Group):
            yield from tree(command, f"{full} ")


def leaves() -> dict[str, click.Command]:
    return {name: command for name, command in tree() if not isinstance(command, click.Group)}
