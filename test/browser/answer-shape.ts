// The shape of a JSON value as a text: which fields it has and of which types, whatever their values.

type Fields = Record<string, unknown>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Such as `{name:text,tags?:[{key:text}],size:null|number}`; `?` marks what only some objects of a list have. */
export const shapeOf = (value: unknown): string => shapeOfAll([value])

function shapeOfAll(values: readonly unknown[]): string {
  const [lists, objects] = [values.filter(Array.isArray), values.filter(isObject)]
  const simple = values.filter((value) => value === null || typeof value !== 'object')
  const shapes = new Set(simple.map(nameOfType))
  if (lists.length) {
    const items = lists.flat()
    shapes.add(items.length ? `[${shapeOfAll(items)}]` : '[]')
  }
  if (objects.length) shapes.add(shapeOfObjects(objects))
  return [...shapes].sort().join('|')
}

function shapeOfObjects(objects: readonly Fields[]): string {
  const keys = [...new Set(objects.flatMap(Object.keys))].sort()
  const fields = keys.map((key) => {
    const having = objects.filter((one) => Object.hasOwn(one, key))
    return `${key}${having.length < objects.length ? '?' : ''}:${shapeOfAll(having.map((one) => one[key]))}`
  })
  return `{${fields.join(',')}}`
}

const nameOfType = (value: unknown): string => {
  if (value === null) return 'null'
  return typeof value === 'string' ? 'text' : typeof value
}
