"""The sampling desk as a reader uses it: write, point, put a character, compare; and a desk process that is killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import psutil
import pytest
from playwright.sync_api import Locator, expect

from rnncore.config import RunConfig
from rnncore.training import Trainer
from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser

TEXT = "<b>bold</b> <script>document.title = 'taken over'</script> &amp; 5 < 7\n" * 120


@pytest.fixture
def run(server: Server) -> str:
    """A run on a text full of markup, a little trained, with one checkpoint."""
    corpus = server.store.put_corpus("markup.html", TEXT)
    config = RunConfig.of(corpus=corpus, hidden_size=32, batch_size=8, sequence_length=32, lr=0.02, steps=120)
    trainer = Trainer(config, TEXT)
    while trainer.step < 120:
        trainer.advance()
    made = server.store.create(config)
    server.store.set_state(made.id, "finished")
    server.store.save_checkpoint(made.id, 120, trainer.checkpoint().to_bytes())
    return made.id


def open_desk(lab: Lab, run: str, **question: object) -> None:
    """Follow a link to the desk and wait for the text."""
    lab.deep(f"/sampling-desk?run={run}" + (f"&write={quote(json.dumps(question))}" if question else ""))
    expect(characters(lab).first).to_be_visible(timeout=30_000)
    lab.idle()


def characters(lab: Lab, text: int = 0) -> Locator:
    return lab.page.locator(f".dk-c[data-text='{text}']")


def written(lab: Lab, text: int = 0) -> list[str]:
    """The characters of a text as they are shown."""
    return characters(lab, text).all_inner_texts()


def desk_processes(server: Server) -> list[psutil.Process]:
    return [one for one in server.process.children(recursive=True) if "rnncore.runs.desk" in " ".join(one.cmdline())]


def changes(lab: Lab, act: Callable[[], None]) -> list[str]:
    """What is written after something was done."""
    before = written(lab)
    act()
    lab.page.wait_for_function(
        """before => { const now = [...document.querySelectorAll(".dk-c[data-text='0']")].map((one) => one.innerText);
            return now.length && now.join("") !== before; }""",
        arg="".join(before),
    )
    lab.idle()
    return written(lab)


def test_a_reader_points_at_a_character_puts_another_there_and_finds_it_again_by_the_link(lab: Lab, run: str) -> None:
    open_desk(lab, run, length=120, temperature=1.5)
    side = lab.page.locator(".dk-side")
    free = written(lab)
    assert len(free) == 120
    assert "<" in free
    assert lab.page.title() != "taken over"

    characters(lab).nth(30).hover()
    expect(side).to_contain_text("character 31, temperature 1.5")
    expect(side).to_contain_text("entropy")
    characters(lab).nth(40).hover()
    expect(side).to_contain_text("character 41")

    characters(lab).nth(30).click()
    characters(lab).nth(50).hover()  # held: pointing elsewhere leaves it
    expect(side).to_contain_text("character 31")
    other = side.locator(".dk-row:not([disabled])").first
    letter = other.locator(".dk-mini").inner_text()
    changed = changes(lab, other.click)
    assert changed[:30] == free[:30]
    assert changed[30].strip("\n") == letter.replace("·", " ")
    assert changed[31:] != free[31:]
    expect(lab.page.locator(".dk-picked")).to_have_count(1)
    assert json.loads(lab.query()["write"])["picks"][0][:2] == [0, 30]

    lab.page.reload()
    expect(characters(lab).first).to_be_visible(timeout=30_000)
    assert written(lab) == changed
    assert changes(lab, lab.page.locator(".dk-back").click) == free

    lab.page.locator(".st-key-desk_temperature_2 input").fill("0.2")
    lab.page.locator(".st-key-desk_temperature_2 input").press("Tab")
    lab.idle()
    lab.button("desk_write").click()
    expect(characters(lab, 1).first).to_be_visible()
    one, two = written(lab, 0), written(lab, 1)
    first = next(n for n in range(120) if one[n] != two[n])
    for text in (0, 1):
        assert "dk-parting" in str(characters(lab, text).nth(first).get_attribute("class"))
    expect(lab.page.locator("body")).to_contain_text(f"part company at character {first + 1}")


def test_a_desk_that_is_killed_in_the_middle_is_replaced_and_a_refusal_is_a_sentence(
    lab: Lab, run: str, server: Server
) -> None:
    open_desk(lab, run, length=50, temperature=3)
    (desk,) = desk_processes(server)

    def kill_while_it_is_asked() -> None:
        desk.suspend()
        lab.page.locator(".st-key-desk_seed input").fill("8")
        lab.page.locator(".st-key-desk_seed input").press("Tab")
        lab.idle()
        lab.button("desk_write").click()
        expect(lab.page.locator(".dk-status")).to_be_visible()
        desk.kill()

    changes(lab, kill_while_it_is_asked)
    expect(lab.page.locator(".dk-status")).to_be_hidden()
    until(lambda: [one.pid for one in desk_processes(server)] not in ([], [desk.pid]), "another desk")

    lab.page.locator(".st-key-desk_primer textarea").fill("日本")
    lab.page.locator(".st-key-desk_primer textarea").press("Tab")
    lab.idle()
    lab.button("desk_write").click()
    expect(lab.page.get_by_role("alert")).to_contain_text("got '日本'; leave them out")
