// The console's scripts: everything works without them; with them it is quicker and stays up to date.
import { keepTimes, tellZone } from "./times.js";
import { listen } from "./live.js";
import { keyboard } from "./keys.js";
import { lists, openDetail } from "./lists.js";
import { views } from "./views.js";

// A refused act leaves the address of the act: loading the page again should show the page.
if (document.body.dataset.here !== location.pathname + location.search) history.replaceState(null, "", document.body.dataset.here);
tellZone();
keepTimes();
lists();
keyboard();
listen();
views();

document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-act]")?.dataset.act;
  if (act === "reload") event.target.closest("[data-detail]") ? openDetail() : location.reload();
  if (act === "keys") document.getElementById("keys").showModal();
  const asked = event.target.closest("[data-confirm]");
  if (asked && !confirm(asked.dataset.confirm)) event.preventDefault();
});

document.addEventListener("toggle", async (event) => {
  const raw = event.target;
  if (!raw.matches?.("details.raw[open]") || raw.dataset.shown) return;
  raw.dataset.shown = "yes";
  const answer = await fetch(raw.dataset.raw + "?plain=1");
  const text = document.createElement("pre");
  text.tabIndex = 0;
  text.textContent = answer.ok ? await answer.text() : "It could not be loaded.";
  raw.append(text);
}, true);

document.addEventListener("submit", (event) => {
  // One press, one act: a second press while the first is on its way does nothing.
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  if (event.target.method === "post") event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
// Choosing many: the button says how many.
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-choose]");
  if (!form) return;
  const all = [...form.querySelectorAll(`input[name=${form.dataset.noun}]`)];
  if (event.target.matches("[data-choose-all]")) all.forEach((box) => { box.checked = event.target.checked; });
  const number = all.filter((box) => box.checked).length;
  const many = number === 1 ? `1 ${form.dataset.noun}` : `${number} ${form.dataset.noun}s`;
  for (const button of form.querySelectorAll("[data-count-label]")) {
    const label = button.querySelector("span");
    label.dataset.plain ??= label.textContent;
    label.textContent = number ? button.dataset.countLabel.replace("{n}", many) : label.dataset.plain;
    if (button.dataset.confirmLabel) button.dataset.confirm = button.dataset.confirmLabel.replace("{n}", many);
  }
});
if (matchMedia("(min-width: 1500px)").matches) openDetail();
