// MLflow's error type and its table of codes. Nothing here knows HTTP frameworks or drivers.

/**
 * HTTP status, SQLSTATE and error class of each MLflow error code.
 * @see mlflow/exceptions.py ERROR_CODE_TO_HTTP_STATUS and mlflow/error_classification.py
 */
const ERROR_CODES = {
  INTERNAL_ERROR: [500, 'XXM00', 'CLIENT_INTERNAL_ERROR'],
  // Stock answers 500, which its client sends again for minutes.
  INVALID_STATE: [409, 'XXM00', 'CLIENT_INTERNAL_ERROR'],
  NOT_IMPLEMENTED: [501],
  TEMPORARILY_UNAVAILABLE: [503, 'XXM00', 'CLIENT_INTERNAL_ERROR'],
  DEADLINE_EXCEEDED: [504],
  CANCELLED: [499],
  REQUEST_LIMIT_EXCEEDED: [429],
  RESOURCE_EXHAUSTED: [429],
  ABORTED: [409],
  RESOURCE_CONFLICT: [409],
  ALREADY_EXISTS: [409],
  NOT_FOUND: [404, 'KAM00', 'RESOURCE_NOT_FOUND'],
  ENDPOINT_NOT_FOUND: [404, 'KAM00', 'RESOURCE_NOT_FOUND'],
  RESOURCE_DOES_NOT_EXIST: [404, 'KAM00', 'RESOURCE_NOT_FOUND'],
  PERMISSION_DENIED: [403, 'KAM00', 'PERMISSION_DENIED'],
  UNAUTHENTICATED: [401],
  BAD_REQUEST: [400, 'KAM00', 'INVALID_PARAMETER_VALUE'],
  RESOURCE_ALREADY_EXISTS: [400, 'KAM00', 'RESOURCE_ALREADY_EXISTS'],
  INVALID_PARAMETER_VALUE: [400, 'KAM00', 'INVALID_PARAMETER_VALUE'],
} as const satisfies Record<string, readonly [number, string?, string?]>

/** Error classes whose SQLSTATE is not that of the error's code. */
const SQLSTATES: Partial<Record<string, string>> = { ATTRIBUTE_NOT_FOUND: 'KAM04' }

export type ErrorCode = keyof typeof ERROR_CODES

/** An error whose text the client may read. Anything else thrown is answered as INTERNAL_ERROR. */
export class MlflowError extends Error {
  readonly code: ErrorCode
  readonly errorClass: string | undefined

  constructor(code: ErrorCode, message: string, options: { errorClass?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.errorClass = options.errorClass ?? ERROR_CODES[code][2]
  }

  get status(): number {
    return ERROR_CODES[this.code][0]
  }

  /** The body MLflow answers with; sqlstate and error_class are absent where MLflow has none. */
  toJSON(): Record<string, string> {
    const sqlstate = SQLSTATES[this.errorClass ?? ''] ?? ERROR_CODES[this.code][1]
    return {
      error_code: this.code,
      message: this.message,
      ...(sqlstate && { sqlstate }),
      ...(this.errorClass && { error_class: this.errorClass }),
    }
  }
}

export const invalidParameter = (message: string, errorClass?: string) =>
  new MlflowError('INVALID_PARAMETER_VALUE', message, { errorClass })
export const doesNotExist = (message: string) => new MlflowError('RESOURCE_DOES_NOT_EXIST', message)
export const alreadyExists = (message: string) => new MlflowError('RESOURCE_ALREADY_EXISTS', message)
export const unavailable = (message: string, cause?: unknown) =>
  new MlflowError('TEMPORARILY_UNAVAILABLE', message, { cause })
/** What nobody waits for any more was ended. */
export const cancelled = () => new MlflowError('CANCELLED', 'The client is gone.')

/** The most telling message of an error: that of the driver below MLflow's, or of the first host that was tried. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  if (error instanceof MlflowError && error.code === 'TEMPORARILY_UNAVAILABLE' && error.cause) {
    return reasonOf(error.cause)
  }
  const text = error.message || (error as NodeJS.ErrnoException).code || error.name
  return text.split('\n', 1)[0] ?? text
}
