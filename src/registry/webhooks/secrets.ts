// Encrypts the secrets of webhooks as Fernet tokens, the form in which stock MLflow keeps them.
// @see https://github.com/fernet/spec/blob/master/Spec.md
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { invalidParameter } from '../../errors.ts'

const VERSION = 0x80
/** Bytes of version, time and initialization vector, and of the signature. */
const HEAD_LENGTH = 25
const SIGNATURE_LENGTH = 32

export interface SecretBox {
  /** @throws INVALID_PARAMETER_VALUE when the server has no key */
  encrypt: (secret: string) => string
  /** @throws Error when none of the keys has encrypted it */
  decrypt: (token: string) => string
}

/**
 * @param keys Fernet keys: 32 bytes each in URL-safe base64. The first one encrypts, all of them decrypt, so that
 * a key can be replaced without losing what the one before has encrypted.
 * @see mlflow/store/model_registry/dbmodels/models.py EncryptedString
 */
export function createSecretBox(keys: readonly string[]): SecretBox {
  const pairs = keys.map((key) => {
    const bytes = Buffer.from(key, 'base64url')
    return { signing: bytes.subarray(0, 16), encryption: bytes.subarray(16) }
  })
  return {
    encrypt(secret) {
      if (!pairs[0]) {
        throw invalidParameter(
          'This server keeps no secrets of webhooks: it was started without MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY.',
        )
      }
      return seal(secret, pairs[0])
    },
    decrypt(token) {
      const bytes = Buffer.from(token, 'base64url')
      const pair = pairs.find((candidate) => isSignedBy(bytes, candidate))
      if (!pair) {
        throw new Error('The secret of the webhook was encrypted with a key that this server does not have')
      }
      return open(bytes, pair)
    },
  }
}

interface KeyPair {
  signing: Buffer
  encryption: Buffer
}

function seal(secret: string, { signing, encryption }: KeyPair): string {
  const head = Buffer.alloc(HEAD_LENGTH)
  head.writeUInt8(VERSION, 0)
  head.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000)), 1)
  const iv = randomBytes(16)
  iv.copy(head, 9)
  const cipher = createCipheriv('aes-128-cbc', encryption, iv)
  const signed = Buffer.concat([head, cipher.update(secret, 'utf8'), cipher.final()])
  const token = Buffer.concat([signed, createHmac('sha256', signing).update(signed).digest()])
  // Python's decoder wants the padding that Node.js leaves out.
  return token.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

function isSignedBy(token: Buffer, { signing }: KeyPair): boolean {
  if (token.length <= HEAD_LENGTH + SIGNATURE_LENGTH || token[0] !== VERSION) return false
  const expected = createHmac('sha256', signing).update(token.subarray(0, -SIGNATURE_LENGTH)).digest()
  return timingSafeEqual(expected, token.subarray(-SIGNATURE_LENGTH))
}

function open(token: Buffer, { encryption }: KeyPair): string {
  const decipher = createDecipheriv('aes-128-cbc', encryption, token.subarray(9, HEAD_LENGTH))
  const sealed = token.subarray(HEAD_LENGTH, -SIGNATURE_LENGTH)
  return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8')
}
