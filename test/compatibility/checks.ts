// What clients of each version are asked to do: the functions of the programs below programs/.

export interface Check {
  readonly title: string
  /** The first version of the client that can; absent: 1.30. */
  readonly since?: string
  /** The first version that can on stock MLflow, which gave up the addresses that earlier ones ask. Absent: as `since`. */
  readonly onStockSince?: string
}

const check = (title: string, since?: string): Check => (since ? { title, since } : { title })
const registryCheck = (title: string): Check => ({ title, onStockSince: '2.0' })

export const CHECKS: Record<string, Record<string, Check>> = {
  tracking: {
    experiments: check('makes, renames, tags, deletes and restores experiments'),
    refused_experiments: check('is told of names that are taken and ids that are not there'),
    search_experiments: check('searches experiments page by page'),
    fluent_run: check('logs params, metrics and tags of nested runs'),
    failing_run: check('marks a run as failed'),
    statuses: check('ends runs with each status'),
    deleted_run: check('deletes and restores runs'),
    histories: check('keeps histories with NaN, infinities and extreme numbers'),
    batches: check('logs batches'),
    fixed_params: check('is refused another value of a param'),
    odd_keys: check('keeps odd keys'),
    deleted_tag: check('deletes tags'),
    search_runs: check('searches runs with filters and orders, page by page'),
    refused_searches: check('is told what is wrong with a filter'),
    deleted_runs_are_found: check('finds active, deleted and all runs'),
    renamed_run: check('renames runs'),
    datasets: check('logs datasets and finds runs by them', '2.4'),
    autologging: check('logs by itself what scikit-learn fits'),
    command_line: check('works from the command line'),
  },
  artifacts: {
    texts_and_dicts: check('logs texts and dictionaries'),
    figures_and_images: check('logs figures and images'),
    images_of_steps: check('logs images of steps', '2.11'),
    tables: check('logs, appends to and loads tables', '2.4'),
    folders: check('logs, lists and downloads folders'),
    odd_names: check('keeps odd names of files'),
    replaced: check('replaces a file'),
    large_file: check('keeps a file of 20 MB'),
    missing_file: check('is told of a file that is not there'),
    command_line: check('logs, lists and downloads from the command line'),
  },
  models: {
    logged_and_loaded: check('logs and loads a model'),
    registered_while_logging: registryCheck('registers models while it logs them'),
    registered_later: registryCheck('registers a model that was logged'),
    pyfunc_model: check('logs and loads a Python model'),
    stages: registryCheck('moves versions between stages'),
    loaded_by_stage: registryCheck('loads a model by its stage'),
    aliases: check('sets aliases, loads by them and deletes them', '2.3'),
    descriptions_and_tags: registryCheck('describes and tags models and versions'),
    searches: registryCheck('searches models and versions'),
    renamed_and_deleted: registryCheck('renames and deletes models'),
    refused_models: registryCheck('is told what is wrong with models'),
    sources: registryCheck('is told where the files of a version are'),
    logged_models: check('makes and searches logged models', '3.0'),
    prompts: check('registers and loads prompts', '3.0'),
  },
  traces: {
    nested: check('traces nested functions, also those that fail', '2.14'),
    searches: check('searches traces with filters and orders, page by page', '2.14'),
    tags: check('sets and deletes tags of traces', '2.14'),
    by_hand: check('starts and ends traces and spans by hand', '2.14'),
    of_runs: check('traces in runs', '3.1'),
    spans_file: check('reads the file of spans', '2.14'),
    deletion: check('deletes traces', '2.14'),
    sessions: check('gives traces sessions and users', '3.1'),
    assessments: check('assesses traces', '3.2'),
    other_processes: check('goes on with the traces of others', '3.12'),
    searched_sessions: check('searches sessions', '3.12'),
  },
}

/** Whether the version, as `3.17.2`, is at least the other, as `3.17`. */
export function isAtLeast(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) => text.split('.').map(Number))
  const [major = 0, minor = 0] = a ?? []
  const [otherMajor = 0, otherMinor = 0] = b ?? []
  return major > otherMajor || (major === otherMajor && minor >= otherMinor)
}
