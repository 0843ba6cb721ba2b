// What the pages do beyond links and forms: live rows, keys, copying, choosing time. Without it they still work.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const body = document.body;
  const clockOffset = Number(body.dataset.now) / 1000 - Date.now();
  const now = () => Date.now() + clockOffset;

  // Ages, as the server writes them (SiteClock.Age), kept true while the page stays open.
  const age = (micros) => {
    const s = (now() - micros / 1000) / 1000;
    if (s < -1 || s >= 7 * 86400) return null;
    if (s < 1) return "now";
    if (s < 60) return `${Math.floor(s)} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    return s < 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
  };
  const runtime = (s) => {
    if (s < 1) return `${Math.max(0, Math.round(s * 1000))} ms`;
    if (s < 9.995) return `${s.toFixed(2)} s`;
    if (s < 59.95) return `${s.toFixed(1)} s`;
    const whole = Math.round(s), two = (n) => String(n).padStart(2, "0");
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    return whole < 86400 ? `${Math.floor(whole / 3600)} h ${two(Math.floor(whole % 3600 / 60))} min` : null;
  };
  const set = (element, text) => { if (text !== null && element.textContent !== text) element.textContent = text; };
  let exact = false;
  const tick = () => {
    if (document.hidden) return;
    for (const time of document.querySelectorAll("time[data-t]")) {
      const ago = "ago" in time.dataset || time.closest(".b-facts") ? " ago" : "";
      const words = age(Number(time.dataset.t));
      if (exact) set(time, time.title.slice(11, 23));
      else set(time, words && words !== "now" ? words + ago : words);
    }
    for (const span of document.querySelectorAll("[data-since]")) set(span, runtime((now() - Number(span.dataset.since) / 1000) / 1000));
    const pulse = $("#pulse");
    const last = pulse && Number(pulse.dataset.last);
    if (!last) return;
    const seconds = (now() - last / 1000) / 1000;
    const words = seconds < 9.95 ? `${Math.max(0, seconds).toFixed(1)} s ago` : `${age(last)} ago`;
    const word = $(".b-pulse-age", pulse);
    if (word && age(last)) set(word, words);
    if (seconds > 60 && !pulse.classList.contains("is-stale")) {
      pulse.classList.add("is-stale");
      const source = document.createElement("span");
      source.className = "b-pulse-source";
      source.textContent = pulse.dataset.source || "";
      pulse.append(source);
    }
  };
  setInterval(tick, 1000);

  // Live: one patch a second at most. A row under the pointer never moves: what is new waits behind the button.
  let stream = null, streamUrl = null, lastId = null;
  const waiting = new Map();
  const hovered = () => $("#rows:hover") || $("#rows .is-cursor") || window.scrollY > 160;
  const table = () => $("table[data-live]");
  const connect = () => {
    const place = $("[data-live]");
    const url = place && !document.hidden ? place.dataset.live : null;
    if (url === streamUrl && stream) return;
    stream?.close();
    stream = null;
    if (url !== streamUrl) waiting.clear();
    streamUrl = url;
    if (!url) return;
    stream = new EventSource(url);
    stream.addEventListener("pulse", (message) => {
      const pulse = $("#pulse"), said = JSON.parse(message.data);
      if (!pulse || !said.last) return;
      pulse.dataset.last = said.last;
      pulse.dataset.source = said.source || "";
      if (!said.stale && pulse.classList.contains("is-stale")) htmx.ajax("GET", body.dataset.root + "/pulse", { target: "#pulse", swap: "outerHTML" });
      if (pulse.classList.contains("is-none")) location.reload();
    });
    stream.addEventListener("rows", (message) => patch(JSON.parse(message.data)));
    stream.addEventListener("gap", () => location.reload());
    // An answer that is no stream, such as that of a proxy while the server starts anew, ends it for good: then it is begun again.
    stream.addEventListener("error", (event) => {
      if (event.target.readyState !== EventSource.CLOSED || event.target !== stream) return;
      stream = streamUrl = null;
      setTimeout(connect, 2000);
    });
  };
  const row = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };
  const patch = ({ rows, gone }) => {
    if (!table()) { if (rows.length) location.reload(); return; }
    const known = new Map([...$("#rows").children].map((tr) => [tr.dataset.key, tr]));
    const still = hovered();
    const oldest = Math.min(...[...known.values()].map((tr) => Number(tr.dataset.at)));
    const size = Number(table().dataset.size);
    for (const fresh of rows) {
      const old = known.get(fresh.key);
      if (old && (still || Number(old.dataset.at) === fresh.at)) replace(old, row(fresh.html));
      else if (old) { old.remove(); waiting.set(fresh.key, fresh); }
      else if (known.size < size || fresh.at > oldest) waiting.set(fresh.key, fresh);
    }
    for (const key of gone) {
      waiting.delete(key);
      if (!still) known.get(key)?.remove();
      else known.get(key)?.classList.add("is-gone");
    }
    if (still) announce();
    else flush();
  };
  const replace = (old, fresh) => {
    if (old.outerHTML === fresh.outerHTML) return;
    if (old.classList.contains("is-cursor")) fresh.classList.add("is-cursor");
    old.replaceWith(fresh);
    window.htmx?.process(fresh);
  };
  const flush = () => {
    const rows = $("#rows");
    if (!rows) return;
    for (const tr of rows.querySelectorAll(".is-gone")) tr.remove();
    for (const fresh of [...waiting.values()].sort((a, b) => a.at - b.at)) {
      const before = [...rows.children].find((tr) => Number(tr.dataset.at) <= fresh.at);
      rows.insertBefore(row(fresh.html), before || null);
    }
    waiting.clear();
    while (rows.children.length > Number(table()?.dataset.size || 50)) rows.lastElementChild.remove();
    if (rows.children.length) { table().hidden = false; $(".b-card > .b-none")?.remove(); }
    table()?.classList.toggle("is-mixed", new Set([...rows.children].map((tr) => tr.className.match(/is-[a-z]+/)?.[0])).size > 1);
    announce();
    tick();
  };
  const announce = () => {
    const button = $("#live"), span = button && $("span", button);
    if (!button) return;
    const count = Math.min(waiting.size, Number(table()?.dataset.size || 50));
    button.classList.toggle("has-new", count > 0);
    set(span, count === 0 ? "Live" : `${waiting.size > count ? count + "+" : count} new`);
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden) { stream?.close(); stream = null; streamUrl = null; } else { connect(); tick(); } });
  document.addEventListener("mouseleave", () => { if (waiting.size && !hovered()) flush(); });
  document.addEventListener("htmx:after:swap", connect);
  window.addEventListener("pagehide", () => stream?.close());

  document.addEventListener("click", (event) => {
    const live = event.target.closest("#live.has-new");
    if (live) { event.preventDefault(); event.stopImmediatePropagation(); window.scrollTo(0, 0); cursor(null); flush(); return; }
    const sheet = event.target.closest("[data-sheet]");
    if (sheet) { event.preventDefault(); filters(sheet.dataset.sheet === "open"); return; }
    const copy = event.target.closest("[data-copy]");
    if (copy) { copyFrom(copy); return; }
    for (const menu of document.querySelectorAll(".b-menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  }, true);
  const filters = (open) => document.documentElement.toggleAttribute("data-filters", open);

  const copyFrom = async (button) => {
    const from = button.dataset.copy === "previous" ? button.previousElementSibling : button.dataset.copy === "card" ? $(".b-code", button.closest(".b-card")) : $("[data-copy-root]");
    const folded = [...from.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
    const text = from.innerText;
    for (const details of folded) details.open = false;
    try { await navigator.clipboard.writeText(text); } catch { return; }
    const title = button.title;
    button.title = "Copied";
    const use = $("use", button), icon = use.getAttribute("href");
    use.setAttribute("href", icon.replace(/#.*/, "#run-completed"));
    setTimeout(() => { button.title = title; use.setAttribute("href", icon); }, 1200);
  };

  // Dragging over the histogram chooses time; a click chooses a bar.
  document.addEventListener("pointerdown", (event) => {
    const place = event.target.closest(".b-histogram");
    if (!place || event.button !== 0) return;
    const bars = $(".b-bars", place), box = bars.getBoundingClientRect(), count = Number(place.dataset.bars), view = bars.viewBox.baseVal;
    const at = (x) => Math.min(count - 1, Math.max(0, Math.floor((x - box.left) / box.width * count)));
    const first = at(event.clientX);
    let last = first;
    const shown = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    shown.setAttribute("class", "chosen");
    shown.setAttribute("height", view.height);
    bars.append(shown);
    const draw = () => {
      shown.setAttribute("x", Math.min(first, last) * view.width / count);
      shown.setAttribute("width", (Math.abs(last - first) + 1) * view.width / count);
    };
    draw();
    const move = (moved) => { last = at(moved.clientX); draw(); };
    place.addEventListener("pointermove", move);
    window.addEventListener("pointerup", () => {
      place.removeEventListener("pointermove", move);
      const from = Number(place.dataset.from), width = (Number(place.dataset.to) - from) / count;
      const address = new URL(location.href);
      for (const name of ["last", "cursor", "first", "trail"]) address.searchParams.delete(name);
      address.searchParams.set("from", new Date((from + Math.min(first, last) * width) / 1000).toISOString());
      address.searchParams.set("to", new Date((from + (Math.max(first, last) + 1) * width) / 1000).toISOString());
      location.assign(address);
    }, { once: true });
  });

  // Keys. A letter does nothing while a field has the focus.
  const rows = () => [...($("#rows")?.children || [])];
  const cursor = (tr) => {
    for (const other of rows()) other.classList.toggle("is-cursor", other === tr);
    tr?.scrollIntoView({ block: "nearest" });
    if (!tr && waiting.size && !hovered()) flush();
  };
  const step = (by) => {
    const all = rows(), at = all.findIndex((tr) => tr.classList.contains("is-cursor"));
    if (all.length) cursor(all[Math.min(all.length - 1, Math.max(0, at + by))]);
  };
  let prefix = false;
  const keys = {
    "/": () => { $("#q")?.focus(); $("#q")?.select(); },
    j: () => step(1), k: () => step(-1),
    o: () => $("#rows .is-cursor a")?.click(), Enter: () => $("#rows .is-cursor a")?.click(),
    l: () => $("#live")?.click(), f: () => filters(!document.documentElement.hasAttribute("data-filters")),
    t: () => { exact = !exact; tick(); },
    "[": () => $("#older")?.click(), "]": () => $("#newer")?.click(),
  };
  const pages = { l: "/log", w: "/workers", q: "/queues", h: "/health" };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { document.activeElement?.blur(); filters(false); cursor(null); for (const menu of document.querySelectorAll(".b-menu[open]")) menu.open = false; return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    if (prefix) { prefix = false; if (pages[event.key]) location.assign(body.dataset.root + pages[event.key]); return; }
    if (event.key === "g") { prefix = true; setTimeout(() => { prefix = false; }, 1000); return; }
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  // A request that failed says so in place.
  document.addEventListener("htmx:error", (event) => {
    const list = $("#list");
    if (!list || event.detail?.ctx?.sourceElement?.id === "pulse") return;
    $(".b-error", list)?.remove();
    const line = document.createElement("p"), again = document.createElement("a");
    line.className = "b-error";
    line.setAttribute("role", "alert");
    line.textContent = "The server did not answer. ";
    again.href = event.detail?.ctx?.request?.action || location.href;
    again.textContent = "Try again";
    line.append(again);
    list.prepend(line);
  });

  connect();
  tick();
})();
