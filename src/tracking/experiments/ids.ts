// Experiment ids on the wire: decimal text of a 64-bit integer.
import { doesNotExist, invalidParameter } from '../../errors.ts'

/** The experiment that MLflow's clients count on; it is named Default. */
export const DEFAULT_EXPERIMENT_ID = '0'

/**
 * The plain spelling of an experiment id.
 * @throws INVALID_PARAMETER_VALUE for what is no integer, RESOURCE_DOES_NOT_EXIST for one beyond 64 bits
 * @see mlflow/utils/validation.py _parse_experiment_id
 */
export function parseExperimentId(experimentId: string): string {
  const id = experimentId.trim()
  if (!/^[+-]?\d+(?:_\d+)*$/.test(id) || id.length > 1000) {
    throw invalidParameter(`Invalid experiment ID '${experimentId}'. Experiment ID must be a valid integer.`)
  }
  const exact = BigInt(id.replace(/[+_]/g, ''))
  if (exact > 2n ** 63n - 1n || exact < -(2n ** 63n)) throw experimentNotFound(exact.toString())
  return exact.toString()
}

export const experimentNotFound = (experimentId: string) =>
  doesNotExist(`No Experiment with id=${experimentId} exists`)
