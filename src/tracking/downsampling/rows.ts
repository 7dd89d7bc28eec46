// Buckets as rows of their table, and back.
import { type Bucket, keptOf, type Point } from './buckets.ts'
import type { MetricBucketRow } from './tables.ts'

type Of = Pick<MetricBucketRow, 'runId' | 'key' | 'month' | 'experimentId'>

export function bucketToRow(of: Of, bucket: Bucket): MetricBucketRow {
  const { first, last, min, max, latest, nan } = bucket
  return {
    ...of,
    bucketKind: bucket.kind,
    bucketSize: bucket.size,
    bucketStart: bucket.start,
    version: bucket.version,
    pointCount: bucket.pointCount,
    nanCount: bucket.nanCount,
    infiniteCount: bucket.infiniteCount,
    keptCount: keptOf(bucket).length,
    valueSum: bucket.valueSum,
    firstTimestamp: first.timestamp,
    firstStep: first.step,
    firstValue: first.value,
    firstIsNan: first.isNan,
    lastTimestamp: last.timestamp,
    lastStep: last.step,
    lastValue: last.value,
    lastIsNan: last.isNan,
    minTimestamp: min?.timestamp ?? null,
    minStep: min?.step ?? null,
    minValue: min?.value ?? null,
    maxTimestamp: max?.timestamp ?? null,
    maxStep: max?.step ?? null,
    maxValue: max?.value ?? null,
    latestTimestamp: latest?.timestamp ?? null,
    latestStep: latest?.step ?? null,
    latestValue: latest?.value ?? null,
    nanTimestamp: nan?.timestamp ?? null,
    nanStep: nan?.step ?? null,
  }
}

type Maybe<Column extends keyof MetricBucketRow> = MetricBucketRow[Column] | null

/** A point, where there is one. */
function pointOf(
  timestamp: Maybe<'minTimestamp'>,
  step: Maybe<'minStep'>,
  value: number | null,
): Point | undefined {
  if (timestamp === null || step === null || value === null) return undefined
  return { timestamp, step, value, isNan: false }
}

export function rowToBucket(row: MetricBucketRow): Bucket {
  const nan = pointOf(row.nanTimestamp, row.nanStep, 0)
  return {
    kind: row.bucketKind === 'steps' ? 'steps' : 'time',
    size: Number(row.bucketSize),
    start: row.bucketStart,
    version: row.version,
    pointCount: row.pointCount,
    nanCount: row.nanCount,
    infiniteCount: row.infiniteCount,
    valueSum: row.valueSum,
    first: {
      timestamp: row.firstTimestamp,
      step: row.firstStep,
      value: row.firstValue,
      isNan: row.firstIsNan,
    },
    last: { timestamp: row.lastTimestamp, step: row.lastStep, value: row.lastValue, isNan: row.lastIsNan },
    min: pointOf(row.minTimestamp, row.minStep, row.minValue),
    max: pointOf(row.maxTimestamp, row.maxStep, row.maxValue),
    latest: pointOf(row.latestTimestamp, row.latestStep, row.latestValue),
    nan: nan && { ...nan, isNan: true },
  }
}
