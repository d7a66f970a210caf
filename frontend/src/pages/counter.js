// The counter: a scanner types wherever the focus is, answers get lost, lines are added.

export default () => {
  if (!document.querySelector("[data-counter]")) return;

  // A scanner is a keyboard. What it types while nothing has the focus belongs into the field that finds.
  document.addEventListener("keydown", (event) => {
    const isTyping = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isTyping || (document.activeElement !== document.body && document.activeElement?.id !== "main")) return;
    document.querySelector("[data-scan]")?.focus();
  });

  // No answer, or none that makes sense: the form stays, with its token, and offers to be sent again.
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => showLost(event.detail.elt, true));
  }
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500) showLost(event.detail.elt, true);
  });
  document.addEventListener("htmx:beforeRequest", (event) => showLost(event.detail.elt, false));

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add-line]");
    if (button) addLine(button.closest("[data-lines]").querySelector("[data-line-list]"));
    if (event.target.closest("[data-keyboard]")) showKeyboard(event.target.closest("form").querySelector("[x-ref=input]"));
  });
};

function showLost(element, isLost) {
  const notice = element?.querySelector?.("[data-connection-lost]");
  if (!notice) return;
  notice.hidden = !isLost;
  if (isLost) notice.scrollIntoView({ block: "center" });
}

// The pad is enough for numbers; names need the keyboard of the device.
function showKeyboard(input) {
  input.inputMode = input.inputMode === "none" ? "text" : "none";
  input.blur();
  input.focus();
}

function addLine(list) {
  const line = list.lastElementChild.cloneNode(true);
  for (const input of line.querySelectorAll("input")) input.value = input.name === "line_quantity" ? "1" : "";
  list.append(line);
  line.querySelector("input").focus();
}
