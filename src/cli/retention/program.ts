// `crateflow retention` and `crateflow ttl`: their options.
import { type Command, Option } from 'commander'
import { processEnvironment } from '../../config.ts'
import { EXIT } from '../errors.ts'
import { GcConfigSchema } from '../gc-options.ts'
import { addOptions, givenFlags } from '../options.ts'
import type { Asked, PolicyOptions } from './retention.ts'

const HELP = `
Examples:
  Partitions older than four weeks, first into a repository for snapshots:
    crateflow ttl doc.sensor_readings:time_month snapshot:export_cold 4w
  Rows of any table by a column of time, every night:
    crateflow retention add "old events" --target doc.events --column time --duration 90d --cron "0 3 * * *"
  Partitions to nodes that were started with -Cnode.attr.storage=cold:
    crateflow ttl doc.events:time_month reallocate:storage=cold 6w --tags team-a
  Traces of a team's experiments:
    crateflow retention add "traces of a" --target traces --experiments "team-a/%" --duration 30d --tags team-a
  Points of metrics older than 30 days to buckets of a minute, older than 210 days of an hour:
    crateflow ttl metrics downsample 1m:30d,1h:210d
  Rows of a table older than 30 days to buckets of a minute for each sensor, older than a year of an hour:
    crateflow downsample add doc.readings --time ts --by sensor --ladder 1m:30d,1h:1y --agg temperature:min,max,mean
  See what would go, then have it go:
    crateflow retention run --tags team-a --dry-run
    crateflow retention run --tags team-a

On a running server (--tracking-uri, MLFLOW_TRACKING_URI), or in a store that none has open (--backend-store-uri).`

const TTL_HELP = `
  target    schema.table:column of a table of yours; or metrics, traces, artifacts, deleted_runs, audit
  strategy  delete, reallocate:attribute=value, snapshot:repository; downsample for metrics
  duration  what is older goes, such as 90m, 4w, 365d, 1y; of downsample a ladder, sizes of buckets and from which age on

Examples:
  crateflow ttl doc.events:time delete 90d
  crateflow ttl doc.sensor_readings:time_month snapshot:export_cold 4w
  crateflow ttl doc.events:time_month reallocate:storage=cold 6w --tags team-a
  crateflow ttl traces delete 30d --experiments "team-a/%" --cron "0 3 * * *"
  crateflow ttl metrics downsample 1m:30d,1h:210d`

const STRATEGIES = 'delete, reallocate, snapshot or downsample'

const commas = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
const collect = (value: string, before: string[] = []) => [...before, value]

/** What a policy says of buckets of a table. */
const tableOptions = (of = ''): Option[] => [
  new Option(
    '--by <column>',
    `${of}A column whose values tell series apart; may be given several times.`,
  ).argParser(collect),
  new Option(
    '--agg <column:what>',
    `${of}What is kept of a column, such as temperature:min,max,mean, of count, sum, min, max, first, last and mean; may be given several times (default: all but the mean, of each column of numbers).`,
  ).argParser(collect),
  new Option(
    '--into <table>',
    `${of}Where buckets are, as schema.table (default: beside it, with _downsampled behind its name).`,
  ),
]

/** What a policy says. */
const policyOptions = (): Option[] => [
  new Option('--column <name>', 'The partition column, or the column of time.'),
  new Option('--attribute <name=value>', 'reallocate: what nodes must have.'),
  new Option('--repository <name>', 'snapshot: where the snapshots go.'),
  new Option(
    '--ladder <ladder>',
    'downsample: sizes of buckets and from which age on, such as 1m:30d,1h:210d or 100steps:30d,1000steps:1y.',
  ),
  ...tableOptions('downsample of a table: '),
  new Option('--experiments <pattern>', 'Only of experiments whose names are LIKE this, with % and _.'),
  new Option('--run-tag <key=value>', 'Only of runs with this tag; may be given several times.').argParser(
    collect,
  ),
  new Option('--tags <list>', 'By which policies are grouped, separated by commas.').argParser(commas),
  new Option('--disabled', 'Run it only when it is named.'),
  new Option(
    '--cron <expression>',
    'When the server runs it: minute, hour, day, month, day of the week, in UTC.',
  ),
  new Option('--every <duration>', 'How often the server runs it, such as 12h.'),
]

/** What short forms say in another way. */
const PLACES = ['--column', '--attribute', '--repository', '--ladder']

const selectionOptions = (): Option[] => [
  new Option('--tags <list>', 'Only policies with all of these tags, separated by commas.').argParser(commas),
  new Option('--strategy <strategy>', 'Only policies of this strategy.'),
]
const cutoffOption = () =>
  new Option('--cutoff <time>', 'Count durations back from this time instead of now, such as 2026-01-31.')

interface Verb {
  name: string
  help: string
  /** Below the options. */
  more?: string
  options: Option[]
  run: (asked: Asked, given: string[], command: Command) => Promise<number>
}

/** Adds the commands; each loads what it needs when it runs. */
export function addRetention(program: Command, code: { value: number }): void {
  const load = () => import('./retention.ts')
  const retention = program
    .command('retention')
    .summary('Have old data deleted, moved or put into snapshots.')
    .description(
      'Policies about old data: partitions and rows of tables, metrics, traces, artifacts, deleted runs.',
    )
    .helpOption('--help', 'Show this text.')
    .addHelpText('after', HELP)
  const optionsOf = (command: Command) => command.opts() as PolicyOptions
  const verbs: Verb[] = [
    {
      name: 'add <name>',
      help: 'Make a policy.',
      options: [
        new Option(
          '--target <target>',
          'A table as schema.table, or metrics, traces, artifacts, deleted_runs, audit.',
        ).makeOptionMandatory(),
        new Option(
          '--duration <duration>',
          'What is older goes, such as 90m, 4w, 365d, 1y; a ladder tells its own.',
        ),
        new Option('--strategy <strategy>', `${STRATEGIES} (default: delete, or downsample with --ladder).`),
        new Option('--category <category>', 'partition or timerange (default: what the column is).'),
        ...policyOptions(),
        new Option('--dry-run', 'Show what it would do now, and keep nothing.'),
      ],
      run: async (asked, [name = ''], command) => (await load()).add(asked, name, optionsOf(command)),
    },
    {
      name: 'edit <policy>',
      help: 'Change what is given of a policy.',
      options: [
        new Option('--duration <duration>', 'What is older goes.'),
        new Option('--strategy <strategy>', `${STRATEGIES}.`),
        ...policyOptions(),
        new Option('--enabled', 'Run it by schedule and tags again.').conflicts('disabled'),
        new Option('--clear <fields>', 'Take fields away, such as cron,run_tags.').argParser(commas),
      ],
      run: async (asked, [name = ''], command) => (await load()).edit(asked, name, optionsOf(command)),
    },
    {
      name: 'list',
      help: 'List policies.',
      options: [...selectionOptions(), new Option('--target <target>', 'Only policies about it.')],
      run: async (asked, _given, command) => (await load()).list(asked, optionsOf(command)),
    },
    {
      name: 'show <policy>',
      help: 'Show all that a policy says.',
      options: [],
      run: async (asked, [name = '']) => (await load()).show(asked, name),
    },
    {
      name: 'check [policies...]',
      help: 'Find what cannot work, and what contradicts. Ends with 1 when something cannot work.',
      options: selectionOptions(),
      run: async (asked, names, command) => (await load()).check(asked, names, optionsOf(command)),
    },
    {
      name: 'rm <policies...>',
      help: 'Delete policies. What they did stays in the history.',
      options: [],
      run: async (asked, names) => (await load()).remove(asked, names),
    },
    {
      name: 'run [policies...]',
      help: 'Run policies now, and wait for their end: those that are named, or all that are enabled. Ends with 1 when one fails.',
      options: [
        ...selectionOptions(),
        cutoffOption(),
        new Option(
          '--dry-run',
          'Show each statement with the rows and bytes that it would touch, and touch nothing.',
        ),
        new Option('--detach', 'Do not wait: a running server goes on.'),
      ],
      run: async (asked, names, command) => (await load()).run(asked, names, optionsOf(command)),
    },
    {
      name: 'history [policy]',
      help: 'Show who changed what, and what went.',
      options: [
        new Option('--limit <n>', 'How many entries at most.').default('50'),
        new Option('--execution <id>', 'Show the statements of this execution instead.'),
      ],
      run: async (asked, [name], command) => (await load()).history(asked, name, optionsOf(command)),
    },
    {
      name: 'cancel <execution>',
      help: 'End a running execution before its next statement.',
      options: [],
      run: async (asked, [id = '']) => (await load()).cancel(asked, id),
    },
    {
      name: 'tags',
      help: 'List tags with the number of their policies.',
      options: [],
      run: async (asked) => (await load()).tags(asked),
    },
  ]
  for (const verb of verbs) addVerb(retention, code, verb)
  const short = (without: readonly string[]) =>
    policyOptions().filter(({ long }) => !without.includes(long ?? ''))
  const downsample = program
    .command('downsample')
    .summary('Have old rows of tables counted and summed up.')
    .description(
      'Policies that put old rows of tables into buckets; `crateflow retention` does all else with them.',
    )
    .helpOption('--help', 'Show this text.')
  addVerb(downsample, code, {
    name: 'add <table>',
    help: 'Make a policy that puts old rows of a table, named as schema.table, into buckets of time.',
    options: [
      new Option('--time <column>', 'The column of time.').makeOptionMandatory(),
      new Option(
        '--ladder <ladder>',
        'Sizes of buckets and from which age on, such as 1m:30d,1h:1y.',
      ).makeOptionMandatory(),
      ...tableOptions(),
      new Option('--name <name>', 'Its name (default: made of what it says).'),
      ...short([...PLACES, ...tableOptions().map(({ long }) => long ?? ''), '--experiments', '--run-tag']),
      new Option('--dry-run', 'Show what it would do now, and keep nothing.'),
    ],
    run: async (asked, [table = ''], command) =>
      (await load()).addDownsampling(asked, table, optionsOf(command)),
  })
  addVerb(program, code, {
    name: 'ttl <target> <strategy> <duration>',
    help: 'Make a policy in one line: table:column strategy[:where] duration, or a ladder of downsample.',
    more: TTL_HELP,
    options: [
      new Option('--name <name>', 'Its name (default: made of what it says).'),
      ...short(PLACES),
      new Option('--dry-run', 'Show what it would do now, and keep nothing.'),
    ],
    run: async (asked, [target = '', strategy = '', duration = ''], command) =>
      (await load()).addShort(asked, { target, strategy, duration }, optionsOf(command)),
  })
}

function addVerb(
  parent: Command,
  code: { value: number },
  { name, help, more = '', options, run }: Verb,
): void {
  const command = parent.command(name).description(help)
  for (const option of options) command.addOption(option)
  command.option('--json', 'Print answers as JSON.')
  addOptions(command, GcConfigSchema)
  command.addHelpText('after', more)
  command.action(async () => {
    process.once('SIGINT', () => process.exit(EXIT.interrupted))
    const asked: Asked = {
      where: { flags: givenFlags(command, GcConfigSchema), env: processEnvironment() },
      json: command.getOptionValue('json') === true,
    }
    code.value = await run(asked, command.args, command)
  })
}
