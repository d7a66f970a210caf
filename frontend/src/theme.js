// Light, dark or as the device says. The server reads the same cookie, so the first paint is already right.
const NAMES = { light: "zhike-light", dark: "zhike-dark" };

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-theme-form]");
  if (!form) return;
  event.preventDefault();
  choose(event.submitter.value);
});

export function choose(theme) {
  const root = document.documentElement;
  if (NAMES[theme]) root.dataset.theme = NAMES[theme];
  else delete root.dataset.theme;
  document.cookie = `zhike_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  for (const button of document.querySelectorAll("form[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  document.dispatchEvent(new CustomEvent("theme-changed"));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("theme-changed"));
});
