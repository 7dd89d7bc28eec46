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
  addImportTable(parent, code)
  addImportArchive(parent, code)
  addExport(program, code)
  addCopy(program, code)
}

/** Options of all that writes into a store. */
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

/** Options about files of experiments. */
function withArtifacts(command: Command): Command {
  command.addOption(
    new Option('--artifacts <mode>', 'copy files along, or keep them where they are.')
      .choices(['copy', 'keep'])
      .default('keep'),
  )
  return command.option(
    '--artifacts-from <place>',
    'Where locations mlflow-artifacts: of the source lie: a folder, s3://… or http://server.',
  )
}

const artifactSettingsOf = (command: Command) => ({
  artifacts: command.getOptionValue('artifacts') as 'copy' | 'keep',
  artifactsFrom: command.getOptionValue('artifactsFrom') as string | undefined,
})

const gather = (value: string, all: string[]) => [...all, value]

function addImportMlflow(parent: Command, code: ExitCode): void {
  const command = parent
    .command('mlflow')
    .summary('Take over what a stock MLflow server has.')
    .description('Take over experiments, runs, models, prompts, traces and what belongs to them.')
    .addHelpText('after', IMPORT_HELP)
    .requiredOption(
      '--from <source>',
      'sqlite:///file.db, postgresql://…, mysql://…, crate://…, http://server, or a folder such as ./mlruns.',
    )
    .option('--experiment <name>', 'Only this experiment, by name or id; may be repeated.', gather, [])
    .option('--newer-schema', 'Read a schema that is newer than MLflow 3.17, as far as it is known.')
  withStoreOptions(withArtifacts(command))
  command.action(async () => {
    const { from, experiment, newerSchema = false } = command.opts()
    const { importMlflow } = await import('./moving.ts')
    const settings = { ...settingsOf(command), ...artifactSettingsOf(command) }
    code.value = await importMlflow({ ...settings, from, experiments: experiment, newerSchema })
  })
}

function addImportTable(parent: Command, code: ExitCode): void {
  const command = parent
    .command('table')
    .summary('Take rows of a table of your own as runs and model versions.')
    .description(
      'Take rows of a table of trained models as runs and versions of registered models; the table stays as it is. docs/moving.md tells of the mapping.',
    )
    .requiredOption('--mapping <file>', 'A YAML file that says which columns become what.')
    .requiredOption(
      '--from <uri>',
      'The database of the table: postgresql://…, cratedb://…, mysql://… or sqlite:///file.db.',
    )
    .option('--all', 'Read all rows, also those that an import before has read.')
  withStoreOptions(command)
  command.action(async () => {
    const { importTable } = await import('./moving-table.ts')
    const { from, mapping, all = false } = command.opts()
    code.value = await importTable({ ...settingsOf(command), from, mapping, all })
  })
}

function addImportArchive(parent: Command, code: ExitCode): void {
  const command = parent
    .command('archive')
    .description('Take what crateflow export has written into the store.')
    .argument('<archive>', 'A folder, or a file archive.tar.gz.')
  command.addOption(
    new Option(
      '--artifacts <mode>',
      'copy the files of the archive below --artifacts-destination, which is the default if it has any, or keep locations as they are and leave the files out.',
    ).choices(['copy', 'keep']),
  )
  withStoreOptions(command)
  command.action(async (from: string) => {
    const { importArchive } = await import('./moving.ts')
    const { artifacts } = command.opts()
    code.value = await importArchive({ ...settingsOf(command), artifacts, from })
  })
}

function addExport(program: Command, code: ExitCode): void {
  const command = program
    .command('export')
    .summary('Write all of a store into an archive.')
    .description('Write all of a store into an archive, whose format docs/moving.md describes.')
    .argument('<archive>', 'A folder that is new or empty, or a file archive.tar.gz.')
  addOptions(withArtifacts(command), MoveConfigSchema)
  command.action(async (to: string) => {
    const { exportArchive } = await import('./moving.ts')
    code.value = await exportArchive({ ...settingsOf(command), ...artifactSettingsOf(command), to })
  })
}

function addCopy(program: Command, code: ExitCode): void {
  const command = program
    .command('copy')
    .summary('Copy one store into another.')
    .description('Copy all of one store of crateflow into another one, such as an embedded one into CrateDB.')
    .requiredOption('--from <uri>', 'The store that is read: pglite:<folder>, cratedb://… or postgresql://…')
  withStoreOptions(withArtifacts(command))
  command.action(async () => {
    const { copyStore } = await import('./moving.ts')
    const { from } = command.opts()
    code.value = await copyStore({ ...settingsOf(command), ...artifactSettingsOf(command), from })
  })
}
