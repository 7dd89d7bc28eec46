// Ages as `mlflow gc --older-than` takes them.
import { invalidParameter } from '../../errors.ts'

const UNITS_MS = [24 * 3600_000, 3600_000, 60_000, 1000]
const AGE = /^(?:([.\d]+?)d)?(?:([.\d]+?)h)?(?:([.\d]+?)m)?(?:([.\d]+?)s)?$/

/**
 * Milliseconds of an age such as `30d` or `1.2d3h4m5s`. To stock, an empty one is any age: here it deletes nothing.
 * @throws INVALID_PARAMETER_VALUE with MLflow's text
 * @see mlflow/cli gc
 */
export function parseAge(text: string): number {
  const parts = AGE.exec(text)?.slice(1)
  const numbers = parts?.map((part) => (part === undefined ? 0 : Number(part)))
  const ms = numbers?.reduce((sum, number, i) => sum + number * (UNITS_MS[i] ?? 0), 0)
  if (text !== '' && ms !== undefined && Number.isSafeInteger(Math.trunc(ms))) return Math.trunc(ms)
  throw invalidParameter(
    `Could not parse any time information from '${text}'. Examples of valid strings: '8h', '2d8h5m20s', '2m4s'`,
  )
}
