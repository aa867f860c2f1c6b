import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'

/** Turns the second factor on, step by step, or off. */
export function TwoFactor() {
  const me = useMe()
  const sotto = useSotto()
  const [code, setCode] = useState('')
  const [isOn, setIsOn] = useState(me.secondFactor)
  const start = useMutation({ mutationFn: () => sotto.totp.start() })
  const confirm = useMutation({
    mutationFn: () => sotto.totp.confirm({ code }),
    onSuccess() {
      setIsOn(true)
      setCode('')
    },
  })
  const disable = useMutation({
    mutationFn: () => sotto.totp.disable(/^\d{6}$/.test(code) ? { code } : { recoveryCode: code }),
    onSuccess() {
      setIsOn(false)
      setCode('')
      start.reset()
      confirm.reset()
    },
  })
  const step = isOn ? disable : confirm
  return (
    <section aria-labelledby="second-factor">
      <h3 id="second-factor">Second factor</h3>
      {isOn && !confirm.data && (
        <p className="hint">It is on: signing in takes a code besides the password.</p>
      )}
      {confirm.data && (
        <div role="status" className="callout">
          <p>It is on. Keep these recovery codes: each logs you in once when you have no code.</p>
          <ul className="codes">
            {confirm.data.recoveryCodes.map((one) => (
              <li key={one}>
                <code>{one}</code>
              </li>
            ))}
          </ul>
        </div>
      )}
      {!isOn && !start.data && (
        <>
          <p className="hint">A code from an app on your phone, asked for besides the password.</p>
          <Button onPress={() => start.mutate()} isBusy={start.isPending}>
            Set it up
          </Button>
        </>
      )}
      {start.error && (
        <p role="alert" className="error">
          {errorMessage(start.error)}
        </p>
      )}
      {!isOn && start.data && (
        <p>
          Give your authenticator app this secret, or <a href={start.data.uri}>open it there</a>:{' '}
          <code className="secret">{start.data.secret}</code>
        </p>
      )}
      {(isOn || start.data) && (
        <Form fields={['code']} error={step.error} onSubmit={() => step.mutate()}>
          <Field
            name="code"
            label={isOn ? 'Code or recovery code, to turn it off' : 'The code that the app shows'}
            autoComplete="one-time-code"
            isRequired
            value={code}
            onChange={setCode}
          />
          <Button type="submit" isBusy={step.isPending}>
            {isOn ? 'Turn it off' : 'Turn it on'}
          </Button>
        </Form>
      )}
    </section>
  )
}
