// A chat, on the member's phone and in the inbox. What is written gets a key here before it is sent and stays in the
// browser's keeping until the server has it, so a lost answer, a reload or a restart neither loses nor doubles it.
// New messages come over the live stream; without one (or while it is away) the page asks every few seconds.
import { locale } from "../text.js";

const ASK_EVERY_MS = 2000;
const ASK_BESIDE_STREAM_MS = 45000;
const TYPING_EVERY_MS = 2500;
const TYPING_SHOWN_MS = 5000;
const LOOKING_EVERY_MS = 20000;
const RETRY_MS = 2500;

export default () => {
  for (const root of document.querySelectorAll("[data-chat]")) new Chat(root);
};

class Chat {
  constructor(root) {
    this.root = root;
    this.side = root.dataset.side;
    this.words = JSON.parse(document.getElementById("chat-words").textContent);
    this.log = root.querySelector("[data-log]");
    this.form = root.querySelector("[data-compose]");
    this.box = this.form?.querySelector("textarea");
    this.number = root.dataset.number ?? "";
    this.reached = 0;
    this.state = null;
    this.shown = new Set();
    this.store = `chat:${this.side}:${root.dataset.owner ?? ""}:${root.dataset.number ?? ""}`;
    this.waiting = this.load();
    this.begin();
  }

  async begin() {
    this.form?.addEventListener("submit", (event) => this.submit(event));
    this.box?.addEventListener("keydown", (event) => this.key(event));
    this.box?.addEventListener("input", () => this.typed());
    this.form?.querySelector("input[type=file]")?.addEventListener("change", (event) => this.attached(event.target));
    for (const button of this.root.querySelectorAll("[data-say]")) {
      button.addEventListener("click", () => this.say(button.dataset.say));
    }
    for (const button of this.root.querySelectorAll("[data-chat-act]")) {
      button.addEventListener("click", () => this.post(button.dataset.chatAct, {}).then((news) => this.take(news)));
    }
    this.root.querySelector("[data-to-end]")?.addEventListener("click", () => this.toEnd());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.ask();
      this.see();
    });
    window.addEventListener("online", () => this.ask());
    for (const sent of this.waiting) this.draw(this.local(sent));
    await this.ask(true);
    this.flush();
    if (this.root.dataset.ask && !this.waiting.length) this.say(this.root.dataset.ask);
    this.tick();
    if (this.root.dataset.looking) this.look();
  }

  // --- what is new ---

  async ask(isFirst = false) {
    try {
      const query = new URLSearchParams({ number: this.number, after: this.reached });
      const answer = await fetch(`${this.root.dataset.news}?${query}`, { headers: { Accept: "application/json" } });
      if (answer.redirected || answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      this.take(await answer.json(), isFirst);
      this.offline(false);
    } catch {
      this.offline(true);
    }
  }

  take(news, isFirst = false) {
    if (!news) return;
    if (news.problem) return this.announce(news.problem);
    if (news.state && news.state.number !== this.number) {
      this.number = news.state.number;
      this.reached = 0;
      this.stream?.close();
      this.stream = null;
    }
    for (const message of news.messages ?? []) this.receive(message, isFirst);
    if (news.state) this.status(news.state);
    if (news.pass) this.pass = news.pass;
    this.root.querySelector("[data-empty]")?.toggleAttribute("hidden", this.log.childElementCount > 0);
    if (isFirst) this.toEnd();
    this.connect();
    this.see();
  }

  receive(message, isFirst = false) {
    this.reached = Math.max(this.reached, message.number);
    const id = `${message.conversation}:${message.number}`;
    if (this.shown.has(id)) return;
    this.shown.add(id);
    if (message.key) this.settle(message.key);
    const isAtEnd = this.isAtEnd();
    this.draw(message);
    if (isAtEnd || this.isMine(message)) this.toEnd();
    else this.root.querySelector("[data-to-end]")?.removeAttribute("hidden");
    if (message.by !== "system") this.typing(false);
    if (message.kind === "event") this.askSoon();
    if (!isFirst && !this.isMine(message) && message.text) {
      document.getElementById("announcer").textContent = `${this.author(message)}: ${message.text}`;
    }
  }

  connect() {
    const address = this.root.dataset.stream;
    if (!address || !this.pass || this.stream || !window.EventSource) return;
    const query = new URLSearchParams({ pass: this.pass, after: this.reached });
    const stream = (this.stream = new EventSource(`${address}?${query}`));
    stream.addEventListener("open", () => this.offline(false));
    stream.addEventListener("message", (event) => {
      this.receive(JSON.parse(event.data));
      this.see();
    });
    stream.addEventListener("typing", (event) => {
      const told = JSON.parse(event.data);
      if (told.side !== this.side || (this.side === "staff" && String(told.who) !== this.root.dataset.owner)) this.typing(told);
    });
    for (const name of ["marks", "looking"]) stream.addEventListener(name, () => this.askSoon());
    stream.addEventListener("renew", () => this.renew());
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) this.renew();
    });
  }

  renew() {
    this.stream?.close();
    this.stream = null;
    this.pass = null;
    setTimeout(() => this.ask(), 500);
  }

  askSoon() {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.ask(), 250);
  }

  tick() {
    const isLive = this.stream?.readyState === EventSource.OPEN;
    setTimeout(async () => {
      if (!document.hidden) await this.ask();
      this.tick();
    }, isLive ? ASK_BESIDE_STREAM_MS : ASK_EVERY_MS);
  }

  // --- what is said ---

  submit(event) {
    event.preventDefault();
    const files = [...(this.form.querySelector("input[type=file]")?.files ?? [])];
    const text = this.box.value.trim();
    if (!text && !files.length) return;
    this.say(text, files);
    this.form.reset();
    this.attached(this.form.querySelector("input[type=file]"));
    this.box.value = "";
    this.grow();
    this.box.focus();
  }

  say(text, files = []) {
    const sent = { key: newKey(), text, at: new Date().toISOString(), note: this.isNote(), phrase: this.form?.dataset.phrase ?? "" };
    delete this.form?.dataset.phrase;
    this.waiting.push(Object.assign(sent, { files }));
    this.keep();
    this.draw(this.local(sent));
    this.toEnd();
    this.flush();
  }

  isNote() {
    return this.form?.querySelector("[name=audience]:checked")?.value === "staff";
  }

  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    while (this.waiting.length) {
      const sent = this.waiting[0];
      try {
        const fields = { key: sent.key, text: sent.text, audience: sent.note ? "staff" : "member", phrase: sent.phrase ?? "" };
        const news = await this.post(this.root.dataset.send, fields, sent.files);
        this.settle(sent.key);
        if (news.problem) {
          this.refuse(sent, news.problem);
          continue;
        }
        this.take(news);
        this.offline(false);
      } catch {
        this.offline(true);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.flushing = false;
  }

  async post(address, fields, files = []) {
    const body = new FormData();
    for (const [name, value] of Object.entries({ number: this.number, after: this.reached, ...fields })) body.append(name, value);
    for (const file of files ?? []) body.append("files", file);
    const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
    const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token, Accept: "application/json" } });
    if (answer.redirected) return location.reload();
    if (answer.status === 204) return null;
    if (!(answer.headers.get("Content-Type") ?? "").includes("json")) throw new Error(answer.status);
    return answer.json();
  }

  settle(key) {
    this.waiting = this.waiting.filter((sent) => sent.key !== key);
    this.keep();
    this.log.querySelector(`[data-key="${CSS.escape(key)}"]`)?.remove();
  }

  refuse(sent, sentence) {
    const item = this.draw({ ...this.local(sent), refused: sentence });
    item.classList.add("chat-refused");
    if (this.box && !this.box.value) this.box.value = sent.text;
  }

  keep() {
    const plain = this.waiting.filter((sent) => !sent.files?.length).map(({ files, ...rest }) => rest);
    try {
      if (plain.length) sessionStorage.setItem(this.store, JSON.stringify(plain));
      else sessionStorage.removeItem(this.store);
    } catch {
      // No room or not allowed: it is sent all the same, only a reload would lose it.
    }
  }

  load() {
    try {
      return JSON.parse(sessionStorage.getItem(this.store) ?? "[]");
    } catch {
      return [];
    }
  }

  local(sent) {
    const files = (sent.files ?? []).map((file) => ({ name: file.name }));
    return { key: sent.key, text: sent.text, at: sent.at, by: this.side, kind: sent.note ? "note" : "text", author: "", files, details: {}, isLocal: true };
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && (this.side === "member" ? !matchMedia("(pointer: coarse)").matches : true)) {
      event.preventDefault();
      this.form.requestSubmit();
    }
  }

  typed() {
    this.grow();
    const now = Date.now();
    if (this.isNote() || !this.number || now - (this.toldAt ?? 0) < TYPING_EVERY_MS) return;
    this.toldAt = now;
    this.post(this.root.dataset.typing, {}).catch(() => {});
  }

  grow() {
    this.box.rows = Math.min(8, Math.max(Number(this.box.dataset.rows ?? 1), this.box.value.split("\n").length));
  }

  attached(input) {
    const place = this.root.querySelector("[data-files-chosen]");
    if (place) place.textContent = [...(input?.files ?? [])].map((file) => file.name).join(", ");
  }

  // --- how it stands ---

  see() {
    if (document.hidden || !this.state || !this.number) return;
    const mark = this.side === "member" ? this.state.memberRead : this.state.staffRead;
    if (this.reached <= Math.max(mark, this.toldSeen ?? 0)) return;
    if (this.side === "staff" && this.root.dataset.mayAnswer !== "yes") return;
    this.toldSeen = this.reached;
    this.post(this.root.dataset.seen, { received: this.reached, read: this.reached }).catch(() => (this.toldSeen = 0));
  }

  look() {
    const tell = (isOpen) => this.post(this.root.dataset.looking, { open: isOpen ? "yes" : "no" }).catch(() => {});
    tell(true);
    setInterval(() => !document.hidden && tell(true), LOOKING_EVERY_MS);
    window.addEventListener("pagehide", () => {
      const body = new FormData();
      body.append("open", "no");
      body.append("csrfmiddlewaretoken", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]);
      navigator.sendBeacon(this.root.dataset.looking, body);
    });
  }

  status(state) {
    const changed = this.state && (this.state.status !== state.status || this.state.assignee !== state.assignee);
    this.state = state;
    if (changed) this.toldSeen = 0;
    const parts = [];
    if (this.side === "member" && state.status === "queued") {
      if (state.place) parts.push(this.word("place", { place: state.place }));
      if (state.waitMinutes) parts.push(this.word("wait", { minutes: state.waitMinutes }));
    }
    if (this.side === "staff" && state.looking.length) parts.push(this.word("looking", { names: state.looking.join("、") }));
    const line = this.root.querySelector("[data-status]");
    line.textContent = parts.join(" ");
    line.hidden = !parts.length;
    for (const part of this.root.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state.status);
    const who = this.root.querySelector("[data-with]");
    if (who) who.textContent = state.assignee || (state.status === "bot" ? this.words.bot : this.words.desk);
    this.marks();
    if (changed && this.side === "staff") document.dispatchEvent(new CustomEvent("chat-changed"));
  }

  marks() {
    const mine = [...this.log.querySelectorAll("[data-number].chat-mine")].at(-1);
    for (const mark of this.log.querySelectorAll("[data-mark]")) mark.remove();
    if (!mine || !this.state || mine.dataset.conversation !== String(this.state.conversation)) return;
    const number = Number(mine.dataset.number);
    const read = this.side === "member" ? this.state.staffRead : this.state.memberRead;
    const received = this.side === "member" ? this.state.last : this.state.memberReceived;
    const name = read >= number ? "read" : received >= number && this.side === "staff" ? "received" : "sent";
    mine.querySelector(".chat-meta")?.append(element("span", { "data-mark": name, class: "chat-mark" }, ` · ${this.words[name]}`));
  }

  typing(told) {
    const line = this.root.querySelector("[data-typing-line]");
    clearTimeout(this.typingOver);
    line.hidden = !told;
    if (!told) return;
    const who = this.side === "staff" ? (told.side === "member" ? this.root.dataset.memberName : "") : (this.state?.assignee ?? "");
    line.textContent = `${who} ${this.words.typing}`.trim();
    this.typingOver = setTimeout(() => this.typing(false), TYPING_SHOWN_MS);
  }

  offline(isOff) {
    this.failures = isOff ? (this.failures ?? 0) + 1 : 0;
    const line = this.root.querySelector("[data-offline]");
    line.hidden = this.failures < 2;
  }

  announce(sentence) {
    const line = this.root.querySelector("[data-status]");
    line.textContent = sentence;
    line.hidden = false;
  }

  // --- drawing ---

  isMine(message) {
    return message.by === this.side || (this.side === "staff" && message.by === "bot");
  }

  draw(message) {
    const item = message.kind === "event" ? this.line(message) : this.bubble(message);
    if (!item) return null;
    if (message.number) {
      item.dataset.number = message.number;
      item.dataset.conversation = message.conversation;
    } else {
      item.dataset.key = message.key;
    }
    const firstLocal = this.log.querySelector("[data-key]");
    if (message.number && firstLocal) firstLocal.before(item);
    else this.log.append(item);
    if (message.number) this.marks();
    return item;
  }

  line(message) {
    const { what, ...values } = message.details;
    let sentence = this.words[`${what}_${this.side}`] ?? this.words[what] ?? "";
    if (what === "queued" && values.opens_at) sentence = this.words.opens_at;
    for (const name of ["opens_at", "until"]) if (values[name]) values.time = this.moment(values[name]);
    sentence = fill(sentence, values);
    return sentence ? element("li", { class: "chat-event" }, `${sentence} · ${this.clock(message.at)}`) : null;
  }

  bubble(message) {
    const mine = this.isMine(message);
    const kinds = [mine ? "chat-mine" : "chat-theirs", message.kind === "note" && "chat-note", message.by === "bot" && "chat-bot"];
    const item = element("li", { class: ["chat-item", ...kinds].filter(Boolean).join(" ") });
    const bubble = element("div", { class: "talk-bubble" });
    if (message.text) bubble.append(element("p", { class: "chat-text" }, message.text));
    for (const row of message.details.rows ?? []) {
      bubble.append(element("p", { class: "chat-row" }, element("span", {}, row[0]), element("strong", {}, row[1])));
    }
    for (const file of message.files ?? []) bubble.append(this.file(file, message));
    for (const link of message.details.links ?? []) {
      bubble.append(element("a", { class: "btn btn-sm", href: link.url }, link.label));
    }
    item.append(bubble);
    const choices = message.details.choices ?? [];
    if (choices.length && this.side === "member" && !message.isLocal) {
      const row = element("div", { class: "chat-choices" });
      for (const choice of choices) {
        const button = element("button", { type: "button", class: "btn btn-sm" }, choice);
        button.addEventListener("click", () => this.say(choice));
        row.append(button);
      }
      item.append(row);
    }
    const meta = [message.kind === "note" ? `${this.words.note} · ${message.author}` : this.author(message)];
    meta.push(message.refused ?? (message.isLocal ? this.words.sending : this.clock(message.at)));
    item.append(element("p", { class: "chat-meta" }, meta.filter(Boolean).join(" · ")));
    return item;
  }

  author(message) {
    if (message.by === this.side && (message.isLocal || this.side === "member")) return "";
    if (message.by === "bot") return this.words.bot;
    if (message.by === "member") return this.root.dataset.memberName ?? this.words.you;
    return message.author || this.words.desk;
  }

  file(file, message) {
    if (!file.id) return element("span", { class: "btn btn-sm" }, file.name);
    const address = this.root.dataset.files.replace("NUMBER", this.number).replace("/0/", `/${file.id}/`);
    if (!file.image) return element("a", { class: "btn btn-sm", href: address }, file.name);
    const picture = element("img", { src: address, alt: file.name, class: "chat-picture", loading: "lazy" });
    picture.addEventListener("load", () => this.isAtEnd(240) && this.toEnd());
    return element("a", { href: address, target: "_blank", rel: "noopener" }, picture);
  }

  word(name, values) {
    return fill(this.words[name] ?? "", values);
  }

  clock(at) {
    const moment = new Date(at);
    const isToday = moment.toDateString() === new Date().toDateString();
    const day = isToday ? {} : { month: "numeric", day: "numeric" };
    return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hour12: false, ...day }).format(moment);
  }

  moment(at) {
    return this.clock(at);
  }

  isAtEnd(slack = 80) {
    const place = this.scroller();
    return place.scrollHeight - place.scrollTop - place.clientHeight < slack;
  }

  toEnd() {
    const place = this.scroller();
    place.scrollTop = place.scrollHeight;
    this.root.querySelector("[data-to-end]")?.setAttribute("hidden", "");
  }

  scroller() {
    return this.root.querySelector("[data-scroll]");
  }
}

// crypto.randomUUID is there on secure pages only.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${bytes.slice(0, 8)}-${bytes.slice(8, 12)}-4${bytes.slice(13, 16)}-a${bytes.slice(17, 20)}-${bytes.slice(20)}`;
}

function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
