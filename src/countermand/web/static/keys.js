// Keyboard first: single keys, never while somebody types.
import { current, move, open } from "./lists.js";

const PLACES = { o: "/", n: "/needs-a-person", l: "/orders", w: "/sweeps", c: "/connections", r: "/rules", j: "/journal" };
let going = 0;

export function keyboard() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input:not([type=checkbox]), textarea, select, dialog")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (Date.now() - going < 1500 && PLACES[event.key]) { going = 0; location.href = PLACES[event.key]; event.preventDefault(); return; }
    const act = KEYS[event.key];
    if (act && act() !== false) event.preventDefault();
  });
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  Enter: () => (document.activeElement === document.body ? open(current()) : false),
  g: () => { going = Date.now(); },
  "/": () => document.querySelector(".find input").select() ?? document.querySelector(".find input").focus(),
  "?": () => document.getElementById("keys").showModal(),
  x: () => choose(),
  a: () => press("assign"),
  s: () => press("snooze"),
  r: () => press("done"),
};

// Chooses the marked task, for doing one thing with several.
function choose() {
  current()?.closest(".pick")?.querySelector("input").click();
}

// On a task's page the form is there; in a list the marked task's page is opened first.
function press(act) {
  const form = document.querySelector(`form[data-form="${act}"]`);
  if (form) {
    const text = form.querySelector("textarea[required], select");
    if (text) { text.focus(); return; }
    form.requestSubmit();
    return;
  }
  if (current()?.dataset.task) open(current());
}
