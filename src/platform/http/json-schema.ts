// Turns zod schemas into the components of an OpenAPI document.
import { z } from 'zod'
import { mayBeAbsent } from '../wire/message.ts'

export type JsonSchema = Record<string, unknown>

/** Collects components by the `id` of their schemas. */
export interface Components {
  /** The schema itself, with components in place of the parts that have an id. */
  describe(schema: z.ZodType): JsonSchema
  /** An object's own schema even when it is a component, for the parameters of a query. */
  describeInline(schema: z.ZodType): JsonSchema
  /** All components met so far, by name. */
  all(): Record<string, JsonSchema>
}

export function createComponents(): Components {
  const components = new Map<string, JsonSchema>()

  function describe(schema: z.ZodType): JsonSchema {
    // What is read and what is sent look alike on the wire: the shape before transforms is that of both.
    const { $schema, $defs, ...root } = z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
      override: releaseLists,
    })
    for (const [name, part] of Object.entries($defs ?? {}))
      components.set(name, pointToComponents(part) as JsonSchema)
    return pointToComponents(root) as JsonSchema
  }

  function describeInline(schema: z.ZodType): JsonSchema {
    const described = describe(schema)
    const name = String(described.$ref ?? '').replace('#/components/schemas/', '')
    return components.get(name) ?? described
  }

  return {
    describe,
    describeInline,
    all: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** Lists that a request may leave out are not required. */
function releaseLists({ zodSchema, jsonSchema }: { zodSchema: unknown; jsonSchema: JsonSchema }): void {
  if (!(zodSchema instanceof z.ZodObject) || !Array.isArray(jsonSchema.required)) return
  const shape: Record<string, z.ZodType> = zodSchema.shape
  const required = jsonSchema.required.filter((name: string) => !shape[name] || !mayBeAbsent(shape[name]))
  if (required.length > 0) jsonSchema.required = required
  else delete jsonSchema.required
}

function pointToComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pointToComponents)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key]) => key !== 'id')
  return Object.fromEntries(
    entries.map(([key, part]) =>
      key === '$ref'
        ? [key, String(part).replace('#/$defs/', '#/components/schemas/')]
        : [key, pointToComponents(part)],
    ),
  )
}
