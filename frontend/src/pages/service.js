// The service desk by keyboard: j and k walk through the tickets, n begins a new one, r goes to the answer.
// The list refreshes itself every few seconds; the ticket that had the focus keeps it.

export default () => {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "j" || event.key === "k") walk(event, event.key === "j" ? 1 : -1);
    else if (event.key === "r") focus(event, document.querySelector("[data-reply]"));
    else document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
  });

  let focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    focused = event.detail.target?.matches?.("[data-desk]") ? document.activeElement?.dataset.rowLink : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (focused) document.querySelector(`[data-row-link="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    focused = null;
  });
};

function isTyping(element) {
  return element.closest?.("input, textarea, select, [contenteditable], dialog") !== null;
}

function walk(event, step) {
  const links = [...document.querySelectorAll("[data-row-link]")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  focus(event, links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + step))]);
}

function focus(event, element) {
  if (!element) return;
  event.preventDefault();
  element.focus();
}
