// The GenAI wing: what MLflow keeps about applications of language models and their evaluation.
import type { Engine } from '../platform/database/engine.ts'
import type { Endpoint } from '../platform/http/route.ts'
import type { Clock } from '../platform/wire/ids.ts'
import type { Experiments } from './traces/experiments.ts'
import { createTraceIngest } from './traces/ingest.service.ts'
import { createTraceWriter } from './traces/ingest.store.ts'
import { otlpEndpoints } from './traces/otlp.routes.ts'
import { createTraceReader } from './traces/reading.service.ts'
import { readingEndpoints } from './traces/routes.ts'
import { searchEndpoints } from './traces/search.routes.ts'
import { createTraceSearcher } from './traces/search.service.ts'
import { createTraceService } from './traces/service.ts'
import { createTraceStart } from './traces/start.service.ts'
import { createTraceStarter } from './traces/start.store.ts'
import { writingEndpoints } from './traces/writing.routes.ts'

export interface GenaiDeps {
  engine: Engine
  clock: Clock
  experiments: Experiments
}

export function createGenai({ engine, clock, experiments }: GenaiDeps) {
  const write = createTraceWriter(engine)
  const ingest = createTraceIngest({ clock, write, experiments })
  const reader = createTraceReader(engine)
  const starter = createTraceStart({ engine, clock, start: createTraceStarter(engine), reader, experiments })
  const service = createTraceService({ engine, reader, experiments })
  const searcher = createTraceSearcher({ engine, reader, experiments })
  const endpoints: Endpoint[] = [
    ...otlpEndpoints(ingest),
    ...readingEndpoints(reader),
    ...writingEndpoints(starter, service),
    ...searchEndpoints(searcher),
  ]
  return { endpoints }
}
