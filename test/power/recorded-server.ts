// The server as a child process that tells its address and runs one of some statements when it is asked to. Argument: the folder of
// the store.
import { type SQL, sql } from 'drizzle-orm'
import { buildApp } from '../../src/app.ts'
import { createLocationPolicy } from '../../src/artifacts/stores/locations.ts'
import { migrate } from '../../src/platform/database/migrate.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'

const [store = ''] = process.argv.slice(2)
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

const STATEMENTS: Record<string, SQL> = {
  checkpoint: sql`CHECKPOINT`,
  // Goes on to another file of the log.
  switch: sql`SELECT pg_switch_wal()`,
  // Makes files anew and removes the old ones.
  rebuild: sql`REINDEX TABLE tags`,
}

process.on('message', async (question: string) => {
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
