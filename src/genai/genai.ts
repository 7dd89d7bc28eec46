// The GenAI wing: what MLflow keeps about applications of language models and their evaluation.
import type { Engine } from '../platform/database/engine.ts'
import type { Endpoint } from '../platform/http/route.ts'
import type { Clock } from '../platform/wire/ids.ts'

export interface GenaiDeps {
  engine: Engine
  clock: Clock
}

export function createGenai(_deps: GenaiDeps) {
  const endpoints: Endpoint[] = []
  return { endpoints }
}
