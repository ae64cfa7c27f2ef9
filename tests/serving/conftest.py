"""A server over a stand-in engine, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from serving_stand_ins import StubEngine

from streams.serving import Server, start_server
from streams.settings import Settings


@pytest.fixture
def engine() -> StubEngine:
    return StubEngine()


@pytest_asyncio.fixture
async def start(engine: StubEngine) -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """Starts a server over ``engine`` on a free loopback port."""
    servers: list[Server] = []

    async def run(**settings: Any) -> Server:
        servers.append(await start_server(Settings(http_port=0, **settings), engine, engine.build))
        return servers[-1]

    yield run
    for server in servers:
        await server.stop()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session:
        yield session
