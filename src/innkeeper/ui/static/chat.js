// Makes the chat live. Without it everything still works: each form is sent as forms are.

import { $, $$, dress } from "./app.js";
import "./composer.js";

const date = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

// A heading where a day begins, by the reader's own midnight.
const dayOf = (message) => new Date($("time", message)?.dateTime).toDateString();
function beginDay(message) {
  const heading = document.createElement("h2");
  heading.className = "day";
  heading.textContent = date.format(new Date($("time", message)?.dateTime));
  message.before(heading);
}
function divide(inner) {
  for (const heading of $$(".day", inner)) heading.remove();
  let before = "";
  for (const message of $$(".message", inner)) {
    if (dayOf(message) !== before) beginDay(message);
    before = dayOf(message);
  }
}

// Put a message where its older version stood, or at the end; keep focus and place.
function place(log, html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const message = holder.content.firstElementChild;
  if (!message) return false;
  const old = document.getElementById(message.id);
  if (old && Number(old.dataset.version) > Number(message.dataset.version)) return false;
  const focused = old?.contains(document.activeElement) ? document.activeElement : null;
  const controls = "button, select, a, summary, textarea, input:not([type=hidden])";
  const index = focused ? $$(controls, old).indexOf(focused) : -1;
  dress(holder.content);
  if (old) {
    old.replaceWith(message);
  } else {
    $("[data-empty]", log)?.remove();
    const last = $$(".message", log).at(-1);
    message.classList.add("arrived");
    $(".log-inner", log).append(message);
    if (!last || dayOf(last) !== dayOf(message)) beginDay(message);
  }
  const heir = $$(controls, message)[index];
  if (focused) (heir?.tagName === focused.tagName ? heir : message).focus({ preventScroll: true });
  return !old;
}

function listen(talk) {
  const log = $(".log", talk);
  const newer = $(".newer", talk);
  // The log's style lays it out from its end, where it scrolls to 0, and below 0 further up.
  const atEnd = () => log.scrollTop > -80;
  const toEnd = () => { log.scrollTop = 0; newer.hidden = true; };
  log.addEventListener("scroll", () => { if (atEnd()) newer.hidden = true; }, { passive: true });
  newer.addEventListener("click", () => { toEnd(); log.focus(); });
  divide($(".log-inner", log));
  if (!talk.dataset.events) return;
  const events = new EventSource(talk.dataset.events);
  const offline = $(".offline", talk);
  events.addEventListener("open", () => { talk.dataset.live = ""; offline.hidden = true; });
  events.addEventListener("error", () => { delete talk.dataset.live; offline.hidden = false; });
  events.addEventListener("message", (event) => {
    const follow = atEnd();
    const added = place(log, event.data);
    if (follow) toEnd();
    else if (added) newer.hidden = false;
  });
}

for (const talk of $$(".talk:has(.log)")) listen(talk);
