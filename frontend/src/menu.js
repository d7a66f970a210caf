// The groups of the sidebar stay as the reader left them. The server reads the same cookie, so the first paint is already right.
const groups = () => [...document.querySelectorAll("details[data-menu-group]")];

for (const group of groups()) {
  group.addEventListener("toggle", () => {
    const open = groups().filter((one) => one.open);
    const keys = open.map((one) => one.dataset.menuGroup).join(".");
    document.cookie = `zhike_menu=${keys}; path=/; max-age=31536000; samesite=lax`;
  });
}
document.querySelector(".sidebar [aria-current]")?.scrollIntoView({ block: "nearest" });
