// What came in within the last day, by the hour: runs, points of metrics, traces.
import type { Overview } from '../api.ts'
import { Chart } from '../parts/chart.tsx'
import { Section } from '../parts/page.tsx'
import { count } from '../words.ts'

type Hour = Overview['ingest'][number]

const KINDS = [
  { field: 'runs', title: 'Runs', color: '--chart-1' },
  { field: 'points', title: 'Points of metrics', color: '--chart-2' },
  { field: 'traces', title: 'Traces', color: '--chart-3' },
] as const

const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16)

export function Ingest({ hours }: { hours: Hour[] }) {
  return (
    <Section title="Ingest, by the hour" aside="last 24 hours, UTC">
      <div className="ingest">
        {KINDS.map((kind) => (
          <Kind key={kind.field} {...kind} hours={hours} />
        ))}
      </div>
      <details>
        <summary>As a table</summary>
        <HourTable hours={hours} />
      </details>
    </Section>
  )
}

function Kind({ field, title, color, hours }: (typeof KINDS)[number] & { hours: Hour[] }) {
  const values = hours.map((hour) => hour[field])
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0)
    return (
      <figure>
        <figcaption>
          <span>{title}</span>
        </figcaption>
        <p className="hint">There are too many to count them here.</p>
      </figure>
    )
  const sum = known.reduce((all, value) => all + value, 0)
  const last = known.at(-1) ?? 0
  return (
    <figure>
      <figcaption>
        <span>{title}</span>
        <span>
          <strong>{count(last)}</strong> in the last hour, {count(sum)} in the last day
        </span>
      </figcaption>
      <Chart
        label={`${title} by the hour: ${count(last)} in the last hour, ${count(sum)} in the last day, ${count(Math.max(...known))} in the busiest hour`}
        height={104}
        series={[{ name: title, look: 'bars', color }]}
        data={[hours.map((_hour, i) => i), values.map((value) => value ?? null)]}
        x={(i) => (Number.isInteger(i) && hours[i] ? clock(hours[i].start) : '')}
        y={(value) => (Number.isInteger(value) ? short.format(value) : '')}
      />
    </figure>
  )
}

const HourTable = ({ hours }: { hours: Hour[] }) => (
  <table>
    <caption className="unseen">Ingest by the hour</caption>
    <thead>
      <tr>
        <th scope="col">From</th>
        {KINDS.map(({ field, title }) => (
          <th key={field} scope="col" className="number">
            {title}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {hours.map((hour) => (
        <tr key={hour.start}>
          <th scope="row">{clock(hour.start)}</th>
          {KINDS.map(({ field }) => (
            <td key={field} className="number">
              {count(hour[field])}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
)
