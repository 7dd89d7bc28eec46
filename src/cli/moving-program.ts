// The commands that move data: `import`, `export` and `copy`.
import { type Command, Option } from 'commander'
import { MoveConfigSchema, processEnvironment } from '../config.ts'
import { addOptions, givenFlags } from './options.ts'

const IMPORT_HELP = `
Examples:
  The store of a stock server on this machine, which may go on meanwhile:
    crateflow import mlflow --from sqlite:///mlflow.db
  Files, into CrateDB, artifacts as well:
    crateflow import mlflow --from ./mlruns --artifacts copy \\
      --backend-store-uri cratedb://crateflow@db1:5432/ --artifacts-destination s3://bucket/mlflow
  What would be written:
    crateflow import mlflow --from postgresql://mlflow@db/mlflow --dry-run

It may be ended and begun anew at any point: only what is new or changed is written.`

/** Where actions leave their exit code. */
interface ExitCode {
  value: number
}

export function addMoving(program: Command, code: ExitCode): void {
  const parent = program
    .command('import')
    .description('Take data of another server or an archive into the store.')
    .helpOption('--help', 'Show this text.')
  addImportMlflow(parent, code)
  addCopy(program, code)
}

/** Options that all moves have. */
function withStoreOptions(command: Command): Command {
  command
    .option('--to <uri>', 'The store that is written to; the same as --backend-store-uri.')
    .option('--dry-run', 'Compare both sides and write nothing.')
  addOptions(command, MoveConfigSchema)
  return command
}

const settingsOf = (command: Command) => ({
  flags: givenFlags(command, MoveConfigSchema),
  env: processEnvironment(),
  to: command.getOptionValue('to') as string | undefined,
  dryRun: command.getOptionValue('dryRun') === true,
})

const artifactsOption = () =>
  new Option('--artifacts <mode>', 'copy files into the artifact store, or keep them where they are.')
    .choices(['copy', 'keep'])
    .default('keep')

const gather = (value: string, all: string[]) => [...all, value]

function addImportMlflow(parent: Command, code: ExitCode): void {
  const command = parent
    .command('mlflow')
    .summary('Take over what a stock MLflow server has.')
    .description('Take over experiments, runs, models, prompts, traces and what belongs to them.')
    .addHelpText('after', IMPORT_HELP)
    .requiredOption(
      '--from <source>',
      'sqlite:///file.db, postgresql://…, crate://…, http://server, or a folder such as ./mlruns.',
    )
    .option('--experiment <name>', 'Only this experiment, by name or id; may be repeated.', gather, [])
    .addOption(artifactsOption())
    .option(
      '--artifacts-from <place>',
      'Where locations mlflow-artifacts: of the source lie: a folder, s3://… or http://server.',
    )
    .option('--newer-schema', 'Read a schema that is newer than MLflow 3.17, as far as it is known.')
  withStoreOptions(command)
  command.action(async () => {
    const { from, experiment, artifacts, artifactsFrom, newerSchema = false } = command.opts()
    const { importMlflow } = await import('./moving.ts')
    const settings = settingsOf(command)
    code.value = await importMlflow({
      ...settings,
      from,
      experiments: experiment,
      artifacts,
      artifactsFrom,
      newerSchema,
    })
  })
}

function addCopy(program: Command, code: ExitCode): void {
  const command = program
    .command('copy')
    .summary('Copy one store into another.')
    .description('Copy all of one store of crateflow into another one, such as an embedded one into CrateDB.')
    .requiredOption('--from <uri>', 'The store that is read: pglite:<folder>, cratedb://… or postgresql://…')
  withStoreOptions(command)
  command.action(async () => {
    const { copyStore } = await import('./moving.ts')
    code.value = await copyStore({ ...settingsOf(command), from: command.opts().from })
  })
}
