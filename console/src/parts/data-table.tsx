// A table whose columns are sorted by buttons in their heads, and whose rows may unfold.
import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { Fragment, type ReactNode } from 'react'

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() })

interface Row {
  key: string
}

export interface Column<T> {
  id: string
  title: string
  /** What it is sorted by; absent: it is not. */
  value?: (row: T) => string | number | undefined
  cell: (row: T) => ReactNode
  isNumber?: boolean
}

export function DataTable<T extends Row>({
  caption,
  rows,
  columns,
  initialSort,
  unfolded,
}: {
  /** Told to readers of screens. */
  caption: string
  rows: T[]
  columns: Column<T>[]
  initialSort?: SortingState
  /** What a row shows below itself. */
  unfolded?: (row: T) => ReactNode
}) {
  const table = useTable({
    features,
    data: rows,
    columns: columns.map(
      ({ id, title, value, isNumber }): ColumnDef<typeof features, T> => ({
        id,
        header: title,
        accessorFn: (row: T) => value?.(row),
        enableSorting: value !== undefined,
        sortFn: compare,
        sortDescFirst: isNumber === true,
        sortUndefined: 'last',
      }),
    ),
    initialState: { sorting: initialSort ?? [] },
    enableSortingRemoval: false,
    getRowId: (row) => row.key,
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard
    // biome-ignore lint/a11y/useSemanticElements: it groups no fields, and is no landmark either
    <div role="group" className="scroll" aria-label={caption} tabIndex={0}>
      <table>
        <caption className="unseen">{caption}</caption>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map(({ id, column }) => {
                const { title = '', isNumber } = columns.find((one) => one.id === column.id) ?? {}
                const sorted = column.getIsSorted()
                const order = sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : undefined
                return (
                  <th key={id} scope="col" aria-sort={order} className={isNumber ? 'number' : undefined}>
                    {column.getCanSort() ? (
                      <button
                        type="button"
                        className="sort"
                        onClick={() => column.toggleSorting(sorted ? sorted === 'asc' : isNumber === true)}
                      >
                        {title}
                        <span aria-hidden="true">
                          {sorted === 'asc' ? '↑' : sorted === 'desc' ? '↓' : ''}
                        </span>
                      </button>
                    ) : (
                      title
                    )}
                  </th>
                )
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map(({ id, original }) => {
            const below = unfolded?.(original)
            return (
              <Fragment key={id}>
                <tr>
                  {columns.map(({ id: column, cell, isNumber }) => (
                    <td key={column} className={isNumber ? 'number' : undefined}>
                      {cell(original)}
                    </td>
                  ))}
                </tr>
                {below ? (
                  <tr className="below">
                    <td colSpan={columns.length}>{below}</td>
                  </tr>
                ) : null}
              </Fragment>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

type Sorted = { getValue: (column: string) => unknown }

function compare(a: Sorted, b: Sorted, column: string): number {
  const [one, other] = [a.getValue(column), b.getValue(column)]
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return String(one ?? '').localeCompare(String(other ?? ''), 'en', { numeric: true })
}
