// What was asked of a command on a running server, beside the things themselves.
import type { Command } from 'commander'
import { type ClientConfig, ClientConfigSchema } from '../../client-config.ts'
import { type Environment, readConfig } from '../../config.ts'
import { askServer, type ServerRequest } from '../client.ts'
import { asUsage, UsageError } from '../errors.ts'
import { givenFlags } from '../options.ts'
import { type Terminal, terminalOf } from '../terminal.ts'
import type { Telling } from './fields.ts'

export const FORMATS = ['table', 'csv', 'json'] as const
export const VIEWS = { active: 'ACTIVE_ONLY', deleted: 'DELETED_ONLY', all: 'ALL' } as const
export type View = keyof typeof VIEWS

export interface Asked extends Telling {
  /** Asks the server. @throws as `askServer` */
  ask: <Answer>(request: ServerRequest) => Promise<Answer>
  format: (typeof FORMATS)[number]
  terminal: Terminal
  /** Names or ids of the experiments to look into; empty for all. */
  experiments: readonly string[]
  view: View
  filter: string | undefined
  orderBy: readonly string[]
  /** How many things at most; Infinity for all. */
  limit: number
  pageToken: string | undefined
  /** Names of the fields to show; undefined for the usual ones. */
  columns: readonly string[] | undefined
  yes: boolean
}

/** Reads the options of the command, of which each has some. */
export function askedOf(command: Command, env: Environment): Asked {
  const flags = givenFlags(command, ClientConfigSchema)
  const config: ClientConfig = asUsage(() => readConfig(ClientConfigSchema, flags, env))
  const options = command.opts<Partial<Asked> & { experiment?: string[] }>()
  return {
    ask: (request) => askServer(config, request),
    terminal: terminalOf(env),
    nowMs: Date.now(),
    format: options.format ?? 'table',
    utc: options.utc ?? false,
    experiments: options.experiment ?? [],
    view: options.view ?? 'active',
    filter: options.filter,
    orderBy: options.orderBy ?? [],
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    pageToken: options.pageToken,
    columns: options.columns,
    yes: options.yes ?? false,
  }
}

const API = 'api/2.0/mlflow'

/** The path of an endpoint below MLflow's API 2.0, with a query. */
export const mlflow = (path: string, query?: Record<string, string>): string =>
  query ? `${API}/${path}?${new URLSearchParams(query)}` : `${API}/${path}`

/**
 * A text as a filter takes it in quotes; MLflow's language has no escapes.
 * @throws Error for one with both kinds of quotes
 */
export function quoted(text: string): string {
  if (!text.includes("'")) return `'${text}'`
  if (!text.includes('"')) return `"${text}"`
  throw new Error(`No filter finds a name with both kinds of quotes: give the id of ${text}.`)
}

const IS_FILTER = /[<>=]|\b[ir]?like\b|\bin\s*\(|\bis\s+(?:not\s+)?null\b/i

/** What `search` was asked for: a filter, or a part of names. */
export const filterFor = (words: string, name: string): string =>
  IS_FILTER.test(words) ? words : `${name} ILIKE ${quoted(`%${words}%`)}`

/** @throws UsageError when there is no terminal to ask on */
export function requireAnswer({ yes }: Asked): void {
  if (!yes && !process.stdin.isTTY)
    throw new UsageError('Deleting asks on a terminal. Without one, say --yes.')
}
