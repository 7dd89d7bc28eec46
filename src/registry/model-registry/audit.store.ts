// The audit of aliases and stages: rows that are only ever added, and tell later what pointed where.
//
// A change is two rows: its audit row, then the switch of the alias's (or version's) row, which carries the id of the
// change that made it. The audit row comes first, so that nothing happens unrecorded; a crash before the switch leaves
// a row of something that never happened. Such a row can be told: the switch is a compare-and-set on the id of the
// change before, so what happened is the chain from the current row back by `previous_event_id`, and nothing else.
import { and, desc, eq } from 'drizzle-orm'
import type { Engine } from '../../platform/database/engine.ts'
import { type RegistryEvent, registeredModelAliases, registryAudit } from './tables.ts'

export const REGISTRY_EVENT_KINDS = [
  'alias_set',
  'alias_deleted',
  'alias_rolled_back',
  'stage_transition',
  'version_deleted',
] as const
export type RegistryEventKind = (typeof REGISTRY_EVENT_KINDS)[number]

/** The event before the first one. */
export const NO_EVENT = ''

/** What is known of every event. */
export interface EventOrigin {
  eventId: string
  previousEventId: string
  modelUid: string
  modelName: string
  atMs: number
  userId: string | null
}

const NOTHING = { alias: null, oldVersion: null, newVersion: null, oldStage: null, newStage: null }

/** Records that a change is about to happen. */
export async function recordEvent(
  engine: Engine,
  origin: EventOrigin,
  change: { kind: RegistryEventKind } & Partial<Omit<RegistryEvent, keyof EventOrigin | 'kind'>>,
): Promise<void> {
  await engine.db.insert(registryAudit).values({ ...NOTHING, ...origin, ...change })
}

/** Recorded changes of one alias that its history goes back at most. */
const MAX_HISTORY = 10_000

/**
 * What happened to an alias of the model, latest first, as far as the last 10,000 records tell; changes that were
 * recorded but never took effect are left out. Sees every change acknowledged before the call. Versions are null
 * where there was none. The first event is the one that the alias's row carries; no event: never set.
 */
export async function findAliasHistory(
  engine: Engine,
  modelUid: string,
  alias: string,
): Promise<RegistryEvent[]> {
  // The alias goes first: what is recorded before its switch is there when the audit is read.
  const [current] = await engine.db
    .select()
    .from(registeredModelAliases)
    .where(and(eq(registeredModelAliases.modelUid, modelUid), eq(registeredModelAliases.alias, alias)))
  await engine.refresh(registryAudit)
  const rows = await engine.db
    .select()
    .from(registryAudit)
    .where(and(eq(registryAudit.modelUid, modelUid), eq(registryAudit.alias, alias)))
    .orderBy(desc(registryAudit.eventId))
    .limit(MAX_HISTORY)
  return chainFrom(current?.eventId, rows)
}

/** What happened to the stage of a version, latest first; `eventId` is the one that the version's row carries. */
export async function findStageHistory(
  engine: Engine,
  modelUid: string,
  { version, eventId }: { version: number; eventId: string },
): Promise<RegistryEvent[]> {
  await engine.refresh(registryAudit)
  const rows = await engine.db
    .select()
    .from(registryAudit)
    .where(and(eq(registryAudit.modelUid, modelUid), eq(registryAudit.oldVersion, version)))
  return chainFrom(eventId, rows)
}

/** The events from one back to the first. */
function chainFrom(eventId: string | undefined, rows: RegistryEvent[]): RegistryEvent[] {
  const byId = new Map(rows.map((row) => [row.eventId, row]))
  const chain: RegistryEvent[] = []
  for (let row = byId.get(eventId ?? NO_EVENT); row; row = byId.get(row.previousEventId)) chain.push(row)
  return chain
}
