// What the parts of a query ask for one by one is read together.
import { expect, it } from 'vitest'
import { loadTogether } from '../../../../src/web/graphql/loaders.ts'

it('reads the keys of one turn together, each once', async () => {
  const reads: string[][] = []
  const load = loadTogether(async (keys) => {
    reads.push(keys)
    return new Map(keys.filter((key) => key !== 'missing').map((key) => [key, key.toUpperCase()]))
  })
  expect(await Promise.all(['a', 'b', 'a', 'missing'].map(load))).toEqual(['A', 'B', 'A', undefined])
  expect(await Promise.all([load('c'), load('a')])).toEqual(['C', 'A'])
  expect(reads).toEqual([['a', 'b', 'missing'], ['c']])
})

it('tells everybody who asked that a read failed', async () => {
  const load = loadTogether<string>(() => Promise.reject(new Error('away')))
  const outcomes = await Promise.allSettled(['a', 'b'].map(load))
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
