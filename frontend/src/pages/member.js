// The member app: the codes go on by themselves, online or not; the service worker keeps the frame.

export default (_alpine, htmx) => {
  const app = document.querySelector("meta[name=member-app]");
  if (!app) return;
  navigator.serviceWorker?.register(app.content, { scope: new URL("./", new URL(app.content, location)).pathname });
  htmx.onLoad((element) => {
    const live = element.matches?.("[data-live]") ? element : element.querySelector?.("[data-live]");
    if (live) runCodes(live, htmx);
  });
  document.addEventListener("visibilitychange", () => {
    const live = document.querySelector("[data-live]");
    if (live && !document.hidden) htmx.trigger(live, "refresh");
  });
  // That the codes could not be fetched is said in their own place.
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.body.addEventListener(name, (event) => event.target.matches?.("[data-live]") && event.stopPropagation());
  }
};

const REFRESH_WHEN_LEFT = 4;

function runCodes(live, htmx) {
  const step = Number(live.dataset.step);
  const codes = [...live.querySelectorAll("[data-code]")];
  const over = live.querySelector("[data-codes-over]");
  const bar = live.querySelector("[data-code-progress]");
  const begin = Date.now() - (step - Number(live.dataset.secondsLeft)) * 1000;
  let shown = 0;
  const timer = setInterval(() => {
    if (!live.isConnected) return clearInterval(timer);
    const passed = (Date.now() - begin) / 1000;
    const due = Math.floor(passed / step);
    bar.value = step - (passed % step);
    if (due === shown) return;
    shown = due;
    codes.forEach((code, index) => (code.hidden = index !== due));
    over.hidden = due < codes.length;
    bar.hidden = due >= codes.length;
    if (codes.length - due <= REFRESH_WHEN_LEFT && !document.hidden) htmx.trigger(live, "refresh");
  }, 500);
}
