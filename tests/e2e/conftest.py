"""One server and one browser for all of these tests; a window, and an owner, for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests import browser as browsers
from tests.e2e.lab import Lab
from tests.e2e.server import Server

_REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()

expect.set_options(timeout=20_000)
"""What a page shows at once takes longer where trainings and a browser share two cores; who passes waits no longer."""

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
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that tests share which leave it alone."""
    one = Server(tmp_path_factory.mktemp("server"))
    yield one
    one.close()


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server, without any run."""
    yield shared_server
    shared_server.clear()


@pytest.fixture
def open_lab(browser: Browser, server: Server, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenLab]:
    """Opens windows; in the end each must have been free of errors. A failed test leaves their pictures."""
    labs: list[Lab] = []
    contexts: list[BrowserContext] = []
    forgiven: list[Lab] = []

    def open_one(*, same: Lab | None = None, outage: bool = False, **options: Any) -> Lab:
        if same is None:
            contexts.append(browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options}))
        context = contexts[-1] if same is None else same.page.context
        labs.append(Lab(context, server.url))
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
