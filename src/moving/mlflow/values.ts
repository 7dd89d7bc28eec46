// Values of stock MLflow's tables as ours: what drivers answer differs, and so does what may be absent.
import { type Int64, narrow, readInt64 } from '../../platform/wire/int64.ts'

/** A row by the names that its statement gives. */
export type Raw = Record<string, unknown>

/** The largest finite double: how infinities are stored. @see mlflow/store/tracking/sqlalchemy_store.py sanitize_metric_value */
const MAX_DOUBLE = Number.MAX_VALUE

/** Text; no engine of ours keeps NUL. */
export const text = (value: unknown): string | null =>
  value === null || value === undefined ? null : withoutNul(String(value))

const withoutNul = (value: string) => (value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value)

export const textOr = (value: unknown, fallback: string): string => text(value) ?? fallback

export function int(value: unknown): Int64 | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return narrow(value)
  if (typeof value === 'number') return Math.trunc(value)
  return readInt64(String(value))
}

export const intOr = (value: unknown, fallback: Int64): Int64 => int(value) ?? fallback

/** Milliseconds and other integers that always fit 2^53. */
export const ms = (value: unknown): number | null => {
  const found = int(value)
  return found === null ? null : Number(found)
}

export const msOr = (value: unknown, fallback: number): number => ms(value) ?? fallback

export const bool = (value: unknown): boolean => value === true || Number(value) === 1

/** A double; infinities become the largest finite ones, what is no number null. */
export function double(value: unknown): number | null {
  if (value === null || value === undefined) return null
  const number = Number(value)
  if (Number.isNaN(number)) return null
  return Math.max(-MAX_DOUBLE, Math.min(MAX_DOUBLE, number))
}

/**
 * Until when traces have a month of their own: a fixed time, so that a second move finds the spans where the first one
 * put them, whatever the day.
 */
export const LAST_TRACE_MS = Date.UTC(2100, 0)
