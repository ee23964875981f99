"""Who started a run: a random cookie per browser, so that ownership outlives a refresh.

A link never carries it: whoever opens a shared link watches, and only the browser that started the run stops
or deletes it. This keeps a class from pressing each other's buttons; it is no sign-in.
"""

from __future__ import annotations

import hashlib
import secrets
from http.cookies import SimpleCookie
from typing import Any

import streamlit as st

COOKIE = "rnn_owner"
_YEAR = 365 * 24 * 3600


def owner() -> str:
    """The present session's owner; all browsers that refuse cookies are one and the same to us."""
    value = st.context.cookies.get(COOKIE, "")
    return hashlib.sha256(value.encode()).hexdigest()[:16] if value else "without-cookie"


class OwnerCookie:
    """ASGI middleware: gives a browser its cookie with the first page that it loads."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, adding a cookie to the answer where one is missing."""
        if scope["type"] != "http" or not _wants_cookie(scope):
            await self.app(scope, receive, send)
            return
        value = secrets.token_urlsafe(24)
        cookie = f"{COOKIE}={value}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax"

        async def with_cookie(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"set-cookie", cookie.encode())]}
            await send(message)

        await self.app(scope, receive, with_cookie)


def _wants_cookie(scope: Any) -> bool:
    headers = dict(scope["headers"])
    if b"text/html" not in headers.get(b"accept", b""):
        return False
    try:
        return COOKIE not in SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except ValueError:
        return True
