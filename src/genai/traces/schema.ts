// Messages of traces.
import { z } from 'zod'
import {
  atMost,
  bool,
  enumeration,
  int32,
  int64,
  message,
  repeated,
  required,
  text,
} from '../../platform/wire/message.ts'
import { duration, textMap, timestamp } from '../../platform/wire/well-known.ts'
import { Assessment, AssessmentWire } from '../assessments/schema.ts'

export const STATES = { STATE_UNSPECIFIED: 0, OK: 1, ERROR: 2, IN_PROGRESS: 3 } as const
export const STATUSES_V2 = { TRACE_STATUS_UNSPECIFIED: 0, OK: 1, ERROR: 2, IN_PROGRESS: 3 } as const
const LOCATION_TYPES = {
  TRACE_LOCATION_TYPE_UNSPECIFIED: 0,
  MLFLOW_EXPERIMENT: 1,
  INFERENCE_TABLE: 2,
} as const

const namesOf = <Names extends Record<string, number>>(names: Names) =>
  Object.keys(names) as [keyof Names & string, ...(keyof Names & string)[]]

const TextMap = z.record(z.string(), z.string())
const KeyValue = z.object({ key: z.string(), value: z.string() })
const Int64Wire = z.union([z.number(), z.bigint()])

export const TraceInfoWire = z
  .object({
    trace_id: z.string().describe('tr- and 32 hex digits'),
    client_request_id: z.string().optional(),
    trace_location: z.object({
      type: z.enum(namesOf(LOCATION_TYPES)),
      mlflow_experiment: z.object({ experiment_id: z.string() }),
    }),
    request_preview: z.string().optional(),
    response_preview: z.string().optional(),
    request_time: z.string().describe('RFC 3339, in milliseconds'),
    execution_duration: z.string().optional().describe('Seconds, such as 1.250s'),
    state: z.enum(namesOf(STATES)),
    trace_metadata: TextMap.optional(),
    tags: TextMap.optional(),
    assessments: z.array(AssessmentWire).optional(),
  })
  .meta({ id: 'TraceInfo' })
export type TraceInfo = z.infer<typeof TraceInfoWire>

export const TraceWire = z
  .object({
    trace_info: TraceInfoWire,
    spans: z.array(z.looseObject({})).optional().describe("Spans in OTLP's JSON"),
  })
  .meta({ id: 'Trace' })
export type Trace = z.infer<typeof TraceWire>

export const TraceInfoV2Wire = z
  .object({
    request_id: z.string(),
    experiment_id: z.string(),
    timestamp_ms: Int64Wire,
    execution_time_ms: Int64Wire,
    status: z.enum(namesOf(STATUSES_V2)),
    request_metadata: z.array(KeyValue).optional(),
    tags: z.array(KeyValue).optional(),
  })
  .meta({ id: 'TraceInfoV2' })
export type TraceInfoV2 = z.infer<typeof TraceInfoV2Wire>

export const GetTrace = message('GetTrace', { trace_id: text(), allow_partial: bool().optional() })
export const GetTraceInfo = message('GetTraceInfo', { trace_id: text() })
export const GetTraceInfoV2 = message('GetTraceInfoV2', { request_id: text() })
export const BatchGetTraces = message('BatchGetTraces', {
  trace_ids: required(repeated(text())),
  experiment_ids: repeated(text()).optional(),
})
export const BatchGetTraceInfos = message('BatchGetTraceInfos', {
  trace_ids: required(repeated(text())),
  experiment_ids: repeated(text()).optional(),
})
export const GetTraceArtifact = message('GetTraceArtifact', {
  request_id: text().optional(),
  path: text().optional(),
})

const ExperimentLocation = message('MlflowExperimentLocation', { experiment_id: text().optional() })
const Location = message('TraceLocation', {
  type: enumeration(LOCATION_TYPES).optional(),
  mlflow_experiment: ExperimentLocation.optional(),
})
export const TraceInfoV3 = message('TraceInfoV3', {
  trace_id: text().optional(),
  client_request_id: text().optional(),
  trace_location: Location.optional(),
  request_preview: text().optional(),
  response_preview: text().optional(),
  request_time: timestamp().optional(),
  execution_duration: duration().optional(),
  state: enumeration(STATES).optional(),
  trace_metadata: textMap().optional(),
  tags: textMap().optional(),
  assessments: repeated(Assessment),
})
export type TraceInfoInput = z.output<typeof TraceInfoV3>

export const StartTraceV3 = message('StartTraceV3', {
  trace: message('TraceInput', { trace_info: TraceInfoV3.optional() }),
})

const KeyValueSchema = message('TraceKeyValue', { key: text().optional(), value: text().optional() })

export const StartTraceV2 = message('StartTraceV2', {
  experiment_id: text().optional(),
  timestamp_ms: int64().optional(),
  request_metadata: repeated(KeyValueSchema),
  tags: repeated(KeyValueSchema),
})
export const EndTraceV2 = message('EndTraceV2', {
  request_id: text(),
  timestamp_ms: int64().optional(),
  status: enumeration(STATUSES_V2).optional(),
  request_metadata: repeated(KeyValueSchema),
  tags: repeated(KeyValueSchema),
})

export const SetTraceTag = message('SetTraceTag', { trace_id: text(), key: text(), value: text().optional() })
export const DeleteTraceTag = message('DeleteTraceTag', { trace_id: text(), key: text() })
export const LinkTracesToRun = message('LinkTracesToRun', {
  trace_ids: required(repeated(text())),
  run_id: text(),
})
const PromptVersionRef = message('PromptVersionRef', { name: text().optional(), version: text().optional() })
export const LinkPromptsToTrace = message('LinkPromptsToTrace', {
  trace_id: text(),
  prompt_versions: required(repeated(PromptVersionRef)),
})
export const DeleteTraces = message('DeleteTraces', {
  experiment_id: text(),
  max_timestamp_millis: int64().optional(),
  max_traces: int32().optional(),
  request_ids: repeated(text()),
})

const MAX_RESULTS = 500
const page = {
  filter: text().optional(),
  max_results: int32().refine(atMost(MAX_RESULTS)).optional(),
  order_by: repeated(text()),
  page_token: text().optional(),
}
export const SearchTracesV3 = message('SearchTracesV3', { locations: required(repeated(Location)), ...page })
export const SearchTracesV2 = message('SearchTraces', { experiment_ids: required(repeated(text())), ...page })
