// Notifications of the member app: a browser is asked only after a tap, and what it answers goes to the server in a form.

export default (_alpine, htmx) => {
  htmx.onLoad((element) => {
    const card = element.matches?.("[data-push]") ? element : element.querySelector?.("[data-push]");
    if (card) begin(card);
  });
};

function begin(card) {
  const ask = card.querySelector("[data-push-ask]");
  ask?.addEventListener("click", () => subscribe(card, ask));
  for (const form of document.querySelectorAll("form[data-push-off]")) form.addEventListener("submit", leave, { once: true });
  show(card, state(card));
}

// What this browser can do, and what it was told before.
function state(card) {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && "known" in card.dataset ? "on" : "off";
}

function show(card, name) {
  for (const part of card.querySelectorAll("[data-push-state]")) part.hidden = part.dataset.pushState !== name;
}

async function subscribe(card, ask) {
  ask.disabled = true;
  try {
    const permission = await Notification.requestPermission();
    if (permission !== "granted") return show(card, permission === "denied" ? "denied" : "off");
    const { pushManager } = await navigator.serviceWorker.ready;
    await (await pushManager.getSubscription())?.unsubscribe();
    const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: card.dataset.key });
    const { endpoint, keys } = made.toJSON();
    const form = card.querySelector("form[data-push-add]");
    form.elements.endpoint.value = endpoint;
    form.elements.p256dh.value = keys.p256dh;
    form.elements.auth.value = keys.auth;
    form.submit();
  } catch {
    show(card, "failed");
  } finally {
    ask.disabled = false;
  }
}

// The browser forgets its subscription too, if it is this one that is to be silent; the form goes on whatever it says.
async function leave(event) {
  const form = event.target;
  if (form.dataset.pushOff !== "here" || !("serviceWorker" in navigator)) return;
  event.preventDefault();
  try {
    const { pushManager } = await navigator.serviceWorker.ready;
    await (await pushManager.getSubscription())?.unsubscribe();
  } finally {
    form.submit();
  }
}
