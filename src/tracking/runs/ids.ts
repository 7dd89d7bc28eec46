// Ids of runs as clients send them.
import { invalidParameter } from '../../errors.ts'

/**
 * @throws INVALID_PARAMETER_VALUE for what no run can have as its id
 * @see mlflow/utils/validation.py _validate_run_id
 */
export function checkRunId(runId: string): void {
  if (/^[a-zA-Z0-9][\p{L}\p{N}_-]{0,255}$/u.test(runId)) return
  throw invalidParameter(`Invalid value ${JSON.stringify(runId)} for parameter 'run_id' supplied.`)
}
