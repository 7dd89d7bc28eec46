// @ts-check
// The server as a child process that tells its address and runs one of some statements when it is asked to. Arguments: the
// folder with the compiled server, the folder of the store.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sql } from 'drizzle-orm'

const [dist = '', store = ''] = process.argv.slice(2)
const load = (/** @type {string} */ path) => import(pathToFileURL(join(dist, path)).href)
const { openEngine } = await load('database/open-engine.js')
const { parseBackendUri } = await load('database/uri.js')
const { migrate } = await load('database/migrate.js')
const { buildApp } = await load('app.js')
const { createLocationPolicy } = await load('artifacts/stores/locations.js')

const engine = await openEngine(parseBackendUri(`pglite:${store}`), {
  maxConnections: 1,
  embeddedSync: process.env.POWER_SYNC !== 'off',
})
await migrate(engine, { shards: 1, replicas: '0' })
const artifacts = `${store}-artifacts`
const app = await buildApp({
  engine,
  defaultArtifactRoot: 'mlflow-artifacts:/',
  locations: createLocationPolicy({
    allowedSchemes: [],
    configured: [artifacts],
    allowedFolders: [],
    maxLength: 2048,
  }),
  artifacts: { destination: artifacts, only: false, s3: {}, presignedDownloadSeconds: 900 },
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })

/** @type {Record<string, import('drizzle-orm').SQL>} */
const STATEMENTS = {
  checkpoint: sql`CHECKPOINT`,
  // Goes on to another file of the log.
  switch: sql`SELECT pg_switch_wal()`,
  // Makes files anew and removes the old ones.
  rebuild: sql`REINDEX TABLE tags`,
}

process.on('message', async (/** @type {string} */ question) => {
  const statement = STATEMENTS[question]
  if (statement) await engine.execute(statement)
  else {
    await app.close()
    await engine.close()
  }
  process.send?.('done', () => {
    if (question === 'stop') process.exit(0)
  })
})
process.on('disconnect', () => process.exit(1))
process.send?.(url)
