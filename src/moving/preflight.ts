// What stands in the way of a move, found before anything is written: names and ids that others have.
import type { Engine } from '../platform/database/engine.ts'
import { nameClaims } from '../platform/database/name-claims.ts'
import { findClaims } from './claims.store.ts'
import { FAMILIES, type Family, type Row } from './families.store.ts'
import type { NameRules, Names } from './names.ts'
import { readRows } from './own-store.ts'
import type { Source } from './source.ts'

/** Conflicts that are named. */
const NAMED = 20

/**
 * Names of the source that the store has given to something else, and ids under which it has something else: one that was
 * renamed since has the same time of creation. In words, the first of them.
 */
export async function findConflicts(engine: Engine, source: Source, names: Names): Promise<string[]> {
  const conflicts: string[] = []
  for (const family of FAMILIES) {
    const rules = names[family.name]
    if (!rules || !source.has(family.parent)) continue
    await engine.refresh(nameClaims, family.parent.table)
    for await (const { parents } of source.chunks(family)) {
      const owners = await ownersOf(engine, rules, parents)
      const ids = new Set([...parents.map((row) => String(row[rules.id])), ...owners.values()])
      const stored = await readStored(engine, family, rules, ids)
      for (const row of parents) {
        const conflict = conflictOf(row, { rules, owner: owners.get(row), stored, parents })
        if (conflict) conflicts.push(`the ${kindOf(family)} ${conflict}`)
      }
    }
  }
  return conflicts.length > NAMED
    ? [...conflicts.slice(0, NAMED), `and ${conflicts.length - NAMED} more`]
    : conflicts
}

const kindOf = ({ name }: Family) => name.replace(/s$/, '').replaceAll('_', ' ')

/** Who has claimed the names of the rows, where it is somebody else. */
async function ownersOf(engine: Engine, rules: NameRules, rows: readonly Row[]): Promise<Map<Row, string>> {
  const byScope = new Map<string, Row[]>()
  for (const row of rows) {
    const { scope } = rules.owner(engine, row)
    const own = byScope.get(scope)
    if (own) own.push(row)
    else byScope.set(scope, [row])
  }
  const owners = new Map<Row, string>()
  for (const [scope, own] of byScope) {
    const claims = await findClaims(engine, scope, own.map(rules.keyOf))
    for (const row of own) {
      const owner = claims.get(`${scope}\0${rules.keyOf(row)}`)
      if (owner !== undefined && owner !== row[rules.id]) owners.set(row, owner)
    }
  }
  return owners
}

async function readStored(
  engine: Engine,
  { parent }: Family,
  rules: NameRules,
  ids: ReadonlySet<string>,
): Promise<Map<string, Row>> {
  const stored = new Map<string, Row>()
  for await (const rows of readRows(engine, parent, [...ids]))
    for (const row of rows) stored.set(String(row[rules.id]), row)
  return stored
}

interface Surroundings {
  rules: NameRules
  /** Who has claimed the row's name. */
  owner: string | undefined
  stored: ReadonlyMap<string, Row>
  parents: readonly Row[]
}

function conflictOf(row: Row, { rules, owner, stored, parents }: Surroundings): string | undefined {
  const { id: idProperty, keyOf } = rules
  const id = String(row[idProperty])
  const holder = owner === undefined ? undefined : stored.get(owner)
  // One that moves as well gives the name up.
  const isMoving = parents.some((one) => String(one[idProperty]) === owner)
  if (holder && keyOf(holder) === keyOf(row) && !isMoving)
    return `${JSON.stringify(row.name)} is there as another one, with the id ${owner}`
  const same = stored.get(id)
  if (!same || keyOf(same) === keyOf(row) || timeOf(same) === timeOf(row)) return undefined
  return `${JSON.stringify(row.name)} has the id ${id}, which is there as ${JSON.stringify(same.name)}`
}

const timeOf = (row: Row) => row.creationTimeMs ?? row.createdTimeMs
