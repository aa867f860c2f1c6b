import { useState } from 'react'
import { FieldError } from 'react-aria-components/FieldError'
import { Form } from 'react-aria-components/Form'
import { Label } from 'react-aria-components/Label'
import { TextArea } from 'react-aria-components/TextArea'
import { TextField } from 'react-aria-components/TextField'
import { Button } from '../ui/button.tsx'
import { ACT_AS, type Credentials } from './credentials.ts'
import { issuesOf } from './issues.ts'
import { bodyOf, type Operation } from './openapi.ts'
import { ParameterField } from './parameter-field.tsx'
import { buildRequest, curlOf, exampleOf } from './request.ts'
import { ResponseView } from './response-view.tsx'
import { useRequest } from './use-request.ts'

/** An operation's form: the example is filled in, the request goes to this server, the answer is shown below. */
export function TryOut({ operation, credentials }: { operation: Operation; credentials: Credentials }) {
  const [filled, setFilled] = useState(() => exampleOf(operation))
  const { attempt, start, stop } = useRequest()
  const request = buildRequest(operation, filled, credentials)
  const parameters = operation.parameters.filter(({ name }) => name !== ACT_AS)
  const issues = issuesOf(attempt)
  const others = [...issues].flatMap(([path, messages]) =>
    parameters.some(({ name }) => name === path)
      ? []
      : messages.map((message) => (path ? `${path}: ${message}` : message)),
  )
  return (
    <section aria-label="Try it">
      <Form
        // The server says what it does not take; that is what one comes to see.
        validationBehavior="aria"
        onSubmit={(event) => {
          event.preventDefault()
          void start(request, credentials)
        }}
      >
        {parameters.map((parameter) => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            issues={issues.get(parameter.name) ?? []}
            value={filled.parameters[parameter.name] ?? ''}
            onChange={(value) =>
              setFilled({ ...filled, parameters: { ...filled.parameters, [parameter.name]: value } })
            }
          />
        ))}
        {bodyOf(operation) && (
          <TextField
            className="field"
            validate={() => others}
            value={filled.body}
            onChange={(body) => setFilled({ ...filled, body })}
          >
            <Label>Body (JSON)</Label>
            <TextArea className="code" rows={filled.body.split('\n').length} spellCheck="false" />
            <FieldError className="error" />
          </TextField>
        )}
        <div className="buttons">
          <Button type="submit" look="primary">
            Send
          </Button>
          {attempt?.isPending && <Button onPress={stop}>Stop</Button>}
        </div>
      </Form>
      <ResponseView attempt={attempt} />
      <h3>With curl</h3>
      <pre className="curl">{curlOf(request, credentials)}</pre>
    </section>
  )
}
