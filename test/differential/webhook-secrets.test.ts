// Secrets of webhooks as Fernet tokens.
import { describe, expect, it } from 'vitest'
import { createSecretBox } from '../../src/registry/webhooks/secrets.ts'
import { pythonOutput } from '../support/python.ts'
import { missing } from '../support/services.ts'

const KEY = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
const OTHER = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='

describe('the encryption of secrets', () => {
  it("reads the example of Fernet's specification", () => {
    const token =
      'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='
    expect(createSecretBox([KEY]).decrypt(token)).toBe('hello')
  })

  it('gives back what it took, in a token of its own each time', () => {
    const box = createSecretBox([KEY])
    const tokens = ['', 'a', 'ä€😀', 'x'.repeat(687)].map((secret) => [secret, box.encrypt(secret)] as const)
    for (const [secret, token] of tokens) expect(box.decrypt(token)).toBe(secret)
    expect(box.encrypt('a')).not.toBe(box.encrypt('a'))
  })

  it('encrypts with the first key and decrypts with any', () => {
    const old = createSecretBox([OTHER]).encrypt('old')
    const both = createSecretBox([KEY, OTHER])
    expect(both.decrypt(old)).toBe('old')
    expect(createSecretBox([KEY]).decrypt(both.encrypt('new'))).toBe('new')
    expect(() => createSecretBox([KEY]).decrypt(old)).toThrow('a key that this server does not have')
  })

  it('refuses tokens that were changed, and secrets when there is no key', () => {
    const box = createSecretBox([KEY])
    const bytes = Buffer.from(box.encrypt('secret'), 'base64url')
    for (const at of [0, 5, 20, 30, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => box.decrypt(changed.toString('base64url'))).toThrow()
    }
    expect(() => box.decrypt('')).toThrow()
    expect(() => createSecretBox([]).encrypt('secret')).toThrow('MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY')
  })

  const reason = missing('python')
  it.skipIf(reason)(`is that of stock MLflow, both ways ${reason}`, async () => {
    const ours = createSecretBox([KEY]).encrypt('from here')
    const script = `
from cryptography.fernet import Fernet
cipher = Fernet("${KEY}")
print(cipher.decrypt(b"${ours}").decode())
print(cipher.encrypt("from there".encode()).decode())`
    const [decrypted, theirs = ''] = (await pythonOutput(script)).trim().split('\n')
    expect(decrypted).toBe('from here')
    expect(createSecretBox([KEY]).decrypt(theirs)).toBe('from there')
  })
})
