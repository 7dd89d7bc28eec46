// Filters and sort keys of experiments: what is read, what is refused and with which text.
import { describe, expect, it } from 'vitest'
import { parseExperimentFilter, parseExperimentOrderBy } from '../../../../src/tracking/experiments/search.ts'

const KEYS = "{'name', 'experiment_id', 'creation_time', 'last_update_time'}"
const row = (type: string, key: string, comparator: string, value: unknown) => ({
  type,
  key,
  comparator,
  value,
})

describe('A filter of experiments', () => {
  it.each([
    ["name = 'x'", [row('attribute', 'name', '=', 'x')]],
    ["attribute.name ILIKE 'x%'", [row('attribute', 'name', 'ILIKE', 'x%')]],
    ["tags.`a b` = 'x' AND tag.c != 'd'", [row('tag', 'a b', '=', 'x'), row('tag', 'c', '!=', 'd')]],
    ['tags.a IS NOT NULL', [row('tag', 'a', 'IS NOT NULL', null)]],
    ["experiment_id = ' +007'", [row('attribute', 'experiment_id', '=', '7')]],
    [
      "experiment_id IN ('1', '170000000000000001')",
      [row('attribute', 'experiment_id', 'IN', ['1', '170000000000000001'])],
    ],
    ['creation_time > 5', [row('attribute', 'creation_time', '>', 5)]],
  ])('%s is read', (filter, expected) => {
    expect(parseExperimentFilter(filter)).toEqual(expected)
  })

  it.each([
    ["status = 'x' OR name = 'y'", 'Invalid clause(s) in filter string: OR'],
    [
      "attributes.name = 'x'",
      "Invalid entity type 'attributes'. Valid entity types are ('attribute', 'tag', 'tags')",
    ],
    ["status = 'x'", `Invalid attribute key 'status' specified. Valid keys are '${KEYS}'`],
    ["name like 'x'", /^Invalid comparator 'like' not one of '\{.*\}'$/],
    [
      "name IN ('x')",
      "Only ['experiment_id'] attributes support comparison with a list of quoted string values.",
    ],
    ["experiment_id in ('1')", 'Invalid comparator for experiment_id: in'],
    ["experiment_id LIKE '1'", 'Invalid comparator for experiment_id: LIKE'],
    ["experiment_id = 'x'", "Invalid experiment ID 'x'. Experiment ID must be a valid integer."],
    ["experiment_id = '9223372036854775808'", /^Invalid experiment ID/],
    ["tags.a ilike 'x'", 'Invalid comparator for tag: ilike'],
    ['name IS NULL', "IS NULL / IS NOT NULL is only supported for tags, not for attribute 'name'"],
    ['creation_time = 1e3', "Invalid value for numeric attribute 'creation_time': '1000.0'"],
    ['creation_time == 1', /^Invalid comparator '==' not one of '\{.*'NOT IN'\}$/],
  ])('%s is refused', (filter, message) => {
    expect(() => parseExperimentFilter(filter)).toThrow(
      expect.objectContaining({
        code: 'INVALID_PARAMETER_VALUE',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    )
  })
})

describe('An order of experiments', () => {
  const key = (name: string, ascending: boolean) => ({ type: 'attribute', key: name, ascending })

  it('is by creation, newest first, unless told', () => {
    expect(parseExperimentOrderBy([])).toEqual([key('creation_time', false), key('experiment_id', true)])
  })

  it('ends in the id, largest first', () => {
    expect(parseExperimentOrderBy(['name ASC'])).toEqual([key('name', true), key('experiment_id', false)])
    expect(parseExperimentOrderBy(['experiment_id', 'name'])).toEqual([
      key('experiment_id', true),
      key('name', true),
    ])
  })

  it.each([
    ['tags.a', 'Invalid order_by entity: tag'],
    ['status', `Invalid attribute key 'status' specified. Valid keys are '${KEYS}'`],
  ])('by %s is refused', (clause, message) => {
    expect(() => parseExperimentOrderBy([clause])).toThrow(message)
  })
})
