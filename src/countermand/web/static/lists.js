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
    if (split() && row.closest("[data-split]")) { event.preventDefault(); mark(row); openDetail(row); return; }
    if (!link) open(row);
  });
}

const split = () => matchMedia("(min-width: 1500px)").matches && document.querySelector("[data-split]");

let wanted = "";
export async function openDetail(row = rows()[0]) {
  const holder = split();
  if (!holder || !row) return;
  const detail = holder.querySelector("[data-detail]");
  mark(row);
  wanted = row.dataset.open;
  const answer = await fetch(wanted);
  if (!answer.ok || wanted !== row.dataset.open) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  holder.setAttribute("data-open-detail", "");
  detail.replaceChildren(...page.querySelector("main").childNodes);
  detail.querySelectorAll("h1").forEach((title) => title.setAttribute("aria-level", "2"));
  writeTimes(detail);
}
