// What drivers throw while a database is away becomes 503, which clients retry; what is a mistake stays an error.
import { describe, expect, it } from 'vitest'
import { translateDriverError } from '../../../src/platform/database/errors.ts'

const thrown = (message: string, code: string) => Object.assign(new Error(message), { code })
const translated = (error: Error) => (translateDriverError(error) as { code?: string }).code

describe('a database error', () => {
  it.each([
    'Job killed. Participating node 8q8nogVKSkKQw3O78XWJpg disconnected',
    'Job killed',
    '[node-2][127.0.0.1:4301][indices:data/write/upsert] disconnected',
    '[node-2][127.0.0.1:4301] Node not connected',
    '[node-2][127.0.0.1:4301] connect_exception',
    '[node-2][127.0.0.1:4301][internal:crate:sql/job] request_id [7] timed out after [10000ms]',
    'No such node [8q8nogVKSkKQw3O78XWJpg]',
    'node closed NodeInfo{}',
    '[mlflow.runs] shard 1 is not available',
    'the shard 0 of table [mlflow.runs/8q8nogVKSkKQw3O78XWJpg] is not available',
    'no such shard',
    'no such index [mlflow.runs/8q8nogVKSkKQw3O78XWJpg]',
    'Shard not started',
    'primary shard is not active Timeout: [1m], request: [x]',
    'blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];',
    'The relation "mlflow.runs" doesn\'t support or allow INSERT operations',
    'failed to process cluster event (put-mapping) within 30s',
    'this IndexReader is closed',
    "Allocating 12kb for 'query: collect: 0' failed, breaker would use 310mb in total",
    'MasterNotDiscoveredException',
  ])('of CrateDB that passes is TEMPORARILY_UNAVAILABLE: %s', (message) => {
    expect(translated(thrown(message, 'XX000'))).toBe('TEMPORARILY_UNAVAILABLE')
  })

  it('of a CrateDB cluster that has not read its tables yet is TEMPORARILY_UNAVAILABLE', () => {
    expect(translated(thrown("Relation 'runs' unknown", '42P01'))).toBe('TEMPORARILY_UNAVAILABLE')
  })

  it.each([
    ['Invalid arguments in: to_char(1, 2)', 'XX000'],
    ["Cannot cast `'x'` of type `text` to type `bigint`", 'XX000'],
    ['relation "runs" does not exist', '42P01'],
    ['Column disconnected unknown', '42703'],
  ])('that is a mistake stays what it is: %s', (message, code) => {
    const error = thrown(message, code)
    expect(translateDriverError(error)).toBe(error)
  })
})
