// The verdict on two records by one key: <form x-data="verdict" @keydown.window="press">…<button data-verdict="y">…
export default (Alpine) => {
  Alpine.data("verdict", () => ({
    press(event) {
      const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const button = [...this.$root.querySelectorAll("[data-verdict]")].find((one) => one.dataset.verdict === event.key.toLowerCase());
      if (!button) return;
      event.preventDefault();
      button.click();
    },
  }));
};
