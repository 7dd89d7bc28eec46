// Makes the program in dist, and the template of embedded databases beside it.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { bundle } from './bundle.mjs'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const main = join(dist, 'main.js')

rmSync(dist, { recursive: true, force: true })
await bundle(
  {
    'main.js': join(root, 'src/main.ts'),
    'pglite-worker.mjs': join(root, 'src/database/pglite-worker.mjs'),
  },
  dist,
)
chmodSync(main, 0o755)
await makeTemplate(join(dist, 'template'))

/** A database with all tables, closed in order: a first start copies it instead of running initdb. */
async function makeTemplate(template) {
  const parent = mkdtempSync(join(tmpdir(), 'crateflow-template-'))
  try {
    const store = join(parent, 'store')
    const flags = ['--backend-store-uri', `pglite:${store}`, '--embedded-sync', 'off']
    execFileSync(process.execPath, [main, 'db', 'migrate', ...flags], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    rmSync(join(store, 'crateflow.lock'))
    await dropUnused(store)
    // Whoever may run the program may copy it.
    for (const entry of readdirSync(store, { recursive: true, withFileTypes: true }))
      chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
    cpSync(store, `${template}.new`, { recursive: true })
    renameSync(`${template}.new`, template)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/** Two thirds of the files are those of databases that the program would drop. */
async function dropUnused(folder) {
  const store = await PGlite.create(folder)
  for (const name of ['template0', 'template1']) {
    await store.query('UPDATE pg_database SET datistemplate = false WHERE datname = $1', [name])
    await store.query(`DROP DATABASE ${name}`)
  }
  await store.close()
}
