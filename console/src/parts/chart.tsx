// A chart: lines or bars on a canvas, in the colours of the page, drawn anew when these or its size change. What it shows is told in words, too.
import { useEffect, useRef, useState } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface Series {
  name: string
  /** `bars`, a `line`, or the `points` themselves on a line. */
  look: 'bars' | 'line' | 'points'
  color: '--chart-1' | '--chart-2' | '--chart-3' | '--chart-quiet'
}

export interface ChartProps {
  /** What it shows, for whoever does not see it. */
  label: string
  height: number
  series: Series[]
  /** Values of the x axis, then those of each series. */
  data: (number | null)[][]
  x: (value: number) => string
  y: (value: number) => string
  /** Distances between marks of the x axis that read well. */
  steps?: number[] | undefined
  /** The range of values, so that charts beside each other have the same. */
  range?: [number, number] | undefined
}

/** Changes when the colours of the page do. */
function useScheme(): boolean {
  const query = window.matchMedia('(prefers-color-scheme: dark)')
  const [isDark, setDark] = useState(query.matches)
  useEffect(() => {
    const media = window.matchMedia('(prefers-color-scheme: dark)')
    const change = () => setDark(media.matches)
    media.addEventListener('change', change)
    return () => media.removeEventListener('change', change)
  }, [])
  return isDark
}

export function Chart(props: ChartProps) {
  const { label, height, data } = props
  const place = useRef<HTMLDivElement>(null)
  const isDark = useScheme()
  const latest = useRef(props)
  latest.current = props
  const shape = JSON.stringify([props.series, props.range, height, isDark])

  // biome-ignore lint/correctness/useExhaustiveDependencies: all that a chart is made of is in its shape; data are set below
  useEffect(() => {
    const element = place.current
    if (!element) return
    const chart = new UPlot(
      optionsOf(latest.current, element),
      latest.current.data as UPlot.AlignedData,
      element,
    )
    const observer = new ResizeObserver(([entry]) => {
      if (entry) chart.setSize({ width: Math.floor(entry.contentRect.width), height })
    })
    observer.observe(element)
    current.current = chart
    return () => {
      observer.disconnect()
      chart.destroy()
      current.current = undefined
    }
  }, [shape])

  const current = useRef<UPlot>(undefined)
  useEffect(() => current.current?.setData(data as UPlot.AlignedData), [data])

  return <div ref={place} className="chart" role="img" aria-label={label} style={{ height }} />
}

function optionsOf({ height, series, x, y, range, steps }: ChartProps, element: HTMLElement): UPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string) => resolved(element, name)
  const [ink, line] = [color('--ink-2'), color('--line')]
  const font = `11px ${style.fontFamily}`
  const grid = { stroke: line, width: 1 }
  const isBars = series[0]?.look === 'bars'
  const bars = UPlot.paths.bars?.({ size: [0.7, 40] })
  return {
    width: Math.floor(element.clientWidth) || 300,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, ...(isBars && { range: (_chart, min, max) => [min - 0.5, max + 0.5] }) },
      y: { range: range ?? ((_chart, _min, max) => [0, max > 0 ? max * 1.05 : 1]) },
    },
    axes: [
      {
        stroke: ink,
        font,
        grid: { show: false },
        ticks: { show: false },
        size: 24,
        ...(steps && { incrs: steps }),
        values: (_c, all) => all.map(x),
      },
      { stroke: ink, font, grid, ticks: { show: false }, size: 52, values: (_c, all) => all.map(y) },
    ],
    series: [
      {},
      ...series.map(
        ({ name, look, color: of }): UPlot.Series => ({
          label: name,
          stroke: color(of),
          width: look === 'bars' ? 0 : 1.25,
          spanGaps: true,
          ...(look === 'bars' && { fill: color(of), ...(bars && { paths: bars }) }),
          points: { show: look === 'points', size: 3.5, fill: color(of), stroke: color(of) },
        }),
      ),
    ],
  }
}

/** The value of a custom property as canvases take it: light-dark() is none of their words. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
