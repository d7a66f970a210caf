// Sentences of the scripts, translated on the server (base.html, json_script "ui-text").
let sentences;

export function text(key) {
  sentences ??= JSON.parse(document.getElementById("ui-text")?.textContent ?? "{}");
  return sentences[key] ?? key;
}

export function locale() {
  return document.documentElement.lang || "zh-Hans";
}
