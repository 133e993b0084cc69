// Keeps a page fresh. Listens to the shop's feed; when something happened the server draws the page anew and the part
// marked data-live is put in place of the old one. Without the feed it asks every three seconds; without script the
// page is complete as it stands. What is no happening of the feed (a file being made) names its own pace in data-pace
// and is drawn at that pace for as long as it does.

const SILENT_AFTER = 15000;
const ASK_EVERY = 3000;
const LISTEN_AGAIN_AFTER = 30000;
const ERRORS_ENDURED = 3;

let lastSign = Date.now();
let errors = 0;
let asking = null;
let drawing = false;
let again = false;
let seen = document.querySelector("[data-live]")?.dataset.after ?? "";

function sign(time) {
  lastSign = Date.now();
  errors = 0;
  const silent = document.querySelector("[data-live-silent]");
  if (silent) silent.hidden = true;
  const label = document.querySelector("[data-live-time]");
  if (label && time) {
    label.textContent = label.dataset.words.replace("{time}", time);
    label.classList.remove("live--off");
  }
}

function clock() {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "Asia/Shanghai" }).format(new Date());
}

// Two things at once are one drawing; what happens meanwhile asks for another.
async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  try {
    do {
      again = false;
      await replace();
    } while (again);
  } finally {
    drawing = false;
  }
}

async function replace() {
  let answer;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  } catch {
    return; // No network: the silence itself is shown.
  }
  if (answer.redirected) {
    location.reload(); // Signed out meanwhile: the sign-in page says so better than a stale figure.
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
  const old = document.querySelector("[data-live]");
  if (!fresh || !old) return;
  const held = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const newest = firstRow(fresh);
  const before = firstRow(old);
  seen = fresh.dataset.after ?? "";
  old.replaceWith(fresh);
  if (held) fresh.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
  if (newest && newest !== before) say(newest);
  document.dispatchEvent(new CustomEvent("live:drawn"));
  sign(clock());
}

function firstRow(part) {
  return part.querySelector(".rows .row")?.innerText?.replace(/\s+/g, " ").trim() ?? "";
}

function say(words) {
  const status = document.querySelector("[data-live-say]");
  if (status) status.textContent = words;
}

function listen() {
  const feed = new EventSource(`/events?after=${encodeURIComponent(seen)}`, { withCredentials: true });
  feed.onopen = () => {
    clearInterval(asking);
    asking = null;
    sign(clock());
  };
  feed.addEventListener("beat", (event) => sign(event.data));
  feed.onmessage = (event) => {
    sign(clock());
    if (Number(event.lastEventId) > Number(seen)) draw();
  };
  feed.onerror = () => {
    errors += 1;
    if (feed.readyState !== EventSource.CLOSED && errors < ERRORS_ENDURED) return;
    feed.close();
    asking ??= setInterval(draw, ASK_EVERY);
    setTimeout(listen, LISTEN_AGAIN_AFTER);
  };
  addEventListener("pagehide", () => feed.close(), { once: true });
}

if (seen !== "" && "EventSource" in window) {
  listen();
  setInterval(() => {
    if (Date.now() - lastSign < SILENT_AFTER) return;
    const silent = document.querySelector("[data-live-silent]");
    if (silent) silent.hidden = false;
    document.querySelector("[data-live-time]")?.classList.add("live--off");
  }, 1000);
  // A page brought back by the browser's arrow is old: draw it anew and listen again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    draw();
    listen();
  });
} else if (seen !== "") {
  setInterval(draw, ASK_EVERY);
}

const pace = Number(document.querySelector("[data-live]")?.dataset.pace);
if (pace) {
  const drawn = setInterval(() => {
    if (document.querySelector("[data-live]")?.dataset.pace) draw();
    else clearInterval(drawn);
  }, pace);
}
