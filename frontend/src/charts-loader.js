// ECharts is large: it is fetched only by pages that hold a chart.
let charts;

export async function drawCharts(root) {
  const places = [...(root.matches?.("[data-chart]") ? [root] : []), ...(root.querySelectorAll?.("[data-chart]") ?? [])];
  if (!places.length) return;
  charts ??= import("./charts.js");
  const { draw } = await charts;
  for (const place of places) draw(place);
}
