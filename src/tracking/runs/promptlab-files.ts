// The files of a run of the prompt engineering page: its table of results, and a model that MLflow's clients can load.

/** What the files tell. Values are texts. */
export interface PromptlabTrial {
  runId: string
  promptTemplate: string
  promptParameters: KeyValue[]
  modelRoute: string
  modelParameters: KeyValue[]
  modelInput: string
  modelOutput: string | null
  modelOutputParameters: KeyValue[]
  /** `YYYY-MM-DD HH:MM:SS.ffffff`, UTC. */
  utcTimeCreated: string
  modelUuid: string
  mlflowVersion: string
}

interface KeyValue {
  key: string
  value: string
}

export interface PromptlabFile {
  path: string
  text: string
}

export const EVAL_RESULTS_FILE = 'eval_results_table.json'
export const MODEL_FOLDER = 'model'
/** The Python that the model asks for: one that its MLflow runs on. */
const PYTHON_VERSION = '3.11.9'

/**
 * All files, with paths relative to the artifact root of the run.
 * @see mlflow/utils/promptlab_utils.py, mlflow/prompt/promptlab_model.py save_model
 */
export function promptlabFiles(trial: PromptlabTrial): PromptlabFile[] {
  const values = trial.promptParameters.map(({ value }) => value)
  const requirement = `mlflow[gateway]==${trial.mlflowVersion}`
  const inModel = (path: string, text: string) => ({ path: `${MODEL_FOLDER}/${path}`, text })
  return [
    inModel('input_example.json', JSON.stringify({ inputs: values })),
    inModel('serving_input_example.json', JSON.stringify({ inputs: { inputs: values } }, null, 2)),
    inModel('parameters.yaml', parametersYaml(trial)),
    inModel('requirements.txt', requirement),
    inModel('conda.yaml', condaYaml(requirement)),
    inModel('python_env.yaml', pythonEnvYaml()),
    inModel('MLmodel', modelYaml(trial)),
    { path: EVAL_RESULTS_FILE, text: evalResults(trial) },
  ]
}

/** A table of one row: the prompt's parameters, the prompt, its output, what the model tells beside it. */
function evalResults(trial: PromptlabTrial): string {
  const cells = [
    ...trial.promptParameters.map(({ key, value }) => [key, value]),
    ['prompt', trial.modelInput],
    ['output', trial.modelOutput],
    ...trial.modelOutputParameters.map(({ key, value }) => [key, value]),
  ]
  return JSON.stringify({ columns: cells.map(([key]) => key), data: [cells.map(([, value]) => value)] })
}

/** A text as a YAML scalar: JSON's spelling, with the characters escaped that YAML 1.1 takes for line breaks or refuses. */
const scalar = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const mapping = (pairs: KeyValue[]): string =>
  `{${[...new Map(pairs.map(({ key, value }) => [key, value]))].map(([key, value]) => `${scalar(key)}: ${scalar(value)}`).join(', ')}}`

const parametersYaml = (trial: PromptlabTrial): string =>
  `model_parameters: ${mapping(trial.modelParameters)}
model_route: ${scalar(trial.modelRoute)}
prompt_parameters: ${mapping(trial.promptParameters)}
prompt_template: ${scalar(trial.promptTemplate)}
`

const condaYaml = (requirement: string): string =>
  `channels:
- conda-forge
dependencies:
- python=${PYTHON_VERSION}
- pip
- pip:
  - ${scalar(requirement)}
name: mlflow-env
`

const pythonEnvYaml = (): string =>
  `python: ${PYTHON_VERSION}
build_dependencies:
- pip
- setuptools
- wheel
dependencies:
- -r requirements.txt
`

function modelYaml(trial: PromptlabTrial): string {
  const column = (name: string) => ({ type: 'string', name, required: true })
  const inputs = trial.promptParameters.map(({ key }) => column(key))
  return `artifact_path: ${MODEL_FOLDER}
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.prompt.promptlab_model
    parameters_path: parameters.yaml
    python_version: ${PYTHON_VERSION}
is_signature_from_type_hint: false
mlflow_version: ${trial.mlflowVersion}
model_id: null
model_uuid: ${trial.modelUuid}
prompts: null
run_id: ${trial.runId}
saved_input_example_info:
  artifact_path: input_example.json
  serving_input_path: serving_input_example.json
  type: json_object
signature:
  inputs: ${scalar(JSON.stringify(inputs))}
  outputs: ${scalar(JSON.stringify([column('output')]))}
  params: null
type_hint_from_example: false
utc_time_created: ${scalar(trial.utcTimeCreated)}
`
}
