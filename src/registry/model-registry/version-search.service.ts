// Searches model versions.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { readAhead } from '../../platform/wire/json-list.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import type { SearchInput } from './models.service.ts'
import { splitPrompts } from './names.ts'
import { MAX_VERSIONS_PER_PAGE, type ModelVersion } from './schema.ts'
import { type FoundVersion, searchVersionRows } from './search.store.ts'
import { parseModelVersionFilter, parseModelVersionOrderBy } from './search.ts'
import { modelVersionTags } from './tables.ts'
import { versionToWire } from './to-wire.ts'
import * as store from './versions.store.ts'

/** Versions whose tags are in memory at a time; of one answer, two such chunks. */
const VERSIONS_AT_ONCE = 1000

export function createVersionSearch(engine: Engine) {
  /** Versions as clients see them, some hundred at a time, so that memory does not grow with the page. */
  async function* withTags(rows: FoundVersion[]): AsyncGenerator<ModelVersion[]> {
    for (let from = 0; from < rows.length; from += VERSIONS_AT_ONCE) {
      const chunk = rows.slice(from, from + VERSIONS_AT_ONCE)
      await engine.refresh(modelVersionTags)
      const tags = await store.findVersionTags(
        engine,
        chunk.map(({ versionUid }) => versionUid),
      )
      yield chunk.map((row) =>
        versionToWire(
          { row, model: { name: row.name, renamedTimeMs: 0 } },
          tags.get(row.versionUid) ?? [],
          [],
        ),
      )
    }
  }

  /** A page of versions in chunks. */
  return async function search(
    input: SearchInput,
  ): Promise<{ versions: AsyncGenerator<ModelVersion[]>; nextPageToken: string | undefined }> {
    const pageSize = Number(input.max_results ?? MAX_VERSIONS_PER_PAGE)
    if (pageSize < 1) {
      throw invalidParameter(
        `Invalid value for max_results. It must be a positive integer, but got ${pageSize}`,
      )
    }
    const { filter, modelsOnly } = splitPrompts(parseModelVersionFilter(input.filter))
    const orderBy = parseModelVersionOrderBy(input.order_by)
    const { bounds, cut } = pageOf(input.page_token, orderBy, pageSize)
    const { rows, nextPageToken } = cut(
      await searchVersionRows(engine, { filter, modelsOnly, orderBy, ...bounds }),
    )
    return { versions: await readAhead(withTags(rows)), nextPageToken }
  }
}
