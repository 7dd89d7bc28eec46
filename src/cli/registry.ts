// `crateflow registry`: asks a running server for the history of an alias, and rolls it back.
import { type ClientConfig, ClientConfigSchema } from '../client-config.ts'
import { type Environment, type Flags, readConfig } from '../config.ts'
import type { AliasEvent, AliasHistory, RolledBack } from '../registry/model-registry/rollback.schema.ts'
import { askServer } from './client.ts'
import { asUsage } from './errors.ts'
import { print, printTable } from './print.ts'

const PATH = 'api/crateflow/1.0/registered-models'

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
  const done = await askServer<RolledBack>(config, {
    method: 'POST',
    path: `${PATH}/rollback-alias`,
    body: { name, alias, from, to },
  })
  if (settings.json) return print(JSON.stringify(done))
  const { from_version: left = 'none', to_version: version = 'none' } = done.event
  if (done.changed) print(`${alias} of ${name}: version ${left} -> ${version}`)
  else print(`${alias} of ${name} points to version ${done.version} already; nothing was changed`)
}

const configOf = ({ flags, env }: ClientSettings): ClientConfig =>
  asUsage(() => readConfig(ClientConfigSchema, flags, env))

function readHistory(config: ClientConfig, alias: NamedAlias): Promise<AliasHistory> {
  const query = new URLSearchParams({ ...alias, max_results: '1000' })
  return askServer(config, { path: `${PATH}/alias-history?${query}` })
}

const rowOf = (event: AliasEvent): string[] => [
  new Date(event.timestamp).toISOString(),
  event.kind.replace('_', ' '),
  event.from_version ?? '-',
  event.to_version ?? '-',
  event.user_id ?? '-',
]
