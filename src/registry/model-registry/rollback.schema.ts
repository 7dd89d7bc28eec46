// Messages of the history and the roll back of aliases, which are this server's own: MLflow has neither.
import { z } from 'zod'
import { int64, message, text } from '../../platform/wire/message.ts'

export const AliasEventWire = z
  .object({
    event_id: z.string(),
    timestamp: z.number().int().describe('Milliseconds since the epoch'),
    kind: z.enum(['set', 'deleted', 'rolled_back']),
    from_version: z.string().optional().describe('Absent: the alias pointed to nothing'),
    to_version: z.string().optional().describe('Absent: the alias was deleted'),
    model_name: z.string().describe('Name of the registered model at that time'),
    user_id: z.string().optional().describe('Who changed it; absent when the server does not know its users'),
  })
  .meta({ id: 'AliasEvent' })
export type AliasEvent = z.infer<typeof AliasEventWire>

export const AliasHistoryWire = z
  .object({
    name: z.string().describe('Name of the registered model or prompt'),
    alias: z.string(),
    version: z.string().optional().describe('Where the alias points; absent when it is deleted'),
    events: z.array(AliasEventWire).describe('Latest first'),
  })
  .meta({ id: 'AliasHistory' })
export type AliasHistory = z.infer<typeof AliasHistoryWire>

export const RolledBackWire = z
  .object({
    name: z.string().describe('Name of the registered model or prompt'),
    alias: z.string(),
    version: z.string().describe('Where the alias points now'),
    changed: z.boolean().describe('Whether this request moved the alias; false when it was done before'),
    event: AliasEventWire.describe('The last change of the alias'),
  })
  .meta({ id: 'RolledBackAlias' })
export type RolledBack = z.infer<typeof RolledBackWire>

export const GetAliasHistory = message('GetRegisteredModelAliasHistory', {
  name: text(),
  alias: text(),
  max_results: int64().optional().describe('From 1 to 1000, 100 by default'),
})
export const RollBackAlias = message('RollBackRegisteredModelAlias', {
  name: text(),
  alias: text(),
  to: text()
    .optional()
    .describe('A version that the alias pointed to before; by default the one before the present'),
  from: text()
    .optional()
    .describe('Roll back from this version only. A repeat of a request that was done then changes nothing'),
})
