// Filters and sort keys of runs: what is read, what is refused and with which text.
import { describe, expect, it } from 'vitest'
import { parseRunFilter, parseRunOrderBy } from '../../../../src/tracking/runs/search.ts'

const ATTRIBUTE_KEYS =
  "{'artifact_uri', 'end_time', 'run_id', 'run_name', 'start_time', 'status', 'user_id', 'created', 'Created', " +
  "'run name', 'Run name', 'Run Name'}"
const LIST_EXPECTED = 'While parsing a list in the query, expected a non-empty list of string values, but got'

const row = (type: string, key: string, comparator: string, value: unknown) => ({
  type,
  key,
  comparator,
  value,
})

describe('A filter of runs', () => {
  it.each([
    ['', []],
    ['metrics.acc > 0.5', [row('metric', 'acc', '>', 0.5)]],
    ['metric.acc >= -1e-3', [row('metric', 'acc', '>=', -0.001)]],
    ['metrics.acc<1.', [row('metric', 'acc', '<', 1)]],
    [
      'params.lr = \'0.1\' and tags.a != "b"',
      [row('parameter', 'lr', '=', '0.1'), row('tag', 'a', '!=', 'b')],
    ],
    ["parameter.`learning rate` like 'a%'", [row('parameter', 'learning rate', 'LIKE', 'a%')]],
    ['tags."mlflow.user" ILIKE \'Ada\'', [row('tag', 'mlflow.user', 'ILIKE', 'Ada')]],
    ["tags.mlflow.source.name = 'x'", [row('tag', 'mlflow.source.name', '=', 'x')]],
    ["params.order = 'x'", [row('parameter', 'order', '=', 'x')]],
    ['metrics.acc(train) > 1', [row('metric', 'acc(train)', '>', 1)]],
    ['metrics.acc[0] > 1', [row('metric', 'acc[0]', '>', 1)]],
    ["tags.a = 'x AND tags.b = 1'", [row('tag', 'a', '=', 'x AND tags.b = 1')]],
    ["tags.a = 'it''s'", [row('tag', 'a', '=', "it''s")]],
    ["tags.a = 'it\\'s'", [row('tag', 'a', '=', "it\\'s")]],
    ['tags.a = "it\'s"', [row('tag', 'a', '=', "it's")]],
    ["tags.a = '日本 😀'", [row('tag', 'a', '=', '日本 😀')]],
    ['tags.a IS NULL', [row('tag', 'a', 'IS NULL', null)]],
    ['params.a is not null', [row('parameter', 'a', 'IS NOT NULL', null)]],
    ['run_id IN (\'a\', "b",)', [row('attribute', 'run_id', 'IN', ['a', 'b'])]],
    ["run_id not in ('a')", [row('attribute', 'run_id', 'NOT IN', ['a'])]],
    ["attributes.run_id IN (('a', 'b'))", [row('attribute', 'run_id', 'IN', ['a', 'b'])]],
    ["`Run Name` = 'x'", [row('attribute', 'run_name', '=', 'x')]],
    ['Created > 1700000000000', [row('attribute', 'start_time', '>', 1700000000000)]],
    ['start_time > 1.5', [row('attribute', 'start_time', '>', 1.5)]],
    ['end_time < 9223372036854775807', [row('attribute', 'end_time', '<', 2n ** 63n - 1n)]],
    ["datasets.name = 'wine'", [row('dataset', 'name', '=', 'wine')]],
    ["dataset.context IN ('train', 'eval')", [row('dataset', 'context', 'IN', ['train', 'eval'])]],
    [
      "status = 'x' status = 'y'",
      [row('attribute', 'status', '=', 'x'), row('attribute', 'status', '=', 'y')],
    ],
    ["AND status = 'x' AND AND", [row('attribute', 'status', '=', 'x')]],
  ])('%s is read', (filter, expected) => {
    expect(parseRunFilter(filter)).toEqual(expected)
  })

  it('of none is empty', () => {
    expect(parseRunFilter(undefined)).toEqual([])
  })

  it.each([
    [' ', "Invalid filter ' '. Could not be parsed."],
    ['a;b', "Search filter contained multiple expression 'a;b'. Provide AND-ed expression list."],
    ["status = 'a' OR status = 'b'", "Invalid clause(s) in filter string: 'OR'"],
    ['(metrics.a > 1)', "Invalid clause(s) in filter string: '(metrics.a > 1)'"],
    ['metrics.a > 1, metrics.b > 1', "Invalid clause(s) in filter string: 'metrics.a > 1, metrics.b > 1'"],
    ["tags.from = 'x'", "Invalid clause(s) in filter string: 'tags.', 'from', '=', ''x''"],
    ["tags.a = 'x", "Invalid clause(s) in filter string: 'tags.a', '=', ''', 'x'"],
    ['tags.x = true', "Invalid clause(s) in filter string: 'tags.x', '=', 'true'"],
    ['metrics.my-acc > 1', "Invalid comparison clause. Expected 'Identifier' found 'metrics.my-acc'"],
    ["'a' = tags.b", "Invalid comparison clause. Expected 'Identifier' found ''a''"],
    [
      'foo.a = 1',
      "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
    ],
    ["toString.a = 'x'", /^Invalid entity type 'toString'/],
    ["foo = 'x'", `Invalid attribute key 'foo' specified. Valid keys are '${ATTRIBUTE_KEYS}'`],
    [
      "dataset.profile = 'x'",
      "Invalid dataset key 'profile' specified. Valid keys are '{'name', 'digest', 'context'}'",
    ],
    ["metrics.a = 'x'", "Expected numeric value type for metric. Found 'x'"],
    ['params.a = 1', "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"],
    [
      'status = FINISHED',
      'Parameter value is either not quoted or unidentified quote types used for string value FINISHED. Use either single or double quotes.',
    ],
    ["start_time = 'x'", "Expected numeric value type for numeric attribute: start_time. Found 'x'"],
    ['start_time > 9223372036854775808', 'Integer out of range: 9223372036854775808'],
    [
      'metrics.a IS NULL',
      /^IS NULL \/ IS NOT NULL is only supported for tags and params, not for 'metric' 'a'$/,
    ],
    ["metrics.a LIKE 'x'", "Expected numeric value type for metric. Found 'x'"],
    ['metrics.a <> 1', "Invalid comparator '<>' not one of '{'>', '>=', '!=', '=', '<', '<='}"],
    ["params.a > 'x'", /^Invalid comparator '>' not one of '\{.*'IS NOT NULL'\}'$/],
    ["tags.a NOT LIKE 'x'", /^Invalid comparator 'NOT LIKE' not one of '\{.*\}$/],
    [
      "status IN ('FINISHED')",
      "Only ['run_id'] attributes support comparison with a list of quoted string values.",
    ],
    ["run_id = ('a')", "A list of values needs IN or NOT IN, not '='"],
    ['run_id IN ()', `${LIST_EXPECTED} empty list`],
    ['run_id IN (a)', `${LIST_EXPECTED} ill-formed list.`],
    ["run_id IN ('it''s')", `${LIST_EXPECTED} ill-formed list.`],
    [
      "run_id IN ('a', 1, -2.50)",
      "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: ('a', 1, -2.5)",
    ],
    ["tags.a = 'x\0'", "Error on parsing filter 'tags.a = 'x\0''"],
  ])('%s is refused', (filter, message) => {
    expect(() => parseRunFilter(filter)).toThrow(
      expect.objectContaining({
        code: 'INVALID_PARAMETER_VALUE',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    )
  })
})

describe('Hostile filters of a megabyte are refused, however they are built', () => {
  const fill = (pattern: string) => pattern.repeat(Math.ceil(1_000_000 / pattern.length))
  it.each([
    ['open strings', fill("'\\")],
    ['doubled quotes', `tags.a = '${fill("''")}`],
    ['every quote in turn', fill(`'"\`´`)],
    ['open parentheses', fill('(')],
    ['closed parentheses', `${'('.repeat(4000)}${')'.repeat(4000)}`],
    ['open comments', `*/${fill('/*')}`],
    ['words before spaces', fill('a          ')],
    ['NOT and spaces', `NOT${fill(' ')}`],
    ['digits', `start_time = ${fill('1')}`],
    ['dots', fill('a.')],
    ['operators', fill('+1')],
    ['comparisons', fill('>a')],
    ['commas', fill('a,')],
    ['statements', fill('a;')],
    ['a long word', fill('a')],
    ['lists in lists', `run_id IN (${"'a\\\\', ".repeat(1)}${'('.repeat(9000)}'`],
    ['lists hidden from the reader', `run_id IN ('\\\\', ${fill('(')}')')`],
  ])('%s', (_, filter) => {
    expect(() => parseRunFilter(filter)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMETER_VALUE' }))
  })

  it.each([
    ['a long value', `tags.a = '${fill('x')}'`],
    ['a long value of escapes', `tags.a = '${fill("\\'")}'`],
    ['a long list', `run_id IN (${"'abc', ".repeat(3000)})`],
    ['a long item', `run_id IN ('${fill('\\n')}')`],
  ])('but %s is read', (_, filter) => {
    expect(parseRunFilter(filter)).toHaveLength(1)
  })
})

describe('An order of runs', () => {
  it.each([
    ['metrics.acc DESC', ['metric', 'acc', false]],
    ['metrics.`my key`', ['metric', 'my key', true]],
    ['params."a b" desc', ['parameter', 'a b', false]],
    ['tags.a\tAsc', ['tag', 'a', true]],
    ['Created DESC', ['attribute', 'start_time', false]],
    ['attributes.run_id', ['attribute', 'run_id', true]],
  ])('by %s is read', (clause, [type, key, ascending]) => {
    expect(parseRunOrderBy([clause])).toEqual([{ type, key, ascending }])
  })

  it.each([
    ['', "Invalid order_by clause ''. Could not be parsed."],
    [' run_id', "Invalid order_by clause ' run_id'. Could not be parsed."],
    ['run_id, status', "Invalid order_by clause 'run_id, status'. Could not be parsed."],
    [
      'metrics.a DESC NULLS LAST',
      "Invalid order_by clause 'metrics.a DESC NULLS LAST'. Could not be parsed.",
    ],
    ['metrics.a up', "Invalid ordering key in order_by clause 'metrics.a up'."],
    ["metrics.it's", "Invalid order_by clause 'metrics.it's'. Could not be parsed."],
    ['dataset.name', "Invalid identifier type 'dataset'"],
    [
      '`Run Name`',
      /^Invalid attribute key 'Run Name' specified\. Valid keys are '\{'artifact_uri', .*'Created'\}'$/,
    ],
  ])('by %j is refused', (clause, message) => {
    expect(() => parseRunOrderBy([clause])).toThrow(
      expect.objectContaining({
        code: 'INVALID_PARAMETER_VALUE',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    )
  })

  it('names no field twice, not even by an alias', () => {
    expect(() => parseRunOrderBy(['start_time', 'Created DESC'])).toThrow(
      "`order_by` contains duplicate fields: ['start_time', 'Created DESC']",
    )
  })
})
