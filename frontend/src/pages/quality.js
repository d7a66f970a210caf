// A review beside its conversation: the score as it stands, and messages that are chosen as evidence.

const CREDIT = { yes: 2, partly: 1, no: 0 };

export default (alpine) => {
  alpine.data("review", () => ({
    init() {
      const form = this.$root.querySelector("[data-review]");
      if (!form) return;
      let evidence = null;
      form.addEventListener("focusin", (event) => {
        if (event.target.matches("[data-evidence]")) evidence = event.target;
        else evidence = event.target.closest("[data-item]")?.querySelector("[data-evidence]") ?? evidence;
      });
      form.addEventListener("change", () => show(form));
      this.$root.addEventListener("mousedown", (event) => {
        if (event.target.closest("[data-quote]")) event.preventDefault(); // keeps what is marked
      });
      this.$root.addEventListener("click", (event) => {
        const button = event.target.closest("[data-quote]");
        if (button) cite(evidence ?? form.querySelector("[data-evidence]"), button.dataset.quote, this.$root);
      });
      show(form);
    },
  }));
};

function show(form) {
  let whole = 0;
  let got = 0;
  let isOut = false;
  for (const item of form.querySelectorAll("[data-item]")) {
    const answer = item.querySelector("input[type=radio]:checked")?.value;
    if (!(answer in CREDIT)) continue;
    const weight = Number(item.dataset.weight);
    whole += 2 * weight;
    got += CREDIT[answer] * weight;
    isOut = isOut || (answer === "no" && "fatal" in item.dataset);
  }
  const tenths = isOut ? 0 : Math.floor((2000 * got + whole) / (2 * whole));
  for (const place of form.querySelectorAll("[data-score]")) place.textContent = whole ? String(tenths / 10) : "–";
}

function cite(input, number, root) {
  if (!input) return;
  const words = root.querySelector(`[data-words="${CSS.escape(number)}"]`);
  const marked = document.getSelection();
  let found = number;
  if (words && marked?.rangeCount && !marked.isCollapsed && words.contains(marked.anchorNode) && words.contains(marked.focusNode)) {
    const range = marked.getRangeAt(0);
    const before = document.createRange();
    before.selectNodeContents(words);
    before.setEnd(range.startContainer, range.startOffset);
    const start = [...before.toString()].length;
    found = `${number}:${start}-${start + [...range.toString()].length}`;
  }
  const known = input.value.split(/\s+/).filter(Boolean);
  if (!known.includes(found)) input.value = [...known, found].join(" ");
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
