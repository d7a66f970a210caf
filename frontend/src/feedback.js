// Progress line, toasts and spoken announcements.
import { text } from "./text.js";

const TONES = { error: "tone-error", warning: "tone-warning", success: "tone-success", info: "tone-info" };
let requestsOpen = 0;

export function announce(sentence) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = sentence;
}

// Errors and warnings stay until they are closed; the rest leaves by itself.
export function toast(sentence, tone = "info") {
  const list = document.getElementById("toasts");
  const template = document.getElementById("toast-template");
  if (!list || !template) return;
  const item = template.content.firstElementChild.cloneNode(true);
  item.classList.add(TONES[tone] ?? TONES.info);
  item.querySelector("[data-toast-text]").textContent = sentence;
  item.setAttribute("role", tone === "error" ? "alert" : "status");
  list.append(item);
  raise(list);
  expire(item, tone);
}

// The list is a popover so that it lies above an open dialog.
function raise(list) {
  if (!list.showPopover) return;
  if (list.matches(":popover-open")) list.hidePopover();
  list.showPopover();
}

function expire(item, tone) {
  if (tone === "error" || tone === "warning") return;
  let timer = setTimeout(() => item.remove(), 6000);
  item.addEventListener("mouseenter", () => clearTimeout(timer));
  item.addEventListener("mouseleave", () => (timer = setTimeout(() => item.remove(), 3000)));
}

function progress(state) {
  const line = document.getElementById("progress-line");
  if (line) line.dataset.state = state;
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest(".toast-item")?.remove();
});

document.addEventListener("DOMContentLoaded", () => {
  const list = document.getElementById("toasts");
  for (const item of list?.children ?? []) expire(item, item.dataset.tone);
  if (list?.children.length) raise(list);
});

// The server asks for a toast with the header HX-Trigger: {"toast": {"items": [{"text": …, "tone": …}]}}.
document.addEventListener("toast", (event) => {
  for (const item of event.detail.items ?? []) toast(item.text, item.tone);
});

document.addEventListener("htmx:beforeRequest", () => {
  requestsOpen += 1;
  progress("busy");
});
document.addEventListener("htmx:afterRequest", () => {
  requestsOpen = Math.max(0, requestsOpen - 1);
  if (!requestsOpen) progress("done");
});
document.addEventListener("htmx:sendError", () => toast(text("offline"), "error"));
document.addEventListener("htmx:timeout", () => toast(text("timeout"), "error"));
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if ((xhr.getResponseHeader("HX-Trigger") ?? "").includes('"toast"')) return;
  if (xhr.status === 403) toast(text("forbidden"), "error");
  else if (xhr.status === 404) toast(text("missing"), "error");
  else if (xhr.status === 429) toast(text("slow_down"), "warning");
  else toast(text("failed"), "error");
});
document.addEventListener("htmx:afterSwap", (event) => {
  const spoken = event.target.querySelector?.("[data-announce]") ?? event.target.closest?.("[data-announce]");
  if (spoken) announce(spoken.dataset.announce);
});
window.addEventListener("offline", () => toast(text("offline"), "error"));
window.addEventListener("online", () => toast(text("online"), "success"));
