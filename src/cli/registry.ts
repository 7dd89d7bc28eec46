// `crateflow registry`: asks a running server for the history of an alias, and rolls it back.
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientConfig, ClientConfigSchema } from '../client-config.ts'
import { type Environment, type Flags, readConfig } from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { AliasEvent, AliasHistory, RolledBack } from '../registry/model-registry/rollback.schema.ts'
import { addressOf } from './client.ts'
import { asUsage } from './errors.ts'
import { print, printTable } from './print.ts'

const PATH = 'api/crateflow/1.0/registered-models'
const TIMEOUT_MS = 60_000
/** Waits before a request is repeated that failed for the moment, or whose answer was lost. */
const REPEAT_AFTER_MS = [500, 2000]
const BUSY = [429, 502, 503, 504]

export interface ClientSettings {
  flags: Flags
  env: Environment
  /** Print the answer as it is. */
  json: boolean
}

export interface NamedAlias {
  name: string
  alias: string
}

/** `registry history`: a table of changes, latest first. */
export async function showHistory(settings: ClientSettings, { name, alias }: NamedAlias): Promise<void> {
  const history = await readHistory(configOf(settings), { name, alias })
  if (settings.json) return print(JSON.stringify(history))
  print(`${alias} of ${name} ${history.version ? `points to version ${history.version}` : 'is deleted'}`)
  const rows = history.events.map(rowOf)
  printTable([['WHEN', 'WHAT', 'FROM', 'TO', 'BY'], ...rows])
}

/**
 * `registry rollback`: moves the alias away from where it points now, so that a repeat of the request cannot move it
 * twice.
 */
export async function rollBack(
  settings: ClientSettings,
  { name, alias, to }: NamedAlias & { to?: string | undefined },
): Promise<void> {
  const config = configOf(settings)
  const { version: from } = await readHistory(config, { name, alias })
  const body = JSON.stringify({ name, alias, from, to })
  const done = await ask<RolledBack>(config, 'rollback-alias', { method: 'POST', body })
  if (settings.json) return print(JSON.stringify(done))
  const { from_version: left = 'none', to_version: version = 'none' } = done.event
  if (done.changed) print(`${alias} of ${name}: version ${left} -> ${version}`)
  else print(`${alias} of ${name} points to version ${done.version} already; nothing was changed`)
}

const configOf = ({ flags, env }: ClientSettings): ClientConfig =>
  asUsage(() => readConfig(ClientConfigSchema, flags, env))

function readHistory(config: ClientConfig, alias: NamedAlias): Promise<AliasHistory> {
  return ask(config, `alias-history?${new URLSearchParams({ ...alias, max_results: '1000' })}`)
}

const rowOf = (event: AliasEvent): string[] => [
  new Date(event.timestamp).toISOString(),
  event.kind.replace('_', ' '),
  event.from_version ?? '-',
  event.to_version ?? '-',
  event.user_id ?? '-',
]

/** Sends a request that may be repeated. @throws Error with the server's text, or why there is none */
async function ask<Answer>(config: ClientConfig, path: string, init: RequestInit = {}): Promise<Answer> {
  const { url, headers } = addressOf(config, `${PATH}/${path}`)
  for (let attempt = 0; ; attempt++) {
    const pause = REPEAT_AFTER_MS[attempt]
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(url, { ...init, headers, signal }).catch((error: unknown) => {
      if (pause !== undefined) return undefined
      const cause = error instanceof Error ? (error.cause ?? error) : error
      throw new Error(
        `${config.trackingUri} cannot be reached: ${reasonOf(cause)}. Name the server with --tracking-uri or MLFLOW_TRACKING_URI.`,
      )
    })
    if (response && (pause === undefined || !BUSY.includes(response.status))) {
      return readAnswer(response, config.trackingUri)
    }
    await sleep(pause)
  }
}

async function readAnswer<Answer>(response: Response, server: string): Promise<Answer> {
  const text = await response.text()
  try {
    const body = JSON.parse(text) as Answer & { error_code?: string; message?: string }
    if (response.ok) return body
    if (body.message && body.error_code !== 'ENDPOINT_NOT_FOUND') throw new Error(body.message)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(`${server} answered with status ${response.status}: is it a Crateflow server?`)
}
