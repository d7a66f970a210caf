// The groups of the sidebar stay as the reader left them. The server reads the same cookie, so the first paint is already right.
const NAME = "zhike_menu";

function opened() {
  const pair = document.cookie.split("; ").find((one) => one.startsWith(`${NAME}=`));
  return new Set(pair ? pair.slice(NAME.length + 1).split(".") : []);
}

// Only what somebody opens or closes is kept: the group of the page itself is open anyway.
for (const group of document.querySelectorAll("details[data-menu-group]")) {
  group.querySelector("summary").addEventListener("click", () => {
    const keys = opened();
    if (group.open) keys.delete(group.dataset.menuGroup);
    else keys.add(group.dataset.menuGroup);
    document.cookie = `${NAME}=${[...keys].join(".")}; path=/; max-age=31536000; samesite=lax`;
  });
}
document.querySelector(".sidebar [aria-current]")?.scrollIntoView({ block: "nearest" });
