// Tables with their rows and bytes; a table that months are told of unfolds them.
import { useId, useState } from 'react'
import { Link } from 'wouter'
import type { Overview } from '../api.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty, Section } from '../parts/page.tsx'
import { bytes, count } from '../words.ts'

type Table = Overview['tables'][number]
type Row = Table & { key: string }

export function Tables({ tables, engine }: { tables: Table[]; engine: string }) {
  const [text, setText] = useState('')
  const [whose, setWhose] = useState('all')
  const [isEmptyShown, showEmpty] = useState(false)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const id = useId()
  const shown = tables
    .filter(({ name }) => name.toLowerCase().includes(text.trim().toLowerCase()))
    .filter(({ own }) => whose === 'all' || own === (whose === 'own'))
    .filter(({ rows }) => isEmptyShown || rows !== 0)
    .map((table) => ({ ...table, key: table.name }))

  const toggle = (name: string) => {
    const next = new Set(open)
    if (!next.delete(name)) next.add(name)
    setOpen(next)
  }
  return (
    <Section title="Tables" aside={`${count(shown.length)} of ${count(tables.length)}`}>
      <form className="filters" onSubmit={(event) => event.preventDefault()}>
        <label htmlFor={`${id}text`}>Name</label>
        <input id={`${id}text`} type="search" value={text} onChange={({ target }) => setText(target.value)} />
        <label htmlFor={`${id}whose`}>Whose</label>
        <select id={`${id}whose`} value={whose} onChange={({ target }) => setWhose(target.value)}>
          <option value="all">all tables</option>
          <option value="own">the server's</option>
          <option value="others">yours</option>
        </select>
        <label className="check">
          <input
            type="checkbox"
            checked={isEmptyShown}
            onChange={({ target }) => showEmpty(target.checked)}
          />
          Empty ones, too
        </label>
      </form>
      {shown.length > 0 ? (
        <DataTable
          caption="Tables"
          rows={shown}
          columns={columnsOf(open, toggle)}
          initialSort={[{ id: 'bytes', desc: true }]}
          unfolded={(table) => (open.has(table.name) ? <Months table={table} /> : undefined)}
        />
      ) : (
        <Empty>{tables.length > 0 ? 'No table is like that.' : 'This user of the database sees none.'}</Empty>
      )}
      {engine === 'cratedb' ? null : (
        <p className="hint">
          This database keeps no partitions by month: tables of the server that are small enough are counted.
          Rows of other tables are the database's estimate.
        </p>
      )}
    </Section>
  )
}

const columnsOf = (open: ReadonlySet<string>, toggle: (name: string) => void): Column<Row>[] => [
  {
    id: 'name',
    title: 'Table',
    value: ({ name }) => name,
    cell: (table) => (
      <>
        <code>{table.name}</code>
        {table.own ? <span className="tag">server</span> : null}
      </>
    ),
  },
  { id: 'rows', title: 'Rows', isNumber: true, value: ({ rows }) => rows, cell: ({ rows }) => count(rows) },
  {
    id: 'bytes',
    title: 'Size',
    isNumber: true,
    value: ({ bytes }) => bytes,
    cell: (table) => bytes(table.bytes),
  },
  {
    id: 'per row',
    title: 'Per row',
    isNumber: true,
    value: perRow,
    cell: (table) => {
      const size = perRow(table)
      return size === undefined ? '–' : bytes(size)
    },
  },
  {
    id: 'months',
    title: 'Months',
    value: ({ months }) => months.length,
    cell: ({ name, months }) =>
      months.length > 0 ? (
        <button
          type="button"
          className="quiet"
          aria-expanded={open.has(name)}
          aria-label={`Months of ${name}: ${months.length}`}
          onClick={() => toggle(name)}
        >
          {months.length} <span aria-hidden="true">{open.has(name) ? '▾' : '▸'}</span>
        </button>
      ) : (
        '–'
      ),
  },
  {
    id: 'policy',
    title: 'Policy',
    cell: ({ name, own }) =>
      own ? null : (
        <Link
          href={`/lifecycle/policies/new?target=${encodeURIComponent(name)}`}
          aria-label={`New policy about ${name}`}
        >
          New
        </Link>
      ),
  },
]

/** Of few rows it tells the size of an empty table. */
const LEAST_ROWS = 100
const perRow = ({ rows, bytes }: Table): number | undefined =>
  rows !== undefined && rows >= LEAST_ROWS && bytes !== undefined ? bytes / rows : undefined

function Months({ table }: { table: Table }) {
  const most = Math.max(...table.months.map(({ rows }) => rows), 1)
  return (
    <table className="months">
      <caption className="unseen">Months of {table.name}</caption>
      <thead>
        <tr>
          <th scope="col">Month</th>
          <th scope="col" className="number">
            Rows
          </th>
          <th scope="col" className="number">
            Size
          </th>
          <td />
        </tr>
      </thead>
      <tbody>
        {table.months.toReversed().map(({ month, rows, bytes: size }) => (
          <tr key={month}>
            <th scope="row">{month}</th>
            <td className="number">{count(rows)}</td>
            <td className="number">{bytes(size)}</td>
            <td className="bar-cell">
              <div className="bar" style={{ width: `${(rows / most) * 100}%` }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
