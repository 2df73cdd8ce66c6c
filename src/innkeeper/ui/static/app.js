// Makes pages live. Without it everything still works: each form is sent as forms are.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

// What a part of a page needs after it arrived: the reader's own times, no spare buttons.
function dress(root) {
  for (const time of $$("time[datetime]", root)) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.getTime())) continue;
    time.textContent = (time.dataset.full === undefined ? hour : day).format(when);
    time.title = day.format(when);
  }
  for (const button of $$("[data-plain]", root)) button.hidden = true;
  for (const button of $$("[data-copy]", root)) button.hidden = !navigator.clipboard;
}

// Send a form without leaving the page. What it changes comes over the event stream; if
// there is none, or the answer is no, the browser sends the form itself.
async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const answer = await fetch(form.action, {
    method: "POST", body: new URLSearchParams(data), redirect: "manual",
  }).catch(() => null);
  if (answer && (answer.ok || answer.type === "opaqueredirect")) return true;
  form.dataset.live = "off";
  form.requestSubmit(submitter);
  return false;
}

let live = false;

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!live || form.dataset.live !== "") return;
  event.preventDefault();
  const text = $("textarea", form);
  if (text && !text.value.trim()) return;
  const sent = send(form, event.submitter);
  if (text && (await sent)) text.value = "";
});

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

function compose(form) {
  const text = $("textarea", form);
  const hints = $(".hints", form);
  const offers = $$("[data-command]", form);
  const suggest = () => {
    const typed = text.value.trimStart();
    const word = typed.split(/\s/, 1)[0];
    let some = false;
    for (const offer of offers) {
      offer.parentElement.hidden = !offer.dataset.command.startsWith(typed.startsWith("/") ? typed : "");
      some ||= !offer.parentElement.hidden;
    }
    if (hints) hints.open = word.startsWith("/") && some;
  };
  text.addEventListener("input", suggest);
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (hints) hints.open = false;
    form.requestSubmit();
  });
  for (const offer of offers) {
    offer.addEventListener("click", () => {
      text.value = `${offer.dataset.command} `;
      hints.open = false;
      text.focus();
    });
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
    message.classList.add("arrived");
    $(".log-inner", log).append(message);
  }
  if (focused) ($$(controls, message)[index] ?? message).focus({ preventScroll: true });
  return !old;
}

function listen(talk) {
  const log = $(".log", talk);
  const newer = $(".newer", talk);
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const toEnd = () => { log.scrollTop = log.scrollHeight; newer.hidden = true; };
  log.addEventListener("scroll", () => { if (atEnd()) newer.hidden = true; }, { passive: true });
  newer.addEventListener("click", () => { toEnd(); log.focus(); });
  toEnd();
  if (!talk.dataset.events) return;
  const events = new EventSource(talk.dataset.events);
  const offline = $(".offline", talk);
  events.addEventListener("open", () => { live = true; talk.dataset.live = ""; offline.hidden = true; });
  events.addEventListener("error", () => { live = false; offline.hidden = false; });
  events.addEventListener("message", (event) => {
    const follow = atEnd();
    const added = place(log, event.data);
    if (follow) toEnd();
    else if (added) newer.hidden = false;
  });
}

dress(document);
for (const form of $$("[data-composer]")) compose(form);
for (const talk of $$(".talk[data-events], .talk:has(.log)")) listen(talk);
