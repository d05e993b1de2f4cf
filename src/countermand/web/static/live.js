// Live updates: one stream per page. Rows on screen change in place; new ones wait for a press, so that
// nothing moves under the reader's eyes.
import { writeTimes } from "./times.js";
import { mark, openDetail } from "./lists.js";

//: How long to wait before a stream that the browser gave up is asked for again, in milliseconds.
const SOONEST = 2000, LATEST = 30000;

let waiting = 0;
const loaded = Date.now();

export function listen() {
  const state = document.querySelector("[data-live-state]");
  if (!state || !window.EventSource) return;
  let source = null, patience = SOONEST, later = 0;
  const open = () => {
    clearTimeout(later);
    const mine = source = new EventSource("/live");
    source.addEventListener("open", () => { patience = SOONEST; say(state, true); });
    source.addEventListener("error", () => {
      say(state, false);
      // A browser tries again by itself when nobody answers, and gives up when a web server before us says 502.
      if (mine.readyState !== EventSource.CLOSED || mine !== source) return;
      later = setTimeout(open, patience);
      patience = Math.min(2 * patience, LATEST);
    });
    // What happened before the stream was open is not told by it: draw the page again if there was anything.
    source.addEventListener("pulse", (event) => { if (event.data !== document.body.dataset.pulse) refresh(); });
    source.addEventListener("news", (event) => take(JSON.parse(event.data)));
  };
  const close = () => { clearTimeout(later); source?.close(); source = null; };
  // A hidden page needs no stream: browsers allow only a few of them to one host.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close(); else if (!source) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted && !source) open(); });
  if (!document.hidden) open();
}

function say(state, on) {
  state.toggleAttribute("data-on", on);
  state.toggleAttribute("data-off", !on);
  state.textContent = on ? "Live" : "Not connected, trying again";
}

function take(news) {
  document.body.dataset.pulse = String(news.pulse);
  document.documentElement.dataset.newsAt = String(Date.now());
  counts(news);
  replace("order", news.orders ?? {});
  replace("task", news.tasks ?? {});
  for (const id of news.closed ?? []) document.querySelector(`[data-task="${id}"]`)?.classList.add("over");
  const order = document.querySelector("[data-live-order]")?.dataset.liveOrder;
  const task = document.querySelector("[data-live-task]")?.dataset.liveTask;
  const concerned = (order && order in (news.orders ?? {})) || (task && (task in (news.tasks ?? {}) || (news.closed ?? []).includes(Number(task))));
  if (document.querySelector("[data-live-all]")) refresh();
  else if (concerned) (document.querySelector("[data-detail]:not(:empty)") ? refreshDetail : refresh)();
}

// The task beside a list is drawn anew alone: the list's own rows have changed in place.
async function refreshDetail() {
  const detail = document.querySelector("[data-detail]");
  if (busyWith(detail)) { offerReload(detail); return; }
  const focused = detail.contains(document.activeElement) ? path(document.activeElement) : null;
  await openDetail();
  if (focused) detail.querySelector(focused)?.focus({ preventScroll: true });
}

// Whether somebody writes here, or has: what is typed or ticked and not sent yet must not be lost.
function busyWith(place) {
  const fields = [...place.querySelectorAll("textarea, input, select")];
  return place.querySelector(".more-acts[open]") || fields.some((field) => field === document.activeElement || touched(field));
}

function touched(field) {
  if (field.matches("[type=checkbox]")) return field.checked !== field.defaultChecked;
  if (!field.matches("select")) return field.value !== field.defaultValue;
  return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
}

function counts(news) {
  for (const spot of document.querySelectorAll("[data-live-count]")) {
    spot.textContent = (news.counts?.[spot.dataset.liveCount] ?? 0).toLocaleString("en-GB");
  }
  for (const spot of document.querySelectorAll("[data-live=open_tasks]")) {
    spot.textContent = news.open_tasks.toLocaleString("en-GB");
    if (spot.classList.contains("tally")) spot.hidden = news.open_tasks === 0;
  }
}

function replace(kind, rows) {
  const list = document.querySelector("[data-list]");
  if (!list) return;
  let unknown = 0;
  for (const [id, html] of Object.entries(rows)) {
    const old = list.querySelector(`[data-${kind}="${CSS.escape(id)}"]`);
    if (!old) { unknown += 1; continue; }
    const holder = document.createElement(kind === "order" ? "tbody" : "div");
    holder.innerHTML = html;
    const fresh = holder.firstElementChild;
    if (old.hasAttribute("data-current")) mark(fresh);
    fresh.classList.add("flash");
    const focused = old.contains(document.activeElement);
    old.replaceWith(fresh);
    writeTimes(fresh);
    if (focused) fresh.querySelector("a")?.focus();
  }
  const page = document.body.dataset.page;
  if (unknown && ((page === "orders" && kind === "order") || (page === "worklist" && kind === "task"))) offer(unknown);
}

function offer(number) {
  waiting += number;
  const spot = document.querySelector("[data-fresh]");
  if (!spot) return;
  spot.hidden = false;
  spot.firstElementChild.textContent = `Show ${waiting} new`;
}

let asked = 0, busy = false, again = false;
async function refresh() {
  // At most one reload at a time, and none while somebody writes or chooses.
  if (busy) { again = true; return; }
  const main = document.querySelector("main");
  if (busyWith(main)) { offerReload(main); return; }
  busy = true;
  const wait = Math.max(0, asked + 400 - Date.now());
  await new Promise((done) => setTimeout(done, wait));
  asked = Date.now();
  try {
    const answer = await fetch(document.body.dataset.here, { headers: { accept: "text/html" } });
    const page = answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    if (page) busyWith(main) ? offerReload(main) : put(page);
  } finally {
    busy = false;
    if (again) { again = false; refresh(); }
  }
}

function offerReload(place) {
  if (place.querySelector(":scope > .changed")) return;
  const note = document.createElement("p");
  note.className = "strip go changed";
  note.setAttribute("role", "status");
  note.innerHTML = '<span>Something new was seen while you write or choose.</span> <button type="button" class="button" data-act="reload">Load it</button>';
  place.prepend(note);
}

function put(page) {
  const main = document.querySelector("main"), fresh = page.querySelector("main");
  if (!main || !fresh) return;
  document.body.dataset.pulse = page.body.dataset.pulse;
  const open = [...main.querySelectorAll("details[open]")].map(name);
  const marked = main.querySelector("[data-current]")?.dataset.open;
  const focused = main.contains(document.activeElement) ? path(document.activeElement) : null;
  // What was just said stays for a moment, unless the page has news of its own.
  const said = fresh.querySelector(".strip.good, .strip.warn") || Date.now() - loaded > 6000 ? null : main.querySelector(".strip[role=status]");
  const told = main.querySelector("[role=alert]") ?? said;
  const at = [scrollX, scrollY];
  const beside = [...(main.querySelector("[data-detail]")?.childNodes ?? [])];
  main.replaceChildren(...fresh.childNodes);
  if (told) main.prepend(told);
  for (const each of main.querySelectorAll("details")) if (open.includes(name(each))) each.open = true;
  if (marked) mark(main.querySelector(`[data-open="${CSS.escape(marked)}"]`));
  if (focused) main.querySelector(focused)?.focus({ preventScroll: true });
  if (beside.length) showBeside(main, beside);
  writeTimes(main);
  scrollTo(...at);
}

// The task beside the list stays where it was, and is read again.
function showBeside(main, nodes) {
  main.querySelector("[data-detail]")?.replaceChildren(...nodes);
  main.querySelector("[data-split]")?.setAttribute("data-open-detail", "");
  openDetail();
}

const name = (details) => details.dataset.raw ?? details.querySelector("summary")?.textContent;

// Where an element stands, so that its successor on the page drawn anew can take its place.
function path(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.getAttribute("href")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  const form = element.closest("form[data-form]")?.dataset.form;
  return form ? `form[data-form="${form}"] button` : null;
}
