// The canvas of a journey: boxes are dragged onto a plus to move them; everything else is buttons and forms over htmx.
// By keyboard the same is done in the panel ("Move after"), arrows walk from box to box.
export default (Alpine, htmx) => {
  Alpine.data("journeyCondition", () => ({
    about: "segment",
    init() {
      this.about = this.$root.dataset.about;
    },
    get isSegment() {
      return this.about === "segment";
    },
    get isTier() {
      return this.about === "tier";
    },
    get isStage() {
      return this.about === "lifecycle";
    },
    get isNumber() {
      return this.about === "points" || this.about === "purchases";
    },
    get isMoney() {
      return this.about === "spend";
    },
    get isWindowed() {
      return this.about === "purchases" || this.about === "spend";
    },
  }));

  Alpine.data("journeyTrigger", () => ({
    trigger: "event",
    init() {
      this.trigger = this.$root.dataset.trigger;
    },
    get isEvent() {
      return this.trigger === "event";
    },
    get isSegment() {
      return this.trigger === "segment";
    },
    get isDay() {
      return this.trigger === "birthday" || this.trigger === "expiring";
    },
    get isExpiring() {
      return this.trigger === "expiring";
    },
  }));

  document.addEventListener("dragstart", (event) => {
    const box = event.target.closest?.("[data-journey] [data-node]");
    if (!box) return;
    event.dataTransfer.setData("text/x-journey-node", box.dataset.node);
    event.dataTransfer.effectAllowed = "move";
    box.closest("[data-journey]").dataset.dragging = "";
  });
  document.addEventListener("dragend", () => {
    for (const desk of document.querySelectorAll("[data-dragging]")) delete desk.dataset.dragging;
  });
  document.addEventListener("dragover", (event) => {
    if (slotOf(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const slot = slotOf(event);
    if (!slot) return;
    event.preventDefault();
    htmx.ajax("POST", slot.closest("[data-journey]").dataset.move, {
      source: slot,
      target: "#panel",
      values: {
        node: event.dataTransfer.getData("text/x-journey-node"),
        after: slot.dataset.after,
        outcome: slot.dataset.outcome,
      },
    });
  });

  document.addEventListener("keydown", (event) => {
    const box = event.target.closest?.("[data-journey] .journey-box");
    if (!box || !["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    nearest(box, event.key)?.focus();
  });

  // What was chosen stands below the canvas on a phone: go there, and tell who listens that it changed.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "panel") return;
    const heading = event.detail.target.querySelector("h2");
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: window.innerWidth >= 1280 });
  });
};

function slotOf(event) {
  if (!event.dataTransfer?.types.includes("text/x-journey-node")) return null;
  return event.target.closest?.("[data-journey] .journey-slot");
}

// The nearest box in the direction of the arrow, by the middles of both.
function nearest(box, key) {
  const from = middle(box);
  const along = key === "ArrowDown" || key === "ArrowUp" ? "y" : "x";
  const across = along === "y" ? "x" : "y";
  const sign = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
  let best = null;
  let least = Infinity;
  for (const other of document.querySelectorAll("[data-journey] .journey-box")) {
    const to = middle(other);
    const ahead = (to[along] - from[along]) * sign;
    if (other === box || ahead < 10) continue;
    const distance = ahead + 2 * Math.abs(to[across] - from[across]);
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}

function middle(box) {
  const { x, y, width, height } = box.getBoundingClientRect();
  return { x: x + width / 2, y: y + height / 2 };
}
