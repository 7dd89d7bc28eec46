// Answers GraphQL queries. The library is loaded behind the start, which does not wait for it.
import type { z } from 'zod'
import { limitConcurrency } from '../../platform/concurrency.ts'
import type { DocumentLimits } from './documents.ts'
import type { Execute } from './execution.ts'
import type { Sources } from './resolvers.ts'
import type { GraphqlRequest, GraphqlResponse } from './schema.ts'

/** Queries whose data are in memory at a time. */
const QUERIES_AT_ONCE = 8

export type GraphqlService = ReturnType<typeof createGraphqlService>

export function createGraphqlService(sources: Sources, limits: DocumentLimits) {
  const inTurn = limitConcurrency(QUERIES_AT_ONCE)
  let loaded: Promise<Execute> | undefined

  /** Not left to the first query: the program's files may be others by then, as after a build. */
  function load(): Promise<Execute> {
    loaded ??= import('./execution.ts')
      .then(({ createExecution }) => createExecution(sources, limits))
      .catch((error) => {
        loaded = undefined
        throw error
      })
    return loaded
  }

  /**
   * What goes wrong in a part of the query is told in `errors`, and that part is null.
   * @throws INVALID_PARAMETER_VALUE for what is no GraphQL, and whatever is the fault of the server
   * @see mlflow/server/handlers.py _graphql
   */
  async function answer(request: z.output<typeof GraphqlRequest>): Promise<GraphqlResponse> {
    const execute = await load()
    return inTurn(() => execute(request))
  }

  return { answer, load }
}
