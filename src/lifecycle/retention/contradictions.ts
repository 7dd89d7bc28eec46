// Which policies contradict each other: pure rules over what they say.
import { parseDuration } from '../../platform/wire/durations.ts'
import { parseLadder } from '../downsampling/ladder.schema.ts'
import type { PolicyDefinition } from './schema.ts'
import type { Found } from './strategies.ts'

interface Named {
  policy: PolicyDefinition
}

export type Contradiction<P> = Found & { of: P; with: P }

const REMOVING = ['delete', 'snapshot']
const ms = ({ duration }: PolicyDefinition) => parseDuration(duration, 'duration')

/** Each pair once. Disabled policies contradict nothing. */
export function contradictionsOf<P extends Named>(all: readonly P[]): Contradiction<P>[] {
  const enabled = all.filter(({ policy }) => policy.enabled)
  const found: Contradiction<P>[] = []
  for (const [i, of] of enabled.entries()) {
    for (const other of enabled.slice(i + 1)) {
      if (!mayMeet(of.policy, other.policy)) continue
      const message = contradictionOf(of.policy, other.policy) ?? contradictionOf(other.policy, of.policy)
      if (message) found.push({ of, with: other, verdict: 'warning', code: 'contradiction', message })
    }
  }
  return found
}

/** Whether there may be data that both are about. */
function mayMeet(a: PolicyDefinition, b: PolicyDefinition): boolean {
  if (a.target !== b.target) {
    // Artifacts go with the runs whose they are.
    const pair = [a.target, b.target].sort().join()
    if (pair !== 'artifacts,deleted_runs') return false
  }
  const [one, other] = [a.experiment_pattern, b.experiment_pattern]
  const arePlain = one !== undefined && other !== undefined && !/[%_]/.test(one + other)
  return !(arePlain && one !== other)
}

function contradictionOf(a: PolicyDefinition, b: PolicyDefinition): string | undefined {
  const names = `'${a.name}' and '${b.name}'`
  if (a.target === 'artifacts' && b.target === 'deleted_runs')
    return ms(b) <= ms(a)
      ? `'${b.name}' deletes runs with their artifacts after ${b.duration}: '${a.name}' after ${a.duration} never finds any.`
      : undefined
  if (a.target !== b.target) return undefined
  const [removesA, removesB] = [a, b].map(({ strategy }) => REMOVING.includes(strategy))
  if (a.strategy === 'delete' && b.strategy === 'snapshot' && ms(a) <= ms(b))
    return `'${a.name}' deletes after ${a.duration} what '${b.name}' wants to put into a snapshot after ${b.duration}.`
  if (removesA && b.strategy === 'reallocate' && ms(a) <= ms(b))
    return `'${a.name}' removes after ${a.duration} what '${b.name}' wants to move after ${b.duration}.`
  if (a.strategy === 'delete' && b.strategy === 'downsample') {
    const never = parseLadder(b.ladder ?? '').rungs.find(({ ageMs }) => ageMs >= ms(a))
    return never
      ? `'${a.name}' deletes after ${a.duration} what '${b.name}' wants to downsample after ${never.age}.`
      : undefined
  }
  if (a.strategy === 'downsample' && b.strategy === 'downsample' && a.column !== undefined)
    return `${names} both take the rows of ${a.target}: what one has put into its buckets, the other does not find.`
  if (a.strategy === 'downsample' && b.strategy === 'downsample')
    return a.ladder === b.ladder
      ? undefined
      : `${names} downsample the same points by different ladders: which buckets there are depends on which of them runs first.`
  if (a.strategy === 'reallocate' && b.strategy === 'reallocate') {
    const isOther = a.attribute === b.attribute && a.attribute_value !== b.attribute_value
    return isOther && ms(a) === ms(b)
      ? `${names} move the same partitions to different nodes after ${a.duration}.`
      : undefined
  }
  if (a.strategy === 'snapshot' && b.strategy === 'snapshot')
    return `${names} both take the partitions of ${a.target}: what one has put into its repository, the other does not find.`
  if (
    removesA &&
    removesB &&
    a.strategy === 'delete' &&
    b.strategy === 'delete' &&
    ms(a) < ms(b) &&
    isWider(a, b)
  )
    return `'${a.name}' deletes after ${a.duration} all that '${b.name}' keeps until ${b.duration}.`
  return undefined
}

/** Whether the first one takes all that the second one would. */
const isWider = (a: PolicyDefinition, b: PolicyDefinition): boolean =>
  (a.experiment_pattern === undefined || a.experiment_pattern === b.experiment_pattern) &&
  a.run_tags.every((tag) => b.run_tags.some(({ key, value }) => key === tag.key && value === tag.value)) &&
  (a.column === b.column || a.category === 'partition')
