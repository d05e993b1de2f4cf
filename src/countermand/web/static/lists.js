// Lists: j and k move, Enter opens, a click anywhere on a row opens it; wide screens show the task beside.
import { writeTimes } from "./times.js";

const rows = () => [...document.querySelectorAll("[data-list] [data-open]")];
export const current = () => document.querySelector("[data-list] [data-current]");

export function mark(row) {
  current()?.removeAttribute("data-current");
  row?.setAttribute("data-current", "");
}

export function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  mark(next);
  next.querySelector("a")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  openDetail(next);
}

export function open(row) {
  if (row) location.href = row.dataset.open;
}

export function lists() {
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-open]");
    if (!row || event.target.closest("button, input, select, textarea, summary, [target]") || getSelection().toString()) return;
    const link = event.target.closest("a");
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (split() && row.closest("[data-split]")) { event.preventDefault(); openDetail(row).then((shown) => shown || open(row), () => open(row)); return; }
    if (!link) open(row);
  });
}

const split = () => matchMedia("(min-width: 1500px)").matches && document.querySelector("[data-split]");

let wanted = "";
// The task of a row beside the list: the marked one, else the one shown before, else the first. Answers whether
// that worked; a newer wish counts as well.
export async function openDetail(row = current()) {
  const holder = split();
  if (!holder) return;
  row ??= wanted ? null : rows()[0];
  if (row) { mark(row); wanted = row.dataset.open; }
  const address = wanted;
  if (!address) return;
  const answer = await fetch(address);
  if (address !== wanted) return true;
  if (!answer.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const detail = holder.querySelector("[data-detail]");
  holder.setAttribute("data-open-detail", "");
  detail.replaceChildren(...page.querySelector("main").childNodes);
  detail.querySelectorAll("h1").forEach((title) => title.setAttribute("aria-level", "2"));
  writeTimes(detail);
  return true;
}
