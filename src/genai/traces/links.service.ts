// MLflow's rules for what traces are linked to: runs and versions of prompts.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { MAX_TAG_KEY_LENGTH } from './derived.ts'
import type { TraceReader } from './reading.service.ts'
import { insertLinks } from './store.ts'

export interface TraceLinkDeps {
  engine: Engine
  clock: Clock
  reader: Pick<TraceReader, 'requireTrace'>
}

export type TraceLinks = ReturnType<typeof createTraceLinks>

const MAX_TRACES = 100
/** Characters of a target: the longest name of a prompt and its version. */
const MAX_TARGET_LENGTH = 300

export function createTraceLinks({ engine, clock, reader }: TraceLinkDeps) {
  /**
   * Links at most 100 traces to a run, whether they, or the run, are there or not: clients link traces whose spans are still on their way.
   * @throws INVALID_PARAMETER_VALUE
   * @see SqlAlchemyStore.link_traces_to_run
   */
  async function linkToRun(traceIds: readonly string[], runId: string): Promise<void> {
    if (traceIds.length > MAX_TRACES) {
      throw invalidParameter(
        `Cannot link more than ${MAX_TRACES} traces to a run in a single request. Provided ${traceIds.length} traces.`,
      )
    }
    const target = checkLength('run_id', MAX_TARGET_LENGTH, runId)
    const creationTimeMs = clock.now()
    await insertLinks(
      engine,
      traceIds.map((id) => {
        const traceId = checkLength('trace_id', MAX_TAG_KEY_LENGTH, id)
        return { traceId, kind: 'RUN', target, creationTimeMs }
      }),
    )
  }

  /**
   * Links versions of prompts to a trace, whether they are there or not.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST without the trace
   * @see SqlAlchemyStore.link_prompts_to_trace
   */
  async function linkPrompts(
    traceId: string,
    prompts: readonly { name?: string | undefined; version?: string | undefined }[],
  ): Promise<void> {
    const targets = prompts.map(({ name = '', version = '' }) =>
      checkLength('prompt_versions', MAX_TARGET_LENGTH, `${name}/${readVersion(version)}`),
    )
    if (targets.length === 0) return
    await reader.requireTrace(traceId)
    const creationTimeMs = clock.now()
    await insertLinks(
      engine,
      targets.map((target) => ({ traceId, kind: 'PROMPT_VERSION', target, creationTimeMs })),
    )
  }

  return { linkToRun, linkPrompts }
}

/** A version as Python's `int` reads it. Stock answers 500 to any other. */
function readVersion(version: string): bigint {
  const text = version.trim()
  if (/^[+-]?\d+(?:_\d+)*$/.test(text)) return BigInt(text.replaceAll('_', '').replace('+', ''))
  throw invalidParameter(`Invalid version of a prompt: '${version}'. It must be an integer.`)
}
