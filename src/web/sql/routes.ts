// The endpoint for SQL that people write themselves, a part of this server's own API.
import { Readable } from 'node:stream'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { askerOf } from '../../platform/wire/asker.ts'
import { QuerySql, SqlLinesWire } from './schema.ts'
import type { SqlService } from './service.ts'

export const SQL_PATH = '/crateflow/1.0/sql/query'

export const sqlEndpoints = (service: SqlService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: SQL_PATH,
    prefixes: ['/api'],
    tag: 'crateflow',
    summary: 'Answer a SQL statement that reads',
    request: QuerySql,
    response: SqlLinesWire,
    async handle({ statement }, request, reply) {
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const lines = await service.query(statement, askerOf(request), gone.signal)
      // Made when there is room for it: who reads slowly holds no rows in memory.
      return reply.type('application/x-ndjson').send(Readable.from(lines, { highWaterMark: 1 }))
    },
  }),
]
