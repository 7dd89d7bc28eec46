// Makes the template of embedded databases beside the compiled program: a first start copies it instead of running initdb.
import { chmodSync, cpSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const dist = join(import.meta.dirname, '../dist')
const { openEngine } = await import(`${dist}/database/open-engine.js`)
const { LOCK_FILE } = await import(`${dist}/database/folder-lock.js`)
const { migrate } = await import(`${dist}/database/migrate.js`)
const { TEMPLATE } = await import(`${dist}/database/pglite-folder.js`)
const { DEFAULT_SCHEMA } = await import(`${dist}/database/uri.js`)

const parent = mkdtempSync(join(tmpdir(), 'crateflow-template-'))
const draft = `${TEMPLATE}.new`
try {
  rmSync(TEMPLATE, { recursive: true, force: true })
  rmSync(draft, { recursive: true, force: true })
  const folder = join(parent, 'store')
  const target = { engine: 'pglite', folder, schema: DEFAULT_SCHEMA }
  const engine = await openEngine(target, { maxConnections: 1, embeddedSync: false })
  await migrate(engine, { shards: 1, replicas: '0' })
  await engine.close()
  rmSync(join(folder, LOCK_FILE))
  cpSync(folder, draft, { recursive: true })
  // Whoever may run the program may copy it.
  for (const entry of readdirSync(draft, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
  renameSync(draft, TEMPLATE)
} finally {
  rmSync(parent, { recursive: true, force: true })
}
