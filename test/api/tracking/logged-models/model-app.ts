// A server with an experiment, and short ways to ask it about logged models.
import { afterAll, beforeAll, expect } from 'vitest'
import type { LoggedModel } from '../../../../src/tracking/logged-models/schema.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import type { EngineTarget } from '../../../support/engines.ts'
import type { HttpAnswer } from '../../../support/http.ts'

export const API = '/api/2.0/mlflow'

export interface ErrorBody {
  error_code: string
  message: string
}

export interface ModelApp {
  app: TestApp
  experimentId: string
  runId: string
  /** Answers the body of a request that succeeds. */
  ok: <Body>(method: string, path: string, body?: unknown) => Promise<Body>
  /** Answers status, code and text of a request that fails. */
  error: (
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; code: string; text: string }>
  createExperiment: () => Promise<string>
  createRun: () => Promise<string>
  createModel: (body?: object) => Promise<LoggedModel>
  getModel: (modelId: string) => Promise<LoggedModel>
  search: (body?: object) => Promise<{ models: LoggedModel[]; next_page_token?: string }>
}

/** Starts the server before the suite's tests and closes it after them. Paths are below /api/2.0/mlflow/. */
export function useModelApp(target: EngineTarget): ModelApp {
  const request = (method: string, path: string, body?: unknown): Promise<HttpAnswer> =>
    self.app.request(method, path.startsWith('/') ? path : `${API}/${path}`, body)
  const self: ModelApp = {
    app: undefined as unknown as TestApp,
    experimentId: '',
    runId: '',
    async ok<Body>(method: string, path: string, body?: unknown) {
      const answer = await request(method, path, body)
      expect(answer).toMatchObject({ status: 200 })
      return answer.body as Body
    },
    async error(method, path, body) {
      const answer = await request(method, path, body)
      const { error_code: code, message: text } = answer.body as ErrorBody
      return { status: answer.status, code, text }
    },
    createExperiment: async () => {
      const name = `e-${crypto.randomUUID()}`
      return (await self.ok<{ experiment_id: string }>('POST', 'experiments/create', { name })).experiment_id
    },
    createRun: async () => {
      const body = { experiment_id: self.experimentId }
      const created = await self.ok<{ run: { info: { run_id: string } } }>('POST', 'runs/create', body)
      return created.run.info.run_id
    },
    createModel: async (body = {}) => {
      const whole = { experiment_id: self.experimentId, ...body }
      return (await self.ok<{ model: LoggedModel }>('POST', 'logged-models', whole)).model
    },
    getModel: async (modelId) =>
      (await self.ok<{ model: LoggedModel }>('GET', `logged-models/${modelId}`)).model,
    search: async (body = {}) => ({
      models: [],
      ...(await self.ok<object>('POST', 'logged-models/search', {
        experiment_ids: [self.experimentId],
        ...body,
      })),
    }),
  }
  beforeAll(async () => {
    self.app = await startApp(target)
    self.experimentId = await self.createExperiment()
    self.runId = await self.createRun()
  })
  afterAll(() => self.app?.close())
  return self
}
