// Small extras for the owner's pages; every page is complete without them.

// A wrong form: bring the reader to the list of what to fix.
document.getElementById("error-summary")?.focus();

// After a tap the button says so and a second tap does nothing. Coming back with the browser's arrow undoes it.
const sending = new Map();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (sending.has(form)) {
    event.preventDefault();
    return;
  }
  const button = event.submitter;
  if (!button?.dataset.busy) return;
  const label = button.querySelector("span");
  sending.set(form, { button, label, words: label.textContent });
  button.setAttribute("aria-disabled", "true");
  label.textContent = button.dataset.busy;
});

window.addEventListener("pageshow", () => {
  for (const { button, label, words } of sending.values()) {
    button.removeAttribute("aria-disabled");
    label.textContent = words;
  }
  sending.clear();
});

// Copy the text of the named element; the button appears only where the browser can do it. A part of the page that
// was drawn anew brings new buttons.
function offerCopies() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      button.querySelector("span").textContent = button.dataset.done;
    });
  }
}

offerCopies();
document.addEventListener("live:drawn", offerCopies);
