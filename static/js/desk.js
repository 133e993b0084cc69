// Keys and filters of the desk; every key also has a visible control.

document.getElementById("error-summary")?.focus();
document.querySelector(".grid tr.on")?.scrollIntoView({ block: "nearest" });

const typing = (element) => element.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
const acting = (element) => element.closest("a, button, summary, [role=region]");
const shown = (element) => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    // The way out of a field, so that the letters work again.
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("staff-search")?.focus();
    return;
  }
  // What has the focus answers to Enter itself.
  if (event.key === "Enter" && acting(event.target)) return;
  const wanted = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  if (walk(wanted)) {
    event.preventDefault();
    return;
  }
  // The same letter asks first and confirms then: what came into sight last is meant.
  const control = [...document.querySelectorAll("[data-key]")].filter((one) => one.dataset.key === wanted && shown(one)).at(-1);
  if (!control || control.disabled) return;
  event.preventDefault();
  control.click();
});

// J and K go down and up a list of links that has no look at one line beside it; Enter is the link's own.
function walk(key) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length || !["J", "K"].includes(key)) return false;
  const here = rows.indexOf(document.activeElement);
  rows[key === "J" ? Math.min(here + 1, rows.length - 1) : Math.max(here - 1, 0)].focus();
  return true;
}

// A changed filter is the wish to see the result: no second click where script runs.
for (const form of document.querySelectorAll("[data-filters]")) {
  form.querySelector(".filters__go").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

// A reason is needed before anything is sent back: the button leads to the field as long as it is empty.
for (const button of document.querySelectorAll("button[form]")) {
  button.addEventListener("click", (event) => {
    const empty = [...button.form.querySelectorAll("textarea[required]")].find((one) => !one.value.trim());
    if (!empty) return;
    event.preventDefault();
    empty.focus();
    empty.scrollIntoView({ block: "center" });
  });
}

// Pictures: another one without leaving the page, larger, smaller, turned. Each is fetched anew, so each look is recorded.
const sheet = document.getElementById("sheet");
const light = sheet?.parentElement;
const tabs = [...document.querySelectorAll(".sheets [data-sheet]")].filter((tab) => tab.dataset.picture);
let zoom = 1;
let turn = 0;

function draw() {
  light.classList.toggle("zoomed", zoom !== 1);
  sheet.style.width = zoom === 1 ? "" : `${zoom * light.clientWidth}px`;
  sheet.style.transform = turn ? `rotate(${turn}deg)` : "";
}

function lay(name) {
  const tab = tabs.find((one) => one.dataset.sheet === name);
  if (!tab) return false;
  for (const one of tabs) one.toggleAttribute("aria-current", false);
  tab.setAttribute("aria-current", "true");
  tab.querySelector("[data-seen]").hidden = false;
  tab.querySelector("[data-unseen]").hidden = true;
  sheet.src = tab.dataset.picture;
  sheet.alt = tab.dataset.name;
  [zoom, turn] = [1, 0];
  draw();
  return true;
}

if (sheet) {
  document.querySelector("[data-tools]").hidden = false;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-sheet]");
    if (link && !event.ctrlKey && !event.metaKey && lay(link.dataset.sheet)) event.preventDefault();
    const tool = event.target.closest("button[name=zoom]")?.value;
    if (!tool) return;
    if (tool === "fit") [zoom, turn] = [1, 0];
    if (tool === "in") zoom = Math.min(zoom * 1.4, 5);
    if (tool === "out") zoom = Math.max(zoom / 1.4, 1);
    if (tool === "turn") turn = (turn + 90) % 360;
    if (Math.abs(zoom - 1) < 0.01) zoom = 1;
    draw();
  });
  document.addEventListener("keydown", (event) => {
    if (!["[", "]"].includes(event.key) || typing(event.target)) return;
    const here = tabs.findIndex((one) => one.hasAttribute("aria-current"));
    lay(tabs[(here + (event.key === "]" ? 1 : tabs.length - 1)) % tabs.length].dataset.sheet);
  });
}

// One tap, one act.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
