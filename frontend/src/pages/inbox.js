// The inbox around a conversation: the list follows by itself, phrases and suggestions go into the answer, keys.

export default (alpine, htmx) => {
  alpine.data("phrases", () => ({
    query: "",
    init() {
      this.$watch("query", (query) => {
        const words = query.trim().toLowerCase();
        for (const row of this.$root.querySelectorAll("[data-phrase-row]")) {
          row.hidden = words !== "" && !row.dataset.phraseRow.toLowerCase().includes(words);
        }
      });
    },
  }));
  const inbox = document.querySelector("[data-inbox]");
  if (!inbox) return;
  follow(inbox, htmx);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-insert]");
    if (button) insert(button.dataset.insert, button.dataset.phrase);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches?.("[data-reply]")) event.target.blur();
    if (event.key === "/" && event.target.matches?.("[data-reply]") && !event.target.value) {
      event.preventDefault();
      document.querySelector("[data-phrase-search]")?.focus();
    }
  });
};

function follow(inbox, htmx) {
  const refresh = () => htmx.trigger(inbox, "refresh");
  let soon;
  const refreshSoon = () => {
    clearTimeout(soon);
    soon = setTimeout(refresh, 200);
  };
  document.addEventListener("chat-changed", () => htmx.trigger(document.body, "conversation-changed"));
  setInterval(() => !document.hidden && refresh(), inbox.dataset.stream ? 20000 : 4000);
  if (!inbox.dataset.stream || !window.EventSource) return;
  const connect = async () => {
    const answer = await fetch(inbox.dataset.pass, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return setTimeout(connect, 5000);
    const { pass } = await answer.json();
    const stream = new EventSource(`${inbox.dataset.stream}?${new URLSearchParams({ pass })}`);
    const again = () => {
      stream.close();
      setTimeout(connect, 1000);
    };
    stream.addEventListener("open", refreshSoon);
    stream.addEventListener("inbox", refreshSoon);
    stream.addEventListener("assigned", refreshSoon);
    stream.addEventListener("renew", again);
    stream.addEventListener("error", () => stream.readyState === EventSource.CLOSED && again());
  };
  connect();
}

function insert(text, phrase) {
  const box = document.querySelector("[data-reply]");
  if (!box) return;
  box.value = box.value ? `${box.value}\n${text}` : text;
  if (phrase) box.form.dataset.phrase = phrase;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
}
