// Dialogs, drawers and small menus: native <dialog> and <details>, opened by data attributes.
let pending = null;

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) open(opener.dataset.dialogOpen);

  const closer = event.target.closest("[data-dialog-close]");
  if (closer) closer.closest("dialog")?.close();

  // A click on the backdrop is a click on the dialog itself.
  if (event.target instanceof HTMLDialogElement && event.target.dataset.dismissable !== undefined) event.target.close();

  for (const menu of document.querySelectorAll("details.menu-details[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  confirmClick(event);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu-details[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

export function open(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
}

// A dialog that arrives by htmx with data-open shows itself; the server closes one with HX-Trigger: {"close-dialog": {"id": …}}.
document.addEventListener("htmx:load", (event) => {
  const element = event.detail.elt;
  const arrived = element.matches?.("dialog[data-open]") ? element : element.querySelector?.("dialog[data-open]");
  if (arrived && !arrived.open) arrived.showModal();
});
document.addEventListener("close-dialog", (event) => {
  const dialog = event.detail.id ? document.getElementById(event.detail.id) : document.querySelector("dialog[open]");
  dialog?.close();
});

// Asking first: data-confirm on a submit button, or hx-confirm on anything htmx sends.
function confirmClick(event) {
  const button = event.target.closest("button[data-confirm]");
  if (!button || button.hasAttribute("hx-confirm")) return;
  if (button.dataset.confirmed !== undefined) {
    delete button.dataset.confirmed;
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  ask(button.dataset.confirm, button, () => {
    button.dataset.confirmed = "";
    button.click();
  });
}

document.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  ask(event.detail.question, event.detail.elt, () => event.detail.issueRequest(true));
});

function ask(question, source, proceed) {
  const dialog = document.getElementById("confirm-dialog");
  if (!dialog) return proceed();
  dialog.querySelector("[data-confirm-text]").textContent = question;
  const button = dialog.querySelector("[data-confirm-yes]");
  button.textContent = source.dataset.confirmLabel || button.dataset.defaultLabel;
  button.classList.toggle("btn-error", source.dataset.confirmTone !== "primary");
  button.classList.toggle("btn-primary", source.dataset.confirmTone === "primary");
  pending = proceed;
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-confirm-yes]")) return;
  const proceed = pending;
  pending = null;
  document.getElementById("confirm-dialog").close();
  proceed?.();
});
