// The commands on things of a running server: `experiments`, `runs`, `models` and `traces`, with their options.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ClientConfigSchema } from '../../client-config.ts'
import { processEnvironment } from '../../config.ts'
import { EXIT } from '../errors.ts'
import { addOptions } from '../options.ts'
import { type Asked, askedOf, FORMATS, filterFor, requireAnswer, VIEWS } from './asked.ts'

/** Where actions leave their exit code. */
interface ExitCode {
  value: number
}

const DEFAULT_LIMIT = 50

const OUTPUT = 'Output:'
const SELECTION = 'Selection:'

const option = (flags: string, text: string, group: string) => new Option(flags, text).helpGroup(group)

const formatOption = () =>
  option('--format <format>', 'How to print it. (default: table)', OUTPUT).choices(FORMATS)
const utcOption = () =>
  option('--utc', 'Times in ISO 8601 and UTC, as in csv, instead of "3 min ago".', OUTPUT)
const yesOption = () => option('--yes', 'Do not ask.', OUTPUT)
const experimentOption = () =>
  option(
    '--experiment <id or name>',
    'Look into this experiment; may be given several times. (default: all)',
    SELECTION,
  ).argParser(collect)
const viewOption = () =>
  option('--view <view>', 'Active ones, deleted ones or all. (default: active)', SELECTION).choices(
    Object.keys(VIEWS),
  )

function listOptions(filterExample: string, orderExample: string): Option[] {
  return [
    option('--filter <filter>', `Those that meet a filter of MLflow, such as "${filterExample}".`, SELECTION),
    option(
      '--order-by <key>',
      `Sort by it, such as "${orderExample}"; may be given several times.`,
      SELECTION,
    ).argParser(collect),
    option('--limit <n>', 'How many at most, or all.', SELECTION).argParser(readLimit).default(DEFAULT_LIMIT),
    option('--page-token <token>', 'Go on where a list in JSON ended: its next_page_token.', SELECTION),
    option('--columns <list>', 'Columns of table and csv by name, separated by commas.', OUTPUT).argParser(
      readList,
    ),
    formatOption(),
    utcOption(),
  ]
}

const comparisonOptions = () => [
  option('--diff', 'Leave out what is the same; in json, params, metrics and tags that are.', SELECTION),
  formatOption(),
  utcOption(),
]
const isDiff = (command: Command): boolean => command.getOptionValue('diff') === true

const collect = (value: string, before: string[] = []) => [...before, value]

function readLimit(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1, or all.')
}

const readList = (text: string) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)

interface Verb {
  /** Name and arguments, as in `show <run>`. */
  name: string
  help: string
  options: Option[]
  /** Gets the arguments; a number that it answers is the exit code. */
  run: (asked: Asked, given: string[], command: Command) => Promise<unknown>
}

/** A command with subcommands for a kind of thing. */
function addThing(program: Command, code: ExitCode, thing: Thing): void {
  const parent = program
    .command(thing.name)
    .summary(thing.summary)
    .description(
      `${thing.description ?? thing.summary}\nOn a running server: --tracking-uri or MLFLOW_TRACKING_URI.`,
    )
    .helpOption('--help', 'Show this text.')
    .addHelpText(
      'after',
      `\nExamples:\n${thing.examples.map((example) => `  crateflow ${example}`).join('\n')}`,
    )
  for (const { name, help, options, run } of thing.verbs) {
    const command = parent.command(name).description(help)
    for (const one of options) command.addOption(one)
    addOptions(command, ClientConfigSchema)
    command.action(async () => {
      process.once('SIGINT', () => process.exit(EXIT.interrupted))
      const done = await run(askedOf(command, processEnvironment()), command.args, command)
      if (typeof done === 'number') code.value = done
    })
  }
}

interface Thing {
  name: string
  summary: string
  description?: string
  examples: string[]
  verbs: Verb[]
}

/** Finds by a filter, or by a part of the name. */
const searching =
  (name: string, list: (asked: Asked) => Promise<void>) =>
  (asked: Asked, [words = '']: string[]) => {
    const found = filterFor(words, name)
    return list({ ...asked, filter: asked.filter ? `${found} AND ${asked.filter}` : found })
  }

const deleting =
  (remove: (asked: Asked, names: string[]) => Promise<number>) =>
  async (asked: Asked, names: string[]): Promise<number> => {
    requireAnswer(asked)
    return remove(asked, names)
  }

const SEARCH_HELP = 'List those that meet a filter of MLflow, or whose names hold a word.'

/** Adds the commands; each loads what it needs when it runs. */
export function addRemoteCommands(program: Command, code: ExitCode): void {
  for (const thing of [experiments(), runs(), models(), traces()]) addThing(program, code, thing)
}

function experiments(): Thing {
  const load = () => import('./experiments.ts')
  const options = () => [viewOption(), ...listOptions("name LIKE 'wine%'", 'name ASC')]
  return {
    name: 'experiments',
    summary: 'List, show, delete and restore experiments.',
    examples: ['experiments list', 'experiments search wine', 'experiments delete "first steps"'],
    verbs: [
      {
        name: 'list',
        help: 'List experiments, those that were made last first.',
        options: options(),
        run: async (asked) => (await load()).listExperiments(asked),
      },
      {
        name: 'search <filter>',
        help: SEARCH_HELP,
        options: options(),
        run: async (asked, given) => {
          const { SEARCHED, listExperiments } = await load()
          return searching(SEARCHED, listExperiments)(asked, given)
        },
      },
      {
        name: 'show <experiment>',
        help: 'Show an experiment, by id or name.',
        options: [formatOption(), utcOption()],
        run: async (asked, [name = '']) => (await load()).showExperiment(asked, name),
      },
      {
        name: 'delete <experiments...>',
        help: 'Delete experiments, by id or name, after asking. They can be restored.',
        options: [yesOption()],
        run: async (asked, names) => deleting((await load()).deleteExperiments)(asked, names),
      },
      {
        name: 'restore <experiments...>',
        help: 'Restore deleted experiments, with their runs.',
        options: [],
        run: async (asked, names) => (await load()).restoreExperiments(asked, names),
      },
    ],
  }
}

function runs(): Thing {
  const load = () => import('./runs.ts')
  const options = () => [
    experimentOption(),
    viewOption(),
    ...listOptions("metrics.loss < 0.5 AND params.optimizer = 'adam'", 'metrics.loss ASC'),
  ]
  return {
    name: 'runs',
    summary: 'List, show, compare, delete and restore runs.',
    examples: [
      'runs list --experiment "first steps"',
      'runs search "metrics.loss < 0.5" --order-by "metrics.loss ASC" --limit 10',
      'runs list --columns run_id,metrics.loss,params.lr --format csv --limit all',
      'runs compare nimble-fox-12 lively-owl-7',
    ],
    verbs: [
      {
        name: 'list',
        help: 'List runs, those that started last first. As many metrics and params as fit are shown.',
        options: options(),
        run: async (asked) => (await load()).listRuns(asked),
      },
      {
        name: 'search <filter>',
        help: SEARCH_HELP,
        options: options(),
        run: async (asked, given) => {
          const { SEARCHED, listRuns } = await load()
          return searching(SEARCHED, listRuns)(asked, given)
        },
      },
      {
        name: 'show <run>',
        help: 'Show a run, by id or name, with its metrics, params, tags, datasets, logged models and files.',
        options: [experimentOption(), formatOption(), utcOption()],
        run: async (asked, [name = '']) => (await load()).showRun(asked, name),
      },
      {
        name: 'compare <runs...>',
        help: 'Show params, metrics and tags of runs side by side; lines with * differ.',
        options: [experimentOption(), ...comparisonOptions()],
        run: async (asked, names, command) =>
          (await import('./compare.ts')).compareRuns(asked, names, isDiff(command)),
      },
      {
        name: 'delete <runs...>',
        help: 'Delete runs, by id or name, after asking. They can be restored.',
        options: [experimentOption(), yesOption()],
        run: async (asked, names) => deleting((await load()).deleteRuns)(asked, names),
      },
      {
        name: 'restore <runs...>',
        help: 'Restore deleted runs.',
        options: [experimentOption()],
        run: async (asked, names) => (await load()).restoreRuns(asked, names),
      },
    ],
  }
}

function models(): Thing {
  const load = () => import('./models.ts')
  const options = () => listOptions("name LIKE 'wine%'", 'last_updated_timestamp DESC')
  return {
    name: 'models',
    summary: 'List, show, compare and delete registered models and their versions.',
    description:
      'List, show, compare and delete registered models and their versions. wine/3 is version 3 of wine, wine@champion where its alias points.',
    examples: [
      'models list',
      'models show wine@champion',
      'models compare wine/2 wine/3',
      'models delete wine/3',
    ],
    verbs: [
      {
        name: 'list',
        help: 'List registered models by name.',
        options: options(),
        run: async (asked) => (await load()).listModels(asked),
      },
      {
        name: 'search <filter>',
        help: SEARCH_HELP,
        options: options(),
        run: async (asked, given) => {
          const { SEARCHED, listModels } = await load()
          return searching(SEARCHED, listModels)(asked, given)
        },
      },
      {
        name: 'versions [model]',
        help: 'List versions of a model, or of all.',
        options: listOptions("run_id = '0af…'", 'version_number DESC'),
        run: async (asked, [name]) => (await load()).listVersions(asked, name),
      },
      {
        name: 'show <model>',
        help: 'Show a model, or a version: wine, wine/3 or wine@champion.',
        options: [formatOption(), utcOption()],
        run: async (asked, [name = '']) => (await load()).showModel(asked, name),
      },
      {
        name: 'compare <versions...>',
        help: 'Show versions side by side, with params and metrics of their runs; lines with * differ.',
        options: comparisonOptions(),
        run: async (asked, names, command) =>
          (await import('./compare.ts')).compareVersions(asked, names, isDiff(command)),
      },
      {
        name: 'delete <models...>',
        help: 'Delete models with all their versions, or versions (wine/3), for good, after asking.',
        options: [yesOption()],
        run: async (asked, names) => deleting((await load()).deleteModels)(asked, names),
      },
    ],
  }
}

function traces(): Thing {
  const load = () => import('./traces.ts')
  const options = () => [
    experimentOption(),
    ...listOptions("trace.status = 'ERROR'", 'execution_time_ms DESC'),
  ]
  return {
    name: 'traces',
    summary: 'List, show and delete traces.',
    examples: [
      'traces list --experiment "first steps"',
      `traces search "trace.status = 'ERROR'"`,
      'traces show tr-0af7651916cd43dd8448eb211c80319c',
    ],
    verbs: [
      {
        name: 'list',
        help: 'List traces, the latest first.',
        options: options(),
        run: async (asked) => (await load()).listTraces(asked),
      },
      {
        name: 'search <filter>',
        help: SEARCH_HELP,
        options: options(),
        run: async (asked, given) => {
          const { SEARCHED, listTraces } = await load()
          return searching(SEARCHED, listTraces)(asked, given)
        },
      },
      {
        name: 'show <trace>',
        help: 'Show a trace, by id or name, with the tree of its spans and its assessments.',
        options: [experimentOption(), formatOption(), utcOption()],
        run: async (asked, [name = '']) => (await load()).showTrace(asked, name),
      },
      {
        name: 'delete <traces...>',
        help: 'Delete traces for good, by id or name, after asking.',
        options: [experimentOption(), yesOption()],
        run: async (asked, names) => deleting((await load()).deleteTraces)(asked, names),
      },
    ],
  }
}
