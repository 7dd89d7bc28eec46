// The message that carries a GraphQL query, and its answer.
import { z } from 'zod'
import { message, text } from '../../platform/wire/message.ts'

/** An object, or its JSON text as queries of URLs have it. */
const variables = () =>
  z.union([
    z.record(z.string(), z.unknown()),
    z.string().transform((json, context): Record<string, unknown> => {
      try {
        return z.record(z.string(), z.unknown()).parse(JSON.parse(json))
      } catch {
        context.addIssue({ code: 'invalid_type', expected: 'record', input: json })
        return z.NEVER
      }
    }),
  ])

/** The names are GraphQL's, not MLflow's. */
export const GraphqlRequest = message('GraphqlRequest', {
  query: text(),
  variables: variables().optional(),
  operationName: text().optional(),
})

export const GraphqlResponseWire = z
  .object({
    data: z.record(z.string(), z.unknown()).nullable(),
    errors: z.array(z.string()).nullable().describe('Texts; what they are about is null in the data'),
  })
  .meta({ id: 'GraphqlResponse' })
export type GraphqlResponse = z.infer<typeof GraphqlResponseWire>
