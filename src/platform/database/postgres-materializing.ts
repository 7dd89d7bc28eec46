// How PostgreSQL and the embedded database keep answers in tables: a new table takes the place of the old one in one transaction.
import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Engine } from './engine.ts'
import {
  columnsOf,
  findMarked,
  isSameName,
  isSince,
  measure,
  nameOf,
  onConflict,
  rowsOf,
} from './kept-rows.ts'
import type { Kept, Materializing, Place } from './materializing.ts'
import { describeData } from './old-rows.ts'
import type { TableName } from './own-columns.ts'
import { dropTable } from './own-tables.ts'
import { quoted } from './refusals.ts'

const HOUR_MS = 3600_000
/** On the embedded database all else waits meanwhile. */
const EXCLUSIVE_MS = 60_000
/** Whoever reads for longer keeps the old table in its place, since others would wait behind the change. */
const LOCK_TIMEOUT = `SET LOCAL lock_timeout = '10s'`

/** @param reader the role that asks for rows, which may read what people may and make tables of it; absent: the server's user does */
export function createPostgresMaterializing(reader?: string): Materializing<Engine> {
  /** Statements as the reader. */
  const asReader = (...texts: string[]) =>
    reader === undefined ? texts : [`SET LOCAL ROLE ${reader}`, ...texts, 'RESET ROLE']

  async function creation(engine: Engine, into: TableName, kept: Kept, mark: string): Promise<string[]> {
    const schema = quoted(into.schema)
    const key = kept.key.length > 0 ? `, ADD PRIMARY KEY (${kept.key.map(quoted).join(', ')})` : ''
    return [
      // Who may not make schemas may use one that is there.
      ...((await hasSchema(engine, into.schema)) ? [] : [`CREATE SCHEMA ${schema}`]),
      ...(reader === undefined ? [] : [`GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${reader}`]),
      ...asReader(`CREATE TABLE ${nameOf(into)} AS ${rowsOf(kept)}`),
      `ALTER TABLE ${nameOf(into)} ADD CONSTRAINT ${quoted(mark)} CHECK (true)${key}`,
      `ANALYZE ${nameOf(into)}`,
    ]
  }

  return {
    longestMs: reader === undefined ? HOUR_MS : EXCLUSIVE_MS,
    look,
    async clean(engine, { name, mark }) {
      for (const table of await findMarked(engine, mark))
        if (!isSameName(table, name)) await dropTable(engine, table)
    },
    async replace(engine, place, kept, { limits, check, record }) {
      const { name, mark } = place
      // A server that hung and comes back must not write into the table of whoever goes on.
      const fresh = { schema: name.schema, table: `crateflow_fresh_${randomUUID().replaceAll('-', '')}` }
      await engine.script(await creation(engine, fresh, kept, mark), limits)
      const measured = await measure(engine, fresh, kept)
      check(measured)
      const isThere = (await look(engine, place)) === 'ours'
      const rights = isThere ? await rightsOf(engine, name) : []
      await engine.script(
        [
          LOCK_TIMEOUT,
          ...rights.map(({ right, grantee }) => `GRANT ${right} ON ${nameOf(fresh)} TO ${grantee}`),
          ...(isThere ? [`DROP TABLE ${nameOf(name)}`] : []),
          `ALTER TABLE ${nameOf(fresh)} RENAME TO ${quoted(name.table)}`,
        ],
        limits,
      )
      await record(measured)
    },
    async takes(engine, { name }, { columns }) {
      const known = (await describeData(engine, name))?.columns
      return known?.size === columns.length && columns.every((column) => known.has(column.name))
    },
    async merge(engine, { name }, kept, limits) {
      const { type } = await measure(engine, name, kept)
      const rows = rowsOf(kept, { where: isSince(kept, type) })
      await engine.script(
        [
          LOCK_TIMEOUT,
          ...asReader(
            `INSERT INTO ${nameOf(name)} (${columnsOf(kept).join(', ')}) ${rows} ${onConflict(kept)}`,
          ),
          `ANALYZE ${nameOf(name)}`,
        ],
        limits,
      )
      return measure(engine, name, kept)
    },
    async drop(engine, { mark }) {
      for (const table of await findMarked(engine, mark)) await dropTable(engine, table)
    },
  }
}

async function look(engine: Engine, { name, mark }: Place) {
  if ((await findMarked(engine, mark)).some((table) => isSameName(table, name))) return 'ours'
  return (await describeData(engine, name)) ? 'others' : 'free'
}

async function hasSchema(engine: Engine, schema: string): Promise<boolean> {
  const rows = await engine.rows(sql`SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${schema}`)
  return rows.length > 0
}

/** What others may do with the table, spelled for GRANT. */
async function rightsOf(engine: Engine, name: TableName): Promise<{ right: string; grantee: string }[]> {
  const { rows } = await engine.execute<{ right: string; grantee: string }>(
    sql`SELECT acl.privilege_type AS "right",
          CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) AS acl
        WHERE n.nspname = ${name.schema} AND c.relname = ${name.table} AND acl.grantee <> c.relowner`,
  )
  return rows
}
