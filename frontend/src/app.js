// The one script of every page. Nothing inline anywhere: behaviour hangs on data attributes and Alpine.data names.
import Alpine from "@alpinejs/csp";
import htmx from "htmx.org";

import "./feedback.js";
import "./dialogs.js";
import "./forms.js";
import "./menu.js";
import "./shortcuts.js";
import "./theme.js";
import { drawCharts } from "./charts-loader.js";
import { registerComponents } from "./alpine-components.js";

window.htmx = htmx;
registerComponents(Alpine);

// Each area may add its own Alpine components: pages/<name>.js exports default (Alpine) => { Alpine.data(...) }.
for (const module of Object.values(import.meta.glob("./pages/*.js", { eager: true }))) {
  module.default?.(Alpine, htmx);
}
Alpine.start();

htmx.onLoad(drawCharts);
