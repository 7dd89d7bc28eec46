// Opens what a user names as the source: a database or the files of a stock server, or the server itself.
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Engine } from '../../platform/database/engine.ts'
import { redactPasswords } from '../../platform/wire/redact.ts'
import type { Source } from '../source.ts'
import { createRest, type RestCredentials } from './rest.ts'
import { openSqlite, readerOf, type SqlReader } from './sql-reader.ts'
import { createSqlSource, type SqlSourceOptions } from './sql-source.ts'

export interface OpenMlflowOptions extends Omit<SqlSourceOptions, 'name'> {
  /** For a proxy in front of a server. */
  credentials: RestCredentials
  /** Opens a database of PostgreSQL or CrateDB by a URI of ours, and tells it in words. */
  openDatabase: (uri: string) => Promise<{ engine: Engine; name: string }>
}

/** What was named is nothing that can be read. */
export class NoSourceError extends Error {}

/**
 * @param from `sqlite:///file`, `postgresql://…`, `mysql://…`, `crate://…`, `http://…`, or a folder of files
 * @throws NoSourceError for something else; Error in words for users
 */
export async function openMlflow(
  from: string,
  { openDatabase, credentials, ...options }: OpenMlflowOptions,
): Promise<Source> {
  const opened = await openSql(from, { openDatabase, cratedbSchema: 'mlflow' })
  if (opened) return sqlSource(opened.reader, { ...options, name: opened.name })
  if (/^https?:\/\//.test(from)) {
    const { createServerSource } = await import('./server-source.ts')
    const name = from.replace(/\/\/[^@/]*@/, '//')
    return createServerSource(createRest(from, credentials), { ...options, name })
  }
  const folder = from.startsWith('file:') ? fileURLToPath(from) : from
  if (!/^[a-z][\w+]*:/i.test(folder) && existsSync(folder)) {
    const { createFilesSource } = await import('./files-source.ts')
    return createFilesSource({ folder, experiments: options.experiments })
  }
  throw new NoSourceError(
    `${redactPasswords(from).slice(0, 60)} is no source. There are sqlite:///file.db, postgresql://…, mysql://…, crate://…, http://server and a folder of files such as ./mlruns.`,
  )
}

/**
 * Opens a database for reading.
 * @param cratedbSchema where tables are on CrateDB, unless the URI says so
 * @returns undefined for a URI of something else
 * @throws Error in words for users
 */
export async function openSql(
  from: string,
  { openDatabase, cratedbSchema }: Pick<OpenMlflowOptions, 'openDatabase'> & { cratedbSchema: string },
): Promise<{ reader: SqlReader; name: string } | undefined> {
  const sqlite = /^sqlite(?:\+\w+)?:\/\/(.*)$/.exec(from)
  if (sqlite) {
    // Three slashes begin a path from the working folder, four one from the root.
    const file = decodeURIComponent((sqlite[1] ?? '').replace(/\?.*$/, '').replace(/^\//, ''))
    if (!existsSync(file) || !statSync(file).isFile()) throw new Error(`There is no file ${file}.`)
    return { reader: await openSqlite(file), name: `sqlite:${file}` }
  }
  if (/^(mysql|mariadb)(\+\w+)?:\/\//.test(from)) {
    const { openMysql } = await import('./mysql-reader.ts')
    return openMysql(from)
  }
  if (!/^(postgres(ql)?|crate(db)?)(\+\w+)?:\/\//.test(from)) return undefined
  const { engine, name } = await openDatabase(ourUri(from, cratedbSchema))
  return { reader: readerOf(engine), name }
}

async function sqlSource(reader: SqlReader, options: SqlSourceOptions) {
  try {
    return await createSqlSource(reader, options)
  } catch (error) {
    await reader.close()
    throw error
  }
}

/** The URI without SQLAlchemy's driver; tables of stock MLflow are in the schema that is usual there. */
function ourUri(from: string, cratedbSchema: string): string {
  const uri = from
    .replace(/^postgres(ql)?(\+\w+)?:/, 'postgresql:')
    .replace(/^crate(db)?(\+\w+)?:/, 'cratedb:')
  if (/[?&]schema=/.test(uri)) return uri
  const schema = uri.startsWith('cratedb') ? cratedbSchema : 'public'
  return `${uri}${uri.includes('?') ? '&' : '?'}schema=${schema}`
}
