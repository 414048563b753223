"""The table of platforms."""

from __future__ import annotations

import subprocess
import sys

import pytest

from postkeep.errors import NotFound, UnknownShape
from postkeep.platforms import PLATFORMS, load_platform, recognise


def test_naming_a_platform_imports_none() -> None:
    program = (
        "import sys, postkeep.platforms as p; assert 'linkedin' in p.PLATFORMS;"
        "print([n for n in sys.modules if n.startswith('postkeep.platforms.') or n == 'orjson'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"'friendster'.*linkedin"):
        load_platform("friendster")


def test_an_unknown_shape_tells_what_stood_there() -> None:
    platforms = [load_platform(name) for name in PLATFORMS]
    with pytest.raises(UnknownShape, match=r"keys alpha, beta$"):
        recognise({"beta": 1, "alpha": 2}, platforms)
    with pytest.raises(UnknownShape, match="null"):
        recognise(None, platforms)
    with pytest.raises(UnknownShape) as caught:
        recognise({f"{number:03}" + "k" * 500: 0 for number in range(500)}, platforms)
    assert "and 480 more" in caught.value.message
    assert len(caught.value.message) < 1000
