// Forms without code. Filling in: fields appear when their condition holds, signatures are drawn, a kiosk begins anew.
// Building: fields are dragged to their place; by keyboard the same is done with the buttons beside them.
export default (Alpine, htmx) => {
  const wake = () => {
    for (const form of document.querySelectorAll("[data-web-form]:not([data-awake])")) awake(form);
    for (const pad of document.querySelectorAll("[data-signature]:not([data-awake])")) drawable(pad);
  };
  document.addEventListener("DOMContentLoaded", wake);
  document.addEventListener("htmx:afterSettle", wake);
  if (document.readyState !== "loading") wake();
  kiosk();
  dragging(htmx);
};

function awake(form) {
  form.dataset.awake = "1";
  const judge = () => {
    const hidden = new Set();
    for (const box of form.querySelectorAll("[data-web-field]")) {
      const key = box.dataset.whenField;
      const isShown = !key || holds(box.dataset.whenOp, box.dataset.whenValue, hidden.has(key) ? [] : said(form, key));
      if (!isShown) hidden.add(box.dataset.webField);
      box.hidden = !isShown;
      box.disabled = !isShown;
    }
  };
  form.addEventListener("input", judge);
  form.addEventListener("change", judge);
  judge();
}

function said(form, key) {
  const box = form.querySelector(`[data-web-field="${CSS.escape(key)}"]`);
  const values = [];
  for (const input of box?.querySelectorAll("input, textarea") ?? []) {
    const isChoice = input.type === "radio" || input.type === "checkbox";
    if ((!isChoice || input.checked) && input.value.trim() !== "") values.push(input.value.trim());
  }
  return values;
}

function holds(op, wanted, values) {
  if (!values.length) return op === "is_not";
  const first = values[0];
  const isNumeric = first !== "" && wanted !== "" && !Number.isNaN(Number(first)) && !Number.isNaN(Number(wanted));
  const [left, right] = isNumeric ? [Number(first), Number(wanted)] : [first, wanted];
  if (op === "is") return left === right;
  if (op === "is_not") return left !== right;
  if (op === "at_least") return left >= right;
  if (op === "at_most") return left <= right;
  return values.length > 1 ? values.includes(wanted) : values.includes(wanted) || (!isNumeric && first.includes(wanted));
}

function drawable(pad) {
  pad.dataset.awake = "1";
  const canvas = pad.querySelector("canvas");
  const value = pad.querySelector("[data-signature-value]");
  const pen = canvas.getContext("2d");
  let isDown = false;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    isDown = true;
    canvas.setPointerCapture(event.pointerId);
    pen.lineWidth = 4;
    pen.lineCap = "round";
    pen.strokeStyle = "#111";
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!isDown) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  const up = () => {
    if (isDown) value.value = canvas.toDataURL("image/png");
    isDown = false;
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  pad.querySelector("[data-signature-clear]").addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    value.value = "";
  });
}

// A kiosk whose visitor walked away half-way shows an empty form to the next one.
function kiosk() {
  const screen = document.querySelector("[data-kiosk]");
  if (!screen) return;
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => location.replace(location.href), Number(screen.dataset.kiosk) * 1000);
  };
  for (const name of ["pointerdown", "keydown", "input"]) document.addEventListener(name, later);
  later();
}

function dragging(htmx) {
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-form-order] [data-field]") ?? null;
    if (dragged) event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    const row = dragged && event.target.closest?.("[data-form-order] [data-field]");
    if (!row || row === dragged) return;
    event.preventDefault();
    const box = row.getBoundingClientRect();
    row.parentNode.insertBefore(dragged, event.clientY < box.top + box.height / 2 ? row : row.nextSibling);
  });
  document.addEventListener("drop", (event) => {
    if (dragged) event.preventDefault();
  });
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    const list = dragged.closest("[data-form-order]");
    const place = [...list.querySelectorAll("[data-field]")].indexOf(dragged);
    const values = { act: `place:${dragged.dataset.field}:${place}`, revision: list.dataset.revision };
    htmx.ajax("POST", list.dataset.formOrder, { target: "#form-builder", swap: "outerHTML", values });
    dragged = null;
  });
}
