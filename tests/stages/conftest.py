"""The world of these tests as a fixture."""

from tests.library.world import here

__all__ = ["here"]
