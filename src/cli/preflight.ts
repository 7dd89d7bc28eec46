// What a server needs of its surroundings, tried before its database is opened: what came to light later would leave a new
// folder behind, or fail with the first upload.
import { createServer } from 'node:net'
import type { Logger } from 'pino'
import { createStoreOpener } from '../artifacts/stores/open-store.ts'
import type { S3Options } from '../artifacts/stores/s3-access.ts'
import type { ArtifactStore } from '../artifacts/stores/store.ts'
import { MlflowError, reasonOf } from '../errors.ts'
import { UsageError } from './errors.ts'

/** How long an object store may take to answer; it may also come later. */
const STORE_WAIT_MS = 5_000

export interface Surroundings {
  host: string
  port: number
  /** Where served artifacts lie; undefined when the server serves none. */
  destination: string | undefined
  s3: S3Options
  log: Logger
}

/** @throws Error or UsageError that says what to do */
export async function checkSurroundings({ host, port, destination, s3, log }: Surroundings): Promise<void> {
  await checkAddress(host, port)
  if (destination !== undefined) await checkDestination(destination, { s3, log })
}

/** @throws Error that says what to do when this process cannot listen there */
export async function checkAddress(host: string, port: number): Promise<void> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve)
    })
  } catch (error) {
    throw listenError(error, { host, port })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

/** The error in words that say what to do. */
export function listenError(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const say = (text: string) => new Error(text, { cause: error })
  if (code === 'EADDRINUSE') return say(`Port ${port} of ${host} is in use. Choose another with --port.`)
  if (code === 'EACCES') return say(`Port ${port} of ${host} may not be used by this user.`)
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'].includes(code))
    return say(`This machine has no address ${host}. Choose another with --host; 0.0.0.0 takes all it has.`)
  return error
}

async function checkDestination(uri: string, { s3, log }: Pick<Surroundings, 's3' | 'log'>): Promise<void> {
  try {
    await withinTime(openStore(uri, s3).check())
  } catch (error) {
    const text = `The artifacts destination ${uri} cannot be used`
    if (error instanceof MlflowError && error.code === 'TEMPORARILY_UNAVAILABLE')
      return log.warn(`${text} yet: ${reasonOf(error)}`)
    if ((error as Error).name === 'CredentialsProviderError')
      throw new UsageError(
        `${text} without credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else the AWS SDK finds them by.`,
      )
    throw new UsageError(
      `${text}: ${sentence(reasonOf(error))} Name another one with --artifacts-destination.`,
    )
  }
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)

const openStore = (uri: string, s3: S3Options): ArtifactStore => createStoreOpener(s3)(uri)

async function withinTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new MlflowError('TEMPORARILY_UNAVAILABLE', 'It does not answer.')
    timer = setTimeout(() => reject(error), STORE_WAIT_MS)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
