// Judges a history: what clients were promised by acknowledgements against what they saw.
import { checkListings, checkNames, creationEffects, unacknowledged } from './check-names.ts'
import { checkRuns } from './check-runs.ts'
import { checkTraces } from './check-traces.ts'
import type { Operation } from './events.ts'
import { groupBy } from './group-by.ts'
import { checkRegister, type RegisterRead, type RegisterWrite } from './registers.ts'
import { createReport, type Findings, type Report, when } from './report.ts'
import { checkSet } from './sets.ts'
import { type Index, type Interval, indexHistory } from './sorted.ts'

/**
 * Checks a whole history of several clients and servers over one database:
 * - a read shows what was acknowledged before it began, or something newer, whichever server is asked;
 * - points, runs and experiments are there exactly once, and nothing is there that nobody wrote;
 * - the latest metric is not older than any acknowledged point; params have one value for ever;
 * - spans are there exactly once, and the row of their trace tells what they tell;
 * - a name has one owner at a time, and is refused only while it may have one;
 * - refusals have a reason. Writes without an acknowledgement may be there or not, each by itself.
 */
export function checkHistory(history: readonly Operation[]): Findings {
  const report = createReport()
  const index = indexHistory(history)
  for (const operation of history) {
    if (operation.unexplained === undefined) continue
    report.violate(
      'unexplained',
      `${operation.kind} ${when(operation)}: ${operation.status} ${operation.unexplained}`,
    )
  }
  checkRuns(report, index)
  checkTraces(report, index)
  checkExperiments(report, index)
  checkNames(report, index)
  checkRegisters(report, index)
  return report.findings()
}

function checkExperiments(report: Report, index: Index): void {
  const creations = index.writes('experiment')
  const known = new Set(creations.flatMap(({ id }) => id ?? []))
  const effects = creationEffects(creations)
  checkSet(
    report,
    'experiment',
    effects,
    index.reads('experiments').map(({ experiments, ...read }) => ({
      ...read,
      members: experiments.map(({ id, name }) => (known.has(id) ? id : unacknowledged(name))),
    })),
  )
  checkListings(report, index)
  for (const read of index.reads('experiment')) {
    const created = effects.get(read.id)
    if (!read.experiment && created && created.until < read.invoked) {
      report.lost(`experiment ${read.id}`, `not found ${when(read)}`)
    }
  }
}

interface Register {
  name: string
  writes: RegisterWrite[]
  reads: RegisterRead[]
}

function checkRegisters(report: Report, index: Index): void {
  for (const { name, writes, reads } of findRegisters(index)) {
    const last = Math.max(...reads.map(({ invoked }) => invoked))
    // The first is the initial value, which came with the object.
    for (const write of writes.slice(1)) {
      if (Number.isFinite(write.until)) report.acknowledged(`${name} ${write.value} ${write.from}`)
    }
    for (const { fault, read, withdrawn } of checkRegister(writes, reads)) {
      const what = `showed '${read.value}' ${when(read)}`
      if (withdrawn) report.withdrawn(`${name} '${read.value}'`)
      else if (fault === 'stale') report.stale(name, what, read.invoked === last)
      else report.violate(fault, `${name}: ${what}`)
    }
    const newest = Math.max(...writes.map(({ until }) => until).filter(Number.isFinite))
    if (writes.length > 1 && !(last > newest))
      report.violate('unverified', `${name}: nobody read it after its last write`)
  }
}

/** Registers of objects whose creation was acknowledged; only their ids are known. */
function findRegisters(index: Index): Register[] {
  const renames = index
    .writes('rename')
    .map(({ id, name, effect }) => ({ object: `experiment ${id}`, field: 'name', value: name, effect }))
  const writes = groupBy([...index.writes('register'), ...renames], ({ object }) => object)
  const reads = groupBy(index.reads('register'), ({ object }) => object)
  const views = groupBy(viewsAsFields(index), ({ object }) => object)
  return creations(index).flatMap(({ object, initial, from }) => {
    const ofObject = groupBy(writes.get(object) ?? [], ({ field }) => field)
    const seen = groupBy(reads.get(object) ?? [], ({ field }) => field)
    const shown = views.get(object) ?? []
    const fields = new Set([
      ...initial.keys(),
      ...ofObject.keys(),
      ...seen.keys(),
      ...shown.flatMap((view) => [...view.fields.keys()]),
    ])
    return [...fields].map((field) => ({
      name: `${object} ${field}`,
      writes: [
        { value: initial.get(field), from, until: from },
        ...(ofObject.get(field) ?? []).map(({ value, effect }) => ({ value, ...effect })),
      ],
      reads: [
        ...(seen.get(field) ?? []),
        ...shown.map((view) => ({ ...view, value: view.fields.get(field) })),
      ].map(({ value, invoked, returned }) => ({ value, invoked, returned })),
    }))
  })
}

/** What clients find in a new object, before anybody changes it. */
function creations(index: Index): { object: string; initial: Map<string, string>; from: number }[] {
  const runs = index.writes('run').flatMap(({ id, invoked }) =>
    id === undefined
      ? []
      : [
          {
            object: `run ${id}`,
            initial: new Map([
              ['lifecycle', 'active'],
              ['end', 'RUNNING '],
            ]),
            from: invoked,
          },
        ],
  )
  const experiments = index.writes('experiment').flatMap(({ id, name, invoked }) =>
    id === undefined
      ? []
      : [
          {
            object: `experiment ${id}`,
            initial: new Map([
              ['lifecycle', 'active'],
              ['name', name],
            ]),
            from: invoked,
          },
        ],
  )
  return [...runs, ...experiments]
}

function viewsAsFields(index: Index): (Interval & { object: string; fields: Map<string, string> })[] {
  const tagFields = (tags: [string, string][]) =>
    tags.map(([key, value]): [string, string] => [`tag ${key}`, value])
  return [
    ...index.runViews.map(({ id, lifecycle, end, tags, invoked, returned }) => ({
      ...{ object: `run ${id}`, invoked, returned },
      fields: new Map([['lifecycle', lifecycle], ['end', end], ...tagFields(tags)]),
    })),
    ...index.experimentViews.map(({ id, lifecycle, name, tags, invoked, returned }) => ({
      ...{ object: `experiment ${id}`, invoked, returned },
      fields: new Map([['lifecycle', lifecycle], ['name', name], ...tagFields(tags)]),
    })),
  ]
}
