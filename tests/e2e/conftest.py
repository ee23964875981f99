"""One server and one browser for all of these tests; a window, and an owner, for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from tests import browser as browsers
from tests.e2e.lab import Lab
from tests.e2e.server import Server

_REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()

expect.set_options(timeout=20_000)
"""What a page shows at once takes longer where trainings and a browser share two cores; who passes waits no longer."""

USUAL: ViewportSize = {"width": 1440, "height": 900}

OpenLab = Callable[..., Lab]
"""Opens one more window: ``same`` is a window whose browser, and so whose owner, it shares; ``outage`` says
that the server goes away, so that failed requests are no error; the rest goes to ``Browser.new_context``."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    item.stash.setdefault(_REPORTS, {})[report.when] = report
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of these tests."""
    with browsers.browser() as one:
        yield one


@pytest.fixture(scope="package")
def shared_profile(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser that has been here before: half the work of opening a page is compiling its scripts."""
    with browsers.profile(browser, tmp_path_factory.mktemp("profile"), USUAL) as one:
        yield one


@pytest.fixture
def profile(shared_profile: BrowserContext, server: Server) -> Iterator[BrowserContext]:
    """The shared profile, which knows nobody: no window, no cookie, nothing that a page keeps, no permission."""
    yield shared_profile
    first, *windows = shared_profile.pages  # the one that it began with keeps it alive
    for window in windows:
        window.close()
    shared_profile.clear_cookies()
    shared_profile.clear_permissions()
    session = shared_profile.new_cdp_session(first)
    kinds = "cookies,local_storage,indexeddb,service_workers,cache_storage"
    session.send("Storage.clearDataForOrigin", {"origin": server.url, "storageTypes": kinds})
    session.detach()


@pytest.fixture(scope="package")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all servers of this run of the tests, of other pytest processes too: counting a text takes seconds."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"


@pytest.fixture(scope="package")
def shared_server(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Server]:
    """The server that tests share which leave it alone."""
    one = Server(tmp_path_factory.mktemp("server"), shared_cache)
    yield one
    one.close()


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server, without any run."""
    yield shared_server
    shared_server.clear()


@pytest.fixture
def open_lab(
    browser: Browser, profile: BrowserContext, server: Server, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[OpenLab]:
    """Opens windows; in the end each must have been free of errors. A failed test leaves their pictures.

    The first is of the shared profile, those of other owners are each of a browser that was never here.
    """
    labs: list[Lab] = []
    contexts: list[BrowserContext] = []
    forgiven: list[Lab] = []

    def open_one(*, same: Lab | None = None, outage: bool = False, **options: Any) -> Lab:
        if same is not None:
            context = same.page.context
        elif not labs and options.keys() <= {"viewport"}:
            context = profile
        else:
            context = browser.new_context(**{"viewport": USUAL, **options})
            contexts.append(context)
        labs.append(Lab(context, server.url))
        labs[-1].page.set_viewport_size(options.get("viewport", USUAL))
        if outage:
            forgiven.append(labs[-1])
        return labs[-1]

    yield open_one
    call = request.node.stash.get(_REPORTS, {}).get("call")
    problems = [problem for lab in labs if lab not in forgiven for problem in lab.problems]
    if problems or (call is not None and call.failed):
        for index, lab in enumerate(labs):
            if lab.page.is_closed():
                continue
            picture = tmp_path / f"window-{index}.png"
            lab.page.screenshot(path=picture)
            print(f"window {index}: {picture}, {lab.page.url}")
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """A window on the live lab."""
    return open_lab()
