// Saved views: this browser's own names for addresses with filters.
const KEY = "countermand.views";
const load = () => { try { return JSON.parse(localStorage.getItem(KEY) ?? "{}"); } catch { return {}; } };

export function views() {
  const spot = document.querySelector("[data-saved-views]");
  if (!spot) return;
  const saved = load(), here = location.pathname + location.search;
  for (const [name, address] of Object.entries(saved)) {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = `★ ${name}`;
    if (address === here) link.setAttribute("aria-current", "true");
    spot.append(link);
  }
  if (!location.search) return;
  const known = Object.entries(saved).find(([, address]) => address === here);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = known ? "Forget this view" : "Save this view";
  button.addEventListener("click", () => {
    if (known) delete saved[known[0]];
    else {
      const name = prompt("A name for this view")?.trim();
      if (!name) return;
      saved[name.slice(0, 40)] = here;
    }
    localStorage.setItem(KEY, JSON.stringify(saved));
    location.reload();
  });
  spot.append(button);
}
