// What every page gets beside its HTML. Everything works without it.
"use strict";

// The error summary, or what a page marks with data-focus, gets the focus.
const marked = document.querySelector("[data-focus]");
if (marked) {
  marked.focus();
}

// A link in the error summary leads to the field and its label together.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".error-summary a[href^='#']");
  if (!link) return;
  const field = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!field) return;
  event.preventDefault();
  const part = field.closest(".field") || field;
  part.scrollIntoView({ block: "start" });
  field.focus({ preventScroll: true });
});

// A form is sent once, however many times its button is pressed. The key in it
// makes a repeat harmless; this only spares the wait. Coming back by the back
// button makes it usable again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

// A deed on a long page brings one back to where one was.
const place = "scroll:" + location.pathname;
document.addEventListener("submit", (event) => {
  if (event.target.closest(".act, .filter")) sessionStorage.setItem(place, String(scrollY));
});
const kept = sessionStorage.getItem(place);
if (kept !== null) {
  sessionStorage.removeItem(place);
  if (!marked && !location.hash) scrollTo(0, Number(kept));
}

// Menus close by Escape and by a click beside them.
const menus = () => document.querySelectorAll("details.account[open], details.menu[open]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});

// A conversation opens at its end.
const log = document.getElementById("chat-log");
if (log) log.scrollTop = log.scrollHeight;
