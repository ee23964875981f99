"""The page as a reader sees it, in the words of the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Response, expect

IDLE = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
POLL_MS = 50
TRAINED_MS = 120_000
"""A thousand steps take half a minute where two trainings and two browsers share two cores."""
SMALL = {
    "hidden_size": 16,
    "embedding_size": 8,
    "sequence_length": 24,
    "batch_size": 8,
    "sample_length": 60,
    "steps": 1_000_000,
    "lr": 0.01,
}
"""Settings of a run that is fast, and long enough to be looked at."""


class Lab:
    """One browser window on the live lab; it notes whatever goes wrong in it."""

    def __init__(self, context: BrowserContext, url: str):
        self.url, self.problems, self.forgiven = url, list[str](), False
        self.page: Page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._note("page error", str(error)))
        self.page.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        self.page.on("response", self._answered)

    def _note(self, kind: str, text: str) -> None:
        self.problems.append(f"{kind}: {text}")

    def _said(self, said: ConsoleMessage) -> None:
        if said.type == "error" and not (self.forgiven and "404" in said.text):  # told by its answer
            self._note("console", said.text)

    def _failed(self, url: str, why: str) -> None:
        if why != "net::ERR_ABORTED":  # the page was left while it asked
            self._note("request failed", f"{url}: {why}")

    def _answered(self, response: Response) -> None:
        if self.forgiven and response.status == 404 and "/_stcore/" in response.url:
            return
        if response.status >= 400:
            self._note("answer", f"{response.status} from {response.url}")

    def open(self, settings: Mapping[str, object] | None = None, *, path: str = "/") -> None:
        """Go to the page, with settings in the address."""
        query = urlencode({**SMALL, **(settings or {})})
        self.go(f"{path}?{query}")

    def go(self, address: str) -> None:
        """Go to an address of the server as it is."""
        self.page.goto(self.url + address)
        self.idle()
        expect(self.page.locator("h1")).to_be_visible()

    def deep(self, address: str) -> None:
        """Go straight to one of the pages: Streamlit asks below its path first, where nothing is."""
        self.forgiven = True
        self.go(address)

    def idle(self) -> None:
        """Wait until the script has run."""
        self.page.wait_for_selector(IDLE)

    def train(self) -> None:
        """Press Train."""
        self.button("train").click()

    def start(self, settings: Mapping[str, object] | None = None) -> None:
        """Open the page, press Train, and wait for the first figures."""
        self.open(settings)
        self.train()
        self.drawn("loss")
        self.past(0)

    def button(self, key: str) -> Locator:
        """The button of a key."""
        return self.page.locator(f".st-key-{key} button").first

    def panel(self, name: str) -> Locator:
        """A card of the live page."""
        return self.page.locator(f"[data-panel={name}]")

    def drawn(self, *names: str) -> None:
        """Scroll to figures and wait until they are drawn with something in them."""
        for name in names:
            self.panel(name).scroll_into_view_if_needed()
            self.page.wait_for_function(
                "name => (document.querySelector(`[data-panel=${name}] .js-plotly-plot`)?._fullData?.length ?? 0) > 0",
                arg=name,
                polling=POLL_MS,
            )

    def of(self, name: str, expression: str, arg: Any = None) -> Any:
        """Evaluate with ``plot``, a figure's element, and ``arg``."""
        return self.page.evaluate(_with_plot(expression), [name, arg])

    def until(self, name: str, expression: str, arg: Any = None) -> None:
        """Wait for something to be true of ``plot``."""
        self.page.wait_for_function(_with_plot(expression), arg=[name, arg], polling=POLL_MS)

    def click_in(self, name: str, x: float, y: float) -> None:
        """Click into a figure, at fractions of its width and height, once nothing moves under the pointer."""
        area = self.panel(name).locator(".nsewdrag").first
        area.scroll_into_view_if_needed()
        box = area.bounding_box()
        assert box is not None
        area.click(position={"x": x * box["width"], "y": y * box["height"]})

    def step(self) -> int:
        """The training step that the page shows."""
        return int(self.panel("metrics").locator(".lv-value").first.inner_text().replace(",", ""))

    def metric(self, label: str, row: int = 0) -> str:
        """Value and unit of a number at the top of the page."""
        boxes = self.panel("metrics").locator(".lv-metrics").nth(row).locator(".lv-metric")
        box = boxes.filter(has=self.page.locator(".lv-label", has_text=label))
        return " ".join(box.locator(".lv-value, .lv-unit").all_inner_texts())

    def past(self, step: int) -> None:
        """Look at the numbers until they show a step beyond one."""
        self.panel("metrics").scroll_into_view_if_needed()
        self.page.wait_for_function(
            """step => Number((document.querySelector('[data-panel=metrics] .lv-value')?.textContent ?? '0')
                .replaceAll(',', '')) > step""",
            arg=step,
            polling=POLL_MS,
            timeout=TRAINED_MS,
        )

    def updates(self, count: int = 3) -> None:
        """Wait until the numbers have moved a few times."""
        for _ in range(count):
            self.past(self.step())

    def query(self) -> dict[str, str]:
        """The address bar's settings."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def choose(self, key: str, option: str) -> None:
        """Choose from a list by what it says."""
        self.page.locator(f".st-key-{key} input").click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def setting(self, leaf: str) -> Locator:
        """The input field of a setting in the form."""
        return self.page.locator(f".st-key-set_{leaf} input").first


def _with_plot(expression: str) -> str:
    return f"""([name, arg]) => {{
        const plot = document.querySelector(`[data-panel=${{name}}] .js-plotly-plot`);
        return plot && ({expression});
    }}"""
