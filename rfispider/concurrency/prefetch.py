"""Fetch the next thing while one is dealt with."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

Item = TypeVar("Item")


async def ahead(found: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """The same items, none of them None, each fetched while the one before it is dealt with."""
    following = asyncio.ensure_future(anext(found, None))
    try:
        while (item := await following) is not None:
            following = asyncio.ensure_future(anext(found, None))
            yield item
    finally:
        following.cancel()
