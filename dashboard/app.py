"""The server: ``streamlit run dashboard/app.py``. Streamlit's pages, the read-only live routes, the launcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from dashboard import services
from dashboard.live.route import routes
from dashboard.owner import OwnerCookie


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Start the launcher with the server, and end its workers with it."""
    await asyncio.to_thread(services.launcher)
    yield {}
    await asyncio.to_thread(services.stop)


app = st.App(
    Path(__file__).with_name("main.py"),
    lifespan=lifespan,
    routes=routes(services.store, str(st.get_option("server.baseUrlPath") or ""), services.notes),
    middleware=[Middleware(OwnerCookie)],
)
