// Fills stores by SQL, where REST would take stock MLflow hours.
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { ours, schemaOf, startContender, startServer } from './contenders.mjs'
import { dropSchemas } from './services.mjs'

/** This server, embedded or on CrateDB, on a store that SQL filled. `flags` are further ones of its command. */
export async function startSeededOurs(name, statements, { folder, id, main, cratedbUri, defer }, flags = []) {
  const work = join(folder, name)
  mkdirSync(work, { recursive: true })
  const schema = schemaOf('seeded', id)
  const uri = name === 'cratedb' ? `${cratedbUri}?schema=${schema}` : `pglite:${work}/store`
  if (name === 'cratedb') defer(() => dropSchemas(cratedbUri, [schema]))
  await seedOurs(uri, dirname(main), statements)
  const { command, env } = ours(main, uri)
  // A UI that is named is to be served.
  return startServer({
    name,
    folder: work,
    command: [...command, ...flags],
    env: flags.length > 0 ? {} : env,
  })
}

/** Fills a store with the modules of the compiled server: the embedded one is open to one process at a time. */
async function seedOurs(uri, dist, statements) {
  const load = (path) => import(join(dist, 'database', path))
  const [{ openEngine }, { parseBackendUri }, { migrate }] = await Promise.all(
    ['open-engine.js', 'uri.js', 'migrate.js'].map(load),
  )
  const engine = await openEngine(parseBackendUri(uri), { maxConnections: 2 })
  try {
    await migrate(engine, { shards: 4, replicas: '0-1' })
    for (const statement of statements) await engine.execute(sql.raw(statement))
  } finally {
    await engine.close()
  }
}

/** Stock MLflow on SQLite: the server makes the tables and is stopped while SQL fills them. */
export async function startSeededStock(context, statements) {
  const empty = await startContender('stock-sqlite', context)
  await empty.stop()
  const file = join(context.folder, 'stock-sqlite', 'mlflow.db')
  await promisify(execFile)(context.python, ['-c', RUN_SQL, file, ...statements])
  return startContender('stock-sqlite', context)
}

const RUN_SQL = `import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    for statement in sys.argv[2:]:
        db.execute(statement)
    db.execute("ANALYZE")`
