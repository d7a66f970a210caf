// Small behaviours for x-data. The CSP build allows property access and calls, no free expressions with globals.
import { announce } from "./feedback.js";
import { text } from "./text.js";

export function registerComponents(Alpine) {
  Alpine.data("copyButton", copyButton);
  Alpine.data("keypad", keypad);
  Alpine.data("stepper", stepper);
  Alpine.data("countdown", countdown);
  Alpine.data("passwordPeek", () => ({
    shown: false,
    toggle() {
      this.shown = !this.shown;
      this.$root.querySelector("input").type = this.shown ? "text" : "password";
    },
  }));
}

// <span x-data="copyButton" data-value="…"><button @click="copy">…</button></span>
function copyButton() {
  return {
    copied: false,
    async copy() {
      await navigator.clipboard.writeText(this.$root.dataset.value);
      this.copied = true;
      announce(text("copied"));
      setTimeout(() => (this.copied = false), 2000);
    },
  };
}

// A number pad for touch: buttons with data-key (0-9, ".", "00", "back", "clear") write into the input with x-ref="input".
function keypad() {
  return {
    press(event) {
      const key = event.target.closest("[data-key]")?.dataset.key;
      const input = this.$refs.input;
      if (!key || !input) return;
      if (key === "back") input.value = input.value.slice(0, -1);
      else if (key === "clear") input.value = "";
      else if (key !== "." || !input.value.includes(".")) input.value += key;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    },
  };
}

// <div x-data="stepper"><button @click="less">−</button><input x-ref="input" type="number"><button @click="more">+</button></div>
function stepper() {
  return {
    less() {
      this.$refs.input.stepDown();
      this.changed();
    },
    more() {
      this.$refs.input.stepUp();
      this.changed();
    },
    changed() {
      this.$refs.input.dispatchEvent(new Event("input", { bubbles: true }));
      this.$refs.input.dispatchEvent(new Event("change", { bubbles: true }));
    },
  };
}

// <span x-data="countdown" data-seconds="60"><span x-text="left"></span></span>; sends "countdown-done" when it reaches zero.
function countdown() {
  return {
    left: 0,
    running: false,
    init() {
      this.left = Number(this.$root.dataset.seconds);
      this.running = this.left > 0;
      const end = Date.now() + this.left * 1000;
      const timer = setInterval(() => {
        this.left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
        this.running = this.left > 0;
        if (this.running && this.$root.isConnected) return;
        clearInterval(timer);
        this.$dispatch("countdown-done");
      }, 250);
    },
  };
}
