// The tags that runs must have: pairs of a key and a value.
import type { Draft } from './draft.ts'

type Tags = Draft['run_tags']

export function RunTags({
  tags,
  problem,
  onChange,
}: {
  tags: Tags
  problem: string | undefined
  onChange: (tags: Tags) => void
}) {
  const change = (index: number, changes: Partial<Tags[number]>) =>
    onChange(tags.map((tag, i) => (i === index ? { ...tag, ...changes } : tag)))
  return (
    <fieldset className="run-tags">
      <legend>Only of runs with all of these tags</legend>
      {tags.map((tag, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: keys of tags are being typed
        <div key={i} className="run-tag">
          <input
            aria-label={`Key of tag ${i + 1}`}
            placeholder="key"
            value={tag.key}
            onChange={({ target }) => change(i, { key: target.value })}
          />
          <span aria-hidden="true">=</span>
          <input
            aria-label={`Value of tag ${i + 1}`}
            placeholder="value"
            value={tag.value}
            onChange={({ target }) => change(i, { value: target.value })}
          />
          <button
            type="button"
            className="quiet"
            aria-label={`Remove tag ${i + 1}`}
            onClick={() => onChange(tags.filter((_, at) => at !== i))}
          >
            Remove
          </button>
        </div>
      ))}
      {problem ? <p className="problem">{problem}</p> : null}
      <button type="button" onClick={() => onChange([...tags, { key: '', value: '' }])}>
        Add a tag
      </button>
    </fieldset>
  )
}
