// The phone's own part of a draw's roll: random, and made here.

export default (Alpine) => {
  Alpine.data("nonce", () => ({
    init() {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      this.$el.value = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    },
  }));
};
