// The server inside the test process, asked through Fastify's inject: no port, no network.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type AppDeps, buildApp } from '../../src/app.ts'
import { createLocationPolicy } from '../../src/artifacts/stores/locations.ts'
import type { Engine } from '../../src/platform/database/engine.ts'
import { openMigrated } from './databases.ts'
import type { EngineTarget } from './engines.ts'
import { decodeAnswer, encodeBody, type HttpAnswer } from './http.ts'

export interface TestApp {
  app: FastifyInstance
  engine: Engine
  /** Holds the artifacts, unless `overrides.artifacts` says otherwise; removed by close. */
  artifactFolder: string
  /** `path` is the whole path with its query; `body` is sent as JSON unless it is a RawBody. */
  request: (method: string, path: string, body?: unknown) => Promise<HttpAnswer>
  close: () => Promise<void>
}

/**
 * Starts the server on the suite's database, or on the one of `overrides.uri`. Several may run on one CrateDB or
 * PostgreSQL schema at once, like replicas; PGlite is open once at a time, so close before you start again.
 */
export async function startApp(
  target: EngineTarget,
  overrides: Partial<AppDeps> & { uri?: string } = {},
): Promise<TestApp> {
  const { uri = target.uri, ...deps } = overrides
  const engine = deps.engine ?? (await openMigrated(uri))
  const artifactFolder = await mkdtemp(join(tmpdir(), 'crateflow-artifacts-'))
  const app = await buildApp({
    engine,
    defaultArtifactRoot: 'mlflow-artifacts:/',
    locations: createLocationPolicy({
      allowedSchemes: [],
      configured: [artifactFolder],
      allowedFolders: [],
      maxLength: 2048,
    }),
    artifacts: { destination: artifactFolder, only: false, s3: {}, presignedDownloadSeconds: 900 },
    ...deps,
  })
  await app.ready()
  return {
    app,
    engine,
    artifactFolder,
    request: (method, path, body) => inject(app, method, path, body),
    close: async () => {
      await app.close()
      if (!deps.engine) await engine.close()
      await rm(artifactFolder, { recursive: true, force: true })
    },
  }
}

async function inject(
  app: FastifyInstance,
  method: string,
  path: string,
  body: unknown,
): Promise<HttpAnswer> {
  const { headers, payload } = encodeBody(body)
  const response = await app.inject({ method: method as 'GET', url: path, headers, payload })
  return decodeAnswer(response.statusCode, String(response.headers['content-type'] ?? ''), response.body)
}
