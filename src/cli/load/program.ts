// The command `load` and its options.
import { type Command, Option } from 'commander'
import { ClientConfigSchema } from '../../client-config.ts'
import { DatabaseConfigSchema, processEnvironment } from '../../config.ts'
import { addOptions, givenFlags, whole } from '../options.ts'
import { FORMATS } from './source.ts'

const HELP = `
Examples:
  A new table of CrateDB, doc.readings, with types that are guessed and shown before:
    crateflow load table readings.csv --backend-store-uri cratedb://crate@db1:5432/
  Into a table, and into a run as its dataset:
    crateflow load table https://example.com/day.parquet --table doc.readings --yes \\
      --run 0198c1 --tracking-uri http://127.0.0.1:5000

It ends at the first row that does not fit, and tells its line; what was loaded before stays. See docs/tables.md.`

const gather = (value: string, all: string[] = []) => [...all, value]

export function addLoad(program: Command, code: { value: number }): void {
  const load = program
    .command('load')
    .description('Load data of your own beside those of the server.')
    .helpOption('--help', 'Show this text.')
  const command = load
    .command('table')
    .description('Load CSV, JSON or Parquet into a table of CrateDB or PostgreSQL.')
    .addHelpText('after', HELP)
    .argument('<file>', 'A file, or a URL of http or https; also .gz of all but Parquet.')
    .option(
      '--table <name>',
      'The table, as readings or doc.readings (default: made from the name of the file).',
    )
    .addOption(new Option('--format <format>', 'Default: what the name of the file tells.').choices(FORMATS))
    .option('--type <column=type>', 'integer, double, boolean, timestamp or text; may be repeated.', gather)
    .option('--null <text>', 'Of CSV: what is NULL beside empty fields, such as NA; may be repeated.', gather)
    .option('--delimiter <text>', 'Of CSV (default: a comma, or a tab for .tsv).')
    .option('--encoding <name>', 'Of CSV and JSON.', 'utf-8')
    .option('--offset <n>', 'Rows that are passed over.', whole(0), 0)
    .option('--limit <n>', 'Rows that are loaded at most.', whole(1))
    .option('--run <id>', 'Log the table to this run of a server as its dataset.')
    .option('--yes', 'Do not ask.')
  addOptions(command, ClientConfigSchema)
  addOptions(command, DatabaseConfigSchema)
  command.action(async (from: string) => {
    const { loadTable } = await import('./load.ts')
    const options = command.opts()
    code.value = await loadTable({
      flags: {
        database: givenFlags(command, DatabaseConfigSchema),
        server: givenFlags(command, ClientConfigSchema),
      },
      env: processEnvironment(),
      from,
      table: options.table,
      format: options.format,
      encoding: options.encoding,
      delimiter: options.delimiter,
      nulls: options.null ?? [],
      types: options.type ?? [],
      offset: options.offset,
      limit: options.limit,
      yes: options.yes === true,
      runId: options.run,
    })
  })
}
