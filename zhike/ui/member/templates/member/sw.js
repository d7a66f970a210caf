// Keeps the frame of the member app for when there is no connection. Pages themselves are never kept: they are personal.
const CACHE = "zhike-member-{{ version }}";
const OFFLINE = "{{ offline_url|escapejs }}";
const BUILD = "{{ build_url|escapejs }}";
const ICON = "{{ icon|escapejs }}";
const SHELL = [{% for address in shell %}"{{ address|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  else if (new URL(request.url).pathname.startsWith(BUILD)) event.respondWith(fromCache(request));
  else if (SHELL.includes(new URL(request.url).pathname)) event.respondWith(fetch(request).catch(() => caches.match(request)));
});

// The names of built files carry their hash: what is there never changes.
async function fromCache(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) (await caches.open(CACHE)).put(request, response.clone());
  return response;
}

// A notification, encrypted for this browser; the server learns that it was shown.
self.addEventListener("push", (event) => {
  const told = read(event.data);
  if (!told) return;
  const shown = self.registration.showNotification(told.title, {
    body: told.body, tag: told.tag, data: { url: told.url }, icon: ICON, badge: ICON, lang: "{{ lang|escapejs }}",
  });
  const receipt = ours(told.url) ? fetch(ours(told.url), { method: "POST", credentials: "omit" }).catch(() => {}) : null;
  event.waitUntil(Promise.all([shown, receipt]));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(ours(event.notification.data?.url) ?? self.registration.scope));
});

function read(data) {
  try {
    const told = data.json();
    return typeof told.title === "string" ? told : null;
  } catch {
    return null;
  }
}

// An address of this app, or nothing: a notification opens no other site.
function ours(url) {
  if (typeof url !== "string") return null;
  const found = new URL(url, self.registration.scope);
  return found.href.startsWith(self.registration.scope) ? found.href : null;
}

async function open(url) {
  const windows = await self.clients.matchAll({ type: "window" });
  const app = windows.find((one) => one.url.startsWith(self.registration.scope));
  if (!app) return self.clients.openWindow(url);
  await app.focus();
  return app.navigate(url).catch(() => self.clients.openWindow(url));
}
