// A button that asks before it does what cannot be taken back.
import { type ReactNode, useId, useRef } from 'react'

export function ConfirmButton({
  label,
  className,
  question,
  confirm,
  isDisabled,
  children,
  onConfirm,
}: {
  label: string
  className?: string
  question: string
  /** What the button in the dialog says. */
  confirm: string
  isDisabled?: boolean
  children: ReactNode
  onConfirm: () => void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  return (
    <>
      <button
        type="button"
        className={className}
        disabled={isDisabled}
        onClick={() => dialog.current?.showModal()}
      >
        {label}
      </button>
      <dialog ref={dialog} aria-labelledby={id}>
        <h2 id={id}>{question}</h2>
        {children}
        <div className="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Not now
          </button>
          <button
            type="button"
            className={className === 'danger' ? 'danger' : 'primary'}
            onClick={() => {
              dialog.current?.close()
              onConfirm()
            }}
          >
            {confirm}
          </button>
        </div>
      </dialog>
    </>
  )
}
