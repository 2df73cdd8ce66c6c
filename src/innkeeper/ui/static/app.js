// What every page has: the reader's own times, copying, menus. All works without it, too.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

// What a part of a page needs after it arrived: the reader's own times, no spare buttons.
export function dress(root) {
  for (const time of $$("time[datetime]", root)) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.getTime())) continue;
    time.textContent = (time.dataset.full === undefined ? hour : day).format(when);
    time.title = day.format(when);
  }
  for (const button of $$("[data-plain]", root)) button.hidden = true;
  for (const button of $$("[data-copy]", root)) button.hidden = !navigator.clipboard;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form.card-select, form[data-auto]");
  if (form && event.target.value && event.target.checkValidity()) form.requestSubmit();
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = document.getElementById(copy.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    const words = copy.firstChild;
    words.textContent = "Copied";
    setTimeout(() => { words.textContent = "Copy"; }, 1500);
  }
  for (const menu of $$("details.who[open], details.hints[open], details.overflow[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && $("details.who[open], details.hints[open], details.overflow[open]");
  if (!menu) return;
  const inside = menu.contains(document.activeElement);
  menu.open = false;
  if (inside) $("summary", menu).focus();
});

dress(document);
