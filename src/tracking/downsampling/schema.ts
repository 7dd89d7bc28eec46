// What is asked of the room, and messages about buckets of old points, which are this server's own: MLflow has none.
import { z } from 'zod'
import type { Int64 } from '../../platform/wire/int64.ts'
import { int64, message, text } from '../../platform/wire/message.ts'

/** Which buckets old points go into. */
export interface DuePlan {
  /** By which a point belongs to a bucket: its time in milliseconds, or its step. */
  kind: 'time' | 'steps'
  /** From the smallest and youngest to the largest and oldest: what lies before `untilMs`, and before that of no larger one, has the size. */
  rungs: readonly { size: number; untilMs: number }[]
}

interface Range {
  from: Int64
  to: Int64
}

/** Points that are looked at together. */
export interface Part {
  month: string
  runIds: string[]
  /** Absent: all metrics. */
  keys?: string[]
  /** Both ends are in it; absent: all. */
  timestamps?: Range
  steps?: Range
}

export interface StoredPoint {
  runId: string
  key: string
  timestamp: Int64
  step: Int64
  value: number
  isNan: boolean
}

/** Points of a metric of a run that go: those with one of the times and one of the steps, and one of the values where there are any. */
export interface GoingOf {
  runId: string
  key: string
  isNan: boolean
  timestamps: Int64[]
  steps: Int64[]
  values?: number[] | undefined
  count: number
}

/** Buckets of a metric of a run. */
export interface PlaceOf {
  runId: string
  key: string
  kind: string
  size: number
  starts: Int64[]
}

const int64Wire = z.union([z.number(), z.bigint()])
const PointWire = z
  .object({
    value: z.union([z.number(), z.literal('NaN')]),
    timestamp: int64Wire.describe('Milliseconds since the epoch'),
    step: int64Wire,
  })
  .meta({ id: 'MetricBucketPoint' })

export const BucketsWire = z
  .object({
    buckets: z
      .array(
        z
          .object({
            kind: z.enum(['time', 'steps']).describe('What size and start are about'),
            size: int64Wire.describe('Milliseconds, or steps'),
            start: int64Wire.describe('The least time or step that belongs to it'),
            count: z.number().int().describe('Points that were put into it, NaN and infinite ones as well'),
            nan_count: z.number().int(),
            infinite_count: z.number().int(),
            sum: z.number().describe('Of what is neither NaN nor infinite'),
            mean: z
              .number()
              .optional()
              .describe('Of all but NaN; absent where there are none, or infinite ones'),
            first: PointWire.describe('By timestamp and step'),
            last: PointWire,
            min: PointWire.optional().describe('The earliest of the least; absent where all are NaN'),
            max: PointWire.optional(),
            latest: PointWire.optional().describe('Last by step and timestamp, NaN left out'),
            nan: PointWire.optional().describe('The last NaN by step and timestamp'),
          })
          .meta({ id: 'MetricBucket' }),
      )
      .describe('By the time of their first points'),
    next_page_token: z.string().optional(),
  })
  .meta({ id: 'MetricBuckets' })
export type BucketsAnswer = z.infer<typeof BucketsWire>
export type BucketWire = BucketsAnswer['buckets'][number]

export const GetBuckets = message('GetMetricBuckets', {
  run_id: text(),
  metric_key: text(),
  max_results: int64().optional().describe('From 1 to 10000, 1000 by default'),
  page_token: text().optional(),
})
