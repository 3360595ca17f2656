"use strict";
// The chat page, alive: what is written is sent over a socket and resent with
// the same key until it is acknowledged; without a socket it goes as JSON. The
// protocol is chat/PROTOCOL.md. Without this script the form posts by itself.
(() => {
  const chat = document.querySelector(".chat[data-conversation]");
  if (!chat) return;
  const words = chat.dataset;
  const id = words.conversation;
  const log = document.getElementById("chat-log");
  const form = document.getElementById("chat-form");
  const input = document.getElementById("f-text");
  const stateLine = document.getElementById("chat-state");
  const typingLine = document.getElementById("chat-typing");
  const waitingLine = document.getElementById("chat-waiting"); // a coach's: since when somebody waits

  const have = new Set(); // numbers that are shown
  let last = Number(words.last); // all numbers up to it are shown
  let day = words.day;
  let seen = Number(words.read || 0); // how far the other side has read
  let told = 0; // how far we have said that we have read
  let socket = null;
  let live = false; // caught up on an open socket
  let asking = false; // a since is on its way
  let failures = 0;
  let again = 0; // timer of the next attempt
  let over = false; // signed out, or no chat for this account

  // What is written but not yet sent is kept for this tab only, and only until
  // the person signs out: others may use the same computer.
  const shelf = "chat/" + words.me + "/" + id;
  const waiting = new Map(); // key → {key, text, bubble, timer}

  function keep() {
    const kept = { draft: input.value, unsent: [...waiting.values()].map(({ key, text }) => ({ key, text })) };
    try {
      if (kept.draft || kept.unsent.length) sessionStorage.setItem(shelf, JSON.stringify(kept));
      else sessionStorage.removeItem(shelf);
    } catch { /* a browser without storage keeps nothing */ }
  }

  function takeUp() {
    let kept = {};
    try { kept = JSON.parse(sessionStorage.getItem(shelf)) || {}; } catch { /* nothing kept */ }
    if (kept.draft && !input.value) input.value = kept.draft;
    for (const { key, text } of kept.unsent || []) {
      if (!log.querySelector('[data-key="' + key + '"]')) queue(key, text);
    }
  }

  for (const leave of document.querySelectorAll('form[action="/logga-ut"]')) {
    leave.addEventListener("submit", () => {
      over = true;
      try {
        for (const name of Object.keys(sessionStorage)) if (name.startsWith("chat/")) sessionStorage.removeItem(name);
      } catch { /* no storage */ }
    });
  }

  // Showing

  const zone = { timeZone: "Europe/Stockholm" };
  const clock = new Intl.DateTimeFormat("sv-SE", { ...zone, hour: "2-digit", minute: "2-digit" });
  const date = new Intl.DateTimeFormat("sv-SE", { ...zone, year: "numeric", month: "2-digit", day: "2-digit" });
  const dayWords = new Intl.DateTimeFormat(words.lang === "en" ? "en-GB" : "sv-SE", { ...zone, weekday: "long", day: "numeric", month: "long" });

  function element(name, className, text) {
    const e = document.createElement(name);
    e.className = className;
    if (text !== undefined) e.textContent = text;
    return e;
  }

  function bubble(from, text, mine) {
    const b = element("article", mine ? "bubble mine" : "bubble");
    const head = element("p", "bubble-from", from + " ");
    head.append(document.createElement("time"), " ", element("span", "bubble-state"));
    b.append(head, element("p", "bubble-text", text));
    return b;
  }

  function settle(b, seq, at) {
    const when = new Date(at);
    b.id = "m" + seq;
    b.dataset.seq = seq;
    b.classList.remove("waiting", "refused");
    const time = b.querySelector("time");
    time.dateTime = at;
    time.textContent = clock.format(when).replace(":", ".");
    b.querySelector("button")?.remove();
  }

  // place puts a bubble where its number belongs: before what waits, and after
  // every lower number.
  function place(b, seq, at) {
    document.getElementById("chat-empty")?.remove();
    const end = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
    const next = [...log.querySelectorAll(".bubble")].find((o) => o !== b && (!o.dataset.seq || Number(o.dataset.seq) > seq));
    const today = date.format(new Date(at));
    if (!next?.dataset.seq && today !== day) {
      const line = element("p", "chat-day");
      line.append(element("span", "", dayWords.format(new Date(at)).replace(",", "")));
      log.insertBefore(line, next || (b.isConnected ? b : null));
      day = today;
    }
    if (!b.isConnected || b.nextElementSibling !== (next || null)) log.insertBefore(b, next || null);
    if (end || b.classList.contains("mine")) log.scrollTop = log.scrollHeight;
  }

  function note(seq) {
    have.add(seq);
    while (have.has(last + 1)) last++;
    if (seq > last) since();
    showMarks();
    readOn();
  }

  // answered keeps the coach's line true: what the coach has written answers, and
  // what the other side writes begins a new wait.
  function answered(mine, at) {
    if (!waitingLine) return;
    if (mine) waitingLine.textContent = "";
    else if (!waitingLine.textContent.trim()) waitingLine.textContent = words.waits + " " + clock.format(new Date(at)).replace(":", ".");
  }

  // showMarks says at the last of one's own messages whether it is sent or read.
  function showMarks() {
    let mark = "";
    for (const b of [...log.querySelectorAll(".bubble.mine[data-seq]")].reverse()) {
      let line = b.querySelector(".bubble-state");
      if (!line) {
        line = element("span", "bubble-state");
        b.querySelector(".bubble-from").append(" ", line);
      }
      const now = Number(b.dataset.seq) <= seen ? words.seen : words.sent;
      line.textContent = now === mark ? "" : "· " + now;
      mark = now;
    }
  }

  function say(text) {
    if (stateLine.textContent !== text) stateLine.textContent = text;
  }

  // Sending

  function newKey() {
    if (crypto.randomUUID) return crypto.randomUUID();
    return [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  }

  function queue(key, text) {
    const w = { key, text, bubble: bubble(words.you, text, true), timer: 0 };
    w.bubble.classList.add("waiting");
    w.bubble.dataset.key = key;
    w.bubble.querySelector(".bubble-state").textContent = words.sending;
    document.getElementById("chat-empty")?.remove();
    log.append(w.bubble);
    log.scrollTop = log.scrollHeight;
    waiting.set(key, w);
    return w;
  }

  function send(w) {
    clearTimeout(w.timer);
    w.bubble.classList.remove("refused");
    w.bubble.querySelector("button")?.remove();
    w.bubble.querySelector(".bubble-state").textContent = words.sending;
    if (live) {
      socket.send(JSON.stringify({ say: { in: id, key: w.key, text: w.text } }));
      w.timer = setTimeout(() => socket?.close(), 10000); // no word: the line is dead
    } else if (byHTTP()) {
      post(w);
    }
  }

  function sent(key, seq, at) {
    const w = waiting.get(key);
    if (!w) return false;
    clearTimeout(w.timer);
    waiting.delete(key);
    keep();
    answered(true);
    if (document.getElementById("m" + seq)) { // the page had it already
      w.bubble.remove();
      return true;
    }
    settle(w.bubble, seq, at);
    place(w.bubble, seq, at);
    note(seq);
    return true;
  }

  const passing = ["busy", "fault"]; // faults that another attempt may mend

  function refused({ key, code, text }) {
    const w = waiting.get(key);
    if (!w) {
      if (key === "" && passing.includes(code)) {
        asking = false;
        setTimeout(since, 3000);
      } else if (code === "not_found") {
        over = true;
        say(text);
      }
      return;
    }
    clearTimeout(w.timer);
    w.bubble.classList.add("refused");
    w.bubble.querySelector(".bubble-state").textContent = words.failed + " " + text;
    say(words.failed + " " + text);
    if (passing.includes(code)) {
      const button = element("button", "button quiet", words.again);
      button.type = "button";
      button.addEventListener("click", () => send(w));
      w.bubble.append(button);
    } else {
      waiting.delete(key); // it will never be taken as it is: give the words back
      if (!input.value) input.value = w.text;
      keep();
    }
  }

  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const text = input.value.trim();
    if (!text) return say(words.empty);
    if ([...text].length > 8000) return say(words.long);
    say("");
    const w = queue(newKey(), text);
    input.value = "";
    keep();
    send(w);
    input.focus();
  });

  let typed = 0;
  input.addEventListener("input", () => {
    keep();
    if (live && !words.quiet && Date.now() - typed > 3000) {
      typed = Date.now();
      socket.send(JSON.stringify({ typing: { in: id } }));
    }
  });
  input.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) form.requestSubmit();
  });

  function readOn() {
    if (live && !document.hidden && last > told) {
      told = last;
      socket.send(JSON.stringify({ read: { in: id, seq: last } }));
    }
  }

  // Receiving

  function since() {
    if (!socket || socket.readyState !== WebSocket.OPEN || asking) return;
    asking = true;
    socket.send(JSON.stringify({ since: { in: id, seq: last } }));
  }

  function message(m) {
    if (m.in !== id || m.seq <= last && !waiting.has(m.key) || have.has(m.seq)) return;
    if (sent(m.key, m.seq, m.at)) return;
    const mine = m.from.id === words.me;
    const b = bubble(mine ? words.you : m.from.name, m.text, mine);
    settle(b, m.seq, m.at);
    place(b, m.seq, m.at);
    if (!mine) typingLine.textContent = "";
    answered(mine, m.at);
    note(m.seq);
  }

  let typingEnds = 0;
  const take = {
    said: (f) => { if (f.in === id && !sent(f.key, f.seq, f.at)) note(f.seq); },
    message,
    caughtUp: (f) => {
      if (f.in !== id) return;
      asking = false;
      if (!live) {
        live = true;
        failures = 0;
        if (stateLine.textContent === words.offline) say(words.online);
        for (const w of waiting.values()) send(w);
      }
      readOn();
    },
    read: (f) => {
      if (f.in !== id || f.by === words.me) return;
      seen = Math.max(seen, f.seq);
      showMarks();
    },
    typing: (f) => {
      if (f.in !== id || f.by === words.me) return;
      typingLine.textContent = words.types;
      clearTimeout(typingEnds);
      typingEnds = setTimeout(() => { typingLine.textContent = ""; }, 5000);
    },
    refused,
  };

  // The connection

  function connect() {
    clearTimeout(again);
    if (over || socket) return;
    const s = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws", "halsocoach.v1");
    socket = s;
    s.onopen = since;
    s.onmessage = (e) => {
      const f = JSON.parse(e.data);
      for (const kind of Object.keys(f)) take[kind]?.(f[kind]);
    };
    s.onclose = (e) => {
      socket = null;
      live = asking = false;
      for (const w of waiting.values()) clearTimeout(w.timer);
      if (e.code === 4401) return signedOut();
      if (e.code === 4403) { over = true; return; }
      later(e.code === 4429 ? 30000 : 0);
    };
  }

  function later(atLeast) {
    failures++;
    if (failures === 2 || waiting.size) say(words.offline);
    const wait = Math.max(atLeast, Math.min(30000, 500 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2));
    clearTimeout(again);
    again = setTimeout(connect, wait);
    if (byHTTP()) poll();
  }

  function signedOut() {
    over = true;
    say(words.signin + " ");
    const link = element("a", "", words.login);
    link.href = "/logga-in?next=" + encodeURIComponent("/chatt/" + id);
    stateLine.append(link);
  }

  // Where sockets are blocked, the same goes as JSON.
  function byHTTP() { return failures >= 3 && !live && !over; }

  const address = "/api/v1/conversations/" + encodeURIComponent(id) + "/messages";

  async function ask(path, options) {
    const res = await fetch(path, { headers: { Accept: "application/json", "Content-Type": "application/json" }, ...options });
    if (res.status === 401) signedOut();
    return { ok: res.ok, body: res.status === 204 ? null : await res.json() };
  }

  async function post(w) {
    try {
      const { ok, body } = await ask(address, { method: "POST", body: JSON.stringify({ key: w.key, text: w.text }) });
      if (ok) sent(w.key, body.seq, body.at);
      else if (!over) refused({ key: w.key, code: body.code || (body.status >= 500 ? "fault" : "no"), text: body.detail });
    } catch { /* no contact: the next attempt sends it */ }
  }

  let polling = false;
  async function poll() {
    if (polling || document.hidden) return;
    polling = true;
    try {
      for (let next = last; next !== undefined;) {
        const { ok, body } = await ask(address + "?since=" + next);
        if (!ok) break;
        for (const m of body.items) message({ in: id, ...m });
        next = body.next;
      }
      say("");
      for (const w of [...waiting.values()]) if (byHTTP() && !w.bubble.classList.contains("refused")) await post(w);
    } catch {
      say(words.offline);
    }
    polling = false;
  }
  setInterval(() => { if (byHTTP()) poll(); }, 5000);

  addEventListener("online", () => { failures = 0; connect(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    connect();
    readOn();
  });

  log.scrollTop = log.scrollHeight;
  showMarks();
  takeUp();
  connect();
})();
