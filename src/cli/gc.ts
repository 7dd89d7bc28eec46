// `crateflow gc`: deletes for good what is marked as deleted, through a running server or in a store that none has open.
import type { Environment, Flags } from '../config.ts'
import type { Collected, DeletedThing, GarbageList, LeftThing } from '../lifecycle/cleaning/schema.ts'
import { type Ask, withAsk } from './asking.ts'
import { EXIT, errorLine, UsageError } from './errors.ts'
import { print, printTable } from './print.ts'

export interface GcSettings {
  /** Of `GcConfigSchema`. */
  flags: Flags
  env: Environment
  olderThan?: string | undefined
  /** Separated by commas. */
  experimentIds?: string | undefined
  runIds?: string | undefined
  loggedModelIds?: string | undefined
  dryRun: boolean
  keepArtifacts: boolean
  /** Print the answers as they are, one a line. */
  json: boolean
}

const PATH = 'api/crateflow/1.0/gc'
const NOUNS = { experiment: 'Experiment', run: 'Run', logged_model: 'Logged model', metric: '', param: '' }

/** @returns 1 when something could not be deleted, or is left for the next time */
export const collectGarbage = (settings: GcSettings): Promise<number> =>
  withAsk(settings, (ask) => (settings.dryRun ? listGarbage(ask, settings) : collect(ask, settings)))

/** What is asked for, as requests have it. */
const selectionOf = ({ olderThan, experimentIds, runIds, loggedModelIds }: GcSettings) => ({
  ...(olderThan !== undefined && { older_than: ageOf(olderThan) }),
  experiment_ids: listOf('--experiment-ids', experimentIds),
  run_ids: listOf('--run-ids', runIds),
  logged_model_ids: listOf('--logged-model-ids', loggedModelIds),
})

/** Nor must an age that came out empty mean any age. */
function ageOf(text: string): string {
  if (text.trim() === '') throw new UsageError('--older-than names no age. Leave it out for all ages.')
  return text
}

/** A list that came out empty, as of a variable of the shell, must not mean everything. */
function listOf(option: string, text: string | undefined): string[] {
  if (text === undefined) return []
  const ids = text
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean)
  if (ids.length === 0) throw new UsageError(`${option} names no id. Leave it out to delete all.`)
  return ids
}

async function collect(ask: Ask, settings: GcSettings): Promise<number> {
  const body = { ...selectionOf(settings), keep_artifacts: settings.keepArtifacts }
  const step = (more: object) =>
    ask<Collected>({ method: 'POST', path: `${PATH}/collect`, body: { ...body, ...more } })
  // Nothing is deleted before there is a token: with one, a request whose answer is lost may be repeated.
  let { next_page_token: token } = await step({ only_check: true })
  let deleted = 0
  let left = 0
  while (token !== undefined) {
    const done: Collected = await step({ page_token: token })
    report(done, settings)
    deleted += done.deleted.length
    left += done.left.length
    token = done.next_page_token
  }
  if (deleted + left === 0 && !settings.json) print('There is nothing to delete.')
  return left > 0 ? EXIT.failure : EXIT.ok
}

function report({ deleted, left }: Collected, { json }: GcSettings): void {
  if (json && deleted.length + left.length > 0) print(JSON.stringify({ deleted, left }))
  // MLflow's words.
  for (const one of deleted) if (!json) print(`${nameOf(one)} has been permanently deleted.`)
  for (const one of left) {
    process.stderr.write(`${errorLine(new Error(`${nameOf(one)} is left: ${one.message}`))}\n`)
  }
}

const nameOf = ({ kind, id }: DeletedThing | LeftThing) => `${NOUNS[kind]} with ID ${id}`

async function listGarbage(ask: Ask, settings: GcSettings): Promise<number> {
  const { older_than, ...ids } = selectionOf(settings)
  const query = new URLSearchParams({ max_results: '1000' })
  if (older_than !== undefined) query.set('older_than', older_than)
  for (const [name, list] of Object.entries(ids)) for (const id of list) query.append(name, id)
  let count = 0
  do {
    const page = await ask<GarbageList>({ method: 'GET', path: `${PATH}/garbage?${query}` })
    printGarbage(page, { isFirst: count === 0, json: settings.json })
    count += page.garbage.length
    query.set('page_token', page.next_page_token ?? '')
  } while (query.get('page_token'))
  if (!settings.json) print(count === 0 ? 'There is nothing to delete.' : `${count} would be deleted.`)
  return EXIT.ok
}

function printGarbage({ garbage }: GarbageList, { isFirst, json }: { isFirst: boolean; json: boolean }) {
  if (garbage.length === 0) return
  if (json) return print(JSON.stringify({ garbage }))
  const rows = garbage.map(({ kind, id, name = '-', experiment_id, deleted_at }) => [
    NOUNS[kind].toLowerCase(),
    id,
    experiment_id,
    new Date(deleted_at).toISOString(),
    name,
  ])
  printTable([...(isFirst ? [['WHAT', 'ID', 'EXPERIMENT', 'DELETED', 'NAME']] : []), ...rows])
}
