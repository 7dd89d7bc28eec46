// The console's pure parts: what its form says to the API, what its picture of a ladder keeps; and the order of its files.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy } from '../../console/src/api.ts'
import { changesOf, definitionOf, draftOf, newDraft, problemsOf } from '../../console/src/lifecycle/draft.ts'
import { deviationOf, sampleOf, survivors } from '../../console/src/lifecycle/ladder-sample.ts'
import { parseLadder } from '../../src/lifecycle/downsampling/ladder.schema.ts'

const CONSOLE = join(import.meta.dirname, '../../console')
const LONGEST_FILE = 400

const policy: Policy = {
  policy_id: 'p-0123456789abcdef',
  name: 'sweeps',
  target: 'metrics',
  category: 'timerange',
  strategy: 'delete',
  duration: '30d',
  duration_ms: 30 * 24 * 3600_000,
  run_tags: [{ key: 'kind', value: 'sweep' }],
  experiment_pattern: 'team-a/%',
  tags: ['team-a'],
  enabled: true,
  cron: '0 3 * * *',
  version: 1,
  created_at: 1,
  updated_at: 1,
}

describe('the form of a policy', () => {
  it('says of a policy what it says, and changes nothing of what it shows', () => {
    const draft = draftOf(policy)
    expect(JSON.parse(JSON.stringify(definitionOf(draft)))).toEqual({
      name: 'sweeps',
      target: 'metrics',
      strategy: 'delete',
      duration: '30d',
      run_tags: [{ key: 'kind', value: 'sweep' }],
      experiment_pattern: 'team-a/%',
      tags: ['team-a'],
      enabled: true,
      cron: '0 3 * * *',
    })
    expect(changesOf(policy, draft)).toEqual({ policy_id: policy.policy_id, clear: [] })
  })

  it('sends what differs, and takes away what was emptied', () => {
    const draft = { ...draftOf(policy), experiment_pattern: ' ', run_tags: [], tags: '', duration: '10d' }
    expect(changesOf(policy, draft)).toEqual({
      policy_id: policy.policy_id,
      duration: '10d',
      clear: ['experiment_pattern', 'run_tags', 'tags'],
    })
    expect(changesOf(policy, { ...draftOf(policy), when: 'hand' }).clear).toEqual(['cron'])
    // One schedule takes the place of the other by itself.
    expect(changesOf(policy, { ...draftOf(policy), when: 'every', every: '12h' })).toEqual({
      policy_id: policy.policy_id,
      every: '12h',
      clear: [],
    })
  })

  it('keeps what a policy says of the buckets of a table, and changes it', () => {
    const { experiment_pattern: _pattern, ...plain } = policy
    const thinning: Policy = {
      ...plain,
      ...{
        target: 'doc.readings',
        category: 'timerange',
        column: 'ts',
        strategy: 'downsample',
        run_tags: [],
      },
      ...{ ladder: '1m:30d', by: ['sensor', 'a,b'], aggregates: ['t:min,max'], into: 'doc.readings_by_time' },
    }
    const draft = draftOf(thinning)
    expect(changesOf(thinning, draft)).toEqual({ policy_id: policy.policy_id, clear: [] })
    expect(problemsOf(draft)).toEqual({})
    expect(changesOf(thinning, { ...draft, by: 'sensor\nsite\n', aggregates: '', into: '' })).toEqual({
      policy_id: policy.policy_id,
      by: ['sensor', 'site'],
      clear: ['aggregates', 'into'],
    })
    expect(changesOf(thinning, { ...draft, strategy: 'delete', duration: '1y' }).clear).toEqual(
      expect.arrayContaining(['ladder', 'by', 'aggregates', 'into']),
    )
    expect(problemsOf({ ...draft, aggregates: 't:median' })).toMatchObject({
      aggregates: expect.stringContaining("not 't:median'"),
    })
  })

  it('gives a ladder instead of a duration, and the other way round', () => {
    const draft = { ...draftOf(policy), strategy: 'downsample', ladder: '1m:30d,1h:1y' }
    const changes = changesOf(policy, draft)
    expect(changes).toEqual({
      policy_id: policy.policy_id,
      strategy: 'downsample',
      ladder: '1m:30d,1h:1y',
      clear: [],
    })
    const thinned: Policy = { ...policy, strategy: 'downsample', ladder: '1m:30d' }
    expect(changesOf(thinned, { ...draftOf(thinned), strategy: 'delete', duration: '60d' })).toEqual({
      policy_id: policy.policy_id,
      strategy: 'delete',
      duration: '60d',
      clear: ['ladder'],
    })
  })

  it('leaves out what does not belong to what it is about', () => {
    const draft = {
      ...newDraft('doc.events'),
      name: 'e',
      column: 'time',
      experiment_pattern: 'x',
      repository: 'r',
    }
    expect(JSON.parse(JSON.stringify(definitionOf(draft)))).toEqual({
      name: 'e',
      target: 'doc.events',
      column: 'time',
      strategy: 'delete',
      duration: '90d',
      run_tags: [],
      tags: [],
      enabled: true,
    })
  })

  it.each([
    [{}, ['name']],
    [{ name: 'x', duration: 'soon' }, ['duration']],
    [{ name: 'x', about: 'table' }, ['table', 'column']],
    [{ name: 'x', strategy: 'downsample', ladder: '1h:30d,1m:1y' }, ['ladder']],
    [{ name: 'x', when: 'cron' as const, cron: 'daily' }, ['cron']],
    [{ name: 'x', when: 'every' as const, every: '' }, ['every']],
    [{ name: 'x', about: 'table', table: 'doc.t', column: 'c', strategy: 'snapshot' }, ['repository']],
  ])('sees what is wrong with %j', (changes, wrong) => {
    expect(Object.keys(problemsOf({ ...newDraft(null), ...changes }))).toEqual(wrong)
  })
})

describe('the picture of a ladder', () => {
  it.each([
    '1m:30d,1h:210d',
    '1s:1d',
    '1m:30d,1h:1y,1d:3y',
    '1h:1d,30d:1y',
    '100steps:30d,1000steps:1y',
    '1step:1d',
  ])('of %s shows several buckets of each size, and fewer points the larger they are', (text) => {
    const ladder = parseLadder(text)
    const { raw, rungs, span } = sampleOf(ladder)
    expect(span).toBeGreaterThan(2 * (ladder.rungs.at(-1)?.size ?? 0))
    const counts = [raw, ...rungs.map(({ points }) => points)].map(({ length }) => length)
    expect(counts.toSorted((a, b) => b - a)).toEqual(counts)
    expect(raw.length).toBeLessThanOrEqual(60_000)
    expect(raw.length).toBeGreaterThan(1)
  })

  it('keeps the first, last, lowest and highest point of each bucket, in their order', () => {
    const histories = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 80 })
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 20 }), (values, size) => {
        const points = values.map((y, x) => [x, y] as const)
        const kept = survivors(points, size)
        expect(kept.map(([x]) => x)).toEqual([...new Set(kept.map(([x]) => x))].sort((a, b) => a - b))
        for (let begin = 0; begin < points.length; begin += size) {
          const own = kept.filter(([x]) => x >= begin && x < begin + size).map(([, y]) => y)
          const all = values.slice(begin, begin + size)
          expect(own.length).toBeLessThanOrEqual(4)
          expect([own[0], own.at(-1)]).toEqual([all[0], all.at(-1)])
          expect([Math.min(...own), Math.max(...own)]).toEqual([Math.min(...all), Math.max(...all)])
        }
      }),
    )
  })

  it('tells how far a line through what stays is off', () => {
    const raw = [0, 0, 1, 0, 0].map((y, x) => [x, y] as const)
    expect(deviationOf(raw, raw)).toEqual({ mean: 0, most: 0 })
    expect(deviationOf(raw, [raw[0] ?? [0, 0], raw[4] ?? [0, 0]])).toEqual({ mean: 0.2, most: 1 })
  })
})

describe('the files of the console', () => {
  const files = readdirSync(join(CONSOLE, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => ({ path, text: readFileSync(join(CONSOLE, 'src', path), 'utf8') }))

  it(`open with a sentence about what lives there, and have ${LONGEST_FILE} lines at most`, () => {
    expect(files.length).toBeGreaterThan(15)
    expect(files.filter(({ text }) => !text.startsWith('// ')).map(({ path }) => path)).toEqual([])
    const long = files.filter(({ text }) => text.trimEnd().split('\n').length > LONGEST_FILE)
    expect(long.map(({ path }) => path)).toEqual([])
  })

  it('take of the server only messages, as types, and pure rules', () => {
    const taken = files.flatMap(({ text }) =>
      [...text.matchAll(/^import (type )?[^'\n]*? from '(?:\.\.\/)+src\/([^']+)'/gm)].map(([, type, path]) =>
        type ? '' : path,
      ),
    )
    expect([...new Set(taken.filter(Boolean))].sort()).toEqual([
      'cli/humane.ts',
      'lifecycle/downsampling/ladder.schema.ts',
      'platform/wire/aggregates.ts',
      'platform/wire/durations.ts',
    ])
  })
})
