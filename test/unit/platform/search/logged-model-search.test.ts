// Filters and sort keys of logged models: what is read, what is refused and with which text.
import { describe, expect, it } from 'vitest'
import {
  parseLoggedModelFilter,
  parseLoggedModelOrderBy,
} from '../../../../src/tracking/logged-models/search.ts'

const row = (type: string, key: string, comparator: string, value: unknown) => ({
  type,
  key,
  comparator,
  value,
})

describe('A filter of logged models', () => {
  it.each([
    ["name = 'x'", [row('attribute', 'name', '=', 'x')]],
    ['name = x', [row('attribute', 'name', '=', 'x')]],
    ["attributes.model_type LIKE 'a%'", [row('attribute', 'model_type', 'LIKE', 'a%')]],
    ['params.lr = 0.01', [row('parameter', 'lr', '=', '0.01')]],
    [
      "params.`a b` ilike 'x' and tags.c != 'y'",
      [row('parameter', 'a b', 'ILIKE', 'x'), row('tag', 'c', '!=', 'y')],
    ],
    ["name in ('a', 'b')", [row('attribute', 'name', 'IN', ['a', 'b'])]],
    ["tags.a NOT IN ('x')", [row('tag', 'a', 'NOT IN', ['x'])]],
    ['metrics.acc > 0.5', [row('metric', 'acc', '>', 0.5)]],
    ['metrics.acc < inf', [row('metric', 'acc', '<', Number.POSITIVE_INFINITY)]],
    ['metrics.acc >= 1_000', [row('metric', 'acc', '>=', 1000)]],
    ['creation_time > 5', [row('attribute', 'creation_timestamp_ms', '>', 5)]],
    ['attributes.last_updated_timestamp <= 5', [row('attribute', 'last_updated_timestamp_ms', '<=', 5)]],
    ["status = 'READY'", [row('attribute', 'status', '=', '2')]],
    ["status IN ('PENDING', '3')", [row('attribute', 'status', 'IN', ['1', '3'])]],
    ["model_id = '__proto__'", [row('attribute', 'model_id', '=', '__proto__')]],
    ["status != 'constructor'", [row('attribute', 'status', '!=', 'constructor')]],
  ])('%s is read', (filter, expected) => {
    expect(parseLoggedModelFilter(filter)).toEqual(expected)
  })

  it.each([
    ['a;b', "Invalid filter string: 'a;b'. Expected a single SQL expression."],
    [
      "name = 'x' OR name = 'y'",
      /^Invalid filter string: .* Expected a list of comparisons separated by 'AND'/,
    ],
    ['tags.a IS NULL', 'Invalid comparison: tags.aIS NULL. Expected a comparison with 3 tokens.'],
    [
      "tag.a = 'x'",
      "Invalid entity type: 'tag'. Expected one of ['attributes', 'metrics', 'params', 'tags'].",
    ],
    [
      "name > 'x'",
      "Invalid comparison operator for attributes.name: '>'. Expected one of ('=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN').",
    ],
    [
      "metrics.a LIKE 'x'",
      "Invalid comparison operator for metrics.a: 'LIKE'. Expected one of ('<', '<=', '>', '>=', '=', '!=').",
    ],
    ["metrics.a > 'x'", "Expected a number for metrics.a. Got value 'x'"],
    ["run_id = 'x'", /^Invalid attribute 'run_id'\. Expected one of \['name', /],
    ["constructor = 'x'", /^Invalid filter string/],
    ["toString = 'x'", /^Invalid attribute 'toString'/],
    ['name = "x"', 'Expected a value in single quotes for attributes.name. Got value "x"'],
    ['params."a" = \'x\'', 'Invalid key "a". Use backticks around keys of logged models.'],
    ["name = ('x')", "A list of values for attributes.name needs IN or NOT IN, not '='"],
    ['name IN (1)', /different type in list: \(1,\)$/],
  ])('%s is refused', (filter, message) => {
    expect(() => parseLoggedModelFilter(filter)).toThrow(
      expect.objectContaining({
        code: 'INVALID_PARAMETER_VALUE',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    )
  })
})

describe('An order of logged models', () => {
  it.each([
    [{ field_name: 'name' }, { type: 'attribute', key: 'name', ascending: true }],
    [
      { field_name: 'creation_time', ascending: false },
      { type: 'attribute', key: 'creation_timestamp_ms', ascending: false },
    ],
    [
      { field_name: 'metrics.a.b', dataset_name: 'wine', dataset_digest: '' },
      { type: 'metric', key: 'a.b', ascending: true, datasetName: 'wine' },
    ],
  ])('by %j is read', (clause, expected) => {
    expect(parseLoggedModelOrderBy([clause])).toEqual([expected])
  })

  it.each([
    ['nothing', 'Invalid order by field name: nothing', 'ATTRIBUTE_NOT_FOUND'],
    ['__proto__', 'Invalid order by field name: __proto__', 'ATTRIBUTE_NOT_FOUND'],
    [
      'params.a',
      'Invalid order by field name: params.a. Only metrics are supported.',
      'INVALID_PARAMETER_VALUE',
    ],
  ])('by %s is refused', (field_name, message, errorClass) => {
    expect(() => parseLoggedModelOrderBy([{ field_name }])).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMETER_VALUE', message, errorClass }),
    )
  })
})
