// `crateflow sql`: one statement that reads, answered by a running server or straight from its database.
import { createWriteStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { type SqlConfig, SqlConfigSchema } from '../client-config.ts'
import { DatabaseConfigSchema, type Environment, type Flags, readConfig } from '../config.ts'
import { reasonOf } from '../errors.ts'
import { parseBackendUri } from '../platform/database/uri.ts'
import { addressOf } from './client.ts'
import { explained, openEngineAt } from './database.ts'
import { asUsage, UsageError } from './errors.ts'
import { type Format, type Lines, printRows } from './sql-formats.ts'

const PATH = 'api/crateflow/1.0/sql/query'
const SERVER = 'http://127.0.0.1:5000'

export interface SqlCommand {
  flags: Flags
  env: Environment
  /** Absent: stdin has it. */
  statement: string | undefined
  format: Format
  /** A file; absent: stdout. */
  output: string | undefined
}

/** @throws UsageError, or Error with what the server or the database says */
export async function askSql({ flags, env, statement, format, output }: SqlCommand): Promise<void> {
  const config = asUsage(() => readConfig(SqlConfigSchema, flags, env))
  if (format === 'parquet' && output === undefined && process.stdout.isTTY)
    throw new UsageError('Parquet is no text: name a file with --output, or lead stdout elsewhere.')
  const database = databaseOf(config, flags)
  const asked = statement ?? (await readAll(process.stdin))
  if (asked.trim() === '')
    throw new UsageError('There is no statement: write it behind sql, in quotes, or send it to stdin.')
  if (database === undefined) {
    const { trackingUri = SERVER } = config
    await print(await askServer({ ...config, trackingUri }, asked), { format, output })
  } else await askDatabase(database, { env, asked, format, output })
}

/** The database is asked when it is named; where the environment names both, the server is. */
function databaseOf({ backendStoreUri, trackingUri }: SqlConfig, flags: Flags): string | undefined {
  if (flags.backendStoreUri !== undefined && flags.trackingUri !== undefined)
    throw new UsageError('--tracking-uri and --backend-store-uri exclude each other.')
  if (flags.backendStoreUri !== undefined) return backendStoreUri
  return trackingUri === undefined ? backendStoreUri : undefined
}

async function askServer(config: SqlConfig & { trackingUri: string }, statement: string): Promise<Lines> {
  const { url, headers } = addressOf(config, PATH)
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ statement }), headers }).catch(
    (error: unknown) => {
      const cause = error instanceof Error ? (error.cause ?? error) : error
      throw new Error(
        `${config.trackingUri} cannot be reached: ${reasonOf(cause)}. Name the server with --tracking-uri or MLFLOW_TRACKING_URI.`,
      )
    },
  )
  if (response.ok && response.body) return linesFrom(Readable.fromWeb(response.body as never))
  const body = await response.json().catch(() => ({}))
  const { message, error_code } = body as { message?: string; error_code?: string }
  if (message && error_code !== 'ENDPOINT_NOT_FOUND') throw new Error(message)
  throw new Error(
    `${config.trackingUri} answered with status ${response.status}: is it a Crateflow server that answers SQL?`,
  )
}

async function* linesFrom(input: Readable): Lines {
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield line
  } finally {
    input.destroy()
  }
}

interface Printing {
  format: Format
  output: string | undefined
}

async function askDatabase(
  uri: string,
  { env, asked, ...printing }: Printing & { env: Environment; asked: string },
): Promise<void> {
  const target = asUsage(() => parseBackendUri(uri))
  // Who only asks makes no store.
  if (target.engine === 'pglite' && !existsSync(target.folder))
    throw new UsageError(`There is no store at ${target.folder || 'pglite:, which is in memory'}.`)
  const config = asUsage(() => readConfig(DatabaseConfigSchema, { backendStoreUri: uri }, env))
  const [{ linesOf }, engine] = await Promise.all([
    import('../platform/database/sql-lines.ts'),
    openEngineAt(target, config),
  ])
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  try {
    const timeoutMs = 3600_000
    const answer = await engine.readSql(asked, { timeoutMs, signal: stop.signal })
    await print(splitLines(linesOf(answer)), printing)
  } catch (error) {
    throw explained(error, target)
  } finally {
    await engine.close()
  }
}

async function* splitLines(chunks: AsyncIterable<string>): Lines {
  for await (const chunk of chunks) yield* chunk.trimEnd().split('\n')
}

async function print(lines: Lines, { format, output }: Printing): Promise<void> {
  const out: Writable = output === undefined ? process.stdout : createWriteStream(output)
  await printRows(lines, format, out)
  if (output === undefined) return
  out.end()
  await finished(out)
}
