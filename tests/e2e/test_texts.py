"""Texts of one's own, among them those that mean harm."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser

HOSTILE = """<script>window.harmed = 1</script><img src=x onerror="window.harmed = 1"><b class="harm">bold</b>
<style>body { display: none }</style><svg onload="window.harmed = 1"></svg> **bold** $x^2$ [a](javascript:alert(1))
"""


def upload(lab: Lab, name: str, data: bytes) -> None:
    """Drop a file into the form."""
    dropzone = lab.page.locator("[data-testid=stFileUploaderDropzoneInput]")
    if dropzone.count() == 0:
        lab.page.get_by_role("button", name="Upload a text").click()
    file = {"name": name, "mimeType": "text/plain", "buffer": data}
    dropzone.set_input_files(files=[file])


def test_markup_in_a_text_is_learned_and_shown_as_text(lab: Lab, server: Server) -> None:
    lab.open({"temperature": 0, "sample_length": 300, "hidden_size": 32})
    upload(lab, "<b class=harm>page.html", HOSTILE.encode() * 60)
    expect(lab.page.get_by_text("is chosen as the corpus")).to_be_visible()
    lab.page.keyboard.press("Escape")
    lab.train()
    lab.drawn("loss")
    assert server.run().config.task.corpus.startswith("upload:")
    sample = lab.panel("samples0")
    sample.scroll_into_view_if_needed()
    expect(sample.locator(".lv-primer").first).to_contain_text("<")  # a piece of the text, tags and all
    lab.drawn("gates0")
    harm = "() => [window.harmed ?? 0, document.querySelectorAll('.harm, [data-live] img, [data-live] script').length]"
    assert lab.page.evaluate(harm) == [0, 0]
    assert lab.page.locator("pre.lv-text *:not(span)").count() == 0


def test_what_is_no_text_is_refused_in_a_sentence(lab: Lab, server: Server) -> None:
    known = server.store.corpora()
    lab.open()
    for name, data, sentence in (
        ("photo.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 200, "binary data"),
        ("nothing.txt", b"", "an empty file"),
        ("umlauts.txt", "Grüße aus Köln. ".encode("latin-1") * 200, "must be UTF-8"),
        ("short.txt", b"to be", "at least"),
        ("same.txt", b"a" * 5000, "two distinct characters"),
    ):
        upload(lab, name, data)
        refusal = lab.page.get_by_test_id("stAlert").filter(has_text=sentence)
        expect(refusal).to_be_visible()
        expect(refusal).to_contain_text(name)
    assert server.store.corpora() == known
    assert "corpus" not in lab.query()


def test_two_texts_of_one_name_stay_apart(lab: Lab, server: Server) -> None:
    lab.open()
    known = len(server.store.corpora())
    for count, words in enumerate((b"the first of two texts. ", b"another one altogether! "), known + 1):
        upload(lab, "same-name.txt", words * 100)
        until(lambda count=count: len(server.store.corpora()) == count, "the text in the store")
        newest = server.store.corpora()[0].key
        lab.page.wait_for_function("key => new URL(location).searchParams.get('corpus') === key", arg=newest)
    lab.page.keyboard.press("Escape")
    for leaf in ("batch_size", "hidden_size"):  # each change sends the whole form
        lab.setting(leaf).fill("12")
        lab.setting(leaf).press("Tab")
        lab.page.wait_for_function("leaf => new URL(location).searchParams.get(leaf) === '12'", arg=leaf)
    lab.train()
    assert server.store.corpus(server.run().config.task.corpus)[1].startswith("another")
    assert server.run().config.task.corpus == newest
    lab.drawn("loss")
