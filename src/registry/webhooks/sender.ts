// One request to a webhook's receiver: body, signature, connection, answer. Knows nothing of retries.
import { createHmac } from 'node:crypto'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Clock } from '../../platform/wire/ids.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import type { SecretBox } from './secrets.ts'
import type { WebhookRow } from './tables.ts'
import type { Targets } from './targets.ts'

/** What is read of an answer at most, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024

export interface SenderDeps {
  clock: Clock
  targets: Targets
  secrets: SecretBox
  /** What a request may take, from its connection to the end of its answer. */
  timeoutMs: number
}

export interface Outgoing {
  /** Stays the same over all attempts, so that a receiver can tell a repetition. */
  deliveryId: string
  /** `entity.action`. */
  event: string
  payload: unknown
  raisedAtMs: number
}

export interface Answer {
  status: number
  /** Its first 64 KiB. */
  body: string
  /** The answer's Retry-After header. */
  retryAfter: string | undefined
}

export type Sender = ReturnType<typeof createSender>

/**
 * Returns the function that sends one event to one webhook and answers what came back, whatever its status.
 * Redirects are not followed: they could lead anywhere.
 * @throws ForbiddenTargetError, MlflowError or the error of the connection, when no answer came
 * @see mlflow/webhooks/delivery.py _send_webhook_request
 */
export function createSender({ clock, targets, secrets, timeoutMs }: SenderDeps) {
  return async (
    webhook: Pick<WebhookRow, 'url' | 'secret'>,
    outgoing: Outgoing,
    signal?: AbortSignal,
  ): Promise<Answer> => {
    targets.checkSpelling(webhook.url)
    const body = bodyOf(outgoing)
    const timestamp = String(Math.floor(clock.now() / 1000))
    const secret = webhook.secret === null ? '' : secrets.decrypt(webhook.secret)
    const signed = `${outgoing.deliveryId}.${timestamp}.${body}`
    const url = new URL(webhook.url)
    const timeout = AbortSignal.timeout(timeoutMs)
    const open = url.protocol === 'https:' ? requestHttps : requestHttp
    const request = open(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'User-Agent': 'crateflow',
        'X-MLflow-Delivery-Id': outgoing.deliveryId,
        'X-MLflow-Timestamp': timestamp,
        ...(secret && { 'X-MLflow-Signature': sign(secret, signed) }),
      },
      // A connection of its own, which goes past proxies: those would resolve names by themselves.
      agent: false,
      lookup: targets.lookup,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve)
      request.on('error', (error) => reject(timeout.aborted ? timedOut(timeoutMs) : error))
      request.end(body)
    })
    return {
      status: response.statusCode ?? 0,
      body: await readBody(response),
      retryAfter: response.headers['retry-after'],
    }
  }
}

/** @see mlflow/webhooks/delivery.py _generate_hmac_signature */
const sign = (secret: string, text: string) =>
  `v1,${createHmac('sha256', secret).update(text, 'utf8').digest('base64')}`

const timedOut = (timeoutMs: number) => new Error(`No answer within ${timeoutMs / 1000} s`)

function bodyOf({ event, payload, raisedAtMs }: Outgoing): string {
  const [entity, action] = event.split('.')
  const timestamp = new Date(raisedAtMs).toISOString().replace('Z', '000+00:00')
  return pythonDumps({ entity, action, timestamp, data: payload })
}

/** The answer's text; one that breaks off or is too long is cut, since its status has told what matters. */
async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let left = MAX_ANSWER_BYTES
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, left))
      left -= chunk.length
      if (left <= 0) break
    }
  } catch {
    response.destroy()
  }
  return Buffer.concat(chunks).toString('utf8')
}
