// The form of a policy: what it is about, what it does, to what, and when.
import { useId } from 'react'
import type { Overview } from '../api.ts'
import { Choice, Field } from '../parts/field.tsx'
import { Note } from '../parts/page.tsx'
import { OWN, strategyName } from '../words.ts'
import {
  type Draft,
  filtersFor,
  isAboutTable,
  isThinningTable,
  type Problems,
  strategiesFor,
} from './draft.ts'
import { LadderEditor } from './ladder-editor.tsx'
import { RunTags } from './run-tags.tsx'

export interface FormProps {
  draft: Draft
  /** Name, target and category stay as they are. */
  isKept: boolean
  problems: Problems
  overview: Overview | undefined
  onChange: (changes: Partial<Draft>) => void
}

export function PolicyFields(props: FormProps) {
  return (
    <>
      <What {...props} />
      <How {...props} />
      <Which {...props} />
      <When {...props} />
    </>
  )
}

function What({ draft, isKept, problems, overview, onChange }: FormProps) {
  const id = useId()
  const about = (next: string) => {
    const [first = 'delete'] = strategiesFor({ about: next })
    const isThere = strategiesFor({ about: next }).includes(draft.strategy)
    onChange({ about: next, category: '', ...(!isThere && { strategy: first }) })
  }
  const isDenied = isAboutTable(draft) && overview?.may_change_tables === false
  return (
    <>
      <Field label="Name" problem={problems.name} hint={isKept ? 'The name stays.' : undefined}>
        {(attributes) => (
          <input
            {...attributes}
            value={draft.name}
            readOnly={isKept}
            maxLength={250}
            autoComplete="off"
            onChange={({ target }) => onChange({ name: target.value })}
          />
        )}
      </Field>
      <Field label="About" problem={problems.about}>
        {(attributes) => (
          <select
            {...attributes}
            value={draft.about}
            disabled={isKept}
            onChange={({ target }) => about(target.value)}
          >
            <optgroup label="What the server keeps">
              {Object.entries(OWN).map(([value, title]) => (
                <option key={value} value={value}>
                  {title}
                </option>
              ))}
            </optgroup>
            <optgroup label="Tables beside it">
              <option value="table">A table</option>
            </optgroup>
          </select>
        )}
      </Field>
      {isDenied ? (
        <Note kind="warning">
          This server lets you read policies about tables, and run them, but not make or change them: it takes
          those from clients on its own machine alone, unless it is started with{' '}
          <code>--retention-tables all</code>.
        </Note>
      ) : null}
      {isAboutTable(draft) ? (
        <div className="pair">
          <Field label="Table" problem={problems.table} hint="With its schema, such as doc.sensor_readings.">
            {(attributes) => (
              <>
                <input
                  {...attributes}
                  className="code"
                  list={`${id}tables`}
                  value={draft.table}
                  readOnly={isKept}
                  spellCheck={false}
                  onChange={({ target }) => onChange({ table: target.value })}
                />
                <datalist id={`${id}tables`}>
                  {overview?.tables
                    .filter(({ own }) => !own)
                    .map(({ name }) => (
                      <option key={name} value={name} />
                    ))}
                </datalist>
              </>
            )}
          </Field>
          <Field label="Column" problem={problems.column} hint="The partition column, or the column of time.">
            {(attributes) => (
              <input
                {...attributes}
                className="code"
                value={draft.column}
                spellCheck={false}
                onChange={({ target }) => onChange({ column: target.value })}
              />
            )}
          </Field>
        </div>
      ) : null}
    </>
  )
}

function How({ draft, isKept, problems, overview, onChange }: FormProps) {
  const id = useId()
  const hasPartitions = overview === undefined || overview.engine === 'cratedb'
  const takesPartitions = (strategy: string) => ['reallocate', 'snapshot'].includes(strategy)
  return (
    <>
      <Choice
        label="What it does"
        name={`${id}strategy`}
        value={draft.strategy}
        options={strategiesFor(draft).map((strategy) => ({
          value: strategy,
          title:
            strategyName(strategy) + (takesPartitions(strategy) && !hasPartitions ? ' (takes CrateDB)' : ''),
          isDisabled: takesPartitions(strategy) && !hasPartitions && draft.strategy !== strategy,
        }))}
        onChange={(strategy) => onChange({ strategy })}
      />
      {problems.strategy ? <p className="problem">{problems.strategy}</p> : null}
      {draft.strategy === 'downsample' ? (
        <LadderEditor
          text={draft.ladder}
          problem={problems.ladder}
          onChange={(ladder) => onChange({ ladder })}
        />
      ) : (
        <Field
          label="Older than"
          problem={problems.duration}
          hint="Such as 90m, 12h, 4w, 365d, 1y, 1d12h. A year has 365 days."
        >
          {(attributes) => (
            <input
              {...attributes}
              className="code short"
              value={draft.duration}
              onChange={({ target }) => onChange({ duration: target.value })}
            />
          )}
        </Field>
      )}
      {isThinningTable(draft) ? <Buckets {...{ draft, problems, onChange }} /> : null}
      {isAboutTable(draft) && !['reallocate', 'downsample'].includes(draft.strategy) ? (
        <Field label="Takes" problem={problems.category} hint={isKept ? 'It stays.' : undefined}>
          {(attributes) => (
            <select
              {...attributes}
              value={draft.category}
              disabled={isKept}
              onChange={({ target }) => onChange({ category: target.value })}
            >
              {isKept ? null : <option value="">what the column tells</option>}
              <option value="partition">whole partitions</option>
              <option value="timerange">rows by their time</option>
            </select>
          )}
        </Field>
      ) : null}
      {draft.strategy === 'reallocate' ? (
        <div className="pair">
          <Field
            label="Attribute of nodes"
            problem={problems.attribute}
            hint="Nodes are started with -Cnode.attr.storage=cold."
          >
            {(attributes) => (
              <input
                {...attributes}
                className="code"
                value={draft.attribute}
                onChange={({ target }) => onChange({ attribute: target.value })}
              />
            )}
          </Field>
          <Field label="Its value" problem={problems.attribute_value}>
            {(attributes) => (
              <input
                {...attributes}
                className="code"
                value={draft.attribute_value}
                onChange={({ target }) => onChange({ attribute_value: target.value })}
              />
            )}
          </Field>
        </div>
      ) : null}
      {draft.strategy === 'snapshot' ? (
        <Field
          label="Repository"
          problem={problems.repository}
          hint="Nothing is deleted before its snapshot is proved."
        >
          {(attributes) => (
            <input
              {...attributes}
              className="code"
              value={draft.repository}
              onChange={({ target }) => onChange({ repository: target.value })}
            />
          )}
        </Field>
      ) : null}
    </>
  )
}

/** What is kept of the rows of a table, and where. */
function Buckets({ draft, problems, onChange }: Pick<FormProps, 'draft' | 'problems' | 'onChange'>) {
  return (
    <>
      <div className="pair">
        <Field
          label="A series for each value of"
          problem={problems.by}
          hint="Columns, one a line, such as sensor. Empty: all rows are one series."
        >
          {(attributes) => (
            <textarea
              {...attributes}
              className="code"
              rows={3}
              value={draft.by}
              spellCheck={false}
              onChange={({ target }) => onChange({ by: target.value })}
            />
          )}
        </Field>
        <Field
          label="What is kept of columns"
          problem={problems.aggregates}
          hint="One a line, such as temperature:min,max,mean. Empty: count, sum, min, max, first and last of each column of numbers."
        >
          {(attributes) => (
            <textarea
              {...attributes}
              className="code"
              rows={3}
              value={draft.aggregates}
              spellCheck={false}
              onChange={({ target }) => onChange({ aggregates: target.value })}
            />
          )}
        </Field>
      </div>
      <Field
        label="Buckets go into"
        problem={problems.into}
        hint="A table that the server makes, such as doc.readings_by_time. Empty: beside it, with _downsampled behind its name."
      >
        {(attributes) => (
          <input
            {...attributes}
            className="code"
            value={draft.into}
            spellCheck={false}
            onChange={({ target }) => onChange({ into: target.value })}
          />
        )}
      </Field>
    </>
  )
}

function Which({ draft, problems, onChange }: FormProps) {
  const filters = filtersFor(draft)
  return (
    <>
      {filters.experiments ? (
        <Field
          label="Only of experiments named"
          problem={problems.experiment_pattern}
          hint="With % for any text and _ for a letter, such as team-a/%. Empty: of all."
        >
          {(attributes) => (
            <input
              {...attributes}
              value={draft.experiment_pattern}
              onChange={({ target }) => onChange({ experiment_pattern: target.value })}
            />
          )}
        </Field>
      ) : null}
      {filters.runTags ? (
        <RunTags
          tags={draft.run_tags}
          problem={problems.run_tags}
          onChange={(run_tags) => onChange({ run_tags })}
        />
      ) : null}
      <Field
        label="Tags of the policy"
        problem={problems.tags}
        hint="Separated by commas; policies are run and listed by them."
      >
        {(attributes) => (
          <input
            {...attributes}
            value={draft.tags}
            onChange={({ target }) => onChange({ tags: target.value })}
          />
        )}
      </Field>
    </>
  )
}

function When({ draft, problems, onChange }: FormProps) {
  const id = useId()
  return (
    <>
      <Choice
        label="When it runs"
        name={`${id}when`}
        value={draft.when}
        options={[
          { value: 'hand', title: 'by hand' },
          { value: 'every', title: 'every …' },
          { value: 'cron', title: 'by cron' },
        ]}
        onChange={(when) => onChange({ when })}
      />
      {draft.when === 'every' ? (
        <Field label="Every" problem={problems.every} hint="A minute is the shortest.">
          {(attributes) => (
            <input
              {...attributes}
              className="code short"
              value={draft.every}
              onChange={({ target }) => onChange({ every: target.value })}
            />
          )}
        </Field>
      ) : null}
      {draft.when === 'cron' ? (
        <Field
          label="Cron"
          problem={problems.cron}
          hint="Five fields, in UTC: minute, hour, day of the month, month, day of the week. 0 3 * * * is three o'clock every night."
        >
          {(attributes) => (
            <input
              {...attributes}
              className="code short"
              value={draft.cron}
              onChange={({ target }) => onChange({ cron: target.value })}
            />
          )}
        </Field>
      ) : null}
      <label className="check">
        <input
          type="checkbox"
          checked={draft.enabled}
          onChange={({ target }) => onChange({ enabled: target.checked })}
        />
        Enabled: runs by schedule and with others of its tags
      </label>
    </>
  )
}
