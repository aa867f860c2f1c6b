import { useState } from 'react'
import { FieldError } from 'react-aria-components/FieldError'
import { Form } from 'react-aria-components/Form'
import { Label } from 'react-aria-components/Label'
import { TextArea } from 'react-aria-components/TextArea'
import { TextField } from 'react-aria-components/TextField'
import { Button } from '../ui/button.tsx'
import type { Credentials } from './credentials.ts'
import { issuesOf } from './issues.ts'
import { bodyOf, type Operation } from './openapi.ts'
import { ParameterField } from './parameter-field.tsx'
import { buildRequest, curlOf, exampleOf } from './request.ts'
import { ResponseView } from './response-view.tsx'
import { useRequest } from './use-request.ts'

/** A form, filled in with an example, that sends a request to this server and shows the response. */
export function TryOut({ operation, credentials }: { operation: Operation; credentials: Credentials }) {
  const [values, setValues] = useState(() => exampleOf(operation))
  const { request, start, stop } = useRequest()
  const spec = buildRequest(operation, values, credentials)
  const parameters = operation.parameters.filter((parameter) => parameter.in !== 'header')
  const issues = issuesOf(request)
  const bodyIssues = [...issues].flatMap(([path, messages]) =>
    parameters.some(({ name }) => name === path)
      ? []
      : messages.map((message) => (path ? `${path}: ${message}` : message)),
  )
  return (
    <section aria-label="Try it">
      <Form
        // No client-side validation: the point is to see how the server responds.
        validationBehavior="aria"
        onSubmit={(event) => {
          event.preventDefault()
          void start(spec, credentials)
        }}
      >
        {parameters.map((parameter) => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            issues={issues.get(parameter.name) ?? []}
            value={values.parameters[parameter.name] ?? ''}
            onChange={(value) =>
              setValues({ ...values, parameters: { ...values.parameters, [parameter.name]: value } })
            }
          />
        ))}
        {bodyOf(operation) && (
          <TextField
            className="field"
            validate={() => bodyIssues}
            value={values.body}
            onChange={(body) => setValues({ ...values, body })}
          >
            <Label>Body (JSON)</Label>
            <TextArea className="code" rows={values.body.split('\n').length} spellCheck="false" />
            <FieldError className="error" />
          </TextField>
        )}
        <div className="buttons">
          <Button type="submit" variant="primary">
            Send
          </Button>
          {request?.isPending && <Button onPress={stop}>Stop</Button>}
        </div>
      </Form>
      <ResponseView request={request} />
      <h3>curl</h3>
      <pre className="curl">{curlOf(spec, credentials)}</pre>
    </section>
  )
}
