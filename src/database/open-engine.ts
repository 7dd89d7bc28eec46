// Opens the engine that a backend store URI names.
import type { Engine, EngineOptions } from './engine.ts'
import type { BackendTarget } from './uri.ts'

type Opener = (options: EngineOptions) => Promise<Engine>

/** Engines are loaded on demand: a server on CrateDB never pays for PGlite, nor the other way round. */
export async function loadOpener(target: BackendTarget): Promise<Opener> {
  if (target.engine === 'pglite') {
    const { openPglite } = await import('./pglite.ts')
    return (options) => openPglite(target, options)
  }
  if (target.engine === 'cratedb') {
    const { openCratedb } = await import('./cratedb.ts')
    return (options) => openCratedb(target, options)
  }
  const { openPostgres } = await import('./postgres.ts')
  return (options) => openPostgres(target, options)
}

export const openEngine = async (target: BackendTarget, options: EngineOptions): Promise<Engine> =>
  (await loadOpener(target))(options)
