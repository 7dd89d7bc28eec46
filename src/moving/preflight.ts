// What stands in the way of a move, found before anything is written: names and ids that others have.
import type { Engine } from '../platform/database/engine.ts'
import { findClaims } from './claims.store.ts'
import { FAMILIES, type Row } from './families.store.ts'
import type { Names } from './names.ts'
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
    for await (const { parents } of source.chunks(family)) {
      const byScope = new Map<string, Row[]>()
      for (const row of parents) {
        const { scope } = rules.owner(engine, row)
        byScope.set(scope, [...(byScope.get(scope) ?? []), row])
      }
      const ids = new Set(parents.map((row) => String(row[rules.id])))
      const owners = new Map<Row, string>()
      for (const [scope, rows] of byScope) {
        const claims = await findClaims(engine, scope, rows.map(rules.keyOf))
        for (const row of rows) {
          const owner = claims.get(`${scope}\0${rules.keyOf(row)}`)
          if (owner === undefined || owner === row[rules.id]) continue
          owners.set(row, owner)
          ids.add(owner)
        }
      }
      await engine.refresh(family.parent.table)
      const stored = new Map<string, Row>()
      for await (const rows of readRows(engine, family.parent, [...ids]))
        for (const row of rows) stored.set(String(row[rules.id]), row)
      for (const row of parents) conflicts.push(...conflictsOf(row))

      function conflictsOf(row: Row): string[] {
        const id = String(row[rules?.id ?? ''])
        const kind = family.name.replace(/s$/, '').replaceAll('_', ' ')
        const owner = stored.get(owners.get(row) ?? '')
        // Its owner is of this move too, and gives the name up there.
        const isTaken =
          owner &&
          rules?.keyOf(owner) === rules?.keyOf(row) &&
          !parents.some((one) => String(one[rules?.id ?? '']) === owners.get(row))
        if (isTaken)
          return [
            `the ${kind} ${JSON.stringify(row.name)} is there as another one, with the id ${owners.get(row)}`,
          ]
        const same = stored.get(id)
        const isOther = same && rules?.keyOf(same) !== rules?.keyOf(row) && !isOneTime(same, row)
        return isOther
          ? [
              `the id ${id} of the ${kind} ${JSON.stringify(row.name)} is there as ${JSON.stringify(same.name)}`,
            ]
          : []
      }
    }
  }
  return conflicts.length > NAMED
    ? [...conflicts.slice(0, NAMED), `and ${conflicts.length - NAMED} more`]
    : conflicts
}

const isOneTime = (a: Row, b: Row) =>
  (a.creationTimeMs ?? a.createdTimeMs) === (b.creationTimeMs ?? b.createdTimeMs)
