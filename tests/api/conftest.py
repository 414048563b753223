"""The world of whole use cases as a fixture."""

from tests.library.world import here

__all__ = ["here"]
