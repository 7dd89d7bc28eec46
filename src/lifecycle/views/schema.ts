// Messages of materialized views, which are this server's own: MLflow has none.
import { z } from 'zod'
import { bool, int64, message, repeated, text } from '../../platform/wire/message.ts'

const ms = (what: string) => z.number().int().describe(`${what}, in milliseconds since the epoch`)

const definition = {
  statement: z.string().describe('The SELECT whose answer is kept'),
  key: z.array(z.string()).describe('Columns that tell its rows apart'),
  incremental: z
    .string()
    .optional()
    .describe('A refresh asks only for rows in which this column is as great as it ever was, or greater'),
  cron: z.string().optional().describe('When the server refreshes it: five fields, in UTC'),
  every: z.string().optional().describe('How often the server refreshes it, such as 15m, instead of cron'),
}
const Definition = z.object(definition)
/** A view as people define it, without its name. */
export type ViewDefinition = z.infer<typeof Definition>

export const ViewWire = z
  .object({
    name: z.string().describe('As `schema.table`'),
    ...definition,
    created_at: ms('When it was made'),
    user_id: z.string().optional().describe('What the header `user` of the request that made it said'),
    version: z.number().int().describe('How often it was refreshed; 0 until it can be read'),
    refreshed_at: ms('When the last refresh began that succeeded: it shows what was there then').optional(),
    refresh_duration_ms: z.number().int().optional(),
    rows: z.number().int().optional(),
    failed_at: ms('When the last refresh began that failed; absent once one has succeeded').optional(),
    message: z.string().optional().describe('Why it failed'),
    next_due_at: ms('When the server refreshes it next').optional(),
  })
  .meta({ id: 'MaterializedView' })
export type View = z.infer<typeof ViewWire>

export const ViewAnswerWire = z.object({ view: ViewWire }).meta({ id: 'MaterializedViewAnswer' })
export const ViewsWire = z
  .object({ views: z.array(ViewWire).describe('By name'), next_page_token: z.string().optional() })
  .meta({ id: 'MaterializedViewList' })
export const DroppedViewWire = z.object({}).meta({ id: 'MaterializedViewDropped' })

const name = text().describe(
  'As `schema.table`; without a schema, in that of the server with `_views` behind it',
)

export const CreateView = message('CreateMaterializedView', {
  name,
  statement: text().describe('One SELECT, WITH, VALUES or TABLE'),
  key: repeated(text()).describe('Columns that tell its rows apart'),
  incremental: text().optional().describe('A column that grows; needs a key'),
  cron: text().optional().describe('Five fields, in UTC'),
  every: text().optional().describe('Such as 15m, instead of cron'),
})
export type ViewInput = z.infer<typeof CreateView>

export const RefreshView = message('RefreshMaterializedView', {
  name,
  full: bool().optional().describe('Make it anew, though it is incremental'),
})
export const GetView = message('GetMaterializedView', { name })
export const DropView = message('DropMaterializedView', { name })
export const ListViews = message('ListMaterializedViews', {
  max_results: int64().optional().describe('From 1 to 1000, 100 by default'),
  page_token: text().optional(),
})
