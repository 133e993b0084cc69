// The announcer's voice and its alarm. What came in is drawn by the server and fetched from there. Speech starts with
// a tap, because browsers allow no sound before one.

const SILENT_AFTER = 15000;
const TONE_EVERY = 10000;
const RETRY_EVERY = 5000;
const VOLUMES = [0.8, 1, 0.5];

const find = (name) => document.getElementById(`call-${name}`);
const words = find("words").dataset;
const synthesis = window.speechSynthesis;

let seen = Number(words.after);
let newest = words.wallet ? { wallet: words.wallet, fen: Number(words.fen) } : null;
let lastSign = Date.now();
let lastTone = 0;
let nextTry = 0;
let tries = 0;
let connected = false;
let started = false;
let muted = false;
let volume = 0;
let feed = null;
let sound = null;
let drawing = false;
let again = false;

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function show() {
  let state = words.on;
  if (!connected) state = words.waiting;
  else if (muted) state = words.muted;
  else if (!started) state = words.quiet;
  find("state").textContent = state;
}

function sign() {
  lastSign = Date.now();
  connected = true;
  tries = 0;
  find("off").hidden = true;
  find("on").hidden = false;
  show();
}

function say(payment) {
  if (!payment || !started || muted || !synthesis) return;
  const text = fill(words[payment.wallet] ?? words.unknown, { yuan: (payment.fen / 100).toFixed(2) });
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.lang = document.documentElement.lang;
  utterance.volume = VOLUMES[volume];
  synthesis.speak(utterance);
}

async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  try {
    do {
      again = false;
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected) location.reload();
      if (!answer.ok) break;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["call-latest", "call-recent"]) {
        document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
      }
    } while (again);
  } catch {
    // No network: the alarm tells.
  } finally {
    drawing = false;
  }
}

function connect() {
  feed?.close();
  nextTry = Date.now() + RETRY_EVERY;
  feed = new EventSource(`/events?after=${seen}`, { withCredentials: true });
  feed.onopen = sign;
  feed.addEventListener("beat", sign);
  feed.onmessage = (event) => {
    sign();
    const told = JSON.parse(event.data);
    if (told.seq <= seen) return;
    seen = told.seq;
    if (told.kind !== "payment.success") return;
    newest = { wallet: told.facts.wallet, fen: told.facts.amount };
    say(newest);
    draw();
  };
}

function tone() {
  lastTone = Date.now();
  navigator.vibrate?.(400);
  if (!sound) return;
  const voice = sound.createOscillator();
  voice.frequency.value = 880;
  voice.connect(sound.destination);
  voice.start();
  voice.stop(sound.currentTime + 0.4);
}

function watch() {
  const quiet = Date.now() - lastSign;
  find("age").textContent = connected ? fill(words.age, { seconds: Math.round(quiet / 1000) }) : "";
  if (quiet < SILENT_AFTER) return;
  connected = false;
  show();
  find("on").hidden = true;
  find("off").hidden = false;
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "Asia/Shanghai" }).format(lastSign);
  find("since").textContent = fill(words.since, { time, seconds: Math.round(quiet / 1000) });
  if (Date.now() >= nextTry) {
    tries += 1;
    connect();
  }
  const seconds = Math.max(0, Math.ceil((nextTry - Date.now()) / 1000));
  find("retry").textContent = fill(words.retry, { times: tries, seconds });
  if (started && !muted && Date.now() - lastTone > TONE_EVERY) tone();
}

function showVolume() {
  find("volume").querySelector("span").textContent = fill(words.volume, { percent: Math.round(VOLUMES[volume] * 100) });
}

// The first tap starts the voice; later ones change how loud it is.
find("volume").addEventListener("click", () => {
  if (started) volume = (volume + 1) % VOLUMES.length;
  else {
    started = true;
    sound = window.AudioContext ? new AudioContext() : null;
    navigator.wakeLock?.request("screen").catch(() => {});
  }
  showVolume();
  show();
  say(newest);
});
find("again").addEventListener("click", () => say(newest));
find("mute").addEventListener("click", (event) => {
  muted = !muted;
  event.currentTarget.setAttribute("aria-pressed", String(muted));
  synthesis?.cancel();
  show();
});
find("now").addEventListener("click", connect);

connect();
show();
setInterval(watch, 1000);
