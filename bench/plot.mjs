// Line charts as SVG, readable on light and dark pages.
const WIDTH = 760
const HEIGHT = 400
const MARGIN = { top: 44, right: 250, bottom: 52, left: 70 }
const COLOURS = ['#2f7ed8', '#d9822b', '#2e9e6b', '#b0529e', '#8a8f98']

/**
 * The text of an SVG file. The x axis is logarithmic unless it is to be linear; the y axis begins at zero.
 * @param series `{ name, points: [x, y][] }[]`; x above 0 on a logarithmic axis
 */
export function lineChart({ title, xLabel, yLabel, series, isLinear = false }) {
  const all = series.flatMap(({ points }) => points)
  const { x, xs } = isLinear ? linearAxis(all) : logarithmicAxis(all)
  const ticks = niceTicks(Math.max(...all.map(([, y]) => y)))
  const y = scaleOf(0, ticks.at(-1), HEIGHT - MARGIN.bottom, MARGIN.top)
  const at = ([px, py]) => `${round(x(px))},${round(y(py))}`
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(title)}">`,
    STYLE,
    `<text class="title" x="${MARGIN.left}" y="24">${escapeXml(title)}</text>`,
    ...ticks.map((tick) => yTick(tick, y(tick))),
    ...xs.map((value) => xTick(value, x(value))),
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
    `<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeXml(yLabel)}</text>`,
    ...series.flatMap((one, i) => drawSeries(one, { colour: COLOURS[i % COLOURS.length], at, row: i })),
    '</svg>',
  ].join('\n')}\n`
}

const STYLE = `<style>
  text { font: 13px system-ui, sans-serif; fill: #444c56 }
  .title { font-size: 16px; font-weight: 600 }
  .grid { stroke: #8a8f98; stroke-opacity: .35 }
  @media (prefers-color-scheme: dark) { text { fill: #c9d1d9 } }
</style>`

const scaleOf = (from, to, start, end) => (value) =>
  start + ((value - from) / (to - from || 1)) * (end - start)

/** Both axes answer where a value is, and the values to be named. */
function logarithmicAxis(all) {
  const logs = all.map(([x]) => Math.log10(x))
  const [from, to] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))]
  const at = scaleOf(from, to, MARGIN.left, WIDTH - MARGIN.right)
  return { x: (value) => at(Math.log10(value)), xs: [...new Set(all.map(([x]) => x))] }
}

function linearAxis(all) {
  const xs = niceTicks(Math.max(...all.map(([x]) => x)))
  return { x: scaleOf(0, xs.at(-1), MARGIN.left, WIDTH - MARGIN.right), xs }
}

function drawSeries({ name, points }, { colour, at, row }) {
  const legendY = MARGIN.top + 10 + row * 36
  const legendX = WIDTH - MARGIN.right + 16
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2.5" points="${points.map(at).join(' ')}"/>`,
    ...points.map((point) => {
      const [cx, cy] = at(point).split(',')
      return `<circle cx="${cx}" cy="${cy}" r="4" fill="${colour}"/>`
    }),
    `<circle cx="${legendX}" cy="${legendY - 4}" r="5" fill="${colour}"/>`,
    ...wrap(name).map(
      (line, i) => `<text x="${legendX + 12}" y="${legendY + i * 15}">${escapeXml(line)}</text>`,
    ),
  ]
}

/** A name in lines of some 30 characters. */
function wrap(name) {
  const lines = ['']
  for (const word of name.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trim()
    if (line.length > 30) lines.push(word)
    else lines[lines.length - 1] = line
  }
  return lines
}

const yTick = (value, y) =>
  `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${round(y)}" y2="${round(y)}"/>` +
  `<text x="${MARGIN.left - 8}" y="${round(y + 4)}" text-anchor="end">${short(value)}</text>`

const xTick = (value, x) =>
  `<text x="${round(x)}" y="${HEIGHT - MARGIN.bottom + 20}" text-anchor="middle">${short(value)}</text>`

/** Four to eight round steps from zero to at least the maximum. */
function niceTicks(maximum) {
  const magnitude = 10 ** Math.floor(Math.log10(maximum || 1))
  const step = [0.2, 0.25, 0.5, 1, 2].map((factor) => factor * magnitude).find((size) => maximum / size <= 6)
  return Array.from({ length: Math.ceil(maximum / step) + 1 }, (_, i) => i * step)
}

const short = (value) =>
  value >= 1e6
    ? `${+(value / 1e6).toPrecision(3)}M`
    : value >= 1e4
      ? `${+(value / 1e3).toPrecision(3)}k`
      : String(+value.toPrecision(4))
const round = (value) => Math.round(value * 10) / 10
const escapeXml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
