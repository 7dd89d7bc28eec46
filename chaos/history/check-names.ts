// Rules of experiments' names: one owner at a time, and nobody is refused a name that is free.
import type { Effect } from './events.ts'
import { groupBy } from './group-by.ts'
import { type Report, when } from './report.ts'
import type { Index, Interval, ReadOf, WriteOf } from './sorted.ts'

/** One experiment's time with a name. */
interface Ownership {
  owner: string
  name: string
  /** From the acknowledgement to the first attempt to rename; empty if `until` comes first. */
  certain: Effect
  /** From the invocation to the acknowledged end. */
  possible: Effect
}

export function checkNames(report: Report, index: Index): void {
  const ownerships = groupBy(findOwnerships(index), ({ name }) => name)
  for (const [name, ofName] of ownerships) checkOneOwner(report, name, ofName)
  for (const read of index.reads('taken')) {
    if (!(ownerships.get(read.name) ?? []).some(({ possible }) => overlap(possible, read))) {
      report.violate('free name refused', `name ${read.name}: nobody had it ${when(read)}`)
    }
  }
  const known = knownIds(index)
  for (const read of index.reads('name')) checkLookUp(report, ownerships.get(read.name) ?? [], read, known)
}

/** Experiments that were created without an acknowledgement have no id here: their name stands for it. */
export const unacknowledged = (name: string) => `created as ${name}`

const knownIds = (index: Index) => new Set(index.writes('experiment').flatMap(({ id }) => id ?? []))

const overlap = ({ from, until }: Effect, { invoked, returned }: Interval) =>
  from <= returned && invoked <= until

function findOwnerships(index: Index): Ownership[] {
  const renames = groupBy(index.writes('rename'), ({ id }) => id)
  const creations = index
    .writes('experiment')
    .map((write) => ({ ...write, id: write.id ?? unacknowledged(write.name) }))
  return [...creations, ...index.writes('rename')].map(({ id, name, effect }) => {
    const others = (renames.get(id) ?? []).filter(
      (other) => other.name !== name && other.effect.until > effect.from,
    )
    const after = others.filter((other) => other.effect.from > effect.until)
    return {
      owner: id,
      name,
      certain: { from: effect.until, until: Math.min(...others.map((other) => other.effect.from)) },
      possible: { from: effect.from, until: Math.min(...after.map((other) => other.effect.until)) },
    }
  })
}

function checkOneOwner(report: Report, name: string, ownerships: Ownership[]): void {
  const certain = ownerships
    .filter(({ certain: { from, until } }) => from < until)
    .sort((a, b) => a.certain.from - b.certain.from)
  let holder: Ownership | undefined
  for (const next of certain) {
    if (holder && holder.owner !== next.owner && next.certain.from < holder.certain.until) {
      report.violate(
        'shared name',
        `name ${name}: of ${holder.owner} and ${next.owner} at ${next.certain.from}`,
      )
    }
    if (!holder || next.certain.until > holder.certain.until) holder = next
  }
}

function checkLookUp(
  report: Report,
  ownerships: Ownership[],
  read: ReadOf<'name'>,
  known: Set<string>,
): void {
  const { name, experiment } = read
  if (!experiment) {
    const owner = ownerships.find(
      ({ certain }) => certain.from < read.invoked && read.returned < certain.until,
    )
    if (owner) report.lost(`name ${name} of ${owner.owner}`, `not found ${when(read)}`)
    return
  }
  const id = known.has(experiment.id) ? experiment.id : unacknowledged(name)
  const times = ownerships.filter(({ owner }) => owner === id)
  if (times.length === 0)
    report.violate('phantom', `name ${name}: found ${experiment.id} ${when(read)}, which never had it`)
  else if (!times.some(({ possible }) => overlap(possible, read))) {
    report.violate('stale', `name ${name}: found ${experiment.id} ${when(read)}, which had given it up`)
  }
}

/** Listings show every experiment once, and no name twice. */
export function checkListings(report: Report, index: Index): void {
  for (const read of index.reads('experiments')) {
    for (const [name, same] of groupBy(read.experiments, (experiment) => experiment.name)) {
      const ids = [...new Set(same.map(({ id }) => id))]
      if (ids.length > 1)
        report.violate('shared name', `name ${name}: listed for ${ids.join(' and ')} ${when(read)}`)
    }
  }
}

/** Effects of creations by experiment, for the check of listings as a set. */
export function creationEffects(creations: WriteOf<'experiment'>[]): Map<string, Effect> {
  const groups = groupBy(creations, ({ id, name }) => id ?? unacknowledged(name))
  return new Map(
    [...groups].map(([id, same]) => [
      id,
      {
        from: Math.min(...same.map(({ effect }) => effect.from)),
        until: Math.min(...same.map(({ effect }) => effect.until)),
      },
    ]),
  )
}
