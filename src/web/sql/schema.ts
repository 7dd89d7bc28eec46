// Messages of SQL that people write themselves.
import { z } from 'zod'
import { message, text } from '../../platform/wire/message.ts'

export const QuerySql = message('QuerySql', {
  statement: text().describe('One SELECT, WITH, VALUES, SHOW or EXPLAIN, without parameters'),
})

export const SqlLinesWire = z
  .string()
  .describe(
    'Lines of JSON: {"columns": [{"name", "type"}]}, then a list of values for each row, then {"rows": count}; an error that comes late is the last line instead, in the form of an error',
  )
  .meta({ id: 'SqlLines' })
