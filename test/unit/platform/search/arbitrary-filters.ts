// Generates filter and order_by strings: valid ones, nearly valid ones, and both with a few characters changed.
import fc from 'fast-check'

const of = <T>(...items: T[]) => fc.constantFrom(...items)
const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary })

const PLAIN_KEYS = [
  'lr',
  'accuracy',
  'val_loss',
  '_x',
  'a1',
  'F1',
  'x9y',
  'naïve',
  'état',
  'žula',
  '日本',
  'toString',
  '__proto__',
]
const KEYWORD_KEYS = [
  'key',
  'order',
  'type',
  'from',
  'in',
  'as',
  'case',
  'select',
  'count',
  'user',
  'and',
  'null',
]
const ODD_KEYS = ['1abc', '12abc', '1', '1e5', '@tag', '#key', '##a', '?', '*', '%s', '$x', '[a]', '', "it's"]

const plainKey = of(...PLAIN_KEYS)
const key = fc.oneof(
  often(6, plainKey),
  often(2, of(...KEYWORD_KEYS)),
  often(1, of(...ODD_KEYS)),
  often(
    2,
    fc
      .tuple(
        plainKey,
        of('.', '-', '/', ':', ' ', ' . ', '::', '->', '@', '+'),
        of(...PLAIN_KEYS, ...KEYWORD_KEYS),
      )
      .map((parts) => parts.join('')),
  ),
  often(
    1,
    fc
      .tuple(plainKey, of('(train)', '(x', '[0]', '[0][1]', ' [0]', '.', ' desc', ' AS b', ' b', '::int'))
      .map((parts) => parts.join('')),
  ),
)
const quotedKey = fc
  .tuple(
    of('`', '`', '"', "'", '´'),
    of('my key', 'a-b', 'a.b', 'from', 'run name', 'Created', 'a``b', '', 'mlflow.user', 'é/ü'),
  )
  .map(([quote, text]) => quote + text + quote)

const ENTITIES = [
  'metrics',
  'metric',
  'params',
  'param',
  'parameter',
  'parameters',
  'tags',
  'tag',
  'attributes',
]
const MORE_ENTITIES = [
  'attribute',
  'attr',
  'run',
  'dataset',
  'datasets',
  '`tags`',
  '`metrics`',
  '"params"',
  'Metrics',
]
const ODD_ENTITIES = ['foo', 'order', 'toString', '`params', 'tags ', 'text']
const ATTRIBUTES = [
  'run_id',
  'run_name',
  'status',
  'start_time',
  'end_time',
  'user_id',
  'artifact_uri',
  'created',
]
const MORE_ATTRIBUTES = [
  'name',
  'experiment_id',
  'creation_time',
  'last_update_time',
  'model_id',
  'model_type',
]
const ODD_ATTRIBUTES = [
  '`run name`',
  '"Run Name"',
  "'Created'",
  'creation_timestamp',
  'timestamp',
  'source_run_id',
  'unknown',
]
const DATASET_KEYS = ['name', 'digest', 'context', '`name`', '"digest"', 'profile']

const attribute = of(...ATTRIBUTES, ...MORE_ATTRIBUTES, ...ODD_ATTRIBUTES)
const entity = fc.oneof(
  often(8, of(...ENTITIES)),
  often(4, of(...MORE_ENTITIES)),
  often(1, of(...ODD_ENTITIES)),
)

export const identifier = fc.oneof(
  often(
    6,
    fc.tuple(entity, fc.oneof(often(3, key), often(2, quotedKey))).map((parts) => parts.join('.')),
  ),
  often(4, attribute),
  often(
    2,
    fc.tuple(of('attributes', 'attribute', 'attr', 'run'), attribute).map((parts) => parts.join('.')),
  ),
  often(
    1,
    fc.tuple(of('dataset', 'datasets'), of(...DATASET_KEYS)).map((parts) => parts.join('.')),
  ),
  often(1, key),
  often(1, quotedKey),
)

const NUMBERS = ['0', '1', '-5', '0.5', '.5', '-.5', '1.', '1e5', '1E-5', '-1.5e10', '007', '1700000000000']
const ODD_NUMBERS = [
  '1e+5',
  '+5',
  '--5',
  '1_000',
  '12abc',
  '0x1F',
  '1e400',
  'nan',
  'inf',
  '-inf',
  '9223372036854775808',
]
const TEXTS = [
  "'x'",
  '"x"',
  "'a b'",
  "'%a_'",
  "'FINISHED'",
  "''",
  '""',
  "'it''s'",
  "'it\\'s'",
  '"say \\"hi\\""',
  "'AND'",
]
const ODD_TEXTS = [
  "'x",
  '"x',
  '`x`',
  'x',
  'foo.bar',
  '"a"."b"',
  "'a' 'b'",
  'null',
  'true',
  'RUNNING',
  "date '2020'",
  "'é\\'",
]
const ITEMS = ["'a'", '"b"', "'it\\'s'", "'é'", "'x,y'", "' ) '", "'\\x41\\n'", "r'\\n'", "u'u'"]
const ODD_ITEMS = ['1', '-2.5', 'foo', "'it''s'", "b'x'", 'None', "('a')", "f'x'", "'\\d'", '']

const number = fc.oneof(often(4, of(...NUMBERS)), often(1, of(...ODD_NUMBERS)))
const text = fc.oneof(often(4, of(...TEXTS)), often(1, of(...ODD_TEXTS)))
const list = fc
  .tuple(
    fc.array(fc.oneof(often(8, of(...ITEMS)), often(1, of(...ODD_ITEMS))), { maxLength: 4 }),
    of(',', ', ', ' ,\n'),
    of('', '', ','),
  )
  .map(([items, separator, last]) => `(${items.join(separator)}${last})`)

const spaces = fc.oneof(often(12, of(' ')), often(1, of('', '  ', '\t', '\n', '\r\n', '\u00a0')))
const comparison = fc.oneof(
  often(5, fc.tuple(of('=', '!=', '<', '<=', '>', '>='), number)),
  often(6, fc.tuple(of('=', '!=', '=', 'LIKE', 'ILIKE', 'like', 'Ilike'), text)),
  often(
    2,
    fc.tuple(
      of('<>', '==', '~', '!', '=>', 'NOT LIKE', 'RLIKE', 'NOT  ILIKE', '||', 'BETWEEN'),
      fc.oneof(text, number),
    ),
  ),
  often(3, fc.tuple(of('IN', 'NOT IN', 'in', 'Not In', 'IN', '=', 'LIKE'), list)),
  often(2, fc.tuple(of('IS', 'is'), of('NULL', 'NOT NULL', 'null', 'not null', 'NOT  NULL', 'TRUE'))),
)

const clause = fc
  .tuple(identifier, spaces, comparison, spaces)
  .map(([left, before, [comparator, right], after]) => left + before + comparator + after + right)
/** No rare ones: which of them a `repr` escapes depends on the Unicode version of the Python. */
const character = of(...'abzAZ019 %_.,;:!?#@$&|~^+-*/<>=(){}[]`"\'\\\t\n\r\u00a0äßéЖ日本😀')

const strings = fc.oneof(
  fc.tuple(of('=', '!=', 'LIKE', 'ILIKE'), of(...TEXTS)),
  fc.tuple(
    of('=', 'LIKE'),
    fc.string({ unit: character, maxLength: 8 }).map((value) => `'${value}'`),
  ),
)
const numbers = fc.tuple(
  of('=', '!=', '<', '<=', '>', '>='),
  fc.oneof(
    of(...NUMBERS),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.integer().map(String),
  ),
)
const lists = fc.tuple(
  of('IN', 'NOT IN'),
  fc.array(of(...ITEMS), { minLength: 1, maxLength: 4 }).map((items) => `(${items.join(', ')})`),
)
const nulls = fc.tuple(of('IS'), of('NULL', 'NOT NULL'))
const anyKey = fc.oneof(of('lr', 'val_loss', '`my key`', '"a-b"', 'a.b.c', 'order'), plainKey, quotedKey)
const dotted = (entities: string[], keys: fc.Arbitrary<string>) =>
  fc.tuple(of(...entities), keys).map((parts) => parts.join('.'))

/** Clauses that make sense to one area or another. */
const sensibleClause = fc
  .oneof(
    fc.tuple(dotted(['metrics', 'metric'], anyKey), numbers),
    fc.tuple(dotted(['params', 'param', 'tags', 'tag'], anyKey), fc.oneof(strings, nulls)),
    fc.tuple(of('tags.a', 'tags.`a b`', 'params.a'), fc.oneof(strings, strings, nulls, lists)),
    fc.tuple(of('run_id', 'attributes.run_id'), fc.oneof(strings, lists)),
    fc.tuple(of('name', 'model_id', 'status', 'run_name', '`run name`', 'user_id'), strings),
    fc.tuple(of('experiment_id'), fc.tuple(of('=', '!=', 'IN'), of("'1'", '"007"', "('1', '-2')", "' 1_0'"))),
    fc.tuple(of('start_time', 'Created', 'creation_time', 'last_update_time', 'creation_timestamp'), numbers),
    fc.tuple(of('dataset.name', 'datasets.digest', 'dataset.context'), fc.oneof(strings, lists)),
  )
  .map(([left, [comparator, right]]) => `${left} ${comparator} ${right}`)

const connector = fc.oneof(
  often(12, of(' AND ', ' and ', ' And ')),
  often(
    1,
    of(' ', ' OR ', ', ', ';', ' AND AND ', '\nAND\t', ' -- c\n', ' /* c */ AND ', ' AND (', ' NOT ', ' && '),
  ),
)

const filter = fc
  .tuple(
    fc.array(fc.tuple(clause, connector), { minLength: 1, maxLength: 3 }),
    of('', '', '', ' AND ', ';', ' ', ' --'),
  )
  .map(([clauses, end]) => clauses.map(([one, link], index) => (index ? link + one : one)).join('') + end)

const FRAGMENTS = [
  "'",
  '"',
  '`',
  '(',
  ')',
  '.',
  ',',
  ';',
  ' ',
  '=',
  '>',
  '-',
  '\\',
  '[',
  ']',
  ':',
  '/*',
  '*/',
  '%',
  '\n',
  '1',
  'a',
]

/** The text with up to three fragments put in, taken out or put in place of characters. */
const mutated = (source: fc.Arbitrary<string>) =>
  fc
    .tuple(
      source,
      fc.array(fc.tuple(fc.nat(), of(...FRAGMENTS, ''), of(0, 0, 1, 3)), { minLength: 1, maxLength: 3 }),
    )
    .map(([text, edits]) =>
      edits.reduce((current, [position, fragment, removed]) => {
        const at = position % (current.length + 1)
        return current.slice(0, at) + fragment + current.slice(at + removed)
      }, text),
    )

const sensible = fc
  .array(sensibleClause, { minLength: 1, maxLength: 2 })
  .map((clauses) => clauses.join(' AND '))

export const filterText = fc.oneof(
  { weight: 5, arbitrary: sensible },
  { weight: 3, arbitrary: mutated(sensible) },
  { weight: 5, arbitrary: filter },
  { weight: 3, arbitrary: mutated(filter) },
  {
    weight: 1,
    arbitrary: fc
      .array(of(...FRAGMENTS, 'tags', 'IN', 'AND', "'x'", 'lr'), { maxLength: 12 })
      .map((parts) => parts.join('')),
  },
)

const direction = fc.oneof(
  often(4, of('', ' ASC', ' DESC', ' desc', ' Asc', '  DESC', '\tasc')),
  often(1, of(' ASC NULLS LAST', ' up', ' DESC DESC', ';', ' ', ', run_id', '\\', ' "desc"')),
)
const orderBy = fc.tuple(identifier, direction).map((parts) => parts.join(''))

export const orderByText = fc.oneof(
  { weight: 4, arbitrary: orderBy },
  { weight: 1, arbitrary: mutated(orderBy) },
)
