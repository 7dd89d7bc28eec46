// Tags, params and metrics as fields: `tags.team`, `params.lr`, `metrics.loss`.
import type { Section } from './details.ts'
import type { Field, Value } from './fields.ts'

export interface KeyValue {
  key: string
  value: string
}

/** A field of things with tags for the name `tags.<key>`; undefined for other names. */
export function tagField<Item>(
  name: string,
  tagsOf: (item: Item) => readonly KeyValue[] | undefined,
): Field<Item> | undefined {
  return keyedField(name, 'tags.', tagsOf)
}

/** A field for the name `<prefix><key>`; undefined for names that begin in another way. */
export function keyedField<Item>(
  name: string,
  prefix: string,
  pairsOf: (item: Item) => readonly { key: string; value: Value }[] | undefined,
): Field<Item> | undefined {
  if (!name.startsWith(prefix)) return undefined
  const key = name.slice(prefix.length)
  return {
    name,
    title: key,
    read: (item) => pairsOf(item)?.find((pair) => pair.key === key)?.value,
    least: 12,
    rank: 12,
  }
}

export const byKey = (a: { key: string }, b: { key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0

/** The tags, those of MLflow itself last. */
export function tagsSection(tags: readonly KeyValue[] = []): Section {
  const isOwn = ({ key }: KeyValue) => key.startsWith('mlflow.')
  const sorted = [...tags].sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)) || byKey(a, b))
  return {
    title: 'Tags',
    prefix: 'tags.',
    details: sorted.map(({ key, value }) => ({ label: key, value })),
  }
}
