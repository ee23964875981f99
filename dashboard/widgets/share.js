// Copies the address of what is in view. The charts move on without the server: where they stand is asked of them.

function address() {
  const url = new URL(location.href);
  const live = [...document.querySelectorAll("[data-live]")].map((one) => one.live).find((one) => one?.data?.runs.length);
  if (!live) return url.href;
  if (live.at === null) url.searchParams.delete("at");
  else url.searchParams.set("at", live.at);
  const show = Object.entries(live.chosen).map(([name, value]) => `${name}.${Math.round(value)}`).join("-");
  if (show) url.searchParams.set("show", show);
  return url.href;
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true; }
  catch { // no permission, or a page without https
    const field = document.createElement("textarea");
    field.value = text; field.style.position = "fixed"; field.style.opacity = "0";
    document.body.append(field); field.select();
    const done = document.execCommand("copy"); field.remove();
    return done;
  }
}

export default function ({ parentElement }) {
  const root = parentElement.querySelector("[data-share]");
  const button = root.querySelector("button"), field = root.querySelector("input");
  button.onclick = async () => {
    const text = address(), done = await copy(text);
    field.hidden = done; field.value = text;
    if (!done) field.select();
    button.textContent = done ? "Link copied" : "Copy this:";
    clearTimeout(root.timer);
    if (done) root.timer = setTimeout(() => { button.textContent = "Copy link"; }, 2500);
  };
}
