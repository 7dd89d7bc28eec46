// A field of a form: its label, what it is for, and what is wrong with it, bound together for readers of screens.
import { type ReactNode, useId } from 'react'

export interface FieldProps {
  id: string
  'aria-describedby': string | undefined
  'aria-invalid': boolean | undefined
}

export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: string
  hint?: ReactNode
  problem?: string | undefined
  /** Makes the input with these attributes. */
  children: (attributes: FieldProps) => ReactNode
}) {
  const id = useId()
  const described = [hint ? `${id}hint` : '', problem ? `${id}problem` : ''].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-describedby': described || undefined,
        'aria-invalid': problem ? true : undefined,
      })}
      {problem ? (
        <p id={`${id}problem`} className="problem">
          {problem}
        </p>
      ) : null}
      {hint ? (
        <p id={`${id}hint`} className="hint">
          {hint}
        </p>
      ) : null}
    </div>
  )
}

/** A choice among few. */
export function Choice<T extends string>({
  label,
  name,
  value,
  options,
  onChange,
}: {
  label: string
  name: string
  value: T
  options: { value: T; title: string; isDisabled?: boolean }[]
  onChange: (value: T) => void
}) {
  return (
    <fieldset className="choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            disabled={option.isDisabled}
            onChange={() => onChange(option.value)}
          />
          {option.title}
        </label>
      ))}
    </fieldset>
  )
}
