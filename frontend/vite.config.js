import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

// Names carry a content hash: the files may be cached for ever. Templates find them through manifest.json ({% asset %}).
export default defineConfig({
  base: "./",
  plugins: [tailwindcss()],
  build: {
    target: "es2022",
    manifest: "manifest.json",
    modulePreload: false,
    emptyOutDir: true,
    assetsDir: ".",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      input: { app: "src/app.js", style: "src/app.css" },
    },
  },
});
