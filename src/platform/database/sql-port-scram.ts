// Passwords at the SQL port: SCRAM-SHA-256 as PostgreSQL speaks it, so that no password crosses the wire.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/** @see RFC 7677 */
const ITERATIONS = 4096
const MECHANISM = 'SCRAM-SHA-256'

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)))

export { MECHANISM as SCRAM }

/** What a connection is asked; each step answers what to send next, undefined for a client that does not know the password. */
export function createScram(password: string) {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  let nonce = ''
  let [header, clientFirst, serverFirst] = ['', '', '']
  return {
    /** @param message `n,,n=<user>,r=<nonce>`; channels are not bound, as there is no TLS */
    first(mechanism: string, message: string): string | undefined {
      const match = /^([ny],[^,]*,)([\s\S]*\br=([!-+\--~]+))/.exec(message)
      if (mechanism !== MECHANISM || !match) return undefined
      header = match[1] ?? ''
      clientFirst = match[2] ?? ''
      nonce = `${match[3]}${randomBytes(18).toString('base64')}`
      serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${ITERATIONS}`
      return serverFirst
    },
    /** @param message `c=<header>,r=<nonce>,p=<proof>` */
    last(message: string): string | undefined {
      const match = /^(c=([^,]*),r=([^,]*)),p=([^,]*)$/.exec(message)
      if (!match || match[3] !== nonce || nonce === '') return undefined
      if (Buffer.from(match[2] ?? '', 'base64').toString() !== header) return undefined
      const signed = `${clientFirst},${serverFirst},${match[1]}`
      const proof = Buffer.from(match[4] ?? '', 'base64')
      const key = xor(hmac(sha256(clientKey), signed), proof)
      if (proof.length !== key.length || !timingSafeEqual(sha256(key), sha256(clientKey))) return undefined
      return `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`
    },
  }
}
