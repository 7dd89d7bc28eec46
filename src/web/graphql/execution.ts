// Runs GraphQL queries and tells their errors as MLflow does.
import { execute, GraphQLError } from 'graphql'
import type { z } from 'zod'
import { MlflowError } from '../../errors.ts'
import { createDocumentReader, type DocumentLimits } from './documents.ts'
import { buildMlflowSchema } from './executable-schema.ts'
import { createQueryContext, type Sources } from './resolvers.ts'
import type { GraphqlRequest, GraphqlResponse } from './schema.ts'

export type Execute = (request: z.output<typeof GraphqlRequest>) => Promise<GraphqlResponse>

/** Builds the schema once and returns what answers queries by it. */
export function createExecution(sources: Sources, limits: DocumentLimits): Execute {
  const schema = buildMlflowSchema(sources)
  const read = createDocumentReader(schema, limits)
  return async ({ query, variables, operationName }) => {
    const found = read(query)
    if ('errors' in found) return { data: null, errors: [...found.errors] }
    const { data, errors } = await execute({
      schema,
      document: found.document,
      variableValues: variables,
      operationName,
      contextValue: createQueryContext(sources),
    })
    return { data: data ?? null, errors: errors?.map(textOf) ?? null }
  }
}

/** The text of what is wrong with the request. @throws what is the fault of the server, whose text is for the log */
function textOf(error: GraphQLError): string {
  let cause: Error | undefined = error
  while (cause instanceof GraphQLError) cause = cause.originalError
  if (cause === undefined || (cause instanceof MlflowError && cause.status < 500)) return error.message
  throw cause
}
