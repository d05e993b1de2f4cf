// Relative times with the exact one on hover, in the viewer's zone.
const UNITS = [[86400 * 365, "y"], [86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const EXACT = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export function span(moment, now = Date.now()) {
  const size = Math.max(1, Math.round(Math.abs(now - moment) / 1000));
  const [unit, name] = UNITS.find(([unit]) => size >= unit);
  return `${Math.floor(size / unit)} ${name}`;
}

export function words(moment, now = Date.now()) {
  if (Math.abs(now - moment) < 5000) return "just now";
  return now > moment ? `${span(moment, now)} ago` : `in ${span(moment, now)}`;
}

export function writeTimes(root = document) {
  for (const tag of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(tag.dateTime);
    if (!tag.dataset.done) { tag.title = EXACT.format(moment); tag.dataset.done = "yes"; }
    const style = tag.dataset.style;
    const text = style === "short" ? SHORT.format(moment) : style === "age" ? span(moment) : words(moment);
    if (tag.textContent !== text) tag.textContent = text;
  }
}

export function keepTimes() {
  writeTimes();
  setInterval(() => { if (!document.hidden) writeTimes(); }, 1000);
}

export function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `countermand_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
}
