// What policies keep of a column whose rows go: `temperature:min,max,mean`.
import { invalidParameter } from '../../errors.ts'

/** The mean is made of the sum and the count, so that larger buckets have it exactly, too. */
export const AGGREGATES = ['count', 'sum', 'min', 'max', 'first', 'last', 'mean'] as const
export type Aggregate = (typeof AGGREGATES)[number]
/** What is kept where nothing is said. */
export const USUAL_AGGREGATES: readonly Aggregate[] = ['count', 'sum', 'min', 'max', 'first', 'last']

const wrong = (text: string) => invalidParameter(`Invalid value for parameter 'aggregates': ${text}`)

/**
 * Reads texts such as `temperature:min,max,mean`, or `temperature` alone for the usual ones. A column's name may have colons.
 * @throws INVALID_PARAMETER_VALUE
 */
export function parseAggregates(texts: readonly string[]): { column: string; aggregates: Aggregate[] }[] {
  const read = texts.map((text) => {
    const at = text.lastIndexOf(':')
    const column = (at < 0 ? text : text.slice(0, at)).trim()
    const names = at < 0 ? USUAL_AGGREGATES : text.slice(at + 1).split(',')
    const aggregates = names.map((name) => {
      const known = AGGREGATES.find((one) => one === name.trim())
      if (!known || column === '')
        throw wrong(
          `use column:${AGGREGATES.join(',')}, as many of these as are wanted, not '${text.slice(0, 200)}'.`,
        )
      return known
    })
    return { column, aggregates: [...new Set(aggregates)] }
  })
  const twice = read.find(({ column }, i) => read.findIndex((one) => one.column === column) < i)
  if (twice) throw wrong(`column ${twice.column} is named twice.`)
  return read
}
