// The editor of a ladder: its steps as pairs of fields, all of it as the text that policies have, and a picture of what stays.
import { useId } from 'react'
import type { Ladder } from '../../../src/lifecycle/downsampling/ladder.schema.ts'
import { parseLadder } from '../../../src/lifecycle/downsampling/ladder.schema.ts'
import { Choice, Field } from '../parts/field.tsx'
import { LadderPicture } from './ladder-picture.tsx'

const MOST_STEPS = 10
const BEGINNINGS = { time: '1m:30d,1h:210d', steps: '100steps:30d,1000steps:1y' }

const partsOf = (text: string): [size: string, age: string][] =>
  text.split(',').map((part) => {
    const [size = '', age = ''] = part.split(':')
    return [size.trim(), age.trim()]
  })
const textOf = (parts: [string, string][]): string => parts.map(([size, age]) => `${size}:${age}`).join(',')

/** Undefined while it is none. */
function readLadder(text: string): Ladder | undefined {
  try {
    return parseLadder(text)
  } catch {
    return undefined
  }
}

export function LadderEditor({
  text,
  problem,
  onChange,
}: {
  text: string
  problem: string | undefined
  onChange: (text: string) => void
}) {
  const id = useId()
  const parts = partsOf(text)
  const isBySteps = /steps?$/.test(parts[0]?.[0] ?? '')
  const ladder = readLadder(text)
  const change = (index: number, part: [string, string]) =>
    onChange(textOf(parts.map((one, i) => (i === index ? part : one))))
  return (
    <fieldset className="ladder">
      <legend>Ladder</legend>
      <p className="hint">
        The older points get, the larger the buckets. Each bucket keeps its first, last, lowest and highest
        point, and one NaN if there is any; the latest point of a metric always stays.
      </p>
      <Choice
        label="Buckets of"
        name={`${id}kind`}
        value={isBySteps ? 'steps' : 'time'}
        options={[
          { value: 'time', title: 'time' },
          { value: 'steps', title: 'steps' },
        ]}
        onChange={(kind) => onChange(BEGINNINGS[kind])}
      />
      <ol className="rungs">
        {parts.map(([size, age], i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step of a ladder is its place
          <li key={i}>
            <label htmlFor={`${id}age${i}`}>older than</label>
            <input
              id={`${id}age${i}`}
              value={age}
              size={6}
              aria-label={`Step ${i + 1}: older than`}
              onChange={({ target }) => change(i, [size, target.value])}
            />
            <label htmlFor={`${id}size${i}`}>one bucket for</label>
            <input
              id={`${id}size${i}`}
              value={size}
              size={9}
              aria-label={`Step ${i + 1}: one bucket for`}
              onChange={({ target }) => change(i, [target.value, age])}
            />
            <button
              type="button"
              className="quiet"
              disabled={parts.length === 1}
              aria-label={`Remove step ${i + 1}`}
              onClick={() => onChange(textOf(parts.filter((_, at) => at !== i)))}
            >
              Remove
            </button>
          </li>
        ))}
      </ol>
      <button
        type="button"
        disabled={parts.length >= MOST_STEPS || !ladder}
        onClick={() => ladder && onChange(textOf([...parts, nextOf(ladder)]))}
      >
        Add a step
      </button>
      <Field
        label="As text"
        hint="Sizes and ages: 1m, 12h, 30d, 4w, 1y, or 100steps. Sizes and ages grow; each size is a multiple of the one before."
        problem={problem}
      >
        {(attributes) => (
          <input
            {...attributes}
            className="code"
            value={text}
            spellCheck={false}
            onChange={({ target }) => onChange(target.value)}
          />
        )}
      </Field>
      {ladder ? <LadderPicture ladder={ladder} sizes={parts.map(([size]) => size)} /> : null}
    </fieldset>
  )
}

const DAY_MS = 24 * 3600_000

/** A step above the last one: ten or twenty-four times its size, at twice its age. */
function nextOf({ kind, rungs }: Ladder): [size: string, age: string] {
  const last = rungs.at(-1)
  const age = `${Math.ceil((2 * (last?.ageMs ?? DAY_MS)) / DAY_MS)}d`
  const size = last?.size ?? 1
  if (kind === 'steps') return [`${size * 10}steps`, age]
  const units: [name: string, ms: number][] = [
    ['d', DAY_MS],
    ['h', 3600_000],
    ['m', 60_000],
    ['s', 1000],
  ]
  // The next unit where that is a multiple of the size, else ten times as much.
  const unit = units.toReversed().find(([, ms]) => ms > size && ms % size === 0)
  if (unit) return [`1${unit[0]}`, age]
  const [name, ms] = units.find(([, ms]) => (size * 10) % ms === 0) ?? ['ms', 1]
  return [`${(size * 10) / ms}${name}`, age]
}
