import { expect, it } from 'vitest'
import { redactPasswords } from '../../../src/platform/wire/redact.ts'

it.each([
  ['cratedb://u:secret@h:5432/?schema=x', 'cratedb://u:***@h:5432/?schema=x'],
  ['--backend-store-uri=postgresql://u:sec:ret@h/', '--backend-store-uri=postgresql://u:***@h/'],
  ['postgresql://u:s@cr/et@h/db and http://a:b@c', 'postgresql://u:***@h/db and http://a:***@c'],
  ['cratedb://:secret@h', 'cratedb://:***@h'],
  ['http://127.0.0.1:5000/health', 'http://127.0.0.1:5000/health'],
  ['cratedb://u@h:5432/', 'cratedb://u@h:5432/'],
])('takes the password out of %s', (text, redacted) => {
  expect(redactPasswords(text)).toBe(redacted)
})
