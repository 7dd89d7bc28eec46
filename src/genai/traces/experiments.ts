// What traces need to know of experiments, which live in another wing.
import { appendToUriPath } from '../../platform/wire/uri.ts'

export interface Experiment {
  experimentId: string
  artifactLocation: string | null
}

export interface Experiments {
  /** The plain spelling of an id. @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST for one beyond 64 bits */
  parseId: (experimentId: string) => string
  /** The experiment, deleted or not. @throws RESOURCE_DOES_NOT_EXIST */
  requireRow: (experimentId: string) => Promise<Experiment>
  /** The experiment if it takes new content. @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  requireActive: (experimentId: string) => Promise<Experiment>
}

/** Where a trace's artifacts are, below those of its experiment. @see SqlAlchemyStore._get_trace_artifact_location_tag */
export const artifactLocationOf = ({ artifactLocation }: Experiment, traceId: string): string =>
  appendToUriPath(artifactLocation ?? '', 'traces', traceId, 'artifacts')
