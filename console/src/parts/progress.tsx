// How far an execution is: a bar, and words that readers of screens hear as they change.
import { useEffect, useRef, useState } from 'react'
import type { Execution } from '../api.ts'
import { bytes, counted, duration } from '../words.ts'

export function Progress({ execution }: { execution: Execution }) {
  const { state, steps_planned, steps_done, policy_name } = execution
  const isRunning = state === 'running'
  return (
    <div className="progress">
      {isRunning ? (
        <progress
          aria-label={`Steps of ${policy_name}`}
          max={Math.max(steps_planned ?? 1, 1)}
          // How far it is within a step nobody knows.
          {...((steps_planned ?? 0) > 1 && { value: steps_done })}
        />
      ) : null}
      <span>{sayProgress(execution)}</span>
    </div>
  )
}

export function sayProgress({
  state,
  steps_planned,
  steps_done,
  rows,
  bytes: size,
  ...more
}: Execution): string {
  const steps =
    steps_planned === undefined ? 'planning' : `${steps_done} of ${counted(steps_planned, 'step')}`
  const sum = `${counted(rows, 'row')}${size > 0 ? `, ${bytes(size)}` : ''}`
  if (state === 'running') return `${steps}, ${sum} so far${more.cancelling ? '; ends with this step' : ''}`
  const took = more.ended_at === undefined ? '' : ` in ${duration(more.ended_at - more.started_at)}`
  const outcome = steps_planned === 0 ? 'nothing was due' : `${sum}${took}`
  return more.message ? `${outcome}: ${more.message}` : outcome
}

/** The same without what changes each second. */
export const announce = (execution: Execution): string => {
  const { state, steps_planned, steps_done } = execution
  if (state !== 'running') return `${state}: ${sayProgress(execution)}`
  return steps_planned === undefined
    ? 'running'
    : `running: ${steps_done} of ${counted(steps_planned, 'step')}`
}

/** Says a text to readers of screens whenever it changes. */
export function Announcer({ text }: { text: string }) {
  const last = useRef(text)
  const [said, say] = useState('')
  useEffect(() => {
    if (text === last.current) return
    last.current = text
    say(text)
  }, [text])
  return (
    <p className="unseen" aria-live="polite">
      {said}
    </p>
  )
}
