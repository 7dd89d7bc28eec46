// Small marks: states of executions, verdicts, health, times. None tells anything by its colour alone.
import { useEffect, useState } from 'react'
import { time, timeAgo } from '../words.ts'

type Tone = 'good' | 'warning' | 'bad' | 'busy' | 'quiet'

const SIGNS: Record<Tone, string> = { good: '✓', warning: '!', bad: '✕', busy: '◔', quiet: '–' }

export function Mark({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={`mark ${tone}`}>
      <span aria-hidden="true">{SIGNS[tone]}</span> {children}
    </span>
  )
}

const STATES: Record<string, Tone> = {
  running: 'busy',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'quiet',
  done: 'good',
}

export const StateMark = ({ state }: { state: string }) => (
  <Mark tone={STATES[state] ?? 'quiet'}>{state}</Mark>
)

const VERDICTS: Record<string, Tone> = { ok: 'good', warning: 'warning', failure: 'bad' }

export const VerdictMark = ({ verdict }: { verdict: string }) => (
  <Mark tone={VERDICTS[verdict] ?? 'quiet'}>{verdict}</Mark>
)

const HEALTH: Record<string, Tone> = { GREEN: 'good', YELLOW: 'warning', RED: 'bad' }

export const HealthMark = ({ health }: { health: string | undefined }) =>
  health ? <Mark tone={HEALTH[health] ?? 'quiet'}>{health}</Mark> : <Mark tone="good">answers</Mark>

const TICK_MS = 10_000

/** How long ago, or in how long; the time itself when pointed at. */
export function Ago({ ms }: { ms: number }) {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  const date = new Date(ms)
  return (
    <time dateTime={Number.isNaN(date.getTime()) ? undefined : date.toISOString()} title={`${time(ms)} UTC`}>
      {timeAgo(ms, now)}
    </time>
  )
}
