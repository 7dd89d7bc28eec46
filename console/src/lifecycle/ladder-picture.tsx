// A picture of a ladder: which ages have which buckets, and what is left of a sample curve on each of its steps.
import { useMemo } from 'react'
import type { Ladder } from '../../../src/lifecycle/downsampling/ladder.schema.ts'
import { Chart } from '../parts/chart.tsx'
import { count, counted, duration } from '../words.ts'
import { type Point, sampleOf } from './ladder-sample.ts'

/** More dots than these are a line. */
const MOST_DOTS = 260
const percent = new Intl.NumberFormat('en-US', { style: 'percent', maximumSignificantDigits: 2 })

export function LadderPicture({ ladder, sizes }: { ladder: Ladder; sizes: string[] }) {
  const key = JSON.stringify(ladder)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a ladder is what it says
  const sample = useMemo(() => sampleOf(ladder), [key])
  const { rungs, kind } = ladder
  const every = kind === 'steps' ? counted(sample.interval, 'step') : duration(sample.interval)
  const span = kind === 'steps' ? counted(sample.span, 'step') : duration(sample.span)
  const levels = [
    {
      title: 'As logged',
      ages: `younger than ${rungs[0]?.age}`,
      points: sample.raw,
      error: 0,
    },
    ...rungs.map((rung, i) => ({
      title: `One bucket for ${sizes[i]}`,
      ages: rungs[i + 1] ? `${rung.age} to ${rungs[i + 1]?.age}` : `older than ${rung.age}`,
      points: sample.rungs[i]?.points ?? [],
      error: sample.rungs[i]?.error ?? 0,
    })),
  ]
  const values = sample.raw.map(([, y]) => y)
  const range: [number, number] = [Math.min(...values, 0), Math.max(...values) * 1.03]
  return (
    <div className="picture">
      <h3>What a chart keeps</h3>
      <ol className="strip" aria-label="Ages and what is kept of them">
        {levels.map(({ title, ages }) => (
          <li key={ages}>
            <strong>{title}</strong>
            <span>{ages}</span>
          </li>
        ))}
      </ol>
      <p className="hint">
        A sample: a metric logged every {every}, for {span}, as it looks at each age.
      </p>
      <div className="levels">
        {levels.map(({ title, ages, points, error }) => (
          <figure key={ages}>
            <figcaption>
              <span>{title}</span>
              <span>
                {counted(points.length, 'point')}
                {points === sample.raw
                  ? ''
                  : `, ${percent.format(points.length / sample.raw.length)} of them; off by ${percent.format(error)} at most`}
              </span>
            </figcaption>
            <Chart
              label={`${title}, ${ages}: ${count(points.length)} of ${counted(sample.raw.length, 'point')} stay; a line through them is off by ${percent.format(error)} of the range at most`}
              height={120}
              range={range}
              {...shown(points)}
              x={(value) => (kind === 'steps' ? count(value) : value === 0 ? '0' : duration(value))}
              y={(value) => value.toFixed(1)}
            />
          </figure>
        ))}
      </div>
    </div>
  )
}

const shown = (points: readonly Point[]) => ({
  series: [
    {
      name: 'value',
      look: points.length > MOST_DOTS ? ('line' as const) : ('points' as const),
      color: '--chart-1' as const,
    },
  ],
  data: [points.map(([x]) => x), points.map(([, y]) => y)],
})
