// Field policies of MLflow's messages and which endpoint answers which.
import {
  CLOSE_NUMBER,
  IGNORE,
  json,
  list,
  MUST_MATCH,
  object,
  SAME_NUMBER,
  SAME_TEXT_OR_JSON,
  type Shape,
  TYPE_MUST_MATCH,
  unordered,
} from '../support/compare.ts'

export const ERROR = object({
  error_code: MUST_MATCH,
  message: MUST_MATCH,
  sqlstate: MUST_MATCH,
  error_class: MUST_MATCH,
  // FastAPI's own errors have this field alone.
  detail: MUST_MATCH,
})

const PAIR = object({ key: MUST_MATCH, value: SAME_TEXT_OR_JSON })

export const EXPERIMENT = object({
  experiment_id: MUST_MATCH,
  name: MUST_MATCH,
  artifact_location: MUST_MATCH,
  lifecycle_stage: MUST_MATCH,
  creation_time: TYPE_MUST_MATCH,
  last_update_time: TYPE_MUST_MATCH,
  tags: unordered(PAIR, 'key'),
  workspace: MUST_MATCH,
})

export const RUN_INFO = object({
  run_id: MUST_MATCH,
  run_uuid: MUST_MATCH,
  run_name: MUST_MATCH,
  experiment_id: MUST_MATCH,
  user_id: MUST_MATCH,
  status: MUST_MATCH,
  start_time: MUST_MATCH,
  end_time: MUST_MATCH,
  artifact_uri: MUST_MATCH,
  lifecycle_stage: MUST_MATCH,
})

export const METRIC = object({
  key: MUST_MATCH,
  value: SAME_NUMBER,
  timestamp: MUST_MATCH,
  step: MUST_MATCH,
  run_id: MUST_MATCH,
  model_id: MUST_MATCH,
  dataset_name: MUST_MATCH,
  dataset_digest: MUST_MATCH,
})

const DATASET_INPUT = object({
  tags: unordered(PAIR, 'key'),
  dataset: object({
    name: MUST_MATCH,
    digest: MUST_MATCH,
    source_type: MUST_MATCH,
    source: MUST_MATCH,
    schema: MUST_MATCH,
    profile: MUST_MATCH,
  }),
})

export const RUN = object({
  info: RUN_INFO,
  data: object({
    metrics: unordered(METRIC, 'key'),
    params: unordered(PAIR, 'key'),
    tags: unordered(PAIR, 'key'),
  }),
  inputs: object({
    dataset_inputs: list(DATASET_INPUT),
    model_inputs: list(object({ model_id: MUST_MATCH })),
  }),
  outputs: object({ model_outputs: list(object({ model_id: MUST_MATCH, step: MUST_MATCH })) }),
})

export const LOGGED_MODEL = object({
  info: object({
    model_id: MUST_MATCH,
    experiment_id: MUST_MATCH,
    name: MUST_MATCH,
    creation_timestamp_ms: TYPE_MUST_MATCH,
    last_updated_timestamp_ms: TYPE_MUST_MATCH,
    artifact_uri: MUST_MATCH,
    status: MUST_MATCH,
    creator_id: MUST_MATCH,
    model_type: MUST_MATCH,
    source_run_id: MUST_MATCH,
    status_message: MUST_MATCH,
    tags: unordered(PAIR, 'key'),
    registrations: list(object({ name: MUST_MATCH, version: MUST_MATCH })),
  }),
  data: object({ params: unordered(PAIR, 'key'), metrics: unordered(METRIC, 'key') }),
})

export const MODEL_VERSION = object({
  name: MUST_MATCH,
  version: MUST_MATCH,
  creation_timestamp: TYPE_MUST_MATCH,
  last_updated_timestamp: TYPE_MUST_MATCH,
  user_id: MUST_MATCH,
  current_stage: MUST_MATCH,
  description: MUST_MATCH,
  source: MUST_MATCH,
  run_id: MUST_MATCH,
  status: MUST_MATCH,
  status_message: MUST_MATCH,
  tags: unordered(PAIR, 'key'),
  run_link: MUST_MATCH,
  aliases: unordered(MUST_MATCH, 'all'),
})

export const REGISTERED_MODEL = object({
  name: MUST_MATCH,
  creation_timestamp: TYPE_MUST_MATCH,
  last_updated_timestamp: TYPE_MUST_MATCH,
  description: MUST_MATCH,
  latest_versions: unordered(MODEL_VERSION, 'version'),
  tags: unordered(PAIR, 'key'),
  aliases: unordered(object({ alias: MUST_MATCH, version: MUST_MATCH }), 'alias'),
})

export const WEBHOOK = object({
  webhook_id: MUST_MATCH,
  name: MUST_MATCH,
  description: MUST_MATCH,
  url: MUST_MATCH,
  events: list(object({ entity: MUST_MATCH, action: MUST_MATCH })),
  status: MUST_MATCH,
  creation_timestamp: TYPE_MUST_MATCH,
  last_updated_timestamp: TYPE_MUST_MATCH,
})

const assessment = (time: Shape) =>
  object({
    assessment_id: TYPE_MUST_MATCH,
    assessment_name: MUST_MATCH,
    trace_id: MUST_MATCH,
    span_id: MUST_MATCH,
    source: MUST_MATCH,
    create_time: time,
    last_update_time: time,
    feedback: MUST_MATCH,
    expectation: object({
      value: MUST_MATCH,
      serialized_value: object({ serialization_format: MUST_MATCH, value: json(MUST_MATCH) }),
    }),
    issue: MUST_MATCH,
    rationale: MUST_MATCH,
    metadata: MUST_MATCH,
    overrides: MUST_MATCH,
    valid: MUST_MATCH,
  })

const ASSESSMENT = assessment(TYPE_MUST_MATCH)
/** An answer with an assessment whose times the request gave. */
export const TIMED_ASSESSMENT = object({ assessment: assessment(MUST_MATCH) })

const TRACE_INFO = object({
  trace_id: MUST_MATCH,
  client_request_id: MUST_MATCH,
  trace_location: MUST_MATCH,
  request_preview: MUST_MATCH,
  response_preview: MUST_MATCH,
  request_time: MUST_MATCH,
  execution_duration: MUST_MATCH,
  state: MUST_MATCH,
  trace_metadata: MUST_MATCH,
  tags: MUST_MATCH,
  assessments: list(ASSESSMENT),
})

const OTLP_SPAN = object({
  trace_id: MUST_MATCH,
  span_id: MUST_MATCH,
  parent_span_id: MUST_MATCH,
  name: MUST_MATCH,
  start_time_unix_nano: MUST_MATCH,
  end_time_unix_nano: MUST_MATCH,
  attributes: unordered(MUST_MATCH, 'key'),
  events: MUST_MATCH,
  links: MUST_MATCH,
  status: MUST_MATCH,
})

const TRACE = object({ trace_info: TRACE_INFO, spans: list(OTLP_SPAN) })

const TRACE_INFO_V2 = object({
  request_id: MUST_MATCH,
  experiment_id: MUST_MATCH,
  timestamp_ms: MUST_MATCH,
  execution_time_ms: MUST_MATCH,
  status: MUST_MATCH,
  request_metadata: unordered(PAIR, 'key'),
  tags: unordered(PAIR, 'key'),
})

export const EVALUATION_DATASET = object({
  dataset_id: MUST_MATCH,
  name: MUST_MATCH,
  tags: SAME_TEXT_OR_JSON,
  schema: MUST_MATCH,
  profile: MUST_MATCH,
  digest: TYPE_MUST_MATCH,
  created_time: TYPE_MUST_MATCH,
  last_update_time: TYPE_MUST_MATCH,
  created_by: MUST_MATCH,
  last_updated_by: MUST_MATCH,
  experiment_ids: list(MUST_MATCH),
})

/** Records that are made at once have no order among them. */
const RECORDS = json(
  unordered(
    object({
      dataset_record_id: TYPE_MUST_MATCH,
      dataset_id: MUST_MATCH,
      inputs: MUST_MATCH,
      outputs: MUST_MATCH,
      expectations: MUST_MATCH,
      tags: MUST_MATCH,
      source: MUST_MATCH,
      source_id: MUST_MATCH,
      source_type: MUST_MATCH,
      created_time: TYPE_MUST_MATCH,
      last_update_time: TYPE_MUST_MATCH,
      created_by: MUST_MATCH,
      last_updated_by: MUST_MATCH,
    }),
    'inputs',
  ),
)

const scorer = (experimentId: Shape) =>
  object({
    experiment_id: experimentId,
    scorer_name: MUST_MATCH,
    scorer_version: MUST_MATCH,
    serialized_scorer: MUST_MATCH,
    creation_time: TYPE_MUST_MATCH,
    scorer_id: MUST_MATCH,
  })

/** Our experiment ids do not fit the int32 that MLflow has in this one message, so we leave them out of it. */
export const SCORER = scorer(IGNORE)
/** One of an experiment whose id fits. */
export const DEFAULT_SCORER = scorer(MUST_MATCH)

const ONLINE_CONFIG = object({
  online_scoring_config_id: MUST_MATCH,
  scorer_id: MUST_MATCH,
  sample_rate: MUST_MATCH,
  experiment_id: MUST_MATCH,
  filter_string: MUST_MATCH,
})

export const LABEL_SCHEMA = object({
  schema_id: MUST_MATCH,
  experiment_id: MUST_MATCH,
  name: MUST_MATCH,
  type: MUST_MATCH,
  instruction: MUST_MATCH,
  enable_comment: MUST_MATCH,
  input: MUST_MATCH,
  created_by: MUST_MATCH,
  created_at: TYPE_MUST_MATCH,
  last_updated_at: TYPE_MUST_MATCH,
  is_default: MUST_MATCH,
})

export const REVIEW_QUEUE = object({
  queue_id: MUST_MATCH,
  experiment_id: MUST_MATCH,
  name: MUST_MATCH,
  queue_type: MUST_MATCH,
  created_by: MUST_MATCH,
  creation_time_ms: TYPE_MUST_MATCH,
  last_update_time_ms: TYPE_MUST_MATCH,
  users: list(MUST_MATCH),
  // Sorted by ids, which are each side's own.
  schema_ids: unordered(MUST_MATCH, 'all'),
})

const REVIEW_ITEM = object({
  queue_id: MUST_MATCH,
  item_type: MUST_MATCH,
  item_id: MUST_MATCH,
  status: MUST_MATCH,
  completed_by: MUST_MATCH,
  completed_time_ms: TYPE_MUST_MATCH,
  creation_time_ms: TYPE_MUST_MATCH,
  last_update_time_ms: TYPE_MUST_MATCH,
})

const ISSUE = object({
  issue_id: MUST_MATCH,
  experiment_id: MUST_MATCH,
  name: MUST_MATCH,
  description: MUST_MATCH,
  status: MUST_MATCH,
  severity: MUST_MATCH,
  root_causes: list(MUST_MATCH),
  source_run_id: MUST_MATCH,
  created_timestamp: TYPE_MUST_MATCH,
  last_updated_timestamp: TYPE_MUST_MATCH,
  created_by: MUST_MATCH,
  categories: list(MUST_MATCH),
  trace_count: MUST_MATCH,
})

const FILE_INFO = object({ path: MUST_MATCH, is_dir: MUST_MATCH, file_size: MUST_MATCH })
const EMPTY = object({})
const MODEL = object({ model: LOGGED_MODEL })

/** Method and path pattern of each endpoint that cases use, with the shape of its answer. */
const RESPONSES: [pattern: RegExp, shape: Shape][] = [
  [/^POST .*experiments\/create$/, object({ experiment_id: MUST_MATCH })],
  [/^GET .*experiments\/get(-by-name)?$/, object({ experiment: EXPERIMENT })],
  [
    /^(GET|POST) .*experiments\/search$/,
    object({ experiments: list(EXPERIMENT), next_page_token: TYPE_MUST_MATCH }),
  ],
  [
    /^POST .*experiments\/search-datasets$/,
    object({
      dataset_summaries: list(
        object({ experiment_id: MUST_MATCH, name: MUST_MATCH, digest: MUST_MATCH, context: MUST_MATCH }),
      ),
    }),
  ],
  [/^POST .*experiments\/(delete|restore|update|set-experiment-tag|delete-experiment-tag)$/, EMPTY],
  [/^POST .*runs\/create$/, object({ run: RUN })],
  [/^GET .*runs\/get$/, object({ run: RUN })],
  [/^POST .*runs\/update$/, object({ run_info: RUN_INFO })],
  [/^POST .*runs\/search$/, object({ runs: list(RUN), next_page_token: TYPE_MUST_MATCH })],
  [/^POST .*runs\/(delete|restore|delete-tag|set-tag|outputs|log-[a-z]+)$/, EMPTY],
  [
    /^GET .*metrics\/get-history(-bulk|-bulk-interval)?$/,
    object({ metrics: list(METRIC), next_page_token: TYPE_MUST_MATCH }),
  ],
  [
    /^GET .*artifacts\/list$/,
    object({ root_uri: MUST_MATCH, files: list(FILE_INFO), next_page_token: MUST_MATCH }),
  ],
  [
    /^POST .*logged-models\/search$/,
    object({ models: list(LOGGED_MODEL), next_page_token: TYPE_MUST_MATCH }),
  ],
  [/^DELETE .*logged-models\/[^/]+(\/tags\/[^/]+)?$/, EMPTY],
  [/^POST .*logged-models\/[^/]+\/params$/, EMPTY],
  [/^PATCH .*logged-models\/[^/]+\/tags$/, EMPTY],
  [/^(GET|PATCH) .*logged-models\/[^/]+$/, MODEL],
  [/^POST .*logged-models$/, MODEL],
  [
    /^GET .*logged-models\/[^/]+\/artifacts\/directories$/,
    object({ files: list(FILE_INFO), root_uri: MUST_MATCH, next_page_token: IGNORE }),
  ],
  [
    /^(POST|GET|PATCH) .*registered-models\/(create|get|rename|update)$/,
    object({ registered_model: REGISTERED_MODEL }),
  ],
  [
    /^GET .*registered-models\/search$/,
    object({ registered_models: list(REGISTERED_MODEL), next_page_token: TYPE_MUST_MATCH }),
  ],
  [
    /^(GET|POST) .*registered-models\/get-latest-versions$/,
    object({ model_versions: unordered(MODEL_VERSION, 'version') }),
  ],
  [/^GET .*registered-models\/alias$/, object({ model_version: MODEL_VERSION })],
  [/^(POST|DELETE) .*registered-models\/(delete|set-tag|delete-tag|alias)$/, EMPTY],
  [
    /^(POST|GET|PATCH) .*model-versions\/(create|get|update|transition-stage)$/,
    object({ model_version: MODEL_VERSION }),
  ],
  [
    /^GET .*model-versions\/search$/,
    object({ model_versions: list(MODEL_VERSION), next_page_token: TYPE_MUST_MATCH }),
  ],
  [/^GET .*model-versions\/get-download-uri$/, object({ artifact_uri: MUST_MATCH })],
  [/^(POST|DELETE) .*model-versions\/(delete|set-tag|delete-tag)$/, EMPTY],
  [/^(POST|GET|PATCH) .*webhooks(\/[^/]+)?$/, object({ webhook: WEBHOOK })],
  [/^DELETE .*webhooks\/[^/]+$/, EMPTY],
  [
    /^POST .*webhooks\/[^/]+\/test$/,
    object({
      result: object({
        success: MUST_MATCH,
        response_status: MUST_MATCH,
        response_body: MUST_MATCH,
        error_message: MUST_MATCH,
      }),
    }),
  ],
  [/^POST \/v1\/traces$/, MUST_MATCH],
  [/^GET .*traces\/batchGet$/, object({ traces: list(TRACE) })],
  [/^POST .*traces\/batchGetInfos$/, object({ trace_infos: list(TRACE_INFO) })],
  [
    /^POST .*3\.0\/mlflow\/traces\/search$/,
    object({ traces: list(TRACE_INFO), next_page_token: TYPE_MUST_MATCH }),
  ],
  [
    /^POST .*traces\/metrics$/,
    object({
      data_points: list(
        object({ metric_name: MUST_MATCH, dimensions: MUST_MATCH, values: { values: SAME_NUMBER } }),
      ),
    }),
  ],
  [
    /^POST .*traces\/calculate-filter-correlation$/,
    object({
      npmi: CLOSE_NUMBER,
      npmi_smoothed: CLOSE_NUMBER,
      filter1_count: MUST_MATCH,
      filter2_count: MUST_MATCH,
      joint_count: MUST_MATCH,
      total_count: MUST_MATCH,
    }),
  ],
  [/^GET .*2\.0\/mlflow\/traces$/, object({ traces: list(TRACE_INFO_V2), next_page_token: TYPE_MUST_MATCH })],
  [/^POST .*traces\/link-(to-run|prompts)$/, EMPTY],
  [/^POST .*traces\/delete-traces$/, object({ traces_deleted: MUST_MATCH })],
  [/^(PATCH|DELETE) .*traces\/[^/]+\/tags$/, EMPTY],
  [/^(GET|POST|PATCH) .*2\.0\/mlflow\/traces(\/[^/]+(\/info)?)?$/, object({ trace_info: TRACE_INFO_V2 })],
  [/^(GET|POST) .*3\.0\/mlflow\/traces(\/[^/]+)?$/, object({ trace: TRACE })],
  [/^(POST|GET|PATCH) .*traces\/[^/]+\/assessments(\/[^/]+)?$/, object({ assessment: ASSESSMENT })],
  [/^DELETE .*traces\/[^/]+\/assessments\/[^/]+$/, EMPTY],
  [/^GET .*get-trace-artifact$/, MUST_MATCH],
  [
    /^(GET|POST) .*\/3\.0\/mlflow\/datasets\/search$/,
    object({ datasets: list(EVALUATION_DATASET), next_page_token: TYPE_MUST_MATCH }),
  ],
  [/^DELETE .*mlflow\/datasets\/[^/]+(\/tags\/[^/]+)?$/, EMPTY],
  [/^PATCH .*mlflow\/datasets\/[^/]+\/tags$/, EMPTY],
  [/^GET .*mlflow\/datasets\/[^/]+\/experiment-ids$/, object({ experiment_ids: list(MUST_MATCH) })],
  [
    /^POST .*mlflow\/datasets\/[^/]+\/records$/,
    object({ inserted_count: MUST_MATCH, updated_count: MUST_MATCH }),
  ],
  [
    /^GET .*mlflow\/datasets\/[^/]+\/records$/,
    object({ records: RECORDS, next_page_token: TYPE_MUST_MATCH }),
  ],
  [/^DELETE .*mlflow\/datasets\/[^/]+\/records$/, object({ deleted_count: MUST_MATCH })],
  [
    /^(GET|POST) .*mlflow\/datasets\/(create|[^/]+|[^/]+\/(add|remove)-experiments)$/,
    object({ dataset: EVALUATION_DATASET }),
  ],
  [
    /^POST .*scorers\/register$/,
    object({
      version: MUST_MATCH,
      scorer_id: MUST_MATCH,
      experiment_id: MUST_MATCH,
      name: MUST_MATCH,
      serialized_scorer: MUST_MATCH,
      creation_time: TYPE_MUST_MATCH,
    }),
  ],
  [/^GET .*scorers\/(list|versions)$/, object({ scorers: list(SCORER) })],
  [/^GET .*scorers\/get$/, object({ scorer: SCORER })],
  [/^GET .*scorers\/online-configs$/, object({ configs: unordered(ONLINE_CONFIG, 'scorer_id') })],
  [/^PUT .*scorers\/online-config$/, object({ config: ONLINE_CONFIG })],
  [
    /^(POST|GET|PATCH) .*label-schemas\/(create|get|get-by-name|update)$/,
    object({ label_schema: LABEL_SCHEMA }),
  ],
  [
    /^GET .*label-schemas\/list$/,
    object({ label_schemas: list(LABEL_SCHEMA), next_page_token: TYPE_MUST_MATCH }),
  ],
  [/^DELETE .*(scorers|label-schemas)\/delete$/, EMPTY],
  [
    /^(GET|POST) .*review-queues\/(create|get|get-by-name|get-or-create-user|update)$/,
    object({ review_queue: REVIEW_QUEUE }),
  ],
  [
    /^GET .*review-queues\/list$/,
    object({ review_queues: list(REVIEW_QUEUE), next_page_token: TYPE_MUST_MATCH }),
  ],
  [/^POST .*review-queues\/(delete|items\/remove)$/, EMPTY],
  [/^POST .*review-queues\/items\/add$/, object({ items: list(REVIEW_ITEM) })],
  [/^POST .*review-queues\/items\/set-status$/, object({ item: REVIEW_ITEM })],
  [
    /^GET .*review-queues\/items\/list$/,
    object({ items: list(REVIEW_ITEM), next_page_token: TYPE_MUST_MATCH }),
  ],
  [/^POST .*issues\/search$/, object({ issues: list(ISSUE), next_page_token: TYPE_MUST_MATCH })],
  [/^(POST|GET|PATCH) .*issues(\/[^/]+)?$/, object({ issue: ISSUE })],
  [/^GET \/model-versions\/get-artifact$/, MUST_MATCH],
  [/^(PUT|DELETE) .*mlflow-artifacts\/artifacts\//, EMPTY],
  [/^GET .*mlflow-artifacts\/artifacts$/, object({ files: list(FILE_INFO), next_page_token: IGNORE })],
  [/^GET .*mlflow-artifacts\/artifacts\//, MUST_MATCH],
  [/^GET \/get-artifact$/, MUST_MATCH],
  [/^POST .*(upload-artifact)$/, MUST_MATCH],
  [/^GET \/(health|version)$/, MUST_MATCH],
]

/** @throws Error for an endpoint whose answer has no policy yet */
export function responseShape(method: string, path: string): Shape {
  const name = `${method} ${path.split('?')[0]}`
  const found = RESPONSES.find(([pattern]) => pattern.test(name))
  if (!found) throw new Error(`Declare the fields that ${name} answers in shapes.ts`)
  return found[1]
}
