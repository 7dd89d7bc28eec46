// The GraphQL endpoint, which the web UI asks for runs, experiments and charts.
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { GraphqlRequest, GraphqlResponseWire } from './schema.ts'
import type { GraphqlService } from './service.ts'

/** Neither below /api nor below /ajax-api. @see mlflow/server/handlers.py _graphql */
export const graphqlEndpoints = (service: GraphqlService): Endpoint[] =>
  (['POST', 'GET'] as const).map((method) =>
    endpoint({
      method,
      path: '/graphql',
      prefixes: [''],
      tag: 'graphql',
      summary: 'Answer a GraphQL query',
      request: GraphqlRequest,
      response: GraphqlResponseWire,
      handle: (input) => service.answer(input),
    }),
  )
