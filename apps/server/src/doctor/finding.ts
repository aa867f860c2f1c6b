/** The result of one check of `sotto doctor`. */
export interface Finding {
  check: string
  /** `failed`: does not work. `warning`: works now, but will cause problems. */
  status: 'ok' | 'warning' | 'failed'
  detail: string
  /** How to fix it. */
  todo?: string
}

export function ok(check: string, detail: string): Finding {
  return { check, status: 'ok', detail }
}

export function warning(check: string, detail: string, todo: string): Finding {
  return { check, status: 'warning', detail, todo }
}

export function failed(check: string, detail: string, todo: string): Finding {
  return { check, status: 'failed', detail, todo }
}
