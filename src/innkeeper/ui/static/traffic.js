// Makes the traffic live: what is new is fetched as this same page, and put on top.

import { $, $$, dress } from "./app.js";

const wire = $("#wire[data-events]");
const SHOWN = 100;
let fetching = false;
let again = false;

function swap(selector, fresh) {
  const old = $(selector, wire);
  const one = $(selector, fresh);
  if (old && one && !old.contains(document.activeElement)) old.replaceWith(one);
}

// Rows that stand already stay as they are: one may be open, and read.
function add(fresh) {
  const rows = $$(".wire > li", fresh).filter((row) => !document.getElementById(row.id));
  const list = $(".wire", wire);
  if (rows.length && !list) wire.querySelector("[aria-labelledby=requests]").replaceWith($("[aria-labelledby=requests]", fresh));
  for (const row of rows) row.classList.add("arrived");
  list?.prepend(...rows);
  for (const row of $$(".wire > li", wire).slice(SHOWN)) {
    if (!row.contains(document.activeElement) && !$("[open]", row)) row.remove();
  }
  return rows;
}

async function refresh() {
  again = fetching;
  if (fetching) return;
  fetching = true;
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = $("#wire", page);
    dress(fresh);
    const rows = add(fresh);
    swap("[data-deliveries]", fresh);
    swap("[data-count]", fresh);
    if (rows.length) {
      const newest = $(".wire-words code", rows[0]).textContent;
      $("[data-news]", wire).textContent =
        rows.length === 1 ? `New: ${newest}` : `${rows.length} new requests, the last: ${newest}`;
    }
  }
  fetching = false;
  if (again) refresh();
}

if (wire) {
  const events = new EventSource(wire.dataset.events);
  events.addEventListener("open", () => { wire.dataset.live = ""; });
  events.addEventListener("error", () => { delete wire.dataset.live; });
  events.addEventListener("traffic", refresh);
}
