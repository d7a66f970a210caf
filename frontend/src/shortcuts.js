// "/" goes to the search box; arrows walk through its results.
const TYPING = "input, textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("[data-global-search]");
  if (!search || event.isComposing) return;
  if (event.key === "/" && !event.target.closest(TYPING) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  const box = search.closest("[data-search-box]");
  if (!box?.contains(event.target)) return;
  if (event.key === "Escape") close(box);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") walk(event, box, search);
});

document.addEventListener("click", (event) => {
  for (const box of document.querySelectorAll("[data-search-box]")) {
    if (!box.contains(event.target)) close(box);
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  const box = event.target.closest?.("[data-search-box]");
  if (box) expand(box, event.target.childElementCount > 0);
});

document.addEventListener("focusin", (event) => {
  const box = event.target.closest?.("[data-search-box]");
  if (box && box.querySelector("[data-search-results]")?.childElementCount) expand(box, true);
});

function expand(box, isOpen) {
  box.querySelector("[data-search-results]").hidden = !isOpen;
}

function close(box) {
  expand(box, false);
}

function walk(event, box, search) {
  const stops = [search, ...box.querySelectorAll("[data-search-results] a")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  const next = stops[stops.indexOf(document.activeElement) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}
