import { useSotto } from '@sotto/react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useMe } from '../session/me.ts'
import { Button } from '../ui/button.tsx'
import { errorMessage } from '../ui/error-message.ts'
import { Field } from '../ui/field.tsx'
import { Form } from '../ui/form.tsx'
import { Time } from '../ui/time.tsx'

/** Sets up or turns off two-factor authentication. */
export function TwoFactor() {
  const me = useMe()
  const sotto = useSotto()
  const [code, setCode] = useState('')
  const [isOn, setIsOn] = useState(me.secondFactor)
  const isAppCode = /^\d{6}$/.test(code)
  const start = useMutation({ mutationFn: () => sotto.totp.start() })
  const confirm = useMutation({
    mutationFn: () => sotto.totp.confirm({ code }),
    onSuccess() {
      setIsOn(true)
      setCode('')
    },
  })
  const disable = useMutation({
    mutationFn: () => sotto.totp.disable(isAppCode ? { code } : { recoveryCode: code }),
    onSuccess() {
      setIsOn(false)
      setCode('')
      start.reset()
      confirm.reset()
    },
  })
  const step = isOn ? disable : confirm
  return (
    <section aria-labelledby="two-factor">
      <h3 id="two-factor">Two-factor authentication</h3>
      {isOn && !confirm.data && (
        <p className="hint">On. Signing in requires a code from your authenticator app.</p>
      )}
      {isOn && me.lastWrongCodeAt && (
        <p className="hint">
          Last wrong code: <Time at={me.lastWrongCodeAt} />. If that was not you, someone knows your password:
          change it.
        </p>
      )}
      {confirm.data && (
        <div role="status" className="callout">
          <p>
            Two-factor authentication is on. Save these recovery codes: each can be used once to sign in
            without your authenticator app.
          </p>
          <ul className="codes">
            {confirm.data.recoveryCodes.map((recoveryCode) => (
              <li key={recoveryCode}>
                <code>{recoveryCode}</code>
              </li>
            ))}
          </ul>
        </div>
      )}
      {!isOn && !start.data && (
        <>
          <p className="hint">Require a code from an authenticator app when you sign in.</p>
          <Button onPress={() => start.mutate()} isBusy={start.isPending}>
            Set up
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
          Enter this key in your authenticator app, or <a href={start.data.uri}>open the app</a>:{' '}
          <code className="secret">{start.data.secret}</code>
        </p>
      )}
      {(isOn || start.data) && (
        <Form fields={['code', 'recoveryCode']} error={step.error} onSubmit={() => step.mutate()}>
          <Field
            name={isOn && !isAppCode ? 'recoveryCode' : 'code'}
            label={isOn ? 'Code or recovery code' : 'Code from your authenticator app'}
            autoComplete="one-time-code"
            isRequired
            value={code}
            onChange={setCode}
          />
          <Button type="submit" isBusy={step.isPending}>
            {isOn ? 'Turn off' : 'Turn on'}
          </Button>
        </Form>
      )}
    </section>
  )
}
