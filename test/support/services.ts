// How test files reach the services of the run (CrateDB, MinIO, stock MLflow, …).
import { inject } from 'vitest'
import type { ServiceName, Services } from './global-setup.ts'

/** Why the service cannot be had on this machine; empty when it can. For `describe.skipIf`. */
export const missing = (name: ServiceName): string => inject('servicesMissing')[name]

/**
 * Starts the service unless it runs already, and answers how to reach it. It ends with the test run.
 * @throws Error when it is missing or does not start
 */
export async function useService<Name extends ServiceName>(name: Name): Promise<Services[Name]> {
  const response = await fetch(`${inject('servicesUrl')}/${name}`)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return JSON.parse(text) as Services[Name]
}
