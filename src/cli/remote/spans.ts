// The spans of a trace as a tree.
import { isJsonObject } from '../../platform/wire/int64.ts'
import type { Detail, Section } from './details.ts'

/** As far as it is shown, of spans in OTLP's JSON. */
interface Span {
  span_id?: string
  parent_span_id?: string
  name?: string
  start_time_unix_nano?: number | bigint | string
  end_time_unix_nano?: number | bigint | string
  status?: { code?: string }
  attributes?: { key: string; value?: { string_value?: string } }[]
}

/**
 * The spans by start, each below its parent; those whose parent is not there at the top. Spans can be nested deeper than a
 * program may call itself, and in a ring.
 */
export function spansSection(spans: readonly object[]): Section {
  const all = (spans.filter(isJsonObject) as Span[]).sort((a, b) => Number(startOf(a) - startOf(b)))
  const ids = new Set(all.map(({ span_id }) => span_id))
  const below = new Map<string | undefined, Span[]>()
  for (const span of all) {
    const parent = ids.has(span.parent_span_id) ? span.parent_span_id : undefined
    const siblings = below.get(parent)
    if (siblings) siblings.push(span)
    else below.set(parent, [span])
  }
  const details: Detail[] = []
  const seen = new Set<Span>()
  const walk = (tops: readonly Span[]) => {
    const waiting = tops.map((span) => ({ span, branch: '', indent: '' })).reverse()
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { span, branch, indent } = next
      if (seen.has(span)) continue
      seen.add(span)
      details.push(detailOf(span, indent.slice(0, DEEPEST) + branch))
      const children = below.get(span.span_id) ?? []
      const inner = branch === '' ? '' : indent + (branch === LAST ? '  ' : '│ ')
      for (const [index, child] of [...children.entries()].reverse())
        waiting.push({ span: child, branch: index === children.length - 1 ? LAST : '├ ', indent: inner })
    }
  }
  walk(below.get(undefined) ?? [])
  walk(all.filter((span) => !seen.has(span)))
  return { title: 'Spans', prefix: 'spans.', details }
}

const LAST = '└ '
/** Signs of indentation; deeper spans are shown there. */
const DEEPEST = 60

const nanos = (value: number | bigint | string | undefined) => BigInt(value ?? 0)
const startOf = ({ start_time_unix_nano: start }: Span) => nanos(start)

function detailOf(span: Span, branch: string): Detail {
  const end = nanos(span.end_time_unix_nano)
  const ms = end === 0n ? undefined : Number(end - startOf(span)) / 1e6
  const type = span.attributes?.find(({ key }) => key === 'mlflow.spanType')?.value?.string_value
  const failed = span.status?.code === 'STATUS_CODE_ERROR' ? 'failed' : undefined
  return {
    label: branch + (span.name ?? span.span_id ?? ''),
    value: ms,
    kind: 'duration',
    remark: [type, failed].filter(Boolean).join(', '),
  }
}
