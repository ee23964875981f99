// The one live component. It polls a read-only route and draws what comes back; it knows nothing of what
// the numbers mean. State lives on the element, so that being called again (each change of data) costs nothing.

const MISSED_LIMIT = 2;
const PACES = [1, 2, 4, 0.5]; // 1: the whole history in about fifteen seconds
const PATIENCE_MS = 20000; // after which a question counts as unanswered

function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  window.__livePlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { window.__livePlotly = undefined; reject(new Error("plotly.js did not load")); };
    document.head.appendChild(script);
  });
  return window.__livePlotly;
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text; // never as markup
  return element;
}

function themeOf(element) {
  const parts = getComputedStyle(element).getPropertyValue("--st-background-color").trim() || "#ffffff";
  const probe = make("span"); probe.style.color = parts; element.appendChild(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number); probe.remove();
  return 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
}

// All letters of a figure, larger: a copy with each font's size times the scale.
function enlarged(part, scale, font = false) {
  if (scale === 1 || part === null || typeof part !== "object" || ArrayBuffer.isView(part)) return part;
  if (Array.isArray(part)) return typeof part[0] === "object" ? part.map((one) => enlarged(one, scale)) : part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) =>
    [key, font && key === "size" ? (Array.isArray(value) ? value.map((one) => one * scale) : value * scale) : enlarged(value, scale, /font$/.test(key))]));
}

// Undo the server's byte levels: rows of true values.
function decodeLevels(trace) {
  if (!trace.meta?.levels || !trace.z?.bdata) return trace;
  const bytes = Uint8Array.from(atob(trace.z.bdata), (c) => c.charCodeAt(0));
  const [rows, columns] = trace.z.shape.split(",").map(Number);
  const scale = (trace.zmax - trace.zmin) / trace.meta.levels;
  trace.z = Array.from({ length: rows }, (_, r) =>
    Float32Array.from(bytes.subarray(r * columns, (r + 1) * columns), (v) => (v === trace.meta.blank ? NaN : trace.zmin + v * scale)));
  return trace;
}

class Live {
  constructor(root, data) {
    this.root = root;
    this.panels = new Map(); // id -> {spec, card, body, caption, tag, pending, visible, drawn}
    this.have = {};
    this.chosen = { ...data.chosen }; // parameter -> value
    this.at = null;
    this.timeline = [];
    this.missed = 0;
    this.speed = 1;
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const panel = [...this.panels.values()].find((one) => one.card === entry.target);
        if (panel) panel.visible = entry.isIntersecting;
      }
      this.schedule();
    }, { rootMargin: "120px" });
    this.sized = new ResizeObserver((entries) => {
      for (const entry of entries) { const panel = this.owner(entry.target); if (panel?.drawn) panel.resized = true; }
      this.schedule();
    });
    this.onVisible = () => { if (!document.hidden) this.poll(); };
    document.addEventListener("visibilitychange", this.onVisible);
    this.build();
    this.update(data);
  }

  owner(element) { return [...this.panels.values()].find((one) => one.body === element); }

  build() {
    this.root.classList.add("lv");
    this.notice = make("div", "lv-notice"); this.notice.setAttribute("role", "status"); this.notice.hidden = true;
    this.bar = make("div", "lv-bar");
    this.play = make("button", "lv-button", "▶"); this.play.title = "Play the run's history"; this.play.type = "button";
    this.play.setAttribute("aria-label", "Play the run's history");
    this.slider = make("input", "lv-slider"); this.slider.type = "range"; this.slider.min = 0; this.slider.step = 1;
    this.slider.setAttribute("aria-label", "Moment of the run's history");
    this.where = make("span", "lv-where");
    this.now = make("button", "lv-button lv-now", "Live"); this.now.type = "button";
    this.pace = make("button", "lv-button lv-pace", "1×"); this.pace.type = "button"; this.pace.title = "Playback speed";
    this.pace.setAttribute("aria-label", "Playback speed");
    this.bar.append(this.play, this.pace, this.slider, this.where, this.now);
    this.grid = make("div", "lv-grid");
    this.root.append(this.notice, this.grid);
    this.slider.oninput = () => { this.stopPlaying(); this.goto(Number(this.slider.value)); };
    this.slider.onchange = () => this.told();
    this.now.onclick = () => { this.stopPlaying(); this.goto(this.timeline.length); this.told(); };
    this.pace.onclick = () => { this.speed = PACES[(PACES.indexOf(this.speed) + 1) % PACES.length]; this.pace.textContent = this.speed + "×"; };
    this.play.onclick = () => { if (this.playing) { this.stopPlaying(); this.told(); } else this.startPlaying(); };
  }

  update(data) {
    const fresh = JSON.stringify([data.runs, data.panels]);
    const runs = JSON.stringify([data.runs, data.race]);
    const subject = JSON.stringify([runs, data.experiment, data.scale]);
    if (this.subject !== subject) { this.subject = subject; this.have = {}; this.statuses = undefined; }
    this.root.style.setProperty("--scale", data.scale);
    if (this.runs !== runs) { // other runs: nothing of what is drawn is true any more; an experiment's next result takes its place
      this.runs = runs; this.timeline = []; this.stopPlaying();
      this.at = data.at ?? null;
      this.showBar(); // hidden until their moments are known: pointed at before, it would only say "the present"
      for (const panel of this.panels.values()) { panel.tag = undefined; panel.pending = undefined; this.blank(panel); }
    }
    this.data = data;
    if (this.fresh !== fresh) { this.fresh = fresh; this.layout(); }
    loadPlotly(data.base + "/live/plotly.js?v=" + data.version).then(() => this.schedule(), () => this.say("The charts' library did not load; reload the page."));
    this.poll();
  }

  layout() {
    this.picks = new Set(this.data.panels.map((spec) => spec.pick?.param).filter(Boolean));
    const wanted = new Set(this.data.panels.map((spec) => spec.id));
    for (const [id, panel] of this.panels) if (!wanted.has(id)) this.remove(id, panel);
    for (const spec of this.data.panels) {
      let panel = this.panels.get(spec.id);
      if (panel && JSON.stringify([panel.spec.name, panel.spec.params]) !== JSON.stringify([spec.name, spec.params])) delete this.have[spec.id];
      if (!panel) { panel = this.add(spec); this.panels.set(spec.id, panel); }
      panel.spec = spec;
      panel.card.style.setProperty("--span", spec.span);
      if (panel.title) panel.title.textContent = spec.title;
      this.offer(panel);
      if (spec.height && spec.kind === "figure" && !panel.drawn) panel.body.style.height = spec.height + "px";
      this.grid.appendChild(panel.card);
      if (spec.id === this.data.bar) this.grid.appendChild(this.barCard());
    }
    if (!wanted.has(this.data.bar)) this.barHolder?.remove();
  }

  // What the reader may choose within a card; panels that share a parameter change together.
  offer(panel) {
    if (!panel.choices) return;
    const wanted = JSON.stringify(panel.spec.choices ?? []);
    if (panel.offered !== wanted) {
      panel.offered = wanted;
      panel.choices.replaceChildren(...(panel.spec.choices ?? []).map((choice) => {
        if (choice.slider) return this.scrubber(choice);
        const group = make("div", "lv-choice"); group.setAttribute("role", "group"); group.setAttribute("aria-label", choice.label);
        group.append(...choice.options.map(([label, value]) => {
          const button = make("button", "lv-option", label); button.type = "button"; button.dataset.param = choice.param; button.dataset.value = value;
          button.onclick = () => this.choose(choice.param, value);
          return button;
        }));
        return group;
      }));
    }
    for (const button of panel.choices.querySelectorAll(".lv-option"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.value) === (this.params(panel.spec)[button.dataset.param] ?? 0)));
    for (const input of panel.choices.querySelectorAll(".lv-scrub")) {
      const value = this.params(panel.spec)[input.dataset.param] ?? 0;
      const place = input.options.findIndex(([, one]) => one === value);
      if (document.activeElement !== input) input.value = Math.max(place, 0);
      input.nextElementSibling.textContent = input.options[Math.max(place, 0)][0];
      input.setAttribute("aria-valuetext", input.nextElementSibling.textContent);
    }
  }

  // A choice among many values in order.
  scrubber(choice) {
    const group = make("label", "lv-scrubber"); group.append(make("span", "lv-label", choice.label));
    const input = make("input", "lv-slider lv-scrub"); input.type = "range"; input.min = 0; input.max = choice.options.length - 1; input.step = 1;
    input.setAttribute("aria-label", choice.label); input.dataset.param = choice.param; input.options = choice.options;
    input.oninput = () => this.choose(choice.param, choice.options[Number(input.value)][1], true);
    input.onchange = () => this.toldChosen();
    group.append(input, make("span", "lv-where"));
    return group;
  }

  params(spec) {
    const chosen = (spec.choices ?? []).filter((choice) => choice.param in this.chosen && choice.options.some(([, value]) => value === this.chosen[choice.param]));
    const own = Object.keys(spec.params).concat(spec.pick ? [spec.pick.param] : []);
    const picked = own.filter((param) => param in this.chosen && this.picks.has(param));
    return { ...spec.params, ...Object.fromEntries(chosen.map((choice) => [choice.param, this.chosen[choice.param]])),
      ...Object.fromEntries(picked.map((param) => [param, this.chosen[param]])) };
  }

  choose(param, value, passing = false) {
    if (this.chosen[param] === value) return;
    this.chosen[param] = value;
    for (const panel of this.panels.values()) this.offer(panel);
    this.poll();
    if (!passing) this.toldChosen();
  }

  toldChosen() { this.data.keep("chosen", { ...this.chosen }); }

  // Pointing at a figure chooses a whole number: a unit, a step, a loss.
  listen(panel, plot) {
    const pick = panel.spec.pick;
    if (!pick || plot.listens) return;
    plot.listens = true;
    plot.on(pick.on === "hover" ? "plotly_hover" : "plotly_click", (event) => {
      const point = event.points[0];
      let value = point[pick.axis];
      if (pick.axis === "customdata" && Array.isArray(value)) value = value[0];
      if (value === null || value === undefined || value === "") return;
      const number = Math.round(Number(value)); // an axis of categories gives text
      if (number >= 0) this.choose(pick.param, number, pick.on === "hover");
    });
  }

  barCard() { if (!this.barHolder) { this.barHolder = make("div", "lv-holder"); this.barHolder.appendChild(this.bar); } return this.barHolder; }

  add(spec) {
    const card = make("section", "lv-card lv-" + spec.kind);
    card.dataset.panel = spec.id;
    const panel = { spec, card };
    if (spec.title) {
      const head = make("header", "lv-head");
      panel.title = make("h3", "lv-title", spec.title);
      panel.caption = make("p", "lv-caption");
      if (spec.about) { panel.title.title = spec.about; panel.title.classList.add("lv-about"); }
      head.append(panel.title, panel.caption); card.append(head);
      panel.choices = make("div", "lv-choices"); head.append(panel.choices);
    }
    if (spec.kind === "figure") (card.querySelector(".lv-head") ?? card).append(this.saver(panel));
    panel.body = make("div", "lv-body");
    card.append(panel.body);
    this.blank(panel);
    this.seen.observe(card);
    if (spec.kind === "figure") this.sized.observe(panel.body);
    return panel;
  }

  // A quiet menu: the figure as a picture, on the card's colour, named after its runs and its panel.
  saver(panel) {
    const menu = make("details", "lv-save"), opener = make("summary", "", "⤓");
    opener.title = "Download this figure"; opener.setAttribute("aria-label", "Download this figure");
    menu.append(opener, ...["png", "svg"].map((format) => {
      const button = make("button", "", format.toUpperCase()); button.type = "button";
      button.onclick = () => { menu.open = false; this.save(panel, format); };
      return button;
    }));
    return menu;
  }

  async save(panel, format) {
    for (const [index, plot] of (panel.plots ?? []).entries()) {
      const layout = { ...plot.layout, paper_bgcolor: getComputedStyle(panel.card).backgroundColor, autosize: false };
      const filename = [...(this.data.race || this.data.experiment ? [this.data.race || this.data.experiment] : this.data.runs), panel.spec.id, ...(panel.plots.length > 1 ? [index + 1] : [])].join("-");
      const size = { width: plot.clientWidth, height: plot.clientHeight, scale: format === "png" ? 3 : 1 };
      try { await window.Plotly.downloadImage({ data: plot.data, layout }, { format, filename, ...size }); }
      catch { this.say("The picture could not be made; try again."); return; }
    }
  }

  blank(panel) {
    this.purge(panel);
    panel.body.replaceChildren(make("div", "lv-skeleton"));
    panel.body.setAttribute("aria-busy", "true");
    if (panel.caption) panel.caption.textContent = "";
  }

  remove(id, panel) {
    this.seen.unobserve(panel.card); this.sized.unobserve(panel.body);
    this.purge(panel); this.point(panel, []);
    panel.card.remove(); this.panels.delete(id); delete this.have[id];
  }

  purge(panel) {
    for (const plot of panel.plots ?? []) window.Plotly?.purge(plot); // its listeners go with it
    for (const player of panel.players?.values() ?? []) this.hush(panel, player);
    panel.plots = []; panel.parts = []; panel.drawn = false;
  }

  async poll() {
    clearTimeout(this.timer);
    if (!this.root.isConnected || this.closed || !(this.data.runs.length || this.data.experiment)) return; // no runs: only load the library
    if (this.busy) { this.again = true; return; }
    if (document.hidden) return; // wakes up with visibilitychange
    this.busy = true; this.again = false;
    const asked = this.subject;
    const theme = themeOf(this.root);
    const panels = this.data.panels.map((spec) => ({ id: spec.id, name: spec.name, params: this.params(spec) }));
    const query = { runs: this.data.runs, panels, at: this.at, theme, have: this.have };
    if (this.data.race) query.race = this.data.race;
    if (this.data.experiment) query.experiment = this.data.experiment;
    try {
      const answer = await fetch(this.data.base + "/live", {
        method: "POST", body: JSON.stringify(query), headers: { "Content-Type": "application/json" },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const got = await answer.json();
      if (asked !== this.subject) { this.again = true; }
      else if (!answer.ok) { this.missed += 1; this.say(got.problem ?? "The server did not answer as expected."); }
      else { this.missed = 0; if (got.note) this.say(got.note); else this.notice.hidden = true; this.take(got); }
    } catch (error) {
      this.missed += 1;
      if (this.missed >= MISSED_LIMIT) this.say("Connection lost. The run goes on; trying again…");
    }
    this.busy = false;
    const wait = this.again ? 0 : this.data.ms * Math.min(2 ** Math.max(this.missed - 1, 0), 16) * (this.idle ? 3 : 1);
    this.timer = setTimeout(() => this.poll(), wait);
  }

  take(got) {
    if (got.template) { this.template = enlarged(got.template, this.data.scale); this.have.theme = got.theme; this.root.dataset.theme = got.theme; }
    if (got.timeline) { this.timeline = got.timeline; this.have.timeline = got.timelineTag; this.showBar(); }
    for (const [id, content] of Object.entries(got.panels)) {
      const panel = this.panels.get(id);
      if (!panel) continue;
      this.have[id] = content.tag;
      panel.pending = content;
    }
    const states = JSON.stringify(Object.fromEntries(Object.entries(got.status).map(([run, s]) => [run, s.state])));
    this.idle = !/queued|starting|running|waiting/.test(states);
    const known = this.statuses ?? JSON.stringify(this.data.known);
    if (known !== states) this.data.tell("status", states);
    this.statuses = states;
    this.schedule();
  }

  // One panel per animation frame: no frame is ever long. Figures wait until they are in sight; words do not, or
  // what is being read would move when a card above it grows at last.
  schedule() {
    if (this.frame || this.closed) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const ready = [...this.panels.values()].filter((one) => (one.visible || one.spec.kind !== "figure") && (one.parts?.length || one.pending || one.resized));
      const panel = ready.sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0))[0];
      if (!panel) return;
      panel.turn = (this.turns = (this.turns ?? 0) + 1);
      const figures = panel.parts?.length || panel.resized || panel.pending?.figure || panel.pending?.figures;
      if (figures && !window.Plotly) return; // comes back when the library is there
      if (panel.parts?.length) panel.parts.shift()();
      else if (panel.pending) this.draw(panel);
      else { panel.resized = false; panel.parts = panel.plots.map((plot) => () => { if (plot.offsetParent) window.Plotly.Plots.resize(plot); }); } // a page that is being left has no size
      this.schedule();
    });
  }

  draw(panel) {
    const content = panel.pending;
    panel.pending = undefined;
    panel.body.removeAttribute("aria-busy");
    if (content.failed) { this.blank(panel); panel.body.removeAttribute("aria-busy"); panel.body.replaceChildren(make("p", "lv-empty", content.failed)); }
    else if (content.figure) this.drawFigures(panel, [content.figure], 1);
    else if (content.figures) this.drawFigures(panel, content.figures, content.columns);
    else if (content.samples) this.drawSamples(panel, content);
    else if (content.metrics) this.drawMetrics(panel, content.metrics);
    else if (content.verdicts) this.drawVerdicts(panel, content.verdicts);
    else if (content.table) this.drawTable(panel, content.table);
    if (content.sounds?.length || panel.sounds) this.offerSounds(panel, content.sounds ?? []);
    if (content.caption !== undefined && panel.caption) panel.caption.textContent = content.caption;
  }

  // A card of one or several plots; each takes a frame of its own.
  drawFigures(panel, figures, columns) {
    const caption = figures[0].layout.meta?.caption ?? "";
    if (panel.caption) panel.caption.textContent = caption;
    panel.body.setAttribute("role", "img");
    panel.body.setAttribute("aria-label", (panel.spec.title + ". " + caption).trim());
    if (!panel.drawn) panel.body.replaceChildren();
    panel.plots ??= [];
    while (panel.plots.length > figures.length) { const plot = panel.plots.pop(); window.Plotly.purge(plot); plot.remove(); }
    while (panel.plots.length < figures.length) { const plot = make("div", "lv-plot"); panel.plots.push(plot); panel.body.append(plot); }
    panel.body.style.setProperty("--columns", columns);
    panel.body.style.height = "auto";
    panel.drawn = true;
    panel.resized = false;
    panel.parts = figures.map((figure, index) => () => this.drawFigure(panel, panel.plots[index], figure));
    panel.parts.shift()();
  }

  drawFigure(panel, plot, figure) {
    const layout = { ...enlarged(figure.layout, this.data.scale), template: this.template };
    const height = Math.round((layout.meta?.height ?? panel.spec.height) * (1 + (this.data.scale - 1) / 2)) + "px";
    if (plot.style.height !== height) plot.style.height = height;
    window.Plotly.react(plot, figure.data.map((trace) => enlarged(decodeLevels(trace), this.data.scale)), layout, {
      displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: false, displayModeBar: layout.meta?.bare ? false : "hover",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "pan2d"],
      toImageButtonOptions: { format: "svg", filename: panel.spec.id },
    });
    this.listen(panel, plot);
  }

  // What may be listened to: a button each. While one sounds, a line goes along the chart; what is new is heard next time.
  offerSounds(panel, sounds) {
    if (!panel.sounds) {
      panel.sounds = make("div", "lv-sounds"); panel.players = new Map();
      (panel.choices ?? panel.body).before(panel.sounds);
    }
    const wanted = new Set(sounds.map((one) => one.label));
    for (const [label, player] of panel.players) if (!wanted.has(label)) { this.hush(panel, player); player.button.remove(); panel.players.delete(label); }
    for (const sound of sounds) {
      let player = panel.players.get(sound.label);
      if (!player) {
        player = { button: make("button", "lv-button lv-play") }; player.button.type = "button";
        player.button.onclick = () => { if (player.audio) this.hush(panel, player); else this.listenTo(panel, player); };
        panel.players.set(sound.label, player); panel.sounds.append(player.button);
      }
      player.sound = sound;
      this.named(player);
    }
  }

  named(player) {
    const playing = Boolean(player.audio);
    player.button.textContent = (playing ? "■ " : "▶ ") + player.sound.label;
    player.button.setAttribute("aria-label", (playing ? "Stop: " : "Listen to: ") + player.sound.label);
    player.button.classList.toggle("lv-on", playing);
  }

  listenTo(panel, player) {
    for (const other of panel.players.values()) this.hush(panel, other);
    const { wav, begins, ends } = player.sound;
    const audio = (player.audio = new Audio("data:audio/wav;base64," + wav));
    this.named(player);
    const line = make("div", "lv-cursor"), plot = panel.plots[0];
    const follow = () => {
      if (player.audio !== audio) { line.remove(); return; }
      const frame = plot?._fullLayout;
      if (frame?.xaxis && audio.duration) {
        if (line.parentElement !== plot) plot.append(line);
        const x = frame.xaxis.l2p(begins + (ends - begins) * (audio.currentTime / audio.duration));
        line.hidden = x < 0 || x > frame.xaxis._length;
        line.style.transform = `translate(${frame._size.l + x}px, ${frame._size.t}px)`;
        line.style.height = frame._size.h + "px";
      }
      requestAnimationFrame(follow);
    };
    audio.onended = () => this.hush(panel, player);
    audio.play().then(follow, () => { this.hush(panel, player); this.say("The browser would not play the sound; check whether this page may make any."); });
  }

  hush(panel, player) {
    if (!player.audio) return;
    player.audio.pause(); player.audio = undefined;
    this.named(player);
  }

  drawSamples(panel, content) {
    if (!content.samples.length) { panel.body.replaceChildren(make("p", "lv-empty", content.empty)); return; }
    panel.nodes ??= new Map();
    const scroller = panel.body.querySelector(".lv-samples") ?? make("div", "lv-samples");
    const before = scroller.scrollHeight, top = scroller.scrollTop;
    const nodes = content.samples.map((item, index) => {
      const article = make("article", index ? "lv-sample" : "lv-sample lv-latest");
      article.append(make("div", "lv-step", "step " + item.step.toLocaleString("en")));
      const text = make("pre", "lv-text");
      text.append(make("span", "lv-primer", item.primer), make("span", "", item.text));
      article.append(text);
      return article;
    });
    scroller.replaceChildren(...nodes);
    if (!scroller.isConnected) panel.body.replaceChildren(scroller);
    scroller.tabIndex = 0;
    if (top > 4) scroller.scrollTop = top + scroller.scrollHeight - before; // keep what is being read in place
  }

  drawMetrics(panel, rows) {
    panel.body.replaceChildren(...rows.map((row) => {
      const line = make("div", "lv-metrics");
      if (rows.length > 1) { const who = make("div", "lv-who", row.label); who.dataset.cell = row.cell; line.append(who); }
      for (const item of row.items) {
        const box = make("div", "lv-metric");
        box.append(make("div", "lv-label", item.label), make("div", "lv-value", item.value), make("div", "lv-unit", item.unit));
        line.append(box);
      }
      const track = make("div", "lv-track"), fill = make("div", "lv-fill");
      fill.style.width = (100 * Math.min(1, row.progress)).toFixed(2) + "%";
      track.append(fill); line.append(track);
      return line;
    }));
  }

  // Rows of text; a cell may be {text, share, state}: a bar behind it, and what it is about.
  drawTable(panel, content) {
    if (!content.rows.length) { panel.body.replaceChildren(make("p", "lv-empty", content.empty)); return; }
    const holder = panel.body.querySelector(".lv-table") ?? make("div", "lv-table");
    const table = make("table"), head = make("tr");
    head.append(...content.columns.map((column, index) => { const cell = make("th", content.rows[0].cells[index]?.share === undefined ? "" : "lv-left", column.label); if (column.unit) cell.append(make("span", "lv-unit", column.unit)); return cell; }));
    const rows = content.rows.map((row) => {
      const line = make("tr", row.ahead ? "lv-ahead" : "");
      line.append(...row.cells.map((value, index) => {
        const cell = make(index ? "td" : "th", "", value.text ?? value);
        if (!index && row.colour) { const dot = make("span", "lv-key"); dot.style.background = row.colour; cell.prepend(dot); }
        if (value.share !== undefined) { cell.classList.add("lv-share"); cell.style.setProperty("--share", (100 * value.share).toFixed(1) + "%"); cell.dataset.state = value.state; }
        return cell;
      }));
      return line;
    });
    const thead = make("thead"), tbody = make("tbody"); thead.append(head); tbody.append(...rows); table.append(thead, tbody);
    holder.replaceChildren(table); holder.tabIndex = 0;
    if (!holder.isConnected) panel.body.replaceChildren(holder);
  }

  // Cards that a sentence is about stand out as long as it is there.
  point(panel, wanted) {
    if (!wanted.length && !panel.points) return;
    panel.points = wanted.length;
    for (const one of this.panels.values()) one.card.classList.toggle("lv-pointed", wanted.includes(one.spec.id));
  }

  drawVerdicts(panel, verdicts) {
    this.point(panel, verdicts.flatMap((one) => one.items.map((item) => item.points)).filter(Boolean));
    panel.body.setAttribute("aria-live", "polite");
    panel.body.replaceChildren(...verdicts.map((one) => {
      const line = make("div", "lv-verdict");
      if (one.label) line.append(make("span", "lv-who", one.label));
      const list = make("div", "lv-findings");
      line.append(list);
      for (const item of one.items) {
        const chip = make("span", "lv-finding lv-" + item.severity);
        chip.dataset.code = item.code;
        chip.append(make("span", "lv-dot"), make("span", "", item.text));
        if (item.page) { // where its evidence is shown
          const link = make("a", "lv-link", item.page.title); link.href = this.data.base + "/" + item.page.path + location.search;
          chip.append(link);
        }
        if (item.advice) chip.append(make("span", "lv-advice", "Try: " + item.advice));
        list.append(chip);
      }
      return line;
    }));
  }

  showBar() {
    const count = this.timeline.length;
    this.bar.classList.toggle("lv-off", count < 2);
    this.slider.max = count;
    if (this.at === null) this.slider.value = count;
    else { const place = this.timeline.findIndex((step) => step >= this.at); this.slider.value = place < 0 ? count : place; }
    const live = this.at === null;
    this.now.classList.toggle("lv-on", live);
    this.now.setAttribute("aria-pressed", String(live));
    this.where.textContent = live ? "the present" : "step " + this.at.toLocaleString("en");
    this.slider.setAttribute("aria-valuetext", this.where.textContent);
  }

  goto(place) {
    this.at = place >= this.timeline.length ? null : this.timeline[place];
    this.showBar();
    this.poll();
  }

  told() { this.data.keep("at", this.at); }

  startPlaying() {
    if (this.timeline.length < 2) return;
    let place = this.at === null ? 0 : Number(this.slider.value);
    this.play.textContent = "❙❙";
    this.playing = setInterval(() => {
      if (this.busy) return; // no faster than the answers come
      this.goto(place);
      place += Math.max(1, Math.round((this.speed * this.timeline.length) / 60));
      if (this.at === null) { this.stopPlaying(); this.told(); }
    }, this.speed < 1 ? 250 / this.speed : 250);
  }

  stopPlaying() { clearInterval(this.playing); this.playing = undefined; if (this.play) this.play.textContent = "▶"; }

  say(sentence) { this.notice.textContent = sentence; this.notice.hidden = false; }

  close() {
    this.closed = true;
    clearTimeout(this.timer); this.stopPlaying(); cancelAnimationFrame(this.frame);
    this.seen.disconnect(); this.sized.disconnect();
    document.removeEventListener("visibilitychange", this.onVisible);
    for (const panel of this.panels.values()) this.purge(panel);
  }
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const root = parentElement.querySelector("[data-live]");
  const wired = { ...data, tell: setTriggerValue, keep: setStateValue };
  if (root.live && !root.live.closed) root.live.update(wired);
  else root.live = new Live(root, wired);
  return () => { // runs when the element goes, and may run before a mere update: only close what is gone
    setTimeout(() => { if (!root.isConnected) root.live?.close(); }, 0);
  };
}
