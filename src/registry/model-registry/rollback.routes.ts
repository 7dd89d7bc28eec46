// REST of the history and the roll back of aliases, below a prefix of this server's own.
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import * as schema from './rollback.schema.ts'
import type { RollbackService } from './rollback.service.ts'

const tag = 'registered-models'
const PATH = '/crateflow/1.0/registered-models'

export const rollbackEndpoints = (rollbacks: RollbackService): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: `${PATH}/alias-history`,
    tag,
    summary: 'Get what an alias pointed to, since when and by whom (not part of MLflow)',
    request: schema.GetAliasHistory,
    response: schema.AliasHistoryWire,
    handle: (input) => rollbacks.history(input),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/rollback-alias`,
    tag,
    summary: 'Point an alias to the version that it pointed to before (not part of MLflow)',
    request: schema.RollBackAlias,
    response: schema.RolledBackWire,
    handle: (input) => rollbacks.rollBack(input),
  }),
]
