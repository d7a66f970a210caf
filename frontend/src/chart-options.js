// From our description to ECharts' options. Description:
// {kind: line|area|bar|bar-horizontal|donut|funnel|heatmap|scatter|sankey|network, unit: count|points|fen|percent, stacked,
//  categories: [...], rows: [...] (heatmap), series: [{name, values, tone, kind}], nodes/links (sankey, network), marks: [{name, value}]}
import { locale, text } from "./text.js";

const ORDER = ["primary", "accent", "info", "success", "warning", "secondary", "error"];

export function option(description, palette, isCalm) {
  const theme = themeOf(palette);
  const build = { donut, funnel, heatmap, network, sankey }[description.kind] ?? cartesian;
  return {
    animation: !isCalm,
    animationDuration: 350,
    color: ORDER.map((name) => rgb(palette[name])),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: theme.text },
    ...build(description, theme, palette),
  };
}

function themeOf(palette) {
  return {
    text: rgb(palette["base-content"]),
    muted: rgb(palette["base-content"], 0.75),
    line: rgb(palette["base-content"], 0.12),
    surface: rgb(palette["base-100"]),
  };
}

function rgb([red, green, blue], alpha = 1) {
  return `rgba(${red},${green},${blue},${alpha})`;
}

// Chinese counts in 万 and 亿, English in K and M; the browser knows both.
export function formatter(unit, isShort = false) {
  const base = isShort ? { notation: "compact", maximumFractionDigits: 1 } : {};
  if (unit === "fen") {
    const money = { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol", ...base };
    const format = new Intl.NumberFormat(locale(), money);
    return (value) => format.format(value / 100);
  }
  const style = unit === "percent" ? { style: "percent", maximumFractionDigits: 1 } : {};
  const format = new Intl.NumberFormat(locale(), { ...base, ...style });
  return (value) => (typeof value === "number" ? format.format(value) : (value ?? "–"));
}

// HTML tooltips set style attributes, which the content security policy forbids: rich text, from the first setOption.
function tooltip(theme, extra) {
  return {
    renderMode: "richText",
    backgroundColor: theme.surface,
    borderColor: theme.line,
    textStyle: { color: theme.text, fontSize: 13 },
    confine: true,
    ...extra,
  };
}

function legend(theme, names) {
  return names.length > 1 ? { top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 8, textStyle: { color: theme.muted } } : undefined;
}

function cartesian(description, theme, palette) {
  const isSideways = description.kind === "bar-horizontal";
  const isScatter = description.kind === "scatter";
  const category = {
    type: isScatter ? "value" : "category",
    data: isScatter ? undefined : description.categories,
    inverse: isSideways,
    boundaryGap: description.kind === "bar" || isSideways,
    axisLine: { lineStyle: { color: theme.line } },
    axisTick: { show: false },
    axisLabel: { color: theme.muted, hideOverlap: true },
    splitLine: { show: false },
  };
  const short = formatter(description.unit, true);
  const value = {
    type: "value",
    splitNumber: 4,
    axisLabel: { color: theme.muted, formatter: short },
    splitLine: { lineStyle: { color: theme.line } },
    minInterval: description.unit === "percent" ? 0 : 1,
  };
  const names = description.series.map((series) => series.name);
  return {
    grid: { left: 4, right: 12, top: names.length > 1 ? 36 : 12, bottom: 4, containLabel: true },
    legend: legend(theme, names),
    tooltip: tooltip(theme, {
      trigger: isScatter ? "item" : "axis",
      axisPointer: { lineStyle: { color: theme.line }, shadowStyle: { color: theme.line } },
      valueFormatter: formatter(description.unit),
    }),
    xAxis: isSideways ? value : category,
    yAxis: isSideways ? category : value,
    series: description.series.map((series) => cartesianSeries(description, series, palette)),
  };
}

function cartesianSeries(description, series, palette) {
  const kind = series.kind ?? description.kind;
  const tone = series.tone && palette[series.tone];
  const common = {
    name: series.name,
    data: series.values.map((value, index) => (series.urls?.[index] ? { value, url: series.urls[index] } : value)),
    stack: description.stacked ? "all" : undefined,
    itemStyle: tone ? { color: rgb(tone) } : undefined,
    markLine: marks(description),
  };
  if (kind === "scatter") return { ...common, type: "scatter", symbolSize: 8 };
  if (kind.startsWith("bar")) {
    return { ...common, type: "bar", barMaxWidth: 28, itemStyle: { ...common.itemStyle, borderRadius: description.stacked ? 0 : 3 } };
  }
  return {
    ...common,
    type: "line",
    smooth: 0.2,
    showSymbol: series.values.length < 3,
    lineStyle: { width: 2.5 },
    areaStyle: kind === "area" ? { opacity: 0.12 } : undefined,
  };
}

function marks(description) {
  if (!description.marks?.length) return undefined;
  return {
    silent: true,
    symbol: "none",
    lineStyle: { type: "dashed" },
    data: description.marks.map(({ name, value }) => ({ name, yAxis: value, label: { formatter: name, position: "insideEndTop" } })),
  };
}

function parts(description) {
  const [series] = description.series;
  return series.values.map((value, index) => ({ name: description.categories[index], value, url: series.urls?.[index] }));
}

function donut(description, theme) {
  const format = formatter(description.unit);
  return {
    legend: { type: "scroll", bottom: 0, icon: "circle", itemWidth: 10, itemHeight: 10, textStyle: { color: theme.muted } },
    tooltip: tooltip(theme, { trigger: "item", formatter: ({ name, value, percent }) => `${name}\n${format(value)} (${percent}%)` }),
    series: [
      {
        type: "pie",
        radius: ["52%", "78%"],
        center: ["50%", "44%"],
        label: { show: false },
        itemStyle: { borderColor: theme.surface, borderWidth: 2 },
        data: parts(description),
      },
    ],
  };
}

function funnel(description, theme) {
  return {
    tooltip: tooltip(theme, { trigger: "item", valueFormatter: formatter(description.unit) }),
    series: [
      {
        type: "funnel",
        sort: "none",
        left: 8,
        right: "35%",
        top: 8,
        bottom: 8,
        minSize: "8%",
        gap: 2,
        label: { position: "right", color: theme.text },
        itemStyle: { borderColor: theme.surface },
        data: parts(description),
      },
    ],
  };
}

// values: [[column, row, value], …]
function heatmap(description, theme, palette) {
  const cells = description.series[0].values;
  const most = Math.max(1, ...cells.map((cell) => cell[2]));
  const axis = { type: "category", axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: theme.muted } };
  return {
    grid: { left: 4, right: 4, top: 4, bottom: 4, containLabel: true },
    tooltip: tooltip(theme, { trigger: "item", valueFormatter: formatter(description.unit) }),
    xAxis: { ...axis, data: description.categories },
    yAxis: { ...axis, data: description.rows, inverse: true },
    visualMap: { show: false, min: 0, max: most, inRange: { color: [rgb(palette.primary, 0.06), rgb(palette.primary)] }, text: [text("more"), text("less")] },
    series: [{ type: "heatmap", name: description.series[0].name, data: cells, itemStyle: { borderColor: theme.surface, borderWidth: 2, borderRadius: 3 } }],
  };
}

function sankey(description, theme) {
  return {
    tooltip: tooltip(theme, { trigger: "item", valueFormatter: formatter(description.unit) }),
    series: [
      {
        type: "sankey",
        nodes: description.nodes,
        links: description.links,
        label: { color: theme.text, formatter: ({ data }) => data.name },
        lineStyle: { color: "gradient", opacity: 0.25 },
        right: 96,
      },
    ],
  };
}

// Circles as large as their value, lines as thick as theirs. Laid out in a ring: the same numbers give the same picture.
function network(description, theme, palette) {
  const most = Math.max(1, ...description.nodes.map((node) => node.value));
  const thickest = Math.max(1, ...description.links.map((link) => link.value));
  return {
    tooltip: tooltip(theme, { trigger: "item" }),
    series: [
      {
        type: "graph",
        layout: "circular",
        circular: { rotateLabel: true },
        top: 90,
        bottom: 90,
        left: 90,
        right: 90,
        label: { show: true, color: theme.text, fontSize: 11 },
        labelLayout: { hideOverlap: true },
        itemStyle: { color: rgb(palette.primary) },
        lineStyle: { color: "source", opacity: 0.35, curveness: 0.25 },
        emphasis: { focus: "adjacency" },
        data: description.nodes.map((node) => ({ ...node, symbolSize: 8 + 22 * Math.sqrt(node.value / most) })),
        links: description.links.map((link) => ({ ...link, lineStyle: { width: 1 + 4 * (link.value / thickest) } })),
      },
    ],
  };
}
