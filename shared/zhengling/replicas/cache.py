"""A bounded cache of values parsed from a replica."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")
_KEEP = 64


def keep(cache: OrderedDict[K, V], key: K, value: V) -> V:
    """Store and return the value; beyond the bound the oldest entry is evicted."""
    cache[key] = value
    if len(cache) > _KEEP:
        cache.popitem(last=False)
    return value
