// Opens the engine that a backend store URI names.
import type { Engine, EngineOptions } from './engine.ts'
import type { BackendTarget } from './uri.ts'

/** Engines are loaded on demand: a server on CrateDB never pays for PGlite, nor the other way round. */
export async function openEngine(target: BackendTarget, options: EngineOptions): Promise<Engine> {
  if (target.engine === 'pglite') return (await import('./pglite.ts')).openPglite(target, options)
  if (target.engine === 'cratedb') return (await import('./cratedb.ts')).openCratedb(target, options)
  return (await import('./postgres.ts')).openPostgres(target, options)
}
