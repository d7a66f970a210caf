// Draws {% chart %}: a small description of kind, categories and series becomes an ECharts picture in the theme's colours.
import { BarChart, FunnelChart, GraphChart, HeatmapChart, LineChart, PieChart, SankeyChart, ScatterChart } from "echarts/charts";
import {
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

import { option } from "./chart-options.js";

echarts.use([
  BarChart,
  CanvasRenderer,
  DataZoomComponent,
  FunnelChart,
  GraphChart,
  GridComponent,
  HeatmapChart,
  LegendComponent,
  LineChart,
  MarkLineComponent,
  PieChart,
  SankeyChart,
  ScatterChart,
  TooltipComponent,
  VisualMapComponent,
]);

const drawn = new Map();
const resizer = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get(target)?.resize();
});

export function draw(place) {
  const description = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  drawn.get(place)?.dispose();
  const chart = echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(option(description, colours(), matchMedia("(prefers-reduced-motion: reduce)").matches));
  chart.on("click", ({ data }) => {
    if (data?.url) location.assign(data.url);
  });
  drawn.set(place, chart);
  resizer.observe(place);
  place.dataset.drawn = "true";
}

document.addEventListener("theme-changed", () => {
  for (const place of drawn.keys()) {
    if (place.isConnected) draw(place);
    else forget(place);
  }
});
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  if (drawn.has(event.target)) forget(event.target);
});

function forget(place) {
  drawn.get(place)?.dispose();
  drawn.delete(place);
  resizer.unobserve(place);
}

// A canvas does not understand oklch() or custom properties: paint one pixel and read it back.
function colours() {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const style = getComputedStyle(document.documentElement);
  const read = (name) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = style.getPropertyValue(`--color-${name}`).trim();
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const names = ["primary", "accent", "info", "success", "warning", "secondary", "error", "base-content", "base-100", "base-300"];
  return Object.fromEntries(names.map((name) => [name, read(name)]));
}
