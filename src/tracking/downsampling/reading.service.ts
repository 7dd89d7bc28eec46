// Reads buckets of old points for clients.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import type { Bucket, Point } from './buckets.ts'
import { rowToBucket } from './rows.ts'
import type { BucketsAnswer, BucketWire } from './schema.ts'
import { findBucketPage } from './store.ts'

const DEFAULT_RESULTS = 1000
const MAX_RESULTS = 10_000

export type BucketReader = ReturnType<typeof createBucketReader>

export function createBucketReader({ engine }: { engine: Engine }) {
  /**
   * A page of the buckets of a metric of a run; none where its points are young.
   * @throws INVALID_PARAMETER_VALUE
   */
  return async (input: {
    run_id: string
    metric_key: string
    max_results?: Int64 | undefined
    page_token?: string | undefined
  }): Promise<BucketsAnswer> => {
    const size = Number(input.max_results ?? DEFAULT_RESULTS)
    if (!(size >= 1 && size <= MAX_RESULTS))
      throw invalidParameter(`Invalid value ${size} for parameter 'max_results': use 1 to ${MAX_RESULTS}.`)
    const page = pageOf(input.page_token, 'metric buckets', size)
    const found = await findBucketPage(engine, input.run_id, input.metric_key, page.bounds)
    const { rows, nextPageToken } = page.cut(found)
    return {
      buckets: rows.map((row) => toWire(rowToBucket(row))),
      ...(nextPageToken && { next_page_token: nextPageToken }),
    }
  }
}

function toWire(bucket: Bucket): BucketWire {
  const { kind, size, start, pointCount, nanCount, infiniteCount, valueSum } = bucket
  const { first, last, min, max, latest, nan } = bucket
  const numbers = pointCount - nanCount
  return {
    ...{ kind, size, start, count: pointCount, nan_count: nanCount, infinite_count: infiniteCount },
    sum: valueSum,
    ...(numbers > 0 && infiniteCount === 0 && { mean: valueSum / numbers }),
    first: pointToWire(first),
    last: pointToWire(last),
    ...(min && { min: pointToWire(min) }),
    ...(max && { max: pointToWire(max) }),
    ...(latest && { latest: pointToWire(latest) }),
    ...(nan && { nan: pointToWire(nan) }),
  }
}

const pointToWire = ({ value, timestamp, step, isNan }: Point) => ({
  value: isNan ? ('NaN' as const) : value,
  timestamp,
  step,
})
