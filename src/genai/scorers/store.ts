// Statements over scorers and their versions. Reads of one scorer or version go by primary key unless said otherwise.
import { and, asc, desc, eq, getTableColumns, max, ne, sql } from 'drizzle-orm'
import { unavailable } from '../../errors.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf, equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type ScorerRow, type ScorerVersionRow, scorers, scorerVersions } from './tables.ts'

/** The name of a scorer within its experiment. */
export type ScorerName = Pick<ScorerRow, 'experimentId' | 'name'>

/** Numbers that may be found taken, one after the other, before a version is given up. */
const MAX_TAKEN = 1_000

const isNamed = ({ experimentId, name }: ScorerName) =>
  and(eq(scorers.experimentId, experimentId), eq(scorers.name, name))

const isVersion = (scorerId: string, version: number) =>
  and(eq(scorerVersions.scorerId, scorerId), eq(scorerVersions.version, version))

/** The scorer that has the name. */
export async function findScorer(engine: Engine, name: ScorerName): Promise<ScorerRow | undefined> {
  const [row] = await engine.db.select().from(scorers).where(isNamed(name))
  return row?.scorerId ? row : undefined
}

/** Scorers of the experiments, or all of them, by experiment and name. Passes the refresh gate. */
export async function findScorers(engine: Engine, experimentIds: string[] | undefined): Promise<ScorerRow[]> {
  await engine.refresh(scorers)
  return engine.db
    .select()
    .from(scorers)
    .where(and(ne(scorers.scorerId, ''), experimentIds && equalsAny(scorers.experimentId, experimentIds)))
    .orderBy(asc(scorers.experimentId), asc(scorers.name))
}

/** Those of the scorers that have an online configuration, by id. Passes the refresh gate. */
export async function findConfigured(engine: Engine, scorerIds: string[]): Promise<ScorerRow[]> {
  await engine.refresh(scorers)
  return engine.db
    .select()
    .from(scorers)
    .where(and(equalsAny(scorers.scorerId, scorerIds), sql`online_scoring_config_id IS NOT NULL`))
    .orderBy(asc(scorers.scorerId))
}

/**
 * Gives the id to the name, unless it has one: of racing callers one gets its way.
 * @returns the id that the name has now
 * @throws TEMPORARILY_UNAVAILABLE when the database takes no row
 */
export async function claimScorer(engine: Engine, name: ScorerName, scorerId: string): Promise<string> {
  const inserted = await engine.db
    .insert(scorers)
    .values({ ...name, scorerId, onlineConfigId: null, sampleRate: null, filterString: null })
    .onConflictDoNothing()
    .returning({ scorerId: scorers.scorerId })
  if (inserted.length === 1) return scorerId
  const row = await changeScorer(engine, { ...name, scorerId: '' }, { scorerId })
  return row.scorerId
}

/** Takes the id from the name, if it still has it, and with it the online configuration: so a scorer is deleted. */
export async function releaseScorer(engine: Engine, scorer: ScorerRow): Promise<void> {
  await changeScorer(engine, scorer, {
    scorerId: '',
    onlineConfigId: null,
    sampleRate: null,
    filterString: null,
  })
}

/** Replaces the scorer's online configuration. @returns false when the scorer was deleted meanwhile */
export async function setOnlineConfig(
  engine: Engine,
  scorer: ScorerRow,
  config: Pick<ScorerRow, 'onlineConfigId' | 'sampleRate' | 'filterString'>,
): Promise<boolean> {
  const row = await changeScorer(engine, scorer, config)
  return row.onlineConfigId === config.onlineConfigId
}

/** Changes the row while it has the scorer's id. @returns the row as it is afterwards */
async function changeScorer(
  engine: Engine,
  { scorerId, ...name }: ScorerName & { scorerId: string },
  changes: Partial<ScorerRow>,
): Promise<ScorerRow> {
  const [row] = await engine.db
    .update(scorers)
    .set(changesIf(scorers, sql`scorer_id = ${scorerId}`, changes))
    .where(isNamed(name))
    .returning()
  if (!row) throw unavailable('The database did not take the change. Please retry.')
  return row
}

/**
 * Writes a version under the number behind the highest one. The row's primary key is the claim: of several servers
 * exactly one gets a number.
 * @throws TEMPORARILY_UNAVAILABLE when the database takes no row
 * @see mlflow/store/tracking/sqlalchemy_store.py register_scorer
 */
export async function insertNextVersion(
  engine: Engine,
  row: Omit<ScorerVersionRow, 'version'>,
): Promise<ScorerVersionRow> {
  await engine.refresh(scorerVersions)
  const [last] = await engine.db
    .select({ version: max(scorerVersions.version) })
    .from(scorerVersions)
    .where(eq(scorerVersions.scorerId, row.scorerId))
  const first = Number(last?.version ?? 0) + 1
  for (let version = first; version < first + MAX_TAKEN; version++) {
    const inserted = await engine.db
      .insert(scorerVersions)
      .values({ ...row, version })
      .onConflictDoNothing()
      .returning({ version: scorerVersions.version })
    if (inserted.length === 1) return { ...row, version }
  }
  throw unavailable('The database did not take a scorer. Please retry.')
}

/** One version of a scorer. */
export async function findVersion(
  engine: Engine,
  scorerId: string,
  version: number,
): Promise<ScorerVersionRow | undefined> {
  const [row] = await engine.db.select().from(scorerVersions).where(isVersion(scorerId, version))
  return row
}

/** The version with the highest number. Passes the refresh gate. */
export async function findLatestVersion(
  engine: Engine,
  scorerId: string,
): Promise<ScorerVersionRow | undefined> {
  await engine.refresh(scorerVersions)
  const [row] = await engine.db
    .select()
    .from(scorerVersions)
    .where(eq(scorerVersions.scorerId, scorerId))
    .orderBy(desc(scorerVersions.version))
    .limit(1)
  return row
}

/** All versions of a scorer by number. Passes the refresh gate. */
export async function findVersions(engine: Engine, scorerId: string): Promise<ScorerVersionRow[]> {
  await engine.refresh(scorerVersions)
  return engine.db
    .select()
    .from(scorerVersions)
    .where(eq(scorerVersions.scorerId, scorerId))
    .orderBy(asc(scorerVersions.version))
}

/** The version with the highest number of each of the scorers, by their ids, in one statement. Passes the refresh gate. */
export async function findLatestVersions(
  engine: Engine,
  scorerIds: string[],
): Promise<Map<string, ScorerVersionRow>> {
  if (scorerIds.length === 0) return new Map()
  await engine.refresh(scorerVersions)
  const table = scorerVersions
  const ofScorers = ownedBy(engine.dialect, { table, of: table.scorerId }, scorerIds)
  const latest = engine.db
    .select({ scorerId: table.scorerId, version: max(table.version).as('version') })
    .from(ofScorers.from)
    .where(ofScorers.where)
    .groupBy(table.scorerId)
    .as('latest')
  const rows = await engine.db
    .select(getTableColumns(table))
    .from(table)
    .innerJoin(latest, and(eq(table.scorerId, latest.scorerId), eq(table.version, latest.version)))
  return new Map(rows.map((row) => [row.scorerId, row]))
}

/** Deletes a version if there is one. */
export async function deleteVersion(engine: Engine, scorerId: string, version: number): Promise<void> {
  await engine.execute(sql`DELETE FROM scorer_versions WHERE ${isVersion(scorerId, version)}`)
}

/** Deletes all versions of a scorer that is released: nothing shows them any more. Passes the refresh gate. */
export async function deleteVersions(engine: Engine, scorerId: string): Promise<void> {
  await engine.refresh(scorerVersions)
  await engine.execute(sql`DELETE FROM scorer_versions WHERE ${eq(scorerVersions.scorerId, scorerId)}`)
}
