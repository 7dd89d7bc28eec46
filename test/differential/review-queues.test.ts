// Review queues: the same requests to stock MLflow and to this server.
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { doesNotExist } from '../../src/errors.ts'
import { createReviewItemService } from '../../src/genai/review-queues/items.service.ts'
import { reviewItemEndpoints, reviewQueueEndpoints } from '../../src/genai/review-queues/routes.ts'
import { createReviewQueueService } from '../../src/genai/review-queues/service.ts'
import { registerErrorHandler } from '../../src/platform/http/error-handler.ts'
import { registerJsonBody } from '../../src/platform/http/json-body.ts'
import { mount } from '../../src/platform/http/route.ts'
import { systemClock } from '../../src/platform/wire/ids.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine, type EngineTarget } from '../support/engines.ts'
import { decodeAnswer, encodeBody } from '../support/http.ts'
import { missing } from '../support/services.ts'
import { type StockServer, useStock } from '../support/stock-server.ts'
import { expectSameAnswers, type Side } from './cases.ts'
import { reviewItemCases, reviewQueueCases } from './review-queues.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about review queues', reviewQueueCases)

describe.skipIf(missing('stock'))('differential', () => {
  describeEachEngine('answers about items of review queues as stock MLflow', declareItemCases, [
    'PGlite',
    'CrateDB',
  ])
})

/** The room with traces and label schemas that stand in for those of other rooms. */
function declareItemCases(target: EngineTarget): void {
  let stock: StockServer
  let app: TestApp
  let room: FastifyInstance
  const experimentOf = new Map<string, string>()
  const labelSchemas = new Map<string, string>()

  beforeAll(async () => {
    stock = await useStock()
    app = await startApp(target)
    room = fastify()
    room.setValidatorCompiler(() => () => true)
    room.setSerializerCompiler(() => JSON.stringify)
    registerErrorHandler(room)
    registerJsonBody(room)
    const { engine } = app
    const queues = createReviewQueueService({
      engine,
      clock: systemClock,
      requireExperiment: async (id) => {
        const { status } = await app.request('GET', `/api/2.0/mlflow/experiments/get?experiment_id=${id}`)
        if (status !== 200) throw doesNotExist(`No Experiment with id=${id} exists`)
        return id
      },
      findLabelSchemas: async (experimentId, ids) =>
        new Set(ids.filter((id) => labelSchemas.get(id) === experimentId)),
    })
    const items = createReviewItemService({
      engine,
      clock: systemClock,
      experimentsOfTraces: async () => experimentOf,
    })
    mount(room, [...reviewQueueEndpoints(queues), ...reviewItemEndpoints(items)])
  })
  afterAll(async () => {
    await room?.close()
    await app?.close()
  })

  const ours: Side = {
    async request(method, path, body) {
      if (path.endsWith('/mlflow/traces')) return startTrace(body as TraceRequest)
      if (path.endsWith('/label-schemas/create')) return createLabelSchema(body as { experiment_id: string })
      if (!path.includes('/review-queues/')) return app.request(method, path, body)
      const { headers, payload } = encodeBody(body)
      const answer = await room.inject({ method: method as 'GET', url: path, headers, payload })
      return decodeAnswer(answer.statusCode, String(answer.headers['content-type']), answer.body)
    },
  }
  const answer = (body: unknown) => ({ status: 200, contentType: 'application/json', body })

  function startTrace({ trace: { trace_info: info } }: TraceRequest) {
    experimentOf.set(info.trace_id, info.trace_location.mlflow_experiment.experiment_id)
    return answer({})
  }

  function createLabelSchema({ experiment_id }: { experiment_id: string }) {
    const id = `ls-${crypto.randomUUID().replaceAll('-', '')}`
    labelSchemas.set(id, experiment_id)
    return answer({ label_schema: { schema_id: id } })
  }

  for (const one of reviewItemCases) it(one.title, () => expectSameAnswers(one, stock, ours))
}

interface TraceRequest {
  trace: {
    trace_info: {
      trace_id: string
      trace_location: { mlflow_experiment: { experiment_id: string } }
    }
  }
}
