// Documents that come again are not validated again; those that were not asked for the longest are forgotten.
import { expect, it } from 'vitest'
import { createDocumentReader } from '../../../../src/web/graphql/documents.ts'
import { buildMlflowSchema } from '../../../../src/web/graphql/executable-schema.ts'
import type { Sources } from '../../../../src/web/graphql/resolvers.ts'

const schema = buildMlflowSchema({} as Sources)
const newReader = () => createDocumentReader(schema, { maxRootFields: 10, maxAliases: 10 })
const query = (text: string | number) => `{ test(inputString: "${text}") { output } }`

it('keeps a document that comes again', () => {
  const read = newReader()
  expect(read(query('a'))).toBe(read(query('a')))
  expect(read(query('a'))).not.toBe(read(query('b')))
})

it('forgets the document that was not asked for the longest when there are more than a hundred', () => {
  const read = newReader()
  const [first, second] = [read(query(1)), read(query(2))]
  for (let i = 3; i <= 100; i++) read(query(i))
  expect(read(query(1))).toBe(first)
  read(query(101))
  expect(read(query(1))).toBe(first)
  expect(read(query(2))).not.toBe(second)
})

it('keeps neither large documents nor wrong ones', () => {
  const read = newReader()
  const large = query('x'.repeat(20_000))
  expect(read(large)).not.toBe(read(large))
  expect(read('{ nothing }')).not.toBe(read('{ nothing }'))
})
