// How much two filters find the same traces: normalized pointwise mutual information, as MLflow has it.
import type { Engine } from '../../platform/database/engine.ts'
import type { Parsed } from '../../platform/wire/message.ts'
import { countTraces } from './correlation.store.ts'
import type { Experiments } from './experiments.ts'
import type { CalculateTraceFilterCorrelation, Correlation } from './metrics.schema.ts'
import { parseTraceFilter } from './search.ts'

export interface TraceCorrelationDeps {
  engine: Engine
  experiments: Pick<Experiments, 'parseId'>
}

export type TraceCorrelation = ReturnType<typeof createTraceCorrelation>

export function createTraceCorrelation({ engine, experiments }: TraceCorrelationDeps) {
  /**
   * What two filters have to do with each other among the traces that a base filter finds.
   * @throws INVALID_PARAMETER_VALUE with MLflow's texts
   * @see SqlAlchemyStore.calculate_trace_filter_correlation
   */
  async function calculate(input: Parsed<typeof CalculateTraceFilterCorrelation>): Promise<Correlation> {
    const experimentIds = input.experiment_ids.map(experiments.parseId)
    const base = input.base_filter ?? ''
    // Joined as texts, as in stock, which repeats them in its errors.
    const within = (filter: string) => parseTraceFilter(base ? `${base} and ${filter}` : filter)
    const [first, second] = [within(input.filter_string1), within(input.filter_string2)]
    const lists = [[first], [second], [first, second], [parseTraceFilter(base)]]
    const [filter1 = 0, filter2 = 0, joint = 0, total = 0] = await countTraces(engine, experimentIds, lists)
    const counts = { joint, filter1, filter2, total }
    return {
      npmi: wire(npmi(counts, 0)),
      npmi_smoothed: wire(npmi(counts, JEFFREYS_PRIOR)),
      filter1_count: filter1,
      filter2_count: filter2,
      joint_count: joint,
      total_count: total,
    }
  }

  return { calculate }
}

const JEFFREYS_PRIOR = 0.5

const wire = (value: number): number | 'NaN' => (Number.isNaN(value) ? 'NaN' : value)

interface Counts {
  joint: number
  filter1: number
  filter2: number
  total: number
}

/**
 * From -1 to 1; NaN where one of the filters finds nothing. `prior` is added to each of the four cases.
 * @see mlflow/store/analytics/trace_correlation.py calculate_npmi_from_counts
 */
function npmi({ joint, filter1, filter2, total }: Counts, prior: number): number {
  const onlyFirst = filter1 - joint
  const onlySecond = filter2 - joint
  const neither = total - filter1 - filter2 + joint
  if (filter1 === 0 || filter2 === 0 || Math.min(onlyFirst, onlySecond, neither) < 0) return Number.NaN
  if (joint === 0 && prior === 0) return -1
  if (onlyFirst === 0 && onlySecond === 0 && neither === 0) return 1
  const both = Math.log(joint + prior)
  const all = Math.log(total + 4 * prior)
  const mutual = both + all - (Math.log(filter1 + 2 * prior) + Math.log(filter2 + 2 * prior))
  return Math.max(-1, Math.min(1, mutual / (all - both)))
}
