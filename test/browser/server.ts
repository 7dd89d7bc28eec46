// The servers that browser tests open: stock MLflow, or this server on an engine, filled with the same data.
import { join } from 'node:path'
import { runClient } from '../python/client.ts'
import type { EngineTarget } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { useStock } from '../support/stock-server.ts'
import { uiFolder } from '../support/ui.ts'
import { type Exchange, startRecorder } from './recorder.ts'

/** What seed.py prints: ids of what it has made. */
export interface Seed {
  churn: {
    experiment_id: string
    runs: string[]
    parent: string
    children: string[]
    grandchild: string
  }
  images: { experiment_id: string; runs: string[] }
  models: { experiment_id: string; models: string[]; runs: string[]; failed: string }
  others: { filler: string[]; deleted: string }
  /** Active ones. */
  experiments: number
}

export interface UiServer {
  url: string
  /** What it was filled with; undefined for an empty one. */
  seed?: Seed
  stop: () => Promise<void>
}

export type SeededServer = Required<UiServer>

/** Runs seed.py, which takes the arguments, against the server. */
export async function seedServer(url: string, args: readonly string[] = []): Promise<Seed> {
  const output = await runClient(url, [join(import.meta.dirname, 'seed.py'), ...args], {
    GIT_PYTHON_REFRESH: 'quiet',
  })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Seed
}

/** This server on the engine with the web UI. */
export const startEmpty = async (target: EngineTarget): Promise<UiServer> =>
  startServer({ backendStoreUri: target.uri, args: ['--ui', '--ui-dir', await uiFolder()] })

/** As startEmpty, with the seeded data. */
export async function startSeeded(target: EngineTarget): Promise<SeededServer> {
  const { url, stop } = await startEmpty(target)
  return { url, seed: await seedServer(url), stop }
}

/** As startSeeded, with a little data and below a path, which the client goes through too. */
export async function startBelow(path: string, target: EngineTarget): Promise<SeededServer> {
  const server = await startServer({
    backendStoreUri: target.uri,
    args: ['--ui', '--ui-dir', await uiFolder(), '--static-prefix', path],
  })
  const seed = await seedServer(server.url, ['--runs', '25', '--points', '10'])
  return { url: server.url, seed, stop: server.stop }
}

/** Stock's server with the seeded data, which its reports are recorded from. */
export async function startSeededStock(): Promise<SeededServer> {
  const { url } = await useStock()
  return { url, seed: await seedServer(url), stop: async () => {} }
}

export interface RecordedStock extends UiServer {
  /** What browsers have asked of it. */
  exchanges: () => Exchange[]
}

/** Stock's server as it is, behind a recorder. */
export async function startRecordedStock(): Promise<RecordedStock> {
  const { url } = await useStock()
  return startRecorder(url)
}
