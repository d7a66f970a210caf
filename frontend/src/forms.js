// Forms: leave-guard while something is unsaved, no double submit, auto-submitting filters.
import { text } from "./text.js";

const dirty = new Set();

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (form) dirty.add(form);
});

window.addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  dirty.delete(form);
  const button = event.submitter;
  if (!button || form.method === "dialog" || form.matches("[hx-post],[hx-get],[hx-put],[hx-delete]")) return;
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
  button.setAttribute("aria-disabled", "true");
  setTimeout(() => release(form, button), 8000);
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) dirty.delete(event.target.closest?.("form"));
});

// Coming back by the browser's back button must find a form that can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) release(form, form.querySelector("[aria-disabled]"));
});

function release(form, button) {
  delete form.dataset.sent;
  button?.removeAttribute("aria-disabled");
}

document.addEventListener("change", (event) => {
  if (event.target.closest("[data-autosubmit]")) event.target.form.requestSubmit();
  showFileName(event.target);
  selectAll(event.target);
});

function showFileName(input) {
  if (input.type !== "file" || !input.dataset.names) return;
  const target = document.getElementById(input.dataset.names);
  if (target) target.textContent = [...input.files].map((file) => file.name).join(", ") || text("no_file");
}

// <input type="checkbox" data-select-all="ids"> ticks every checkbox with that name in the same form or table.
function selectAll(box) {
  if (!box.dataset?.selectAll) return;
  const scope = box.closest("form, table") ?? document;
  for (const other of scope.querySelectorAll(`input[type=checkbox][name="${box.dataset.selectAll}"]`)) {
    if (other.checked !== box.checked) {
      other.checked = box.checked;
      other.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
}
