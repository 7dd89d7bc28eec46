// The tree of commands. Each command is loaded when it runs.
import { Argument, Command, Option } from 'commander'
import { ClientConfigSchema, SqlConfigSchema } from '../client-config.ts'
import { DatabaseConfigSchema, processEnvironment, ServerConfigSchema, UiConfigSchema } from '../config.ts'
import { packageVersion } from '../package.ts'
import { redactPasswords } from '../platform/wire/redact.ts'
import { completionScript, SHELLS, type Shell } from './completion.ts'
import { asUsage, EXIT, reportError } from './errors.ts'
import { GcConfigSchema } from './gc-options.ts'
import { addLoad } from './load/program.ts'
import { addMoving } from './moving-program.ts'
import { addOptions, givenFlags, whole } from './options.ts'
import { addRemoteCommands } from './remote/commands.ts'
import { addRetention } from './retention/program.ts'
import { FORMATS, type Format } from './sql-formats.ts'
import { addStockFlags, judgeStockFlags } from './stock-flags.ts'
import { addViews } from './views/program.ts'

const SERVER_HELP = `
Examples:
  First try, everything below ./crateflow-data:
    crateflow server
  A team's server on CrateDB and object storage:
    crateflow server --backend-store-uri cratedb://crateflow@db1:5432,db2:5432/ \\
      --artifacts-destination s3://bucket/mlflow --host 0.0.0.0
  Reached by a name of its own:
    crateflow server --host 0.0.0.0 --allowed-hosts mlflow.example.com

Every option has an environment variable, shown in brackets; the option goes first. Keep passwords there:
options can be read by every user of the machine.`

/**
 * Runs the command line.
 * @param args what follows the program's name
 * @returns the exit code: 0 done, 1 failed, 2 not understood
 */
export async function run(args: readonly string[]): Promise<number> {
  const debug = args.some(
    (arg, index) => `${args[index - 1]} ${arg}` === '--log-level debug' || arg === '--log-level=debug',
  )
  const code: ExitCode = { value: 0 }
  try {
    await buildProgram(code).parseAsync(withHelp(args), { from: 'user' })
    return code.value
  } catch (error) {
    return reportError(error, debug)
  }
}

/** To mlflow server `-h` is the host, if one follows; else whoever types it wants help. */
const withHelp = (args: readonly string[]): string[] =>
  args.map((arg, index) => {
    const next = args[index + 1]
    const isHost = args.includes('server') && next !== undefined && !next.startsWith('-')
    return arg === '-h' && !isHost ? '--help' : arg
  })

/** Where actions leave their exit code. */
interface ExitCode {
  value: number
}

/** The commands with all their options. */
export function buildProgram(code: ExitCode): Command {
  const program = new Command('crateflow')
    .description('MLflow-compatible tracking server on CrateDB, PostgreSQL or a database of its own.')
    .version(packageVersion(), '--version', 'Show the version.')
    .exitOverride()
    // Behind a command, --version is an option of that command.
    .enablePositionalOptions()
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 120) })
    .configureOutput({
      writeErr: (text) => void process.stderr.write(redactPasswords(text)),
      outputError: (text, write) => write(text.replace(/^error:/, 'crateflow:')),
    })
    .helpOption('--help', 'Show this text.')
    .showSuggestionAfterError()
  addServer(program, code)
  addDatabase(program, code)
  addGc(program, code)
  addRetention(program, code)
  addViews(program, code)
  addDoctor(program, code)
  addRemoteCommands(program, code)
  addRegistry(program)
  addSql(program)
  addStatus(program, code)
  addLoad(program, code)
  addMoving(program, code)
  addUi(program, code)
  program
    .command('openapi')
    .description('Print the OpenAPI description of the REST API.')
    .helpOption('--help', 'Show this text.')
    .action(async () => {
      const { describeApi } = await import('./openapi.ts')
      process.stdout.write(await describeApi())
    })
  program
    .command('completion')
    .helpOption('--help', 'Show this text.')
    .summary('Print the completion script of a shell.')
    .description('Print the completion script of a shell, for example: eval "$(crateflow completion bash)"')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => void process.stdout.write(completionScript(program, shell)))
  return program
}

function addServer(program: Command, code: ExitCode): void {
  const command = program
    .command('server')
    .summary('Run the tracking server.')
    .description('Run the tracking server. Takes the flags and environment variables of mlflow server.')
    .addHelpText('after', SERVER_HELP)
  addOptions(command, ServerConfigSchema)
  addStockFlags(command)
  command.action(async () => {
    const env = processEnvironment()
    const warnings = asUsage(() => judgeStockFlags(command, env))
    const { runServer } = await import('./server.ts')
    code.value = await runServer(givenFlags(command, ServerConfigSchema), env, warnings)
  })
}

function addDatabase(program: Command, code: ExitCode): void {
  const db = program
    .command('db')
    .description('Create, inspect or drop the tables of the backend store.')
    .helpOption('--help', 'Show this text.')
  const add = (name: string, text: string) => {
    const command = db.command(name).description(text)
    addOptions(command, DatabaseConfigSchema)
    return command
  }
  const flagsOf = (command: Command) => givenFlags(command, DatabaseConfigSchema)
  const load = () => import('./db.ts')
  const migrate = add('migrate', 'Apply pending migrations. Several may run at once.')
  migrate.action(async () => {
    code.value = await (await load()).migrateDatabase(flagsOf(migrate), processEnvironment())
  })
  const status = add('status', 'Show which migrations are applied. Ends with 1 while some are pending.')
  status.action(async () => {
    code.value = await (await load()).showStatus(flagsOf(status), processEnvironment())
  })
  const index = add(
    'index-spans',
    'Index the contents of spans, by which searches find words at once, for several times the work of writing spans. On CrateDB, spans are not taken meanwhile; stop the server of an embedded store before.',
  )
  index.action(async () => {
    code.value = await (await load()).indexSpans(flagsOf(index), processEnvironment())
  })
  const views = [
    ['create-views', 'created', 'Make the views for SQL, v1_runs and others.'],
    ['drop-views', 'dropped', 'Drop the views for SQL; tables stay as they are.'],
  ] as const
  for (const [name, are, text] of views) {
    const command = add(name, text)
    command.action(async () => {
      code.value = await (await load()).changeViews(flagsOf(command), processEnvironment(), are)
    })
  }
  const drop = add('drop', 'Drop all tables with all their rows, after asking.')
  drop.addOption(new Option('--yes', 'Do not ask.'))
  drop.action(async () => {
    const yes = drop.getOptionValue('yes') === true
    code.value = await (await load()).dropDatabase(flagsOf(drop), processEnvironment(), yes)
  })
}

function addDoctor(program: Command, code: ExitCode): void {
  const command = program
    .command('doctor')
    .summary('Check all that a server needs, or a server that runs.')
    .description(
      'Check what a server with these options and this environment needs: settings, port, database, artifact store, web UI. Nothing is kept, no password is shown. Ends with 1 when something fails.',
    )
    .option('--tracking-uri <uri>', 'Check this running server instead.')
    .option('--write', 'Make, read and delete a run on the running server.')
    .option('--json', 'Print what is found as JSON.')
  addOptions(command, ServerConfigSchema)
  addStockFlags(command)
  type Options = { trackingUri?: string; write?: boolean; json?: boolean }
  command.action(async ({ trackingUri, write = false, json = false }: Options) => {
    process.once('SIGINT', () => process.exit(EXIT.interrupted))
    const env = processEnvironment()
    const { runDoctor } = await import('./doctor/doctor.ts')
    const flags = givenFlags(command, ServerConfigSchema)
    const judgeFlags = () => judgeStockFlags(command, env)
    code.value = await runDoctor({ flags, env, judgeFlags, trackingUri, write, json })
  })
}

const GC_HELP = `
Examples:
  What was deleted a month ago or earlier, on a running server:
    crateflow gc --older-than 30d --tracking-uri http://127.0.0.1:5000
  See first what that would be:
    crateflow gc --older-than 30d --dry-run
  Two runs, in a store that no server has open:
    crateflow gc --run-ids 0198c1,0198c2 --backend-store-uri pglite:./crateflow-data/store

With ids, only what they name is deleted. A store that an option names goes before a server.`

function addGc(program: Command, code: ExitCode): void {
  const gc = program
    .command('gc')
    .summary('Delete for good what is marked as deleted.')
    .description(
      'Delete runs, experiments and logged models for good that are marked as deleted, with all they hold and their files.',
    )
    .option('--older-than <age>', 'Only what was marked as deleted so long ago, such as 30d or 1d2h3m4s.')
    .option('--experiment-ids <ids>', 'Only these experiments with all they hold, separated by commas.')
    .option('--run-ids <ids>', 'Only these runs, separated by commas.')
    .option('--logged-model-ids <ids>', 'Only these logged models, separated by commas.')
    .option('--dry-run', 'Show what would be deleted, and delete nothing.')
    .option('--keep-artifacts', 'Leave files where they are.')
    .option('--json', 'Print the answers as JSON, one a line.')
    .addHelpText('after', GC_HELP)
  addOptions(gc, GcConfigSchema)
  gc.action(async ({ olderThan, experimentIds, runIds, loggedModelIds, ...how }) => {
    const { collectGarbage } = await import('./gc.ts')
    code.value = await collectGarbage({
      flags: givenFlags(gc, GcConfigSchema),
      env: processEnvironment(),
      ...{ olderThan, experimentIds, runIds, loggedModelIds },
      dryRun: how.dryRun === true,
      keepArtifacts: how.keepArtifacts === true,
      json: how.json === true,
    })
  })
}

function addRegistry(program: Command): void {
  const registry = program
    .command('registry')
    .summary('Show where an alias pointed, and roll it back.')
    .description(
      'Show where an alias of a registered model or prompt pointed, and roll it back, on a running server.',
    )
    .helpOption('--help', 'Show this text.')
  const add = (name: string, text: string) => {
    const command = registry.command(name).description(text).argument('<name>', 'name of the model or prompt')
    command.requiredOption('--alias <alias>', 'The alias, such as champion.')
    command.option('--json', 'Print the answer as JSON.')
    addOptions(command, ClientConfigSchema)
    return command
  }
  const settingsOf = (command: Command) => ({
    flags: givenFlags(command, ClientConfigSchema),
    env: processEnvironment(),
    json: command.getOptionValue('json') === true,
  })
  const load = () => import('./registry.ts')
  const history = add('history', 'Show what the alias pointed to, latest first.')
  history.action(async (name: string, { alias }: { alias: string }) =>
    (await load()).showHistory(settingsOf(history), { name, alias }),
  )
  const rollback = add('rollback', 'Point the alias to the version before the present one.')
  rollback.option('--to <version>', 'Another version that the alias pointed to before.')
  rollback.action(async (name: string, { alias, to }: { alias: string; to?: string }) =>
    (await load()).rollBack(settingsOf(rollback), { name, alias, to }),
  )
}

const SQL_HELP = `
Examples:
  The best runs of an experiment:
    crateflow sql "SELECT run_name, metrics['loss'] FROM v1_runs WHERE experiment_name = 'first steps'"
  A table for pandas:
    crateflow sql "SELECT * FROM v1_metrics" --format parquet --output metrics.parquet

The tables and views are described in docs/sql.md.`

function addSql(program: Command): void {
  const command = program
    .command('sql')
    .summary('Ask in SQL, of a running server or its database.')
    .description('Answer one SQL statement that reads, by a running server or straight from its database.')
    .addHelpText('after', SQL_HELP)
    .argument('[statement]', 'the statement; absent: what is read from stdin')
    .addOption(new Option('--format <format>', 'How rows are printed.').choices(FORMATS).default('table'))
    .option('--output <file>', 'Write to a file instead of stdout.')
  addOptions(command, SqlConfigSchema)
  command.action(
    async (statement: string | undefined, options: { format: Format; output?: string | undefined }) => {
      const { askSql } = await import('./sql.ts')
      const { format, output } = options
      await askSql({
        flags: givenFlags(command, SqlConfigSchema),
        env: processEnvironment(),
        statement,
        format,
        output,
      })
    },
  )
}

function addStatus(program: Command, code: ExitCode): void {
  const command = program
    .command('status')
    .summary('Show what the database holds and does.')
    .description(
      'Show nodes, tables, slow and running statements and failing checks of the database. Ends with 1 when its health is RED.',
    )
    .option('--json', 'Print it as JSON.')
    .option('--statements <n>', 'How many slow and running statements at most.', whole(1), 10)
  addOptions(command, DatabaseConfigSchema)
  command.action(async ({ json = false, statements }: { json?: boolean; statements: number }) => {
    const { showDatabaseStatus } = await import('./status/status.ts')
    const flags = givenFlags(command, DatabaseConfigSchema)
    code.value = await showDatabaseStatus({ flags, env: processEnvironment(), json, statements })
  })
}

function addUi(program: Command, code: ExitCode): void {
  const ui = program
    .command('ui')
    .description('Install the web UI, which the server fetches at its first start otherwise.')
    .helpOption('--help', 'Show this text.')
    // Whoever comes from `mlflow ui` wants a server.
    .showHelpAfterError("The server shows the UI: 'crateflow server', with the options of 'mlflow ui'.")
  const install = ui
    .command('install')
    .description("Fetch MLflow's web UI with pip, check it and put it where the server finds it.")
    .option(
      '--version <version>',
      'Version of MLflow whose UI to take (default: the one that the server speaks).',
    )
    .option('--force', 'Install even what is there already.')
  addOptions(install, UiConfigSchema)
  install.action(async ({ version, force = false }: { version?: string; force?: boolean }) => {
    const { installWebUi } = await import('./ui.ts')
    const flags = givenFlags(install, UiConfigSchema)
    code.value = await installWebUi({ flags, env: processEnvironment(), version, force })
  })
}
