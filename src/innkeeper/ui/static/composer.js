// Sends the chat's forms without leaving the page, and offers commands while one types.

import { $, $$ } from "./app.js";

// Send a form without leaving the page. What it changes comes over the event stream; if
// there is none, or the answer is no, the browser sends the form itself.
async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const text = form.dataset.composer === undefined ? null : $("textarea", form);
  const typed = text?.value;
  if (text) text.value = "";
  const address = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  const answer = await fetch(address, {
    method: "POST", body: new URLSearchParams(data), redirect: "manual",
  }).catch(() => null);
  if (answer && (answer.ok || answer.type === "opaqueredirect")) {
    if (text) stopReplying(form);
    const editor = form.closest("details.card-edit");
    if (editor) editor.open = false;
    return;
  }
  if (text) text.value = typed;
  form.dataset.live = "off";
  form.requestSubmit(submitter);
}

// One message was the reply; the next one stands alone, also after a reload.
function stopReplying(form) {
  for (const part of $$("[name=reply_to], .thread", form)) part.remove();
  const here = new URL(location.href);
  here.searchParams.delete("reply_to");
  history.replaceState(null, "", here);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const live = form.closest(".talk")?.dataset.live === "";
  if (!live || form.dataset.live !== "") return;
  event.preventDefault();
  const blank = form.dataset.composer !== undefined && !$("textarea", form).value.trim();
  if (!blank) send(form, event.submitter);
});

// The commands that fit what is typed after a slash. Up and down walk through them, Enter or
// a click takes one, any other key goes on with the text.
function compose(form) {
  const text = $("textarea", form);
  const hints = $(".hints", form);
  const offers = $$("[data-command]", form);
  const said = $("[data-offered]", form);
  const fitting = () => offers.filter((offer) => !offer.parentElement.hidden);
  const suggest = () => {
    if (!hints) return;
    const typed = text.value.trimStart();
    for (const offer of offers) {
      offer.parentElement.hidden = !offer.dataset.command.startsWith(typed.startsWith("/") ? typed : "");
    }
    hints.open = typed.startsWith("/") && fitting().length > 0;
    said.textContent = hints.open ? `${fitting().length} commands fit; arrow keys choose` : "";
  };
  const walk = (event) => {
    const list = fitting();
    if (!hints?.open || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const down = event.key === "ArrowDown";
    const at = list.indexOf(document.activeElement);
    const next = at < 0 ? (down ? 0 : list.length - 1) : at + (down ? 1 : -1);
    (list[next] ?? text).focus();
  };
  text.addEventListener("input", suggest);
  text.addEventListener("keydown", (event) => {
    walk(event);
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (hints) hints.open = false;
    form.requestSubmit();
  });
  hints?.addEventListener("toggle", () => { if (!hints.open) said.textContent = ""; });
  hints?.addEventListener("keydown", (event) => {
    walk(event);
    if (event.key === "Escape" && hints.open) {
      event.stopPropagation();
      hints.open = false;
      text.focus();
    } else if (hints.open && (event.key.length === 1 || event.key === "Backspace") && event.key !== " ") {
      text.focus();
    }
  });
  form.addEventListener("focusout", (event) => {
    if (hints && event.relatedTarget !== text && !hints.contains(event.relatedTarget)) hints.open = false;
  });
  for (const offer of offers) {
    offer.addEventListener("click", (event) => {
      event.preventDefault();
      text.value = `${offer.dataset.command} `;
      hints.open = false;
      text.focus();
    });
  }
}

for (const form of $$("[data-composer]")) compose(form);
