// Cases of GraphQL: how its types describe themselves. And what the web UI asks about telemetry.
import { Kind, parse } from 'graphql'
import { TYPE_DEFINITIONS } from '../../src/web/graphql/type-definitions.ts'
import { MUST_MATCH, object } from '../support/compare.ts'
import { type Case, send } from './cases.ts'
import { ask, sortedBy } from './graphql-steps.ts'

const TYPE = 'kind name ofType { kind name ofType { kind name ofType { kind name } } }'
const ARGUMENT = `name description defaultValue type { ${TYPE} }`
const DESCRIPTION = `
  kind name description
  fields { name description args { ${ARGUMENT} } type { ${TYPE} } isDeprecated }
  inputFields { ${ARGUMENT} } interfaces { name } enumValues { name description } possibleTypes { name }`

const typeNames = parse(TYPE_DEFINITIONS).definitions.flatMap((definition) =>
  definition.kind !== Kind.DIRECTIVE_DEFINITION && 'name' in definition && definition.name
    ? [definition.name.value]
    : [],
)

export const introspectionCase: Case = {
  title: `describes its ${typeNames.length} types to the letter`,
  steps: [
    ask(
      `{ __schema {
        description queryType { name } mutationType { name } subscriptionType { name } types { name }
        directives { name description locations args { ${ARGUMENT} } }
      } }`,
      {},
      object({
        __schema: object({
          description: MUST_MATCH,
          queryType: MUST_MATCH,
          mutationType: MUST_MATCH,
          subscriptionType: MUST_MATCH,
          types: sortedBy('name'),
          directives: MUST_MATCH,
        }),
      }),
    ),
    ...['String', 'Int', 'Float', 'Boolean', ...typeNames].map((name) =>
      ask(`{ __type(name: "${name}") { ${DESCRIPTION} } }`),
    ),
  ],
}

export const telemetryCase: Case = {
  title: 'tells the web UI that telemetry is off',
  steps: [
    send('GET', '/ajax-api/3.0/mlflow/ui-telemetry', undefined, { shape: MUST_MATCH }),
    send(
      'POST',
      '/ajax-api/3.0/mlflow/ui-telemetry',
      { records: [{ event_name: 'x' }] },
      { shape: MUST_MATCH },
    ),
    send(
      'POST',
      '/ajax-api/3.0/mlflow/ui-telemetry',
      { raw: '{', contentType: 'application/json' },
      { shape: MUST_MATCH },
    ),
    send(
      'POST',
      '/ajax-api/3.0/mlflow/ui-telemetry',
      { raw: '{', contentType: 'text/plain' },
      { shape: MUST_MATCH },
    ),
    send('GET', '/api/3.0/mlflow/ui-telemetry', undefined, { shape: MUST_MATCH }),
  ],
}
