// The desk's text: characters coloured by their probability, and the distribution at the one pointed at. It knows
// nothing of what wrote them. Everything that a model or a reader wrote is set as text, never as markup.

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function percent(p) {
  if (p >= 0.9995) return "100%";
  if (p >= 0.0995) return (100 * p).toFixed(1) + "%";
  return p >= 0.0001 ? (100 * p).toFixed(2) + "%" : p > 0 ? "<0.01%" : "0%";
}

class Desk {
  constructor(root) {
    this.root = root;
    root.classList.add("dk");
    this.status = make("p", "dk-status"); this.status.setAttribute("role", "status");
    this.texts = make("div", "dk-texts");
    this.side = make("aside", "dk-side"); this.side.setAttribute("aria-live", "polite");
    this.key = make("div", "dk-key");
    const main = make("div", "dk-main"), left = make("div", "dk-left");
    left.append(this.texts, this.key); main.append(left, this.side);
    root.append(this.status, main);
    this.texts.addEventListener("mouseover", (event) => { if (!this.pinned) this.point(event.target); });
    this.texts.addEventListener("click", (event) => this.pin(event.target));
    this.texts.addEventListener("keydown", (event) => this.pressed(event));
  }

  update(data) {
    this.tell = data.tell;
    this.status.textContent = data.status ?? ""; this.status.hidden = !data.status;
    this.root.classList.toggle("dk-waits", Boolean(data.status));
    this.root.setAttribute("aria-busy", String(Boolean(data.status)));
    if (data.tag === this.tag) return; // only the status is new
    this.tag = data.tag; this.writing = data.writing;
    const before = this.at; this.unpin(); this.at = undefined;
    this.draw();
    if (this.writing) this.show(before && this.span(before) ? before : { text: 0, n: 0 });
  }

  draw() {
    const writing = this.writing;
    this.key.replaceChildren(); this.side.replaceChildren(); this.side.hidden = !writing;
    if (!writing) { this.texts.replaceChildren(make("div", "dk-skeleton")); return; }
    this.texts.classList.toggle("dk-two", writing.texts.length > 1);
    this.texts.replaceChildren(...writing.texts.map((text, index) => this.drawText(text, index)));
    this.key.append(make("span", "dk-quiet", "Probability that the model gave:"),
      ...writing.key.map(([label, level]) => make("span", "dk-swatch dk-l" + level, label)));
  }

  drawText(text, index) {
    const article = make("article", "dk-card"), head = make("header", "dk-head"), body = make("div", "dk-body");
    head.append(make("h3", "dk-title", text.label), make("p", "dk-quiet", text.caption));
    if (text.picked.length) head.append(this.takeBack(text, index));
    body.tabIndex = 0; body.setAttribute("role", "group");
    body.setAttribute("aria-label", "Text at " + text.label + ". Arrow keys go from character to character, Enter holds one.");
    body.append(make("span", "dk-primer", this.writing.primer));
    const picked = new Set(text.picked);
    text.chosen.forEach((id, n) => {
      const span = make("span", "dk-c dk-l" + text.level[n], this.inText(id));
      span.dataset.text = index; span.dataset.n = n;
      if (picked.has(n)) span.classList.add("dk-picked");
      if (n === this.writing.parting) span.classList.add("dk-parting");
      body.append(span);
    });
    article.append(head, body);
    return article;
  }

  takeBack(text, index) {
    const last = this.writing.glyphs[text.chosen[text.picked.at(-1)]];
    const button = make("button", "dk-back", `Take back “${last}”`); button.type = "button";
    button.onclick = () => this.tell("back", index);
    return button;
  }

  inText(id) {
    const character = this.writing.characters[id];
    if (character === "\n") return "↵\n";
    return character === " " || character === "\t" ? character : this.writing.glyphs[id];
  }

  span(at) { return this.texts.querySelector(`.dk-c[data-text="${at.text}"][data-n="${at.n}"]`); }

  placeOf(element) {
    const span = element.closest?.(".dk-c");
    return span ? { text: Number(span.dataset.text), n: Number(span.dataset.n) } : undefined;
  }

  point(element) { const place = this.placeOf(element); if (place) this.show(place); }

  pin(element) {
    const place = this.placeOf(element);
    const same = place && this.pinned && place.text === this.at.text && place.n === this.at.n;
    this.unpin();
    if (!place || same) return;
    this.show(place);
    this.pinned = true; this.span(place).classList.add("dk-pinned"); this.side.classList.add("dk-held");
  }

  unpin() {
    this.pinned = false; this.side.classList.remove("dk-held");
    this.texts.querySelector(".dk-pinned")?.classList.remove("dk-pinned");
  }

  pressed(event) {
    if (!this.at) return;
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move) {
      const place = { text: this.at.text, n: this.at.n + move };
      if (this.span(place)) { this.unpin(); this.show(place); }
    } else if (event.key === "Enter") { this.pin(this.span(this.at)); this.side.querySelector("button")?.focus(); }
    else if (event.key === "Escape") this.unpin();
    else return;
    event.preventDefault();
  }

  // The distribution at one character.
  show(place) {
    if (this.at) this.span(this.at)?.classList.remove("dk-here");
    this.at = place;
    this.span(place).classList.add("dk-here");
    const text = this.writing.texts[place.text], n = place.n, id = text.chosen[n];
    const head = make("div", "dk-side-head");
    head.append(make("span", "dk-glyph", this.writing.glyphs[id]));
    const words = make("div");
    words.append(make("div", "dk-odds", percent(text.p[n]) + " likely"),
      make("div", "dk-quiet", "character " + (n + 1) + ", " + text.label));
    head.append(words);
    const facts = make("dl", "dk-facts");
    for (const [name, value] of [
      ["surprise", (-Math.log2(Math.max(text.p[n], 1e-38))).toFixed(2) + " bits"],
      ["entropy", text.entropy[n].toFixed(2) + " bits"],
      ["drawn with", percent(text.drawn[n])],
    ]) facts.append(make("dt", "", name), make("dd", "", value));
    const ids = text.candidates[n].slice(), odds = text.odds[n].slice(), drawn = text.drawnOdds[n].slice();
    const rest = this.writing.characters.length - ids.length, restOdds = 1 - odds.reduce((sum, p) => sum + p, 0);
    if (!ids.includes(id)) { ids.push(id); odds.push(text.p[n]); drawn.push(text.drawn[n]); }
    const rows = ids.map((one, k) => this.row(one, odds[k], drawn[k], one === id, place));
    const list = make("div", "dk-rows"); list.append(...rows);
    this.side.replaceChildren(head, facts, list);
    if (rest > 0) this.side.append(make("p", "dk-quiet", `${rest.toLocaleString("en")} others: ${percent(Math.max(restOdds, 0))}`));
    this.side.append(make("p", "dk-quiet dk-hint", this.hint()));
  }

  hint() { return "Bars: the model. Outlines: what it was drawn with. Click a character to hold it, then one of these to put it there instead and let the model go on."; }

  row(id, odds, drawn, here, place) {
    const row = make("button", "dk-row"); row.type = "button";
    if (here) row.classList.add("dk-chosen");
    const track = make("span", "dk-track"), fill = make("span", "dk-fill"), edge = make("span", "dk-edge");
    fill.style.width = (100 * odds).toFixed(2) + "%"; edge.style.width = (100 * drawn).toFixed(2) + "%";
    track.append(fill, edge);
    row.append(make("span", "dk-mini", this.writing.glyphs[id]), track, make("span", "dk-number", percent(odds)));
    row.setAttribute("aria-label", `Put ${this.writing.glyphs[id]} here: ${percent(odds)}`);
    if (here) row.disabled = true;
    else row.onclick = () => this.tell("pick", { text: place.text, position: place.n, id });
    return row;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("[data-desk]");
  root.desk ??= new Desk(root);
  root.desk.update({ ...data, tell: setTriggerValue });
}
