// A server, and short ways to ask it about registered models and their versions.
import { afterAll, beforeAll, expect } from 'vitest'
import type { ModelVersion, RegisteredModel } from '../../../../src/registry/model-registry/schema.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import type { EngineTarget } from '../../../support/engines.ts'

export const API = '/api/2.0/mlflow'

export interface RegistryApp {
  app: TestApp
  /** Answers the body of a request that succeeds. Paths are below /api/2.0/mlflow/. */
  ok: <Body>(method: string, path: string, body?: unknown) => Promise<Body>
  /** Answers status, code and text of a request that fails. */
  error: (
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; code: string; text: string }>
  createModel: (name: string, body?: object) => Promise<RegisteredModel>
  createVersion: (name: string, body?: object) => Promise<ModelVersion>
  getModel: (name: string) => Promise<RegisteredModel>
  getVersion: (name: string, version: number | string) => Promise<ModelVersion>
  /** Names of the models that a search finds. */
  findModels: (filter: string, more?: string) => Promise<string[]>
  /** `name/version` of the versions that a search finds. */
  findVersions: (filter: string, more?: string) => Promise<string[]>
}

/** Starts the server before the suite's tests and closes it after them. */
export function useRegistryApp(target: EngineTarget): RegistryApp {
  const ask = (method: string, path: string, body?: unknown) =>
    self.app.request(method, path.startsWith('/') ? path : `${API}/${path}`, body)
  const self: RegistryApp = {
    app: undefined as unknown as TestApp,
    async ok<Body>(method: string, path: string, body?: unknown) {
      const answer = await ask(method, path, body)
      expect(answer).toMatchObject({ status: 200 })
      return answer.body as Body
    },
    async error(method, path, body) {
      const answer = await ask(method, path, body)
      const { error_code: code, message: text } = answer.body as { error_code: string; message: string }
      return { status: answer.status, code, text }
    },
    createModel: async (name, body) =>
      (
        await self.ok<{ registered_model: RegisteredModel }>('POST', 'registered-models/create', {
          name,
          ...body,
        })
      ).registered_model,
    createVersion: async (name, body) =>
      (
        await self.ok<{ model_version: ModelVersion }>('POST', 'model-versions/create', {
          name,
          source: 's3://bucket/model',
          ...body,
        })
      ).model_version,
    getModel: async (name) =>
      (
        await self.ok<{ registered_model: RegisteredModel }>(
          'GET',
          `registered-models/get?name=${encodeURIComponent(name)}`,
        )
      ).registered_model,
    getVersion: async (name, version) =>
      (
        await self.ok<{ model_version: ModelVersion }>(
          'GET',
          `model-versions/get?name=${name}&version=${version}`,
        )
      ).model_version,
    async findModels(filter, more = '') {
      const path = `registered-models/search?filter=${encodeURIComponent(filter)}${more}`
      const { registered_models: found = [] } = await self.ok<{ registered_models?: RegisteredModel[] }>(
        'GET',
        path,
      )
      return found.map(({ name }) => name)
    },
    async findVersions(filter, more = '') {
      const path = `model-versions/search?filter=${encodeURIComponent(filter)}${more}`
      const { model_versions: found = [] } = await self.ok<{ model_versions?: ModelVersion[] }>('GET', path)
      return found.map(({ name, version }) => `${name}/${version}`)
    },
  }
  beforeAll(async () => {
    self.app = await startApp(target)
  })
  afterAll(() => self.app?.close())
  return self
}
