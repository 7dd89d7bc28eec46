// An embedded store that is migrated once per run; tests copy its folder, as creating one takes seconds.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Found } from './service.ts'

export interface PgliteTemplate {
  folder: string
}

export const findPgliteTemplate = (): Found<PgliteTemplate> => ({
  candidate: { how: 'PGlite', start: makeTemplate },
  missing: '',
})

async function makeTemplate() {
  const { openMigrated } = await import('../databases.ts')
  const parent = await mkdtemp(join(tmpdir(), 'crateflow-pglite-'))
  const folder = join(parent, 'template')
  const engine = await openMigrated(`pglite:${folder}`)
  await engine.close()
  return { value: { folder }, stop: () => rm(parent, { recursive: true, force: true }) }
}
