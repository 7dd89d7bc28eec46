// Statements over label schemas. Reads by id go by primary key.
import { and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimedBy, type NameOwner } from '../../platform/database/name-claims.ts'
import { type LabelSchemaRow, labelSchemas as table } from './tables.ts'

/** A label schema that has its name. */
export type NamedLabelSchema = LabelSchemaRow & { name: string }

const isNamed = (row: LabelSchemaRow | undefined): row is NamedLabelSchema => row?.name != null

export const scopeOf = (experimentId: string) => `label_schema:${experimentId}`

/** The label schema by primary key, unless it was never finished. */
export async function findLabelSchema(
  engine: Engine,
  schemaId: string,
): Promise<NamedLabelSchema | undefined> {
  const [row] = await engine.db.select().from(table).where(eq(table.schemaId, schemaId))
  return isNamed(row) ? row : undefined
}

/** Those of the ids that are label schemas of the experiment, by primary key. */
export async function findIds(
  engine: Engine,
  experimentId: string,
  schemaIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await engine.db.select().from(table).where(engine.dialect.anyKey(table.schemaId, schemaIds))
  const own = rows.filter((row) => isNamed(row) && row.experimentId === experimentId)
  return new Set(own.map(({ schemaId }) => schemaId))
}

/** The id that the name is claimed for, whether or not its label schema carries the name. By primary key. */
export const findClaimed = (
  engine: Engine,
  { experimentId, name }: { experimentId: string; name: string },
): Promise<string | undefined> => claimedBy(engine, scopeOf(experimentId), name)

/** A page of an experiment's label schemas, the newest first. Passes the refresh gate. */
export async function listLabelSchemas(
  engine: Engine,
  experimentId: string,
  page: { offset: number; limit: number },
): Promise<NamedLabelSchema[]> {
  await engine.refresh(table)
  const rows = await engine.db
    .select()
    .from(table)
    .where(and(eq(table.experimentId, experimentId), isNotNull(table.name)))
    .orderBy(desc(table.createdTimeMs), asc(table.schemaId))
    .limit(page.limit)
    .offset(page.offset)
  return rows.filter(isNamed)
}

/** @returns whether the row was inserted: false when the id is there, or was fenced off */
export async function insertLabelSchema(engine: Engine, row: LabelSchemaRow): Promise<boolean> {
  const inserted = await engine.db
    .insert(table)
    .values(row)
    .onConflictDoNothing()
    .returning({ schemaId: table.schemaId })
  return inserted.length === 1
}

export type LabelSchemaChanges = Partial<
  Pick<
    NamedLabelSchema,
    'name' | 'instruction' | 'enableComment' | 'inputType' | 'inputConfig' | 'lastUpdateTimeMs'
  >
>

/**
 * Changes the row while its fence is still the one under which its name was claimed; another name raises the fence.
 * @returns 'missing' when there is no such row, undefined when others were faster
 */
export async function updateLabelSchema(
  engine: Engine,
  { schemaId, name, nameFence }: NamedLabelSchema,
  changes: LabelSchemaChanges,
): Promise<NamedLabelSchema | 'missing' | undefined> {
  const isRenamed = changes.name !== undefined && changes.name !== name
  const wanted = { ...changes, nameFence: isRenamed ? nameFence + 1 : nameFence }
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, sql`name_fence = ${nameFence}`, wanted))
    .where(eq(table.schemaId, schemaId))
    .returning()
  if (!isNamed(row)) return 'missing'
  // Another rename to the same name leaves the same name and fence, so all that was to change counts.
  const isDone = Object.entries(wanted).every(([key, value]) => row[key as keyof LabelSchemaRow] === value)
  return isDone ? row : undefined
}

/** Deletes a label schema if there is one. */
export async function deleteLabelSchema(engine: Engine, schemaId: string): Promise<void> {
  await engine.execute(sql`DELETE FROM label_schemas WHERE ${eq(table.schemaId, schemaId)}`)
}

/** How label schemas of an experiment take part in the claiming of names. */
export const labelSchemaNames = (engine: Engine, experimentId: string): NameOwner => ({
  scope: scopeOf(experimentId),
  nameOf: async (schemaId) => (await findLabelSchema(engine, schemaId))?.name,
  raiseFence: async (schemaId) => {
    const abandoned: LabelSchemaRow = {
      schemaId,
      experimentId,
      name: null,
      nameFence: 1,
      type: '',
      instruction: null,
      enableComment: false,
      inputType: '',
      inputConfig: '',
      createdTimeMs: 0,
      lastUpdateTimeMs: 0,
      isDefault: false,
    }
    if (await insertLabelSchema(engine, abandoned)) return undefined
    const [row] = await engine.db
      .update(table)
      .set({ nameFence: sql`name_fence + 1` })
      .where(eq(table.schemaId, schemaId))
      .returning({ name: table.name })
    return row?.name ?? undefined
  },
})
