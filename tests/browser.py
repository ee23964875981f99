"""A real browser for the tests: one that is installed, else the one that Playwright downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Playwright, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/opt/google/chrome/chrome",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "no browser was found, so the tests that need one cannot run: there is no {names} on the path or in the usual "
    "places, and Playwright has not downloaded its own ({own}). Install one: 'apt-get install chromium' on Debian "
    "and Ubuntu, or 'python -m playwright install --with-deps chromium'; to run the others meanwhile, "
    "pytest -m 'not browser'"
)


class NoBrowser(RuntimeError):
    """There is no browser on this machine; the message says how to get one."""


def installed() -> str | None:
    """The path of an installed Chromium or Chrome, None where there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return next((place for place in PLACES if os.access(place, os.X_OK)), None)


def executable(playwright: Playwright) -> str:
    """The browser to drive.

    Raises:
        NoBrowser: neither an installed one nor Playwright's own is there. Never a reason to skip.
    """
    if found := installed():
        return found
    own = playwright.chromium.executable_path
    if own and Path(own).exists():
        return own
    raise NoBrowser(MISSING.format(names=", ".join(NAMES), own=own or "it names none"))


def flags() -> list[str]:
    """What the browser is started with; without its sandbox only for root, who cannot have one."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if root else [])]


@contextmanager
def profile(one: Browser, folder: Path, viewport: ViewportSize) -> Iterator[BrowserContext]:
    """A second browser beside one, with a profile in a folder: it keeps the page's scripts as it compiled them."""
    kind = one.browser_type
    path = installed() or kind.executable_path
    context = kind.launch_persistent_context(folder, executable_path=path, args=flags(), viewport=viewport)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def browser(*more: str) -> Iterator[Browser]:
    """A browser without a window, started with ``flags`` and what is given; closed in the end."""
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=executable(playwright), args=[*flags(), *more])
        try:
            yield one
        finally:
            one.close()
