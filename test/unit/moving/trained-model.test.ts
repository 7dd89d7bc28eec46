// What single values of a table's row become: times, scores and members of objects, each as databases spell them.
import { describe, expect, it } from 'vitest'
import { readMapping } from '../../../src/moving/table/mapping.ts'
import { RefusedRow, readRow } from '../../../src/moving/table/trained-model.ts'

const mapping = readMapping(
  `table: models
key: [id]
experiment: x
run: { start: { column: at }, end: { column: s, unit: s } }
params: [{ object: o }]
metrics: [{ column: score }]
`,
  'map.yaml',
)
const RULES = { checkExperimentName: () => {}, checkModelName: () => {}, checkAlias: () => {} }
const read = (values: Record<string, string | null>, hasTimes = false) =>
  readRow(new Map(Object.entries({ id: '1', ...values })), mapping, 'models', {
    ...RULES,
    hasTimes: () => hasTimes,
  })

describe('a row of a table', () => {
  it.each([
    ['2026-01-02T03:04:05Z', 1767323045000],
    ['2026-01-02 03:04:05.678901', 1767323045678],
    ['2026-01-02 03:04:05+02', 1767315845000],
    ['2026-01-02 03:04:05.5-03:30', 1767335645500],
    ['2026-01-02', 1767312000000],
    ['2024-02-29T24:00', 1709251200000],
  ])('is from %s', (at, ms) => {
    expect(read({ at }).startTime).toBe(ms)
  })

  it.each([
    ['1767323045000', 1767323045000],
    ['-1', -1],
  ])('is from %s if that is how the database spells its times', (at, ms) => {
    expect(read({ at }, true).startTime).toBe(ms)
  })

  it.each([...['yesterday', '2026-13-01', '2026-02-30', '2026-00-10T12:00:00Z', '02.01.2026']])(
    'has no time %s',
    (at) => {
      expect(() => read({ at })).toThrow(new RefusedRow(`at is no time: ${at}`))
    },
  )

  it.each(['20260131', '2026', '1767323045', '1767323045000'])('has no time %s without its unit', (at) => {
    expect(() => read({ at })).toThrow(
      new RefusedRow(`at is no time, or lacks "unit: ms" or "unit: s": ${at}`),
    )
  })

  it('has no time beyond the last one', () => {
    expect(() => read({ at: '9999999999999999999' }, true)).toThrow('at is no time')
  })

  it('takes seconds with fractions', () => {
    expect(read({ s: '1767323045.25' }).endTime).toBe(1767323045250)
  })

  it.each([
    ['0.1', { value: 0.1, isNan: false }],
    [' 1E-3 ', { value: 0.001, isNan: false }],
    ['NaN', { value: 0, isNan: true }],
    ['-Infinity', { value: -Number.MAX_VALUE, isNan: false }],
    ['1e999', { value: Number.MAX_VALUE, isNan: false }],
    ['-0', { value: 0, isNan: false }],
  ])('has the score %j', (score, point) => {
    expect(read({ score }).metrics).toEqual([{ key: 'score', ...point }])
  })

  it.each(['', 'true', '0x10', '1,5', '1 000'])('has no score %j', (score) => {
    expect(() => read({ score })).toThrow('The metric score is no number')
  })

  it('spells members as the object does', () => {
    const o =
      '{"lr": 1e-05, "big": 12345678901234567890, "on": true, "none": null, "text": "1", "deep": {"a": [1, "b"]}}'
    expect(Object.fromEntries(read({ o }).params)).toEqual({
      ...{ lr: '1e-05', big: '12345678901234567890', on: 'true', text: '1' },
      deep: '{"a": [1, "b"]}',
    })
  })

  it('gives a row the same run each time, and another digest when anything of it changes', () => {
    const [before, after] = [read({ score: '1' }), read({ score: '2' })]
    expect(after.runId).toBe(before.runId)
    expect(after.digest).not.toBe(before.digest)
    expect(before.runId).toMatch(/^[0-9a-f]{12}4[0-9a-f]{19}$/)
  })
})
