// `crateflow views`: its options.
import { type Command, Option } from 'commander'
import { processEnvironment } from '../../config.ts'
import { EXIT } from '../errors.ts'
import { GcConfigSchema } from '../gc-options.ts'
import { addOptions, givenFlags } from '../options.ts'
import type { Asked, ViewOptions } from './views.ts'

const HELP = `
Examples:
  The runs of each day, refreshed every hour:
    crateflow views create runs_by_day --key day,experiment --every 1h --as "
      SELECT date_trunc('day', started_at) AS day, experiment_name AS experiment, count(*) AS runs
      FROM v1_runs WHERE started_at IS NOT NULL GROUP BY 1, 2"
  Ask for it, also by whatever speaks to the database:
    crateflow sql "SELECT * FROM mlflow_views.runs_by_day ORDER BY day"
  Only what came since the last time:
    crateflow views create doc.errors --key id --incremental time --cron "*/5 * * * *" \\
      --as "SELECT id, time, text FROM doc.logs WHERE level = 'error'"

On a running server (--tracking-uri, MLFLOW_TRACKING_URI), or in a store that none has open (--backend-store-uri).`

const commas = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)

interface Verb {
  name: string
  help: string
  options: Option[]
  run: (asked: Asked, given: string[], options: ViewOptions) => Promise<number>
}

/** Adds the commands; each loads what it needs when it runs. */
export function addViews(program: Command, code: { value: number }): void {
  const load = () => import('./views.ts')
  const views = program
    .command('views')
    .summary('Keep the answers to SELECTs in tables, and refresh them.')
    .description(
      'Materialized views: answers to SELECTs that are kept in tables and refreshed, by hand or by schedule.',
    )
    .helpOption('--help', 'Show this text.')
    .addHelpText('after', HELP)
  const verbs: Verb[] = [
    {
      name: 'create <name>',
      help: 'Make a view with its first rows, as schema.table, or as table in mlflow_views, the schema of the server with _views behind it.',
      options: [
        new Option('--as <select>', 'One statement that reads.').makeOptionMandatory(),
        new Option('--key <columns>', 'Columns that tell rows apart, separated by commas.').argParser(commas),
        new Option(
          '--incremental <column>',
          'A refresh asks only for rows in which this column is as great as it ever was, or greater; needs a key.',
        ),
        new Option(
          '--cron <expression>',
          'When the server refreshes it: minute, hour, day, month, day of the week, in UTC.',
        ),
        new Option('--every <duration>', 'How often the server refreshes it, such as 15m.'),
      ],
      run: async (asked, [name = ''], options) => (await load()).create(asked, name, options),
    },
    {
      name: 'refresh <names...>',
      help: 'Bring views up to date, one after the other. Ends with 1 when one fails.',
      options: [new Option('--full', 'Make them anew, though they are incremental.')],
      run: async (asked, names, options) => (await load()).refresh(asked, names, options),
    },
    {
      name: 'list',
      help: 'List views.',
      options: [],
      run: async (asked) => (await load()).list(asked),
    },
    {
      name: 'show <name>',
      help: 'Show what a view is made of, and what became of its last refreshes.',
      options: [],
      run: async (asked, [name = '']) => (await load()).show(asked, name),
    },
    {
      name: 'drop <names...>',
      help: 'Drop views with their rows.',
      options: [],
      run: async (asked, names) => (await load()).drop(asked, names),
    },
  ]
  for (const verb of verbs) addVerb(views, code, verb)
}

function addVerb(parent: Command, code: { value: number }, { name, help, options, run }: Verb): void {
  const command = parent.command(name).description(help)
  for (const option of options) command.addOption(option)
  command.option('--json', 'Print answers as JSON.')
  addOptions(command, GcConfigSchema)
  command.action(async () => {
    process.once('SIGINT', () => process.exit(EXIT.interrupted))
    const asked: Asked = {
      where: { flags: givenFlags(command, GcConfigSchema), env: processEnvironment() },
      json: command.getOptionValue('json') === true,
    }
    code.value = await run(asked, command.args, command.opts())
  })
}
