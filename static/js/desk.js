// Keys and filters of the desk; every key also has a visible control.

document.getElementById("error-summary")?.focus();

const typing = (element) => element.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("staff-search")?.focus();
    return;
  }
  const wanted = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const control = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === wanted);
  if (!control || control.disabled) return;
  event.preventDefault();
  control.click();
});

// A changed filter is the wish to see the result: no second click where script runs.
for (const form of document.querySelectorAll("[data-filters]")) {
  form.querySelector(".filters__go").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
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
