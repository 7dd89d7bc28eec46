// MLflow's rules for runs that the UI's prompt engineering page saves.
import { randomUUID } from 'node:crypto'
import { invalidParameter, MlflowError } from '../../errors.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { pythonDumps, pythonLiteral } from '../../platform/wire/python.ts'
import type { LoggingService } from './logging.service.ts'
import { EVAL_RESULTS_FILE, MODEL_FOLDER, type PromptlabFile, promptlabFiles } from './promptlab-files.ts'
import type { Run } from './schema.ts'
import type { Runs } from './service.ts'

type ParamInput = { key?: string | undefined; value?: unknown }
type TagInput = { key?: string | undefined; value?: string | undefined }

export interface PromptlabInput {
  experiment_id?: string | undefined
  run_name?: string | undefined
  tags: TagInput[]
  prompt_template?: string | undefined
  prompt_parameters: ParamInput[]
  model_route?: string | undefined
  model_parameters: ParamInput[]
  model_input?: string | undefined
  model_output?: string | undefined
  model_output_parameters: ParamInput[]
  mlflow_version?: string | undefined
  user_id?: string | undefined
  start_time?: Int64 | undefined
}

export interface PromptlabServiceDeps {
  clock: Clock
  runs: Pick<Runs, 'create' | 'update' | 'get'>
  logging: Pick<LoggingService, 'logBatch' | 'logModel'>
  /** Writes a file below an artifact root. */
  writeArtifact: (rootUri: string, path: string, text: string) => Promise<void>
  /** The MLflow that the saved model asks for. */
  mlflowVersion: string
}

export type PromptlabService = ReturnType<typeof createPromptlabService>

const REQUIRED = [
  'experiment_id',
  'prompt_template',
  'prompt_parameters',
  'model_route',
  'model_input',
  'mlflow_version',
] as const

export function createPromptlabService({
  clock,
  runs,
  logging,
  writeArtifact,
  mlflowVersion,
}: PromptlabServiceDeps) {
  /**
   * Makes a run with the params of the model, a table of the result, and a model that repeats the prompt. As in
   * MLflow, a run whose params or files are refused is answered as FAILED.
   * @see mlflow/server/handlers.py create_promptlab_run_handler
   */
  async function create(input: PromptlabInput): Promise<Run> {
    checkRequired(input)
    const { info } = await runs.create({
      experiment_id: input.experiment_id,
      run_name: input.run_name,
      user_id: input.user_id ?? 'unknown',
      start_time: input.start_time ?? clock.now(),
      tags: input.tags,
    })
    const failure = await logTrial(info.run_id, info.artifact_uri ?? '', input).then(
      () => undefined,
      (error: unknown) => error,
    )
    const status = failure === undefined ? 'FINISHED' : 'FAILED'
    await runs.update(info.run_id, { status, end_time: clock.now() })
    if (failure !== undefined && !(failure instanceof MlflowError)) throw failure
    return runs.get(info.run_id)
  }

  async function logTrial(runId: string, artifactUri: string, input: PromptlabInput): Promise<void> {
    const utcTimeCreated = `${new Date(clock.now()).toISOString().slice(0, -1).replace('T', ' ')}000`
    const modelUuid = randomUUID().replaceAll('-', '')
    const modelParameters = input.model_parameters.map(toText)
    await logging.logBatch(runId, {
      metrics: [],
      params: [
        ...modelParameters,
        { key: 'model_route', value: input.model_route },
        { key: 'prompt_template', value: input.prompt_template },
      ],
      tags: [
        {
          key: 'mlflow.loggedArtifacts',
          value: pythonDumps([{ path: EVAL_RESULTS_FILE, type: 'table' }]),
        },
        { key: 'mlflow.runSourceType', value: 'PROMPT_ENGINEERING' },
      ],
    })
    const model = {
      run_id: runId,
      artifact_path: MODEL_FOLDER,
      utc_time_created: utcTimeCreated,
      model_uuid: modelUuid,
    }
    await logging.logModel(runId, JSON.stringify({ ...model, flavors: {} }))
    const files = promptlabFiles({
      runId,
      promptTemplate: input.prompt_template ?? '',
      promptParameters: input.prompt_parameters.map(toText),
      modelRoute: input.model_route ?? '',
      modelParameters,
      modelInput: input.model_input ?? '',
      modelOutput: input.model_output ?? null,
      modelOutputParameters: input.model_output_parameters.map(toText),
      utcTimeCreated,
      modelUuid,
      mlflowVersion,
    })
    await Promise.all(files.map(({ path, text }: PromptlabFile) => writeArtifact(artifactUri, path, text)))
  }

  return { create }
}

function checkRequired(input: PromptlabInput): void {
  const missing = REQUIRED.find((name) => !input[name]?.length)
  if (missing) throw invalidParameter(`CreatePromptlabRun request must specify ${missing}.`)
}

/** `str(value)`, as MLflow writes values that are no texts. */
const toText = ({ key, value }: ParamInput) => ({
  key: key ?? '',
  value: typeof value === 'string' ? value : pythonLiteral(value),
})
