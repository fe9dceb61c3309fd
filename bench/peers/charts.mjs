// Plots as SVG, by echarts without a DOM.
import * as echarts from 'echarts';

const WIDTH = 1180;
const HEIGHT = 590;
const GAP = 90;
const LEFT = 70;
const TOP = 84;
const BOTTOM = 210;

/** Of the curves, in their order in either panel; told apart by their marks too. */
const COLOURS = ['#c23531', '#e08a1e', '#2f8f4e', '#1f6fb4', '#7a4fa3', '#8c6d46', '#222222', '#888888'];
const MARKS = ['circle', 'rect', 'triangle', 'diamond'];

/** 1000 → "1,000", 0.01 → "0.01". */
const tick = (value) => (value >= 1 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(1))));

/**
 * Panels side by side, both axes logarithmic, each with its legend below.
 * @param {{ title: string, axis: string, panels: { title: string, unit: string, curves: { name: string, points:
 * [number, number][] }[] }[] }} plot
 * @returns {string} SVG
 */
export function growth({ title, axis, panels }) {
  const width = (WIDTH - LEFT - 30 - GAP * (panels.length - 1)) / panels.length;
  const lefts = panels.map((_, p) => LEFT + p * (width + GAP));
  const range = (values) => [Math.min(...values), Math.max(...values)];
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: [
      { text: title, left: 'center', top: 10, textStyle: { fontSize: 18 } },
      ...panels.map((panel, p) => ({
        text: panel.title,
        left: lefts[p] + width / 2,
        top: 44,
        textAlign: 'center',
        textStyle: { fontSize: 14, fontWeight: 'normal' },
      })),
    ],
    grid: lefts.map((left) => ({ left, width, top: TOP, bottom: BOTTOM })),
    xAxis: panels.map(({ curves }, p) => {
      const sizes = [...new Set(curves.flatMap(({ points }) => points.map(([size]) => size)))].sort((a, b) => a - b);
      const [low, high] = range(sizes);
      return {
        type: 'log',
        gridIndex: p,
        min: low / 1.15,
        max: high * 1.15,
        name: axis,
        nameLocation: 'middle',
        nameGap: 30,
        axisLabel: { customValues: sizes, formatter: tick, fontSize: 12 },
        axisTick: { customValues: sizes },
        splitLine: { show: false },
      };
    }),
    yAxis: panels.map(({ unit, curves }, p) => {
      const [low, high] = range(curves.flatMap(({ points }) => points.map(([, value]) => value)));
      return {
        type: 'log',
        gridIndex: p,
        min: 10 ** Math.floor(Math.log10(low)),
        max: 10 ** Math.ceil(Math.log10(high)),
        name: unit,
        nameTextStyle: { fontSize: 13, align: 'right', padding: [0, 8, 0, 0] },
        axisLine: { show: true },
        axisTick: { show: true },
        minorTick: { show: true, splitNumber: 10 },
        axisLabel: { formatter: tick, fontSize: 12 },
        splitLine: { lineStyle: { color: '#e4e4e4' } },
      };
    }),
    legend: panels.map(({ curves }, p) => ({
      left: lefts[p],
      top: HEIGHT - BOTTOM + 56,
      width,
      orient: 'vertical',
      height: BOTTOM - 60,
      itemGap: 7,
      textStyle: { fontSize: 12.5 },
      data: curves.map(({ name }) => name),
    })),
    series: panels.flatMap(({ curves }, p) =>
      curves.map(({ name, points }, c) => ({
        type: 'line',
        name,
        xAxisIndex: p,
        yAxisIndex: p,
        data: points,
        symbol: MARKS[c % MARKS.length],
        symbolSize: 8,
        itemStyle: { color: COLOURS[c % COLOURS.length] },
        lineStyle: { width: 2, color: COLOURS[c % COLOURS.length] },
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
