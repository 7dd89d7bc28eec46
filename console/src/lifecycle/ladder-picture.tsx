// A picture of a ladder: which ages have which buckets, and what is left of a sample curve on each of its steps.
import { useMemo } from 'react'
import type { Ladder } from '../../../src/lifecycle/downsampling/ladder.schema.ts'
import { Chart, type Series } from '../parts/chart.tsx'
import { count, counted, duration } from '../words.ts'
import { type Deviation, type Point, type Sample, sampleOf } from './ladder-sample.ts'

/** More dots than these are a line. */
const MOST_DOTS = 260
const HEIGHT = 120

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Distances between marks that read well. */
const TICKS = [
  ...[1, 10, 100, 500],
  ...[1, 5, 10, 30].map((count) => count * SECOND),
  ...[1, 5, 10, 30].map((count) => count * MINUTE),
  ...[1, 2, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 28, 56, 112, 365, 730, 3650].map((count) => count * DAY),
]

const digits = new Intl.NumberFormat('en-US', { style: 'percent', maximumSignificantDigits: 2 })
const percent = (part: number) => digits.format(part < 5e-5 ? 0 : part)
const span = (ms: number) => duration(ms).replace(/\.0 s$/, ' s')

interface Level {
  title: string
  ages: string
  points: readonly Point[]
  /** Of the points as they were logged, none. */
  error?: Deviation | undefined
}

function levelsOf({ rungs }: Ladder, sizes: readonly string[], sample: Sample): Level[] {
  return [
    { title: 'As logged', ages: `younger than ${rungs[0]?.age}`, points: sample.raw },
    ...rungs.map(({ age }, i) => ({
      title: `One bucket for ${sizes[i]?.replace(/\s*steps?$/, ' steps')}`,
      ages: rungs[i + 1] ? `${age} to ${rungs[i + 1]?.age}` : `older than ${age}`,
      points: sample.rungs[i]?.points ?? [],
      error: sample.rungs[i]?.error,
    })),
  ]
}

export function LadderPicture({ ladder, sizes }: { ladder: Ladder; sizes: string[] }) {
  const key = JSON.stringify(ladder)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a ladder is what it says
  const sample = useMemo(() => sampleOf(ladder), [key])
  const isBySteps = ladder.kind === 'steps'
  const say = (value: number) => (isBySteps ? counted(value, 'step') : span(value))
  const levels = levelsOf(ladder, sizes, sample)
  const values = sample.raw.map(([, y]) => y)
  const range: [number, number] = [Math.min(...values, 0), Math.max(...values) * 1.03]
  return (
    <div className="picture">
      <h2>What a chart keeps</h2>
      <ol className="strip" aria-label="Ages and what is kept of them">
        {levels.map(({ title, ages }) => (
          <li key={ages}>
            <strong>{title}</strong>
            <span>{ages}</span>
          </li>
        ))}
      </ol>
      <p className="hint">
        A sample: a metric logged every {say(sample.interval)}, for {say(sample.span)}, as it looks at each
        age; in grey, as it was logged.
      </p>
      <div className="levels">
        {levels.map((level) => (
          <figure key={level.ages}>
            <figcaption>
              <span>{level.title}</span>
              <span>{told(level, sample)}</span>
            </figcaption>
            <Chart
              label={`${level.title}, ${level.ages}: ${told(level, sample)}`}
              height={HEIGHT}
              range={range}
              {...shown(level, sample)}
              {...(!isBySteps && { steps: TICKS })}
              x={(value) => (isBySteps ? count(value) : value === 0 ? '0' : span(value))}
              y={(value) => value.toFixed(1)}
            />
          </figure>
        ))}
      </div>
    </div>
  )
}

function told({ points, error }: Level, { raw }: Sample): string {
  const sum = counted(points.length, 'point')
  if (!error) return sum
  const part = percent(points.length / raw.length)
  return `${sum}, ${part} of them; off by ${percent(error.mean)} on average, ${percent(error.most)} at most`
}

/** What was logged behind what stays. */
function shown({ points, error }: Level, { raw }: Sample): { series: Series[]; data: (number | null)[][] } {
  const [x, y] = [raw.map(([at]) => at), raw.map(([, value]) => value)]
  if (!error) return { series: [{ name: 'as logged', look: 'line', color: '--chart-1' }], data: [x, y] }
  const kept = new Map(points)
  return {
    series: [
      { name: 'as logged', look: 'line', color: '--chart-quiet' },
      { name: 'kept', look: points.length > MOST_DOTS ? 'line' : 'points', color: '--chart-1' },
    ],
    data: [x, y, x.map((at) => kept.get(at) ?? null)],
  }
}
