"use strict";
// Warns five minutes before the session ends, and says when it has ended. What
// is written on the page stays: nothing is reloaded and nobody is led away.
(() => {
  const guard = document.getElementById("session-guard");
  if (!guard || !guard.showModal) return;
  const early = 5 * 60;
  let idleEnds = 0;
  let longestEnds = 0;
  let timer = 0;
  let told = ""; // what has been said and closed

  const now = () => Date.now() / 1000;
  const ends = () => Math.min(idleEnds, longestEnds);
  const span = Number(guard.dataset.idle);
  const before = Math.min(early, span / 3); // for installations with a very short limit

  function know(left) {
    idleEnds = now() + left.idle;
    longestEnds = now() + left.longest;
  }

  function plan() {
    clearTimeout(timer);
    const left = ends() - now();
    const wait = left > before ? left - before : Math.max(left, 0) + 1;
    timer = setTimeout(look, Math.min(wait, 3600) * 1000);
  }

  function show(when) {
    if (told === when) return;
    for (const part of guard.children) part.hidden = part.dataset.when !== when;
    const part = guard.querySelector(`[data-when="${when}"]`);
    const title = part.querySelector("h2");
    for (const other of guard.querySelectorAll("h2")) other.removeAttribute("id");
    title.id = "session-title";
    const at = part.querySelector("[data-at]");
    if (at) {
      at.textContent = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Stockholm", hour: "2-digit", minute: "2-digit" })
        .format(new Date(ends() * 1000)).replace(":", ".");
    }
    if (guard.open) guard.close();
    guard.dataset.shown = when;
    guard.showModal();
  }

  function hide() {
    delete guard.dataset.shown;
    if (guard.open) guard.close();
  }

  // Another tab may have used the session, or ended it: ask before saying so.
  async function ask() {
    try {
      const answer = await fetch("/mina-inloggningar/tid", { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401) return "over";
      if (answer.ok) {
        const left = await answer.json();
        if (left.who !== guard.dataset.who) return "over"; // somebody else has signed in in this browser
        know(left);
      }
    } catch { /* no network: go by what was known */ }
    return ends() <= now() ? "over" : "";
  }

  async function look() {
    if (await ask() === "over") {
      show("over");
      timer = setTimeout(look, 60 * 1000); // somebody may sign in again in another tab
      return;
    }
    if (guard.dataset.shown === "over") told = "";
    if (ends() - now() <= before + 1) show(longestEnds <= idleEnds ? "longest" : "idle");
    else {
      told = "";
      hide();
    }
    plan();
  }

  guard.addEventListener("close", () => { told = guard.dataset.shown || ""; });
  for (const button of guard.querySelectorAll("[data-close]")) button.addEventListener("click", () => guard.close());

  guard.querySelector("[data-stay]").addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation(); // the page's guard against sending twice is for other forms
    try {
      const answer = await fetch("/mina-inloggningar/stanna", { method: "POST", headers: { Accept: "application/json" } });
      if (answer.status === 401) return show("over");
      if (answer.ok) {
        know(await answer.json());
        hide();
        told = "";
        plan();
        return;
      }
    } catch { /* no network: the dialog stays */ }
    look();
  });

  // A tab that slept has slow clocks.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    if (ends() - now() <= before) look();
    else plan();
  });
  know({ idle: span, longest: Number(guard.dataset.longest) });
  plan();
})();
