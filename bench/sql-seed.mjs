// Fills stores by SQL, where REST would take stock MLflow hours.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { startContender } from './contenders.mjs'

/** Fills a store with the modules of the compiled server: the embedded one is open to one process at a time. */
export async function seedOurs(uri, dist, statements) {
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
