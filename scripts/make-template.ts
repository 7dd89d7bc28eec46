// Makes the template of embedded databases beside the program: a first start copies it instead of running initdb.
import { chmodSync, cpSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { sql } from 'drizzle-orm'
import { LOCK_FILE } from '../src/platform/database/folder-lock.ts'
import { migrate } from '../src/platform/database/migrate.ts'
import { openEngine } from '../src/platform/database/open-engine.ts'
import { EMPTY_FOLDERS, TEMPLATE } from '../src/platform/database/pglite-folder.mjs'
import { dropUnusedDatabases } from '../src/platform/database/pglite-maintenance.ts'
import { DEFAULT_SCHEMA } from '../src/platform/database/uri.ts'

const parent = mkdtempSync(join(tmpdir(), 'crateflow-template-'))
const draft = `${TEMPLATE}.new`
try {
  const folder = join(parent, 'store')
  const target = { engine: 'pglite', folder, schema: DEFAULT_SCHEMA } as const
  const engine = await openEngine(target, { maxConnections: 1, embeddedSync: false })
  await migrate(engine, { shards: 1, replicas: '0' })
  // Two thirds of the files are those of databases that a server would drop.
  await dropUnusedDatabases(async (text) => (await engine.execute(sql.raw(text))).rows)
  await engine.close()
  rmSync(join(folder, LOCK_FILE))
  cpSync(folder, draft, { recursive: true })
  // Whoever may run the program may copy it.
  const empty: string[] = []
  for (const entry of readdirSync(draft, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    chmodSync(path, entry.isDirectory() ? 0o755 : 0o644)
    if (entry.isDirectory() && readdirSync(path).length === 0) empty.push(relative(draft, path))
  }
  writeFileSync(TEMPLATE + EMPTY_FOLDERS, JSON.stringify(empty))
  renameSync(draft, TEMPLATE)
} finally {
  rmSync(parent, { recursive: true, force: true })
}
