"""Which tests share what is dear to make, so that one process of several makes it once for all of them."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# What these paths begin with needs one S3 server, one undisturbed run of each kind, one import of everything
# hostile, one grown database, one predecessor's database. Such groups begin before all other tests.
_TOGETHER = {
    "tests/archive/": "archive",
    "tests/benchmarks/test_archive.py": "archive",
    "tests/crash/": "crash",
    "tests/hostile/test_addresses.py": "addresses",
    "tests/hostile/test_answers.py": "answers",
    "tests/store/test_plans.py": "plans",
    "tests/adoption/test_adoption.py": "adoption",
}


class Sharing(LoadScopeScheduling):
    """Gives out tests one by one, and those that share something to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for path, name in _TOGETHER.items() if nodeid.startswith(path)), nodeid)
